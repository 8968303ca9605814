import { randomBytes } from 'node:crypto';
import type { Backend, ProofOptions } from '../../compile/backends/backend.ts';
import type { TunnelProof } from '../../engine/tunnel-proof.ts';
import { type Perspective, perspectives, type Tunnel } from '../../model/tunnel.ts';
import { type TunnelVerdict, unshown } from '../../model/verdict.ts';
import { hostOptionsOf } from '../project/host-options.ts';

/** The proof of the tunnels that a run brings up, and its verdicts. */
export interface ProofOfRun extends TunnelProof {
  /** Of the tunnels both ends of which were looked at, in the order of the inventory. */
  verdicts(): readonly TunnelVerdict[];
}

/** Tunnels that get new keys. What is proven of them must have been made with those, after the run began. */
export interface Renewed {
  readonly names: ReadonlySet<string>;
  /** Milliseconds. */
  clock(): number;
}

/** `confirmTimeout`, in seconds: the hosts wait no longer, so no ping may take as long. */
export function proofOfRun(
  backend: Backend,
  project: Parameters<typeof hostOptionsOf>[0] & { readonly tunnels: readonly Tunnel[] },
  confirmTimeout: number,
  renewed: Renewed,
): ProofOfRun {
  const { proof } = backend;
  const { tunnels } = project;
  const begun = renewed.clock();
  const options: ProofOptions = {
    patience: Math.max(1, Math.min(30, Math.floor(confirmTimeout / 3))),
    wire: true,
    mtu: false,
    hostOptions: hostOptionsOf(project, backend),
    keyed: randomBytes(16).toString('hex'),
  };
  const byName = new Map(tunnels.map((tunnel) => [tunnel.name, tunnel]));
  const seen = new Map<string, Map<string, unknown>>();
  const found = new Map<string, TunnelVerdict>();
  const endsOn = (host: string, names: readonly string[]): readonly Perspective[] =>
    names.flatMap((name) => {
      const tunnel = byName.get(name);
      return tunnel === undefined ? [] : perspectives(tunnel).filter(({ src }) => src.host === host);
    });
  const verdictOf = (name: string): TunnelVerdict | null => {
    const known = found.get(name);
    if (known !== undefined) return known;
    const tunnel = byName.get(name);
    const evidence = tunnel?.ends.map(({ host }) => seen.get(host)?.get(name));
    if (tunnel === undefined || evidence?.[0] === undefined || evidence[1] === undefined) return null;
    const age = renewed.names.has(name) ? { oldest: Math.ceil((renewed.clock() - begun) / 1000) } : {};
    const verdict = proof.judge(tunnel, [evidence[0], evidence[1]], { ...options, ...age });
    found.set(name, verdict);
    return verdict;
  };
  return {
    script: (host, names) => {
      const ends = endsOn(host, names);
      return ends.length === 0 ? null : proof.evidence(ends, options);
    },
    seen: (host, names, printed) => {
      const own = seen.get(host) ?? new Map<string, unknown>();
      for (const [name, evidence] of proof.read(printed, endsOn(host, names))) {
        own.set(name, evidence);
        found.delete(name);
      }
      seen.set(host, own);
    },
    fault: (names) => {
      for (const name of names) {
        const verdict = verdictOf(name);
        if (renewed.names.has(name) && verdict?.status !== 'failed' && verdict?.status !== 'proven')
          return { tunnel: name, why: `${UNSHOWN}${verdict === null ? '' : `: ${unshown(verdict)}`}` };
        if (verdict?.status !== 'failed') continue;
        const { message, fix } = verdict.cause ?? { message: 'it could not be proven', fix: null };
        return { tunnel: name, why: fix === null ? message : `${message}. ${fix}` };
      }
      return null;
    },
    verdicts: () => tunnels.flatMap(({ name }) => found.get(name) ?? []),
  };
}

const UNSHOWN = 'it could not be shown that traffic flows with the new key';
