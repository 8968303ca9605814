import { type Diagnostic, error, warning } from '../../lang/diagnostic.ts';
import { didYouMean } from '../../lang/did-you-mean.ts';
import { opened } from '../../lang/opened.ts';
import { faultDiagnostic, TemplateFault } from '../../lang/template-fault.ts';
import { Vaulted } from '../../lang/vaulted.ts';
import type { Located } from '../../lang/yaml.ts';
import type { Host, Variables } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';
import type { Span } from '../../model/span.ts';
import { contains, isPrivate, parseAddress, type Subnet } from '../../model/subnet.ts';
import { isUnopened } from '../../model/unopened.ts';
import { publicText } from '../public-text.ts';
import { readAddress, readNetwork } from './addresses.ts';
import type { Member } from './members.ts';
import { checkName, checkNickname } from './names.ts';
import type { Report } from './origin.ts';
import type { Settings } from './settings.ts';

/** One end, resolved but for its nickname's default. Shared by the tunnels of a mesh. */
export interface Side {
  readonly host: string;
  readonly managed: boolean;
  readonly nickname: string | undefined;
  readonly address: string;
  readonly isPrivate: boolean;
  readonly network?: Subnet;
  readonly gateway?: string;
  readonly member: Member;
}

export interface HostLookup {
  readonly hosts: ReadonlyMap<string, Host>;
  /** A host's variables, rendered. */
  varsOf(host: Host): Variables;
  /** Where a host variable was written, if that is known. */
  spanOfVar?: ((host: Host, name: string) => Span | undefined) | undefined;
}

/**
 * Resolves the ends that entries name: from what is written, then host variables, then `ansible_host`. Make one for all
 * entries: an end of which no more than a nickname is written is found once for each host, unless there is something to
 * say of it.
 */
export function sideResolver(document: Located, lookup: HostLookup, report: Report) {
  const known = new Map<string, Found>();
  return (member: Member, settings: Settings): Side | null => {
    const nickname = readNickname(member, document, report);
    const id = isWritten(member) ? null : `${settings.type} ${settings.state} ${member.host}`;
    let found = id === null ? undefined : known.get(id);
    if (!found) {
      let isSilent = true;
      const made = resolveEnd(member, settings, document, lookup, (diagnostic) => {
        isSilent = false;
        report(diagnostic);
      });
      if (made === null) return null;
      if (id !== null && isSilent) known.set(id, made);
      found = made;
    }
    return nickname === null ? null : { ...found, nickname, member };
  };
}

/** An end without what is its own in each tunnel. */
type Found = Omit<Side, 'nickname' | 'member'>;

/** Null: it cannot be used. */
function readNickname({ written, pointer }: Member, document: Located, report: Report): string | undefined | null {
  if (typeof written.nickname !== 'string') return undefined;
  const fault = checkNickname(written.nickname, () => document.span([...pointer, 'nickname']));
  if (fault === null) return written.nickname;
  report(fault);
  return null;
}

/** Whether an entry says more of the end than its nickname. */
function isWritten({ written }: Member): boolean {
  for (const key in written) if (key !== 'nickname') return true;
  return false;
}

