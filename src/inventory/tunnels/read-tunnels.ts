import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { checkSchema } from '../../lang/schema.ts';
import type { Located, Pointer } from '../../lang/yaml.ts';
import { sortNaturally } from '../../model/natural-order.ts';
import { isSafeName, LONGEST_NAME } from '../../model/safe-name.ts';
import type { Secret } from '../../model/secret.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import { isUnopened, UNOPENED } from '../../model/unopened.ts';
import { literalSecrets } from '../../secrets/literal-secrets.ts';
import { resolveSecrets } from '../../secrets/resolve.ts';
import { type SecretSpec, vaultOf } from '../../secrets/secret-spec.ts';
import type { SecretSources } from '../../secrets/sources.ts';
import { buildKeying } from './build-keying.ts';
import { crossCheck, type Made } from './cross-checks.ts';
import { isAbsent, type KeyingSpec, keyingMethod, readKeying, secretsOf } from './keying.ts';
import { type Expansion, expand } from './members.ts';
import { misplacedVaults } from './misplaced-vaults.ts';
import { checkName, checkNickname } from './names.ts';
import { mappingOf, nameSpan, type Origin, type Report, readOrigins, titleOf } from './origin.ts';
import { pairChecker } from './pair-checks.ts';
import { placeFinder } from './place.ts';
import { readSettings, type Settings } from './settings.ts';
import { type HostLookup, type Side, sideResolver } from './sides.ts';
import { withoutKeys, withSourceTexts } from './source-text.ts';
import { structuralSchema } from './structural-schema.ts';

export interface TunnelsRead {
  /** In natural order of their names; those with an error are left out. */
  readonly tunnels: readonly Tunnel[];
  /** The file's settings for racoon.conf as they stand there; the backend reads them. */
  readonly racoon: { readonly value: unknown; readonly at: Pointer } | null;
  /** Every secret that was written or fetched, of faulty tunnels too: for a redactor, before anything is shown. */
  readonly secrets: readonly Secret[];
  /** What was found in each place that holds a key, or the master of derived ones. */
  readonly keys: ReadonlyMap<SecretSpec, Secret>;
  readonly diagnostics: readonly Diagnostic[];
}

export interface TunnelsContext extends Omit<HostLookup, 'hosts'> {
  readonly secrets: SecretSources;
  /** Whether encrypted keys of tunnels between (some of) these hosts are needed; else they stay closed. Default: yes. */
  readonly wants?: ((hosts: readonly string[]) => boolean) | undefined;
}

/** Resolves a parsed tunnels.yml against the inventory's hosts. */
export async function readTunnels(
  written: Located,
  hosts: HostLookup['hosts'],
  context: TunnelsContext,
): Promise<TunnelsRead> {
  const diagnostics: Diagnostic[] = [];
  const report: Report = (diagnostic) => diagnostics.push(diagnostic);
  if (written.value === null || written.value === undefined)
    return { tunnels: [], racoon: null, secrets: [], keys: new Map(), diagnostics };

  const document = withSourceTexts(written);
  diagnostics.push(...checkSchema(structuralSchema(), withoutKeys(document)));
  const lookup: HostLookup = { ...context, hosts, varsOf: once(context.varsOf) };
  const resolve = sideResolver(document, lookup, report);
  const entries = readOrigins(document).map((origin) => readEntry(origin, document, resolve, report));

  const specs = entries.flatMap((entry) => neededSecrets(entry, context));
  const closed = specs.flatMap(({ spec, closed }): [SecretSpec, Secret][] => (closed ? [[spec, UNOPENED]] : []));
  const open = specs.flatMap(({ spec, closed }) => (closed ? [] : [spec]));
  const fetched = await resolveSecrets(open, document, context.secrets);
  diagnostics.push(...fetched.diagnostics, ...misplacedVaults(document));

  const secrets = new Map([...fetched.secrets, ...closed]);
  const made = entries.flatMap((entry) => makeTunnels(entry, secrets, document, lookup, report));
  crossCheck(made, document, report);
  const tunnels = made.map(({ tunnel }) => tunnel);
  return {
    tunnels: sortNaturally(tunnels, ({ name }) => name),
    racoon: racoonOf(document),
    secrets: [...new Set([...literalSecrets(document), ...fetched.secrets.values(), ...psks(tunnels)])].filter(
      (secret) => !isUnopened(secret),
    ),
    keys: fetched.secrets,
    diagnostics: sortByPlace(diagnostics),
  };
}

/** One entry of the file, read as far as it goes without its secrets. */
interface Entry {
  readonly origin: Origin;
  readonly settings: Settings;
  readonly expansion: Expansion;
  /** In the order of the expansion's members. */
  readonly sides: readonly (Side | null)[];
  readonly keying: KeyingSpec | null;
}

