import type { FromSchema } from 'json-schema-to-ts';
import type { FileDiff, Module, Plan, PlanContext } from '../src/engine/module.ts';
import { lines, nothing, type Script, sh } from '../src/engine/sh.ts';
import { HostState, resourceKind } from '../src/model/host-state.ts';
import { blocked } from './shared/file-change.ts';
import { notePsks, putPsksBack } from './shared/kept-psks.ts';
import { noteRunning, putRoutesBack } from './shared/kept-routes.ts';
import { installedResource, restartedResource } from './shared/raised.ts';

const args = {
  type: 'object',
  properties: {
    name: {
      description: "The service's name, as `service` takes it.",
      type: 'string',
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@-]*$',
    },
    state: {
      description:
        'started and stopped are made so when they are not; restarted and reloaded are done once in every run.',
      enum: ['started', 'stopped', 'restarted', 'reloaded'],
    },
    enabled: { description: 'Started at boot (chkconfig).', type: 'boolean' },
  },
  required: ['name'],
  anyOf: [{ required: ['state'] }, { required: ['enabled'] }],
  additionalProperties: false,
} as const;

export interface ServiceArgs extends FromSchema<Omit<typeof args, 'anyOf'>> {}

interface ServiceChange {
  readonly action?: 'start' | 'stop' | 'restart' | 'reload' | undefined;
  readonly enable?: boolean | undefined;
}

// Apart from each other: two tasks about one service may each have read only one of them.
const statusResource = resourceKind<'running' | 'stopped' | 'unknown'>('service');
const bootResource = resourceKind<boolean>('service-at-boot');

/** By task: what it did cannot be read back from the host. */
const doneResource = resourceKind<true>('service-action', 'run');

export const service: Module<ServiceArgs, ServiceChange> = {
  name: 'service',
  summary: 'Starts, stops, restarts, reloads a System V service, and has it started at boot or not.',
  args,
  probe: (args) =>
    lines([
      isState(args) ? probeStatus(args.name) : nothing,
      args.enabled === undefined ? nothing : probeEnabled(args.name),
    ]),
  parse: ({ stdout }, args) => parseService(args.name, stdout),
  plan: planService,
  apply: (change, { name }) => applyService(change, name),
  touches: ({ action }, { name }) => (name === 'network' && action ? NETWORK_WRITES : []),
  undo: ({ action, enable }, { name }) => ({
    after: lines([
      enable === undefined ? nothing : sh`chkconfig ${name} ${enable ? 'off' : 'on'}`,
      action ? actBack(name, action) : nothing,
    ]),
    ...(name === 'network' && action ? { last: putRoutesBack } : {}),
  }),
  notes: ({ action }, { name }) => (name === 'network' && action ? noteRunning : nothing),
  redo: (change, { name }) => ({ after: applyService(change, name) }),
};

function applyService({ action, enable }: ServiceChange, name: string): Script {
  return lines([
    enable === undefined ? nothing : sh`chkconfig ${name} ${enable ? 'on' : 'off'}`,
    action ? act(name, action) : nothing,
  ]);
}

/** A service that was restarted reads its old files again. What was not done in the end must not be undone: stopping twice fails. */
function actBack(name: string, action: NonNullable<ServiceChange['action']>): Script {
  const runs = sh`service ${name} status >/dev/null 2>&1`;
  if (action === 'start')
    return sh`if ${runs}; then
${act(name, 'stop')}
fi`;
  if (action === 'stop')
    return sh`if ${runs}; then :; else
${act(name, 'start')}
fi`;
  return act(name, action);
}

/** It runs ifup for each IPsec connection that starts at boot. */
const NETWORK_WRITES = ['/etc/racoon/psk.txt', '/etc/racoon/racoon.conf'];

/** The network service runs ifup for every connection that starts at boot. */
function act(name: string, action: NonNullable<ServiceChange['action']>): Script {
  const script = sh`service ${name} ${action}`;
  if (name !== 'network') return script;
  return sh`${notePsks}status=0
${script} || status=$?
${putPsksBack}exit "$status"`;
}

