import type { HostRun } from './host-run.ts';
import type { Ledger } from './ledger.ts';
import type { Link } from './link.ts';
import { prelude } from './prelude.ts';
import { render, type Script } from './sh.ts';
import { timed } from './trace.ts';
import { holding } from './transaction/holding.ts';
import { hostKit, type RunOnHost } from './transaction/host-kit.ts';
import type { HostTransaction } from './transaction/host-transaction.ts';

/** What proves, before a run is confirmed, that the tunnels which it has brought up work. The engine knows no tunnel itself. */
export interface TunnelProof {
  /** What to look at on a host for these tunnels; null: there is nothing of them. It ends by itself. */
  script(host: string, tunnels: readonly string[]): Script | null;
  /** What that printed. */
  seen(host: string, tunnels: readonly string[], printed: string): void;
  /** Once all of their ends were looked at: the first of these tunnels that does not work, and why; null: none. */
  fault(tunnels: readonly string[]): TunnelFault | null;
}

export interface TunnelFault {
  readonly tunnel: string;
  readonly why: string;
}

/**
 * Looks at this end of the tunnels that both ends have brought up, when all ends are changed, and at what was seen of both
 * when all have looked. False where one does not work, or the run was stopped: then all of it goes back.
 */
export async function proveTunnels(
  run: HostRun,
  link: Link,
  change: HostTransaction,
  book: Ledger,
  raised: ReadonlySet<string>,
): Promise<boolean> {
  const { proof, member, aside } = run.transaction;
  if (proof === null || member.partners.length === 0) return true;
  const tunnels = member.shared.filter((tunnel) => raised.has(tunnel));
  const script = proof.script(run.host.host, tunnels);
  if (script !== null) {
    run.emit({ type: 'host-verifying', play: run.play, host: run.host.host, tunnels });
    const printed = await lookUnlessStopped(run, link, script);
    if (printed === null) return false;
    proof.seen(run.host.host, tunnels, printed);
  }
  const trouble = await holding(run, change, timed(run.trace, 'wait until all are examined', aside(member.examined())));
  if (trouble !== null) {
    book.undoneFor(trouble);
    return false;
  }
  const fault = proof.fault(tunnels);
  if (fault === null) return true;
  book.hostFault({ code: 'tunnel-failed', message: `the tunnel ${fault.tunnel} does not work: ${fault.why}` });
  return false;
}

/** Null: the run was stopped meanwhile. */
async function lookUnlessStopped(run: HostRun, link: Link, script: Script): Promise<string | null> {
  if (run.stop.requested) return null;
  let forget = () => {};
  const stopped = new Promise<null>((resolve) => {
    forget = run.stop.onRequest(() => resolve(null));
  });
  const here = { id: run.transaction.id, rendering: run.rendering };
  const looked = link.persist(lookScript(here, run.nonce, script), () => ({ step: 'prove tunnels' }));
  looked.catch(() => {});
  const frames = await Promise.race([looked, stopped]).finally(() => forget());
  // What hangs there still has the connection.
  if (frames === null) await link.renew();
  return frames?.get('look')?.stdout ?? null;
}

/** The keeper hears of us meanwhile: IKE may take its time. */
function lookScript(here: RunOnHost, nonce: string, script: Script): string {
  return `${prelude(nonce)}
${hostKit(here)}
( while kill -0 $$ 2>/dev/null && [ -d "$ip_dir" ]; do printf 'hold\\n' >>"$ip_dir/journal"; sleep 2; done ) </dev/null >/dev/null 2>&1 & ip_h=$!
ip_b look; (
:
${render(script, here.rendering)}
) </dev/null; ip_e look $?
kill $ip_h 2>/dev/null; ip_b done; ip_e done 0
`;
}
