import type { Link } from '../link.ts';
import { prelude } from '../prelude.ts';
import { nothing, type Rendering, render, type Script } from '../sh.ts';
import { baseScript, KIT } from './host-kit.ts';

/** A run, as a host knows it. */
export interface RunOfHost {
  readonly id: string;
  /** See host-kit.ts. */
  readonly state: string;
  /** Its keeper lives. */
  readonly isKept: boolean;
  /** Its part or its way back is being made at this moment. */
  readonly isBusy: boolean;
  /** `who`, `since` (seconds since 1970, by the host's clock), `with` (the hosts that change together with it). */
  readonly owner: ReadonlyMap<string, string>;
  /** Its last sign of life. */
  readonly last: string;
  /** Seconds until it goes back, where it waits for a person. */
  readonly remaining: number | null;
  /** The run that has taken this one back. */
  readonly by: string | null;
  /** What it may have changed. */
  readonly paths: readonly string[];
}

/** All that a host knows of runs. */
export interface Survey {
  /** The oldest first. */
  readonly runs: readonly RunOfHost[];
  /** The run that has the host; `-` where nobody can tell. */
  readonly lock: string | null;
  /** Only root may read it. */
  readonly isDenied: boolean;
}

/** Asks a host for its runs, and changes nothing there. */
export async function surveyHost(link: Link, nonce: string, rendering: Rendering): Promise<Survey> {
  const frames = await link.persist(surveyScript(rendering, nonce), () => ({ step: 'survey' }));
  return readSurvey(frames.get('survey')?.stdout ?? '', rendering.root);
}

/** The same, and in the same round trip what a script that only looks has printed. Rejects where the connection is lost. */
export async function surveyAndLook(
  link: Link,
  nonce: string,
  rendering: Rendering,
  script: Script,
): Promise<{ readonly survey: Survey; readonly seen: string }> {
  const frames = await link.run(surveyScript(rendering, nonce, script), { step: 'survey' });
  const printed = (name: string) => frames.get(name)?.stdout ?? '';
  return { survey: readSurvey(printed('survey'), rendering.root), seen: printed('look') };
}

/** Frames: `survey`, and `look` where something is to be looked at beside it. */
export function surveyScript(rendering: Rendering, nonce: string, also: Script = nothing): string {
  const look = also.isEmpty ? '' : `ip_b look; (\n:\n${render(also, rendering)}\n) </dev/null; ip_e look $?; `;
  return `${prelude(nonce)}
${KIT}${baseScript(rendering.root)}
ip_b survey; (
if [ -d "$ip_base" ] && { [ ! -r "$ip_base" ] || [ ! -x "$ip_base" ]; }; then echo denied; fi
for ip_dir in "$ip_base"/runs/*; do
  [ -d "$ip_dir" ] || continue
  ip_id=\${ip_dir##*/}
  ip_word "$ip_dir/state" || ip_w=unknown
  ip_s=$ip_w
  echo "run $ip_id"; echo "state $ip_s"
  if ip_alive "$ip_dir/keeper.pid"; then echo kept; fi
  if ip_alive "$ip_dir/runner.pid" || ip_alive "$ip_dir/restore.pid"; then echo busy; fi
  if [ -f "$ip_dir/owner" ]; then while IFS= read -r ip_l; do echo "owner $ip_l"; done <"$ip_dir/owner"; fi
  ip_last=; if [ -f "$ip_dir/journal" ]; then while IFS= read -r ip_l; do ip_last=$ip_l; done <"$ip_dir/journal"; fi
  echo "last $ip_last"
  if [ "$ip_s" = awaiting ] && ip_word "$ip_dir/remaining"; then echo "remaining $ip_w"; fi
  if ip_word "$ip_dir/rolled-back"; then echo "by $ip_w"; fi
  if [ -f "$ip_dir/manifest" ]; then while read -r ip_n; do ip_was "$ip_n" && echo "path $ip_path"; done <"$ip_dir/manifest"; fi
done
if [ -d "$ip_base/lock" ]; then ip_word "$ip_base/lock/owner" || ip_w=-; echo "lock $ip_w"; fi
:
) </dev/null; ip_e survey $?; ${look}ip_b done; ip_e done 0
`;
}

export function readSurvey(printed: string, root: string): Survey {
  const said = printed.split('\n').filter((line) => line !== '');
  const starts = said.flatMap((line, index) => (line.startsWith('run ') ? [index] : []));
  const runs = starts.map((start, index) => runOf(said.slice(start, starts[index + 1]), root));
  const age = ({ owner }: RunOfHost) => Number(owner.get('since') ?? 0);
  return {
    runs: runs.sort((one, other) => age(one) - age(other) || (one.id < other.id ? -1 : 1)),
    lock: said.find((line) => line.startsWith('lock '))?.slice(5) ?? null,
    isDenied: said.includes('denied'),
  };
}

function runOf(said: readonly string[], root: string): RunOfHost {
  const all = (name: string) =>
    said.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const [remaining] = all('remaining');
  const owner = all('owner').map((line): [string, string] => {
    const [key = '', ...rest] = line.split(' ');
    return [key, rest.join(' ')];
  });
  return {
    id: all('run')[0] ?? '',
    state: all('state')[0] ?? 'unknown',
    isKept: said.includes('kept'),
    isBusy: said.includes('busy'),
    owner: new Map(owner),
    last: all('last')[0] ?? '',
    remaining: remaining === undefined ? null : Math.max(0, Number(remaining)),
    by: all('by')[0] ?? null,
    paths: all('path').map((name) => (name.startsWith(`${root}/`) ? name.slice(root.length) : name)),
  };
}