function planService(args: ServiceArgs, state: HostState, context: PlanContext): Plan<ServiceChange> {
  const { name } = args;
  if (state.get(statusResource, name) === 'unknown') {
    const [installing] = state.all(installedResource).keys();
    const until = `${installing} is installed`;
    const why = `there is no service ${name} yet, and ${installing} may bring it`;
    if (installing !== undefined) return { kind: 'unknown', until, why };
    if (args.state === 'stopped' && args.enabled !== true) return { kind: 'ok' };
    return blocked(`there is no service ${name} on this host`);
  }
  const action = actionOf(args, state, context);
  const enable = args.enabled !== state.get(bootResource, name) ? args.enabled : undefined;
  if (action === undefined && enable === undefined) return { kind: 'ok' };
  const disruptive = action && disruption(name, action);
  return {
    kind: 'change',
    change: { action, enable },
    after: afterwards(name, action, enable, context),
    diff: diffOf(name, action, enable),
    ...(disruptive ? { disruptive } : {}),
    ...(action ? { effect: name === 'network' ? { service: name, network: true } : { service: name } } : {}),
  };
}

function actionOf(
  { name, state: wanted }: ServiceArgs,
  state: HostState,
  context: PlanContext,
): ServiceChange['action'] {
  const running = state.get(statusResource, name) === 'running';
  if (wanted === 'started') return running ? undefined : 'start';
  if (wanted === 'stopped') return running ? 'stop' : undefined;
  if (wanted === undefined || state.get(doneResource, context.taskId)) return undefined;
  return wanted === 'restarted' ? 'restart' : 'reload';
}

function afterwards(
  name: string,
  action: ServiceChange['action'],
  enable: boolean | undefined,
  context: PlanContext,
): HostState {
  let after = HostState.empty;
  if (action) after = after.with(statusResource, name, action === 'stop' ? 'stopped' : 'running');
  if (enable !== undefined) after = after.with(bootResource, name, enable);
  if (action === 'restart' || action === 'reload') after = after.with(doneResource, context.taskId, true);
  if (action === 'restart' || action === 'start') after = after.with(restartedResource, name, true);
  return after;
}

function diffOf(name: string, action: ServiceChange['action'], enable: boolean | undefined): FileDiff[] {
  const diff: FileDiff[] = [];
  const show = (what: string, before: string, after: string) =>
    diff.push({ path: `service ${name}${what}`, before: [before], after: [after] });
  if (action === 'start') show('', 'stopped', 'started');
  if (action === 'stop') show('', 'started', 'stopped');
  if (enable !== undefined) show(' at boot', enable ? 'off' : 'on', enable ? 'on' : 'off');
  return diff;
}

function disruption(name: string, action: NonNullable<ServiceChange['action']>): string | undefined {
  const stops = action === 'stop';
  if (name === 'network' && stops) return 'stops the network service: this host can no longer be reached';
  if (name === 'network') {
    return 'restarts the network service: every connection of this host, this SSH session too, may drop for some seconds';
  }
  if (name === 'sshd' && stops) return 'stops sshd: no new SSH connection to this host can be made';
  if (name === 'racoon' && stops)
    return 'stops racoon: no keys are negotiated any more, tunnels fall silent when their SAs expire';
  return undefined;
}

/** Whether it runs matters only to these two; a restart starts it anyway. */
function isState(args: ServiceArgs): boolean {
  return args.state === 'started' || args.state === 'stopped';
}

function probeStatus(name: string): Script {
  return sh`status=0
output=$(service ${name} status 2>&1) || status=$?
case $status:$output in
  0:*) echo status running ;;
  *[Uu]nrecognized?service* | *'could not be found'* | *'not-found'* | 127:*) echo status unknown ;;
  *) echo status stopped ;;
esac`;
}

function probeEnabled(name: string): Script {
  return sh`if chkconfig ${name} >/dev/null 2>&1; then echo boot on; else echo boot off; fi`;
}

function parseService(name: string, stdout: string): HostState {
  const status = /^status (running|stopped|unknown)$/m.exec(stdout)?.[1] as
    | 'running'
    | 'stopped'
    | 'unknown'
    | undefined;
  const boot = /^boot (on|off)$/m.exec(stdout)?.[1];
  let state = HostState.empty;
  if (status) state = state.with(statusResource, name, status);
  return boot ? state.with(bootResource, name, boot === 'on') : state;
}