/** The secrets of an entry; those that are encrypted stay closed where nobody wants them. */
function neededSecrets({ origin, expansion, keying }: Entry, { wants }: TunnelsContext) {
  if (!keying || isAbsent(origin)) return [];
  const wanted = wants?.(expansion.members.map(({ host }) => host)) ?? true;
  return secretsOf(keying).map((spec) => ({ spec, closed: !wanted && vaultOf(spec) !== undefined }));
}

function readEntry(origin: Origin, document: Located, resolve: ReturnType<typeof sideResolver>, report: Report): Entry {
  const unsafe = checkName(`the name of a ${titleOf(origin).split(' ')[0]}`, origin.name, 'tunnel-name-unsafe', () =>
    nameSpan(document, origin),
  );
  if (unsafe) report(unsafe);
  const method = keyingMethod(origin, document, report);
  const settings = readSettings(origin, method === 'manual', document, report);
  const expansion = expand(origin, document, report);
  const sides = expansion.members.map((member) => resolve(member, settings));
  const keying = readKeying(origin, method, expansion.members, document, report);
  if (!unsafe) checkExpandedNames(origin, expansion, sides, document, report);
  return { origin, settings, expansion, sides, keying };
}

/** The names that a mesh or hub makes, and the nicknames that tunnels' names become. One report an entry. */
function checkExpandedNames(
  origin: Origin,
  { pairs }: Expansion,
  sides: readonly (Side | null)[],
  document: Located,
  report: Report,
): void {
  const place = () => nameSpan(document, origin);
  if (origin.kind !== 'tunnels') {
    const long = pairs.filter(({ name }) => name.length > LONGEST_NAME);
    if (long[0]) {
      const message = `${titleOf(origin)} makes ${long.length} names longer than ${LONGEST_NAME} characters`;
      report(
        error('tunnel-name-unsafe', message, { span: place(), found: long[0].name, fix: 'a shorter name for it' }),
      );
      return;
    }
  }
  const nameless = pairs.find(({ ends }) =>
    ends.some((end) => sides[end]?.managed === true && sides[end]?.nickname === undefined),
  );
  const fault = nameless && isSafeName(nameless.name) ? checkNickname(nameless.name, place) : null;
  if (fault) report(fault);
}

function makeTunnels(
  { origin, settings, expansion, sides, keying }: Entry,
  secrets: ReadonlyMap<SecretSpec, Secret>,
  document: Located,
  lookup: HostLookup,
  report: Report,
): Made[] {
  const keyingOf = keying && buildKeying(keying, settings, secrets, document, report);
  const fits = pairChecker(settings, document, report);
  const placeOf = placeFinder(origin, document, lookup);
  const { type, ike, onboot, state } = settings;
  const protocols = protocolsOf(settings, keying);
  return expansion.pairs.flatMap(({ name, ends: [first, second] }): Made[] => {
    const a = sides[first];
    const b = sides[second];
    if (!a || !b || !fits(a, b) || !keyingOf || type === null) return [];
    const pairKeying = keyingOf(a.host, b.host);
    if (!pairKeying) return [];
    const at = placeOf([a.member, b.member]);
    const ends = [endOf(a, name), endOf(b, name)] as const;
    return [{ origin, tunnel: { name, type, ends, keying: pairKeying, ike, ...protocols, onboot, state, at } }];
  });
}

function endOf({ host, managed, nickname, address, network, gateway }: Side, name: string): Tunnel['ends'][0] {
  return {
    host,
    managed,
    nickname: nickname ?? name,
    address,
    ...(network ? { network } : {}),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

/** A protocol that has no manual SAs is off, whether that is written or not. */
function protocolsOf({ esp, ah }: Settings, keying: KeyingSpec | null): Pick<Tunnel, 'esp' | 'ah'> {
  if (keying?.method !== 'manual') return { esp, ah };
  return {
    esp: keying.sent.some((sent) => sent.esp) ? esp : false,
    ah: keying.sent.some((sent) => sent.ah) ? ah : false,
  };
}

function psks(tunnels: readonly Tunnel[]): readonly Secret[] {
  return tunnels.flatMap(({ keying }) => (keying.method === 'psk' ? [keying.psk] : []));
}

function racoonOf(document: Located): TunnelsRead['racoon'] {
  const { racoon } = mappingOf(document.value);
  return racoon === undefined || racoon === null ? null : { value: racoon, at: ['racoon'] };
}

function once<K, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    if (!known.has(key)) known.set(key, compute(key));
    return known.get(key) as V;
  };
}

function sortByPlace(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...diagnostics].sort(
    ({ span: a }, { span: b }) => (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0),
  );
}
