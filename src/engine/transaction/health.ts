import { toBytes } from '../../model/content.ts';
import type { HostRun } from '../host-run.ts';
import { quote } from '../sh.ts';

/**
 * What the keeper asks of a run that was verified and then heard no more: do the changed tunnels let traffic through? They
 * do only where both ends came to the same. Empty where no task of them can tell.
 */
export function healthScript({ host, transaction }: Pick<HostRun, 'host' | 'transaction'>): string {
  const shared = new Set(transaction.member.shared);
  const lively = host.tasks.flatMap(({ tunnel, liveness }) =>
    liveness !== undefined && tunnel !== null && shared.has(tunnel) ? [liveness] : [],
  );
  if (lively.length === 0) return '';
  const lines = lively.map(
    (words) => `${words.map((word) => quote(toBytes(word))).join(' ')} >/dev/null 2>&1 || exit 1`,
  );
  return `PATH=$PATH:/usr/local/sbin:/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin; LC_ALL=C; export PATH LC_ALL\n${lines.join('\n')}\n`;
}
