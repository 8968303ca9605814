import type { Module } from '../../../engine/module.ts';
import { sh } from '../../../engine/sh.ts';
import { HostState, resourceKind } from '../../../model/host-state.ts';

const runsResource = resourceKind<boolean>('racoon-runs');
const doneResource = resourceKind<true>('racoon-reread', 'run');

/**
 * racoon reads its files again, where it runs. It ends where it cannot read them, so it is looked for afterwards: its
 * files cannot have been changed by this run, and there is nothing to take back.
 */
export const rereading: Module<Readonly<Record<string, never>>, null> = {
  name: 'racoon_rereading',
  summary: 'racoon reads its files again.',
  args: {},
  probe: () => sh`if pidof racoon >/dev/null 2>&1; then echo running; else echo absent; fi
`,
  parse: ({ stdout }) => HostState.empty.with(runsResource, 'racoon', stdout.trim() === 'running'),
  plan: (_, state) => {
    if (state.get(doneResource, 'racoon') === true || state.get(runsResource, 'racoon') !== true) return { kind: 'ok' };
    return {
      kind: 'change',
      change: null,
      after: HostState.empty.with(doneResource, 'racoon', true),
      diff: [{ path: 'racoon', before: ['running'], after: ['running, its files read again'] }],
    };
  },
  apply: () => sh`killall -HUP racoon
sleep 1
if pidof racoon >/dev/null 2>&1; then :; else
  echo 'racoon has ended: it could not read its files again. Its log and "racoon -F -f /etc/racoon/racoon.conf" say why' >&2
  exit 1
fi
`,
};
