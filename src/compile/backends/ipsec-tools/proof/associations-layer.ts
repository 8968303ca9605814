import { parseManualKey } from '../../../../model/manual-key.ts';
import { reveal, Secret } from '../../../../model/secret.ts';
import { isUnopened } from '../../../../model/unopened.ts';
import type { Cause } from '../../../../model/verdict.ts';
import type { ProofOptions } from '../../backend.ts';
import { digest, disagreement } from './agreement.ts';
import { type Association, type Cipher, isAlive, type Protocol } from './associations.ts';
import { negotiationCause } from './negotiation.ts';
import { associationsOf, type Direction, type Finding, failed, hex, type View } from './view.ts';

/** The SAs are there, each way and for each protocol, and both ends know the same ones. */
export function associationsLayer(here: View, there: View | null, options: ProofOptions): Finding {
  const { keyed, oldest } = options;
  if (isBlind(here)) {
    const apart = disagreement(here, there, options);
    const what = 'the SAs could not be seen';
    return apart === null ? { status: 'unknown', what } : failed(`${what}; the next negotiation will fail`, apart);
  }
  const found = here.manual === null ? negotiated(here, there, options) : byHand(here, seeing(there), keyed);
  return found.status === 'ok' && oldest !== undefined ? (outlived(here, oldest) ?? found) : found;
}

/** An SA that is older than the keys: what it carries tells nothing about them. */
function outlived(view: View, oldest: number): Finding | null {
  const all = DIRECTIONS.flatMap((direction) => view.protocols.flatMap((protocol) => alive(view, direction, protocol)));
  const old = all.find(({ age }) => age === null || age > oldest);
  if (old === undefined) return null;
  const { tunnel, src, dst } = view.end;
  const age = old.age === null ? 'of unknown age' : `${old.age} s old`;
  const what = `the ${old.protocol.toUpperCase()} SA ${hex(old.spi)} is ${age}: it was made with the old key`;
  return failed(what, {
    code: 'key-mismatch',
    message: `on ${src.host} ${what}`,
    fix: `have the SAs with ${dst.host} made anew: ifdown and ifup of the connection on both ends`,
    at: tunnel.at(),
  });
}

/** setkey tells nothing, as to who is not root: that is not the same as no SAs. */
function isBlind({ seen }: View): boolean {
  return seen.policies.kind === 'fault' && seen.associations.after.length === 0;
}

function seeing(view: View | null): View | null {
  return view === null || isBlind(view) ? null : view;
}

const DIRECTIONS = ['out', 'in'] as const;

/** The living SAs of one protocol and direction. */
export function alive(view: View, direction: Direction, protocol: Protocol): readonly Association[] {
  return associationsOf(view, direction).filter((each) => each.protocol === protocol && isAlive(each));
}

function negotiated(here: View, there: View | null, options: ProofOptions): Finding {
  const apart = disagreement(here, there, options);
  const missing = lacking(here);
  const what = missing === null ? living(here) : missing;
  if (apart !== null) {
    return failed(missing === null ? `${what}, but the next negotiation will fail` : what, apart);
  }
  if (missing !== null) return failed(missing, negotiationCause(here, there, options) ?? unexplained(here, missing));
  const other = seeing(there);
  const foreign = other && strangers(here, other, options);
  return foreign ?? { status: 'ok', what };
}

function lacking(view: View): string | null {
  const missing = DIRECTIONS.filter((direction) =>
    view.protocols.some((protocol) => alive(view, direction, protocol).length === 0),
  );
  if (missing.length === 0) return null;
  const larval = DIRECTIONS.some((direction) =>
    associationsOf(view, direction).some(({ state }) => state === 'larval'),
  );
  return larval ? 'an SA is larval: IKE has not finished' : `no SAs ${missing.join(' and ')}`;
}

function living(view: View): string {
  const all = DIRECTIONS.flatMap((direction) => view.protocols.flatMap((protocol) => alive(view, direction, protocol)));
  const oldest = Math.max(...all.map(({ age }) => age ?? 0));
  return `${all.length} SAs${oldest > 0 ? `, up to ${oldest} s old` : ''}`;
}

function unexplained({ end: { tunnel, src, dst } }: View, what: string): Cause {
  return {
    code: 'no-traffic',
    message: `${src.host} has ${what} with ${dst.host}, and nothing tells why`,
    fix: `look into racoon's log on both ends; \`log: debug\` under \`racoon:\` has it say more`,
    at: tunnel.at(),
  };
}

