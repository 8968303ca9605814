import type { Link } from './link.ts';
import { prelude } from './prelude.ts';
import { type Rendering, render, type Script } from './sh.ts';

/**
 * Runs a script that only looks, over a link whose nonce this is, and gives what it printed on stdout. Sent again where the
 * connection is lost meanwhile, for it changes nothing. Rejects with a ConnectFault where the host stays out of reach.
 */
export async function look(link: Link, nonce: string, script: Script, rendering: Rendering): Promise<string> {
  const text = `${prelude(nonce)}
ip_b look; (
:
${render(script, rendering)}
) </dev/null; ip_e look $?; ip_b done; ip_e done 0
`;
  return (await link.persist(text, () => ({ step: 'look' }))).get('look')?.stdout ?? '';
}
