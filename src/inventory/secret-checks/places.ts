import type { Pointer } from '../../lang/yaml.ts';

/** What messages call a place of tunnels.yml that holds a key: `the psk of tunnel lana-lanb`. */
export function describePlace(pointer: Pointer): string {
  const [kind, name] = pointer;
  const owner = kind === 'defaults' ? 'the defaults' : `${TITLES[String(kind)] ?? kind} ${name}`;
  const [method, host, protocol, key] = pointer.slice(pointer.indexOf('keying') + 1);
  if (method === 'manual') return `the ${protocol} ${key} that ${host} sends with in ${owner}`;
  return pointer.at(-1) === 'derive' ? `the master key of ${owner}` : `the psk of ${owner}`;
}

const TITLES: Readonly<Record<string, string>> = { tunnels: 'tunnel', meshes: 'mesh', hubs: 'hub' };

/** How to get a better key into a place. */
export function keygenFix([kind, name]: Pointer): string {
  if (kind === 'defaults') return 'a keying of its own for each tunnel, and ipsec-play keygen draws the keys';
  return `ipsec-play keygen ${name} --force draws a new one, encrypted`;
}