/** An SA lives on one end alone, as after the other one lost its memory: what is sent with it is dropped there. */
function strangers(here: View, there: View, options: ProofOptions): Finding | null {
  for (const direction of DIRECTIONS) {
    for (const protocol of here.protocols) {
      const ours = alive(here, direction, protocol).map(({ spi }) => spi);
      const theirs = alive(there, direction === 'out' ? 'in' : 'out', protocol).map(({ spi }) => spi);
      if (ours.some((spi) => theirs.includes(spi))) continue;
      const { tunnel, src, dst } = here.end;
      const known = theirs.length === 0 ? 'has none' : `has ${theirs.map(hex).join(', ')}`;
      const what = `${protocol.toUpperCase()} SA ${direction} ${ours.map(hex).join(', ')}: ${dst.host} ${known}`;
      // Where the other end has none, it is what keeps it from getting some.
      const unmade = theirs.length === 0 ? negotiationCause(here, there, options) : null;
      const cause: Cause = unmade ?? {
        code: 'spi-mismatch',
        message: `the ends do not know the same SAs: ${src.host} has the ${what}`,
        fix: `have them made anew: ifdown and ifup of the connection on both ends`,
        at: tunnel.at(),
      };
      return failed(what, cause);
    }
  }
  return null;
}

/** With manual keying the files say which SAs there must be. */
function byHand(here: View, there: View | null, keyed: string): Finding {
  for (const direction of DIRECTIONS) {
    for (const protocol of here.protocols) {
      const fault = wrongSa(here, there, direction, protocol, keyed);
      if (fault) return fault;
    }
  }
  return { status: 'ok', what: living(here) };
}

function wrongSa(
  here: View,
  there: View | null,
  direction: Direction,
  protocol: Protocol,
  keyed: string,
): Finding | null {
  const wanted = here.manual?.[direction][protocol];
  if (wanted === undefined) return null;
  const { tunnel, src, dst } = here.end;
  const sender = direction === 'out' ? src.host : dst.host;
  const at = (name: string) => tunnel.at('keying', 'manual', sender, protocol, name);
  const fix = `apply the playbook, or take ${src.nickname} down and up again (ifdown, ifup) on ${src.host}`;
  const name = `${protocol.toUpperCase()} SA ${direction}`;
  const living = alive(here, direction, protocol);
  const own = living.find(({ spi }) => spi === wanted.spi);
  if (!own) {
    const found = living.length === 0 ? 'there is none' : `there is ${living.map(({ spi }) => hex(spi)).join(', ')}`;
    const what = `no ${name} with SPI ${hex(wanted.spi)}: ${found}`;
    return failed(what, { code: 'spi-mismatch', message: `on ${src.host}: ${what}`, fix, at: at('spi') });
  }
  const other = there && alive(there, direction === 'out' ? 'in' : 'out', protocol).find(({ spi }) => spi === own.spi);
  const differing =
    protocol === 'esp'
      ? (differs(own.encryption, other?.encryption, wanted.key, keyed) && 'key') ||
        (differs(own.authentication, other?.authentication, authenticationKey(wanted), keyed) && 'authentication_key')
      : differs(own.authentication, other?.authentication, wanted.key, keyed) && 'key';
  if (!differing) return null;
  const what = `the ${name} ${hex(own.spi)} has another ${differing.replace('_', ' ')} than ${other ? `on ${dst.host}` : 'the inventory'}`;
  return failed(what, {
    code: 'key-mismatch',
    message: `on ${src.host} ${what}`,
    fix: fix.replace(` on ${src.host}`, ' on both ends'),
    at: at(differing),
  });
}

function authenticationKey(sa: { readonly key: Secret; readonly authenticationKey?: Secret }): Secret | undefined {
  return sa.authenticationKey;
}

/** Against the other end where it can be seen, else against the inventory. */
function differs(
  own: Cipher | null,
  other: Cipher | null | undefined,
  wanted: Secret | undefined,
  keyed: string,
): boolean {
  if (own === null) return false;
  if (other !== undefined && other !== null) {
    if (own.name !== other.name) return true;
    return own.key !== null && other.key !== null && digest(own.key, keyed) !== digest(other.key, keyed);
  }
  if (own.key === null || wanted === undefined || isUnopened(wanted)) return false;
  const parsed = parseManualKey(reveal(wanted));
  if ('fault' in parsed) return false;
  return digest(own.key, keyed) !== digest(new Secret(parsed.bytes.toString('hex')), keyed);
}
