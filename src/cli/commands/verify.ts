import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import { withShard } from '../../report/shard-document.ts';
import { verifyDocument } from '../../report/verdict-document.ts';
import { verdictJunit } from '../../report/verdict-junit.ts';
import { EXIT } from '../exit.ts';
import { clock } from '../machine/clock.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { VerifyOptions } from '../options/options.ts';
import { chooseTunnels, hostsOfTunnels, leaving } from '../project/choose-tunnels.ts';
import type { Project } from '../project/load.ts';
import { codeOfProof, showVerdicts } from '../prove/show-verdicts.ts';
import { proveTunnels } from '../prove/tunnels.ts';
import { openRun, printJson } from '../run/open.ts';
import { noteVerdicts } from '../run/tunnel-records.ts';

/** Proves that encrypted traffic flows through tunnels: all of the inventory, or those named. Changes nothing. */
export async function verify(
  names: readonly string[],
  { output, ...given }: VerifyOptions,
  terminal: Terminal,
): Promise<number> {
  const options = { ...given, output: output === 'junit' ? ('human' as const) : output };
  const chosen = (project: Project) => chooseTunnels(project, names, options.limit);
  const plays = (project: Project) => [{ name: 'verify', serial: [], hosts: hostsOfTunnels(chosen(project).tunnels) }];
  const check = (project: Project) => [...chosen(project).diagnostics, ...leaving(project, names, 'verify')];
  const settings = { ...({ command: null, playbook: undefined } as const), options, terminal, plays, check, names };
  return openRun(settings, async (opened) => {
    const { tunnels } = chosen(opened.project);
    const hosts = opened.project.plays.flatMap((play) => play.hosts);
    const begun = clock();
    const looking = {
      patience: given.patience,
      wire: given.wire,
      mtu: given.mtu === true,
      forks: given.forks,
    };
    const outcome = await proveTunnels(opened, ipsecTools, tunnels, hosts, looking);
    if (!opened.stop.requested) noteVerdicts(outcome.verdicts, options, terminal);
    const code = opened.stop.requested ? EXIT.interrupted : codeOfProof(outcome);
    const seconds = (clock() - begun) / 1000;
    if (output === 'junit') opened.terminal.stdout(verdictJunit(outcome.verdicts, outcome.faults, seconds));
    else if (output === 'human') showVerdicts(outcome, opened.project, options, opened.terminal);
    else printJson(withShard(verifyDocument(code, outcome.verdicts, outcome.faults), opened.shard), opened.terminal);
    return code;
  });
}