function resolveEnd(
  member: Member,
  settings: Settings,
  document: Located,
  lookup: HostLookup,
  report: Report,
): Found | null {
  let faulty = false;
  const fault = (diagnostic: Diagnostic | null) => {
    if (diagnostic) report(diagnostic);
    faulty ||= diagnostic !== null;
  };
  const { host: name, written } = member;
  const managed = written.managed !== false;
  const hostPlace = () => (listed(member) ? document.span(member.pointer) : document.keySpan(member.pointer));
  fault(checkName("the host's name", name, 'host-name-unsafe', hostPlace));
  const host = lookup.hosts.get(name);
  const unknown = !host && managed;
  if (unknown) fault(unknownHost(name, lookup.hosts, hostPlace(), listed(member)));
  const closed = host && closedVariable(written, host, lookup);
  if (closed !== undefined) {
    report(leftOut(name, closed, (host && lookup.spanOfVar?.(host, closed)) ?? hostPlace()));
    return null;
  }
  const value = valueReader(member, host, hostPlace, document, lookup, fault);

  // what an unknown host's variables would say is not known either
  const address =
    unknown && !value('address') ? undefined : keep(pickAddress(value, host, name, hostPlace, lookup), fault);
  const networked = settings.type === 'network-to-network';
  if (settings.type === 'host-to-host') {
    for (const key of ['network', 'gateway']) if (Object.hasOwn(written, key)) fault(unexpected(member, key, document));
  }
  const needed = networked && settings.state === 'present' && !unknown;
  const network = networked ? keep(pickNetwork(value, name, hostPlace, needed), fault) : undefined;
  const gateway = networked ? keep(pickGateway(value, name, hostPlace, needed), fault) : undefined;
  if (network && gateway && !contains(network, gateway)) {
    report(outside(name, gateway, network, value('gateway')?.place() ?? hostPlace()));
  }
  if (faulty || address === undefined) return null;
  return {
    host: name,
    managed,
    address,
    isPrivate: isPrivate(address),
    ...(network ? { network } : {}),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

/** A variable of the end that stays encrypted, because the command only lists names. */
function closedVariable(written: Member['written'], host: Host, lookup: HostLookup): string | undefined {
  const vars = lookup.varsOf(host);
  const isClosed = (name: string) => vars[name] instanceof Vaulted && isUnopenedValue(vars[name]);
  const own = ['address', 'network', 'gateway'].filter((key) => !Object.hasOwn(written, key));
  const named = own.map((key) => `ipsec_${key}`).find(isClosed);
  const reached = own.includes('address') && (vars.ipsec_address ?? null) === null && isClosed('ansible_host');
  return named ?? (reached ? 'ansible_host' : undefined);
}

function isUnopenedValue(value: unknown): boolean {
  try {
    const plain = opened(value);
    return plain instanceof Secret && isUnopened(plain);
  } catch (cause) {
    if (cause instanceof TemplateFault) return false;
    throw cause;
  }
}

function leftOut(name: string, variable: string, span: Span): Diagnostic {
  const message = `${variable} of ${name} is encrypted, and no vault password is given: its tunnels are left out`;
  return warning('vault-no-password', message, { span, fix: '--vault-password-file FILE, or -J to be asked for it' });
}

/** A text and its place: written at the end, or else the host variable of the same name after `ipsec_`. */
type ValueReader = (
  key: 'address' | 'network' | 'gateway',
) => { text: string; place: () => Span; what: string } | undefined;

function valueReader(
  { pointer, written, host: name }: Member,
  host: Host | undefined,
  hostPlace: () => Span,
  document: Located,
  lookup: HostLookup,
  fault: (diagnostic: Diagnostic) => void,
): ValueReader {
  return (key) => {
    const own = written[key];
    if (typeof own === 'string') {
      return { text: own, place: () => document.span([...pointer, key]), what: `the ${key} of ${name}` };
    }
    const variable = `ipsec_${key}`;
    const inherited = host && lookup.varsOf(host)[variable];
    if (!host || inherited === undefined || inherited === null) return undefined;
    const place = () => lookup.spanOfVar?.(host, variable) ?? hostPlace();
    try {
      return { text: String(publicText(inherited)), place, what: `the variable ${variable} of ${name}` };
    } catch (cause) {
      if (!(cause instanceof TemplateFault)) throw cause;
      fault(faultDiagnostic(cause, place()));
      return undefined;
    }
  };
}

function pickAddress(
  value: ValueReader,
  host: Host | undefined,
  name: string,
  place: () => Span,
  lookup: HostLookup,
): string | Diagnostic {
  const own = value('address');
  if (own) return readAddress(own.what, own.text, own.place);
  const reached = host ? reachedAt(host, name, lookup) : name;
  const parsed = parseAddress(reached);
  const isName = typeof parsed !== 'string' && parsed.fault === 'form' && !/^[\d.]+$/.test(reached);
  if (host && !isName) return readAddress(`ansible_host of ${name}`, reached, place);
  return error('address-missing', `the end ${name} has no address`, {
    span: place(),
    ...(host ? { found: `ansible_host ${JSON.stringify(reached)} is a name, not an IP address` } : {}),
    fix: host ? 'address: 203.0.113.1 here, or the host variable ipsec_address' : 'address: 203.0.113.1 here',
  });
}

/** `ansible_host`; one that does not open is told where the host is connected to. */
function reachedAt(host: Host, name: string, lookup: HostLookup): string {
  try {
    return String(publicText(lookup.varsOf(host).ansible_host ?? name));
  } catch (cause) {
    if (!(cause instanceof TemplateFault)) throw cause;
    return name;
  }
}

function pickNetwork(
  value: ValueReader,
  name: string,
  place: () => Span,
  needed: boolean,
): Subnet | Diagnostic | undefined {
  const own = value('network');
  if (own) return readNetwork(own.what, own.text, own.place);
  if (!needed) return undefined;
  return error('network-missing', `the end ${name} of a network-to-network tunnel has no network`, {
    span: place(),
    fix: 'network: 192.168.1.0/24 here, or the host variable ipsec_network',
  });
}

function pickGateway(
  value: ValueReader,
  name: string,
  place: () => Span,
  needed: boolean,
): string | Diagnostic | undefined {
  const own = value('gateway');
  if (own) return readAddress(own.what, own.text, own.place);
  if (!needed) return undefined;
  return error('gateway-missing', `the end ${name} of a network-to-network tunnel has no gateway`, {
    span: place(),
    fix: 'gateway: 192.168.1.254 here (its address in its network), or the host variable ipsec_gateway',
  });
}

function unknownHost(name: string, hosts: ReadonlyMap<string, Host>, span: Span, inList: boolean): Diagnostic {
  const group = [...hosts.values()].filter(({ groups }) => groups.includes(name)).map((host) => host.name);
  const external = inList ? '' : ', or mark an external peer with managed: false';
  const remedy = group.length > 0 ? `the names of its hosts: ${group.join(', ')}` : didYouMean(name, hosts.keys());
  const message = group.length > 0 ? `${name} is a group; an end is a host` : `the inventory has no host ${name}`;
  return error('end-unknown', message, { span, fix: remedy ?? `add it to hosts.yml${external}` });
}

function unexpected(member: Member, key: string, document: Located): Diagnostic {
  return error(`${key}-unexpected`, `a host-to-host tunnel has no ${key}: it protects the two hosts alone`, {
    span: document.keySpan([...member.pointer, key]),
    fix: `leave it out, or write type: network-to-network`,
  });
}

function outside(name: string, gateway: string, network: Subnet, span: Span): Diagnostic {
  return warning('gateway-outside', `the gateway of ${name} is not in its own network ${network.cidr}`, {
    span,
    found: gateway,
    fix: `the address that ${name} itself has in ${network.cidr}`,
  });
}

/** The value, or nothing after the fault was noted. */
function keep<T extends object | string>(
  value: T | Diagnostic | undefined,
  fault: (diagnostic: Diagnostic) => void,
): T | undefined {
  if (typeof value === 'object' && 'severity' in value) {
    fault(value as Diagnostic);
    return undefined;
  }
  return value as T | undefined;
}

/** True for a member of a mesh or hub, which is a value and not a key. */
function listed({ pointer }: Member): boolean {
  return pointer[0] !== 'tunnels';
}
