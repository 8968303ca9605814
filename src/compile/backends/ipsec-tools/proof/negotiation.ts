import { reveal, Secret } from '../../../../model/secret.ts';
import type { Cause } from '../../../../model/verdict.ts';
import type { ProofOptions } from '../../backend.ts';
import { phase1Place } from './agreement.ts';
import { unreadFiles } from './daemon-layer.ts';
import type { WrittenFile } from './end-evidence.ts';
import { phase2Disagreement, phase2Remedy } from './phase2.ts';
import { logFaults } from './racoon-log.ts';
import type { Fault, Phase1Field, Phase2Field } from './racoon-texts.ts';
import { packetsOf, type View } from './view.ts';

type Options = Pick<ProofOptions, 'hostOptions'>;

/** Why IKE made no SAs, from both logs and from the packets; null: neither tells. */
export function negotiationCause(here: View, there: View | null, options: Options): Cause | null {
  const views = there ? [here, there] : [here];
  const faults = views.flatMap((view) =>
    logFaults(view.seen.log, view.traffic, lastWritten(view)).map((fault) => ({ fault, view })),
  );
  const told = (kinds: readonly Fault['kind'][]) =>
    logged(faults, kinds, (found) => tell(found, here === found.view ? there : here, options));
  // psk.txt is read at each negotiation: where both have the same key in it, what the log says of it may well be of before,
  // and what the packets tell goes first.
  const isOld = haveSamePsk(here, there);
  const unread = stale(views);
  // The proposals meet in the files of both ends: what was refused is what racoon has not read.
  const refused = unread !== null && haveProposals(here, there) ? [] : (['phase1', 'phase2'] as const);
  const first = told([...(isOld ? [] : (['psk'] as const)), ...refused, 'selectors']);
  return (
    first ??
    told(['unconfigured']) ??
    unheard(here, there) ??
    unread ??
    (faults.some(({ fault }) => fault.kind === 'silence') ? silent(here) : null) ??
    told(['psk']) ??
    (there && phase2Disagreement(here, there, options, 'sometimes'))
  );
}

/** What racoon said before its files were written as they are may be of others. */
function lastWritten({ seen }: View): string | null {
  return (
    seen.written.reduce<WrittenFile | null>((last, each) => (last && last.at >= each.at ? last : each), null)?.shown ??
    null
  );
}

type Found = { readonly fault: Fault; readonly view: View };

function logged(
  faults: readonly Found[],
  kinds: readonly Fault['kind'][],
  tellOf: (found: Found) => Cause,
): Cause | null {
  for (const kind of kinds) {
    const alike = faults.filter(({ fault }) => fault.kind === kind);
    const [found] = [...alike.filter(({ fault }) => 'field' in fault && fault.field !== null), ...alike];
    if (found) return tellOf(found);
  }
  return null;
}

function haveSamePsk(here: View, there: View | null): boolean {
  const [own, other] = [here.seen.psk, there?.seen.psk];
  return own instanceof Secret && other instanceof Secret && reveal(own) === reveal(other);
}

function haveProposals(...views: readonly (View | null)[]): boolean {
  return views.every((view) => view !== null && view.seen.phase1.length > 0 && view.seen.sainfo !== null);
}

