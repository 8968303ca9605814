import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serve } from '../../src/lab/attach.ts';
import { startLab } from '../../src/lab/lab.ts';
import { type Wire, wireTo } from '../chaos/wire.ts';

/** The lab of a project, served by this process to command lines of their own, which may die, over cables that can be cut. */
export interface ServedLab<W = Wire> {
  readonly wires: ReadonlyMap<string, W>;
  stop(): Promise<void>;
}

/** For a lab that a run has made before. `layWire`: to a port of this machine. */
export async function serveLab(project: string, names: readonly string[]): Promise<ServedLab<Wire>>;
export async function serveLab<W extends Pick<Wire, 'port' | 'close'>>(
  project: string,
  names: readonly string[],
  layWire: (port: number) => Promise<W>,
): Promise<ServedLab<W>>;
export async function serveLab(
  project: string,
  names: readonly string[],
  layWire: (port: number) => Promise<Pick<Wire, 'port' | 'close'>> = wireTo,
): Promise<ServedLab<Pick<Wire, 'port' | 'close'>>> {
  const directory = join(project, '.ipsec-play/lab');
  const madeFor = (name: string) =>
    JSON.parse(readFileSync(join(directory, name, 'made-for'), 'utf8')) as { release: string; addresses: string[] };
  const lab = await startLab({
    directory,
    hosts: names.map((name) => ({ name, release: madeFor(name).release, addresses: madeFor(name).addresses })),
  });
  const portOf = (name: string) =>
    lab.target({ name, connection: 'ssh' } as Parameters<typeof lab.target>[0]).port ?? 0;
  const wires = new Map<string, Pick<Wire, 'port' | 'close'>>();
  for (const name of names) wires.set(name, await layWire(portOf(name)));
  // Each host's key is known at its own port: at that of the wire, too.
  const known = readFileSync(lab.knownHostsFile, 'utf8').trim().split('\n');
  const knownHostsFile = join(directory, 'known_hosts_wired');
  writeFileSync(
    knownHostsFile,
    names
      .map((name) => {
        const line = known.find((each) => each.startsWith(`[127.0.0.1]:${portOf(name)} `)) ?? '';
        return `${line.replace(/^\S+/, `[127.0.0.1]:${wires.get(name)?.port}`)}\n`;
      })
      .join(''),
  );
  serve(directory, {
    programs: join(directory, '.programs'),
    identityFile: lab.identityFile,
    knownHostsFile,
    hosts: Object.fromEntries(
      names.map((name) => [name, { root: join(directory, name, 'root'), port: wires.get(name)?.port ?? 0 }]),
    ),
  });
  return {
    wires,
    stop: async () => {
      for (const wire of wires.values()) await wire.close();
      await lab.stop();
    },
  };
}