function tell({ fault, view }: Found, other: View | null, options: Options): Cause {
  const { tunnel, src, dst } = view.end;
  const fix = `see to it that ${src.host} and ${dst.host} have the same, and apply the playbook on both`;
  switch (fault.kind) {
    case 'psk': {
      const { method } = tunnel.keying;
      const what =
        method === 'psk'
          ? 'their pre-shared keys differ'
          : 'its certificate, or the proof that it is its own, does not hold';
      return {
        code: 'psk-differs',
        message: `racoon on ${src.host} cannot authenticate ${dst.host}: ${what}`,
        fix:
          method === 'psk'
            ? fix
            : `look at the certificates in /etc/racoon/certs of both; racoon's log on ${src.host} says more`,
        at: method === 'psk' ? tunnel.at('keying', 'psk') : tunnel.at('keying'),
      };
    }
    case 'selectors': {
      const message = `racoon on ${src.host} has no policy for what ${dst.host} asks for: their selectors are not mirrored`;
      return { code: 'selectors-not-mirrored', message, fix, at: tunnel.at('ends', dst.host, 'network') };
    }
    case 'unconfigured':
      return {
        code: 'racoon-stale',
        message: `racoon on ${src.host} knows no phase 1 for ${dst.address}`,
        fix: `have ifup write it and racoon read it: ifup ${src.nickname} on ${src.host}`,
        at: tunnel.at(),
      };
    case 'silence':
      return silent(view);
    default: {
      const about = fault.field === null ? '' : `: the ${WORDS[fault.field]} differs`;
      const phase = fault.kind === 'phase1' ? 'phase 1' : 'phase 2';
      const message = `racoon on ${src.host} refused what ${dst.host} proposed for ${phase}${about}`;
      const remedy =
        fault.kind === 'phase1'
          ? { fix, at: phase1At(tunnel, fault.field) }
          : phase2Remedy(view, other, fault.field, options);
      return { code: 'proposal-mismatch', message, ...remedy };
    }
  }
}

const WORDS: Readonly<Record<Phase1Field | Phase2Field, string>> = {
  encryption: 'encryption',
  hash: 'hash',
  dh_group: 'Diffie-Hellman group',
  method: 'authentication method',
  exchange_mode: 'exchange mode',
  authentication: 'authentication',
  pfs_group: 'group for perfect forward secrecy',
  lifetime: 'lifetime',
  mode: 'mode',
  protocol: 'use of AH and ESP',
};

function phase1At(tunnel: View['end']['tunnel'], field: Phase1Field | null): Cause['at'] {
  if (field === 'method') return tunnel.at('keying');
  return field === 'encryption' || field === 'hash' || field === 'dh_group'
    ? phase1Place(tunnel, field)
    : tunnel.at('ike');
}

/** IKE packets leave one end, and do not arrive at the other, or nothing comes back. */
function unheard(here: View, there: View | null): Cause | null {
  for (const [view, other] of [
    [here, there],
    [there, here],
  ] as const) {
    if (view?.seen.wire.state !== 'watched' || !hasIke(view, 'out')) continue;
    const { src, dst } = view.end;
    const sent = `${src.host} sends IKE packets (udp port 500)`;
    if (other?.seen.wire.state === 'watched') {
      if (!hasIke(other, 'in')) return blocked(view, `${sent}, and none arrives at ${dst.host}`);
    } else if (!hasIke(view, 'in')) return blocked(view, `${sent}, and ${dst.host} does not answer`);
  }
  return null;
}

function hasIke(view: View, direction: 'in' | 'out'): boolean {
  return packetsOf(view, direction).some(({ kind }) => kind === 'ike');
}

function silent(here: View): Cause {
  const { src, dst } = here.end;
  return blocked(here, `IKE between ${src.host} and ${dst.host} ran into its time limit: no answer came`);
}

function blocked({ end: { tunnel, src, dst } }: View, message: string): Cause {
  return {
    code: 'udp-500-blocked',
    message,
    fix: `let udp port 500, and ESP and AH (IP protocols 50 and 51), through between ${src.address} and ${dst.address}`,
    at: tunnel.at('ends', dst.host, 'address'),
  };
}

function stale(views: readonly View[]): Cause | null {
  for (const { end, seen } of views) {
    const unread = unreadFiles(seen) ?? [];
    if (unread.length === 0) continue;
    const { tunnel, src } = end;
    return {
      code: 'racoon-stale',
      message: `racoon on ${src.host} is not known to have read ${unread.join(' and ')} since it was written`,
      fix: `have it read its files: killall -HUP racoon on ${src.host}, and verify again; if that does not help, its log there says more`,
      at: tunnel.at(),
    };
  }
  return null;
}
