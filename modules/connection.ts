import type { Module, Plan, ProbeOutput } from '../src/engine/module.ts';
import { lines, readFiles } from '../src/engine/sh.ts';
import { type FileState, fileResource, HostState } from '../src/model/host-state.ts';
import { type ConnectionArgs, connectionArgs } from './shared/connection-args.ts';
import { type ConnectionChange, makeChange, undoChange } from './shared/connection-change.ts';
import { connectionVariables, type OwnConnection, sameConnection, trafficOf } from './shared/connection-files.ts';
import { blocked, contentOf, fileAt, filesState, plain, unreadable } from './shared/file-change.ts';
import { ikeFiles, isListed, unlistedResource } from './shared/ike-files.ts';
import { noteRunning } from './shared/kept-routes.ts';
import { type MadeChange, madeConnection, madePeer, madeState } from './shared/made.ts';
import { madeChanges } from './shared/made-connection.ts';
import { connectionsResource, parseConnections, probeConnections, rivalOf } from './shared/other-connections.ts';
import {
  connectionPaths,
  normal,
  type Policy,
  type PolicyTable,
  policyResource,
  policyTable,
  probePolicies,
  type Traffic,
} from './shared/policies.ts';
import { activeTraffic, isProtected, mayLeadTo, otherPolicies, policiesFor } from './shared/protection.ts';
import { parseRacoon, probeRacoon, racoonResource } from './shared/racoon-daemon.ts';
import { raisedResource, reroutedResource, restartedResource } from './shared/raised.ts';

export const connection: Module<ConnectionArgs, ConnectionChange> = {
  name: 'connection',
  summary: "Takes an IPsec connection of Red Hat's network scripts up or down, and checks in the kernel that it is.",
  args: connectionArgs,
  secretArgs: ['files'],
  probe: (args) => lines([readFiles(pathsOf(args)), probeConnections, probeRacoon, probePolicies]),
  parse: (output: ProbeOutput, args) => {
    const { connections, rest: afterThem } = parseConnections(output.stdout);
    const { ran, rest } = parseRacoon(afterThem);
    return filesState(output, pathsOf(args))
      .with(connectionsResource, 'host', connections)
      .with(racoonResource, 'host', ran)
      .with(policyResource, 'kernel', policyTable(rest, output.exitCode));
  },
  plan: planConnection,
  apply: makeChange,
  touches: ({ up, down }) => {
    const peers = [up, down].flatMap((traffic) => (traffic ? [traffic.peer] : []));
    return peers.length === 0 ? [] : ['/etc/racoon/psk.txt', ...new Set(peers.flatMap(ikeFiles))];
  },
  notes: () => noteRunning,
  undo: undoChange,
  // Undone, what was down is up and what was up is down.
  redo: ({ up, wasUp, down }, args) => undoChange(wasUp ? { up, wasUp } : { up: down, down: up }, args),
};

function planConnection(args: ConnectionArgs, state: HostState): Plan<ConnectionChange> {
  const table = state.get(policyResource, 'kernel');
  if (!table || table.kind === 'fault') return blocked(table?.why ?? 'the policies of the kernel were not read');
  const paths = connectionPaths(args.nickname);
  for (const file of [paths.ifcfg, paths.keys]) {
    const found = fileAt(state, file);
    if (found.kind === 'file' && found.bytes === undefined) return unreadable(file);
  }
  const foreign = foreignType(foundConnection(args, state));
  if (foreign !== null)
    return blocked(`${paths.ifcfg} is there and is no IPsec connection (${foreign}): choose another nickname`);
  if (args.state === 'up' || args.state === 'replaced') {
    const missing = args.requires?.find((required) => fileAt(state, required.path).kind === 'absent');
    if (missing) return blocked(missing.why);
  }
  if (args.state === 'up') return planUp(args, state, table.policies);
  if (args.state === 'replaced') return planReplaced(args, state, table.policies);
  return planDown(args, state, table.policies);
}

/** "ifdown with the old files in place, if they are going to change": the files as found say what is to be deleted. */
function planReplaced(args: ConnectionArgs, state: HostState, policies: readonly Policy[]): Plan<ConnectionChange> {
  const found = foundConnection(args, state);
  const wanted = filesOf(args);
  const rival = rivalOf(args.nickname, wanted, state);
  if (rival !== null) return blocked(twice(rival, args.nickname));
  if (found && sameConnection(found, wanted, args.implied)) return { kind: 'ok' };
  const made = madeChanges(args, found !== null, state);
  const traffic = found && trafficOf(found);
  if (traffic === 'computed') return computedAddresses(args);
  const down = activeTraffic(policies, traffic);
  const marked = markerOf(args, state).kind !== 'absent';
  if (!down && marked && made.length === 0) return { kind: 'ok' };
  const nick = args.nickname;
  const next = knownTraffic(wanted);
  const renews = args.renew ? next?.peer : undefined;
  return {
    kind: 'change',
    change: { setMarker: !marked, down, next, startsRacoon: isRacoonDown(state), made, ...(renews ? { renews } : {}) },
    after: withMade(without(markedState(args, HostState.empty), policies, down), made),
    diff: [{ path: `connection ${nick}`, before: found ? [down ? 'up' : 'down'] : null, after: ['ifup due'] }],
    ...(down
      ? {
          disruptive: `takes ${nick} down (ifdown) before its files change: its traffic is not protected until it is up again`,
          effect: { tunnel: 'drops' },
        }
      : {}),
  };
}

function planUp(args: ConnectionArgs, state: HostState, policies: readonly Policy[]): Plan<ConnectionChange> {
  const found = foundConnection(args, state);
  const { ifcfg } = connectionPaths(args.nickname);
  if (!found) return blocked(`${ifcfg} is not there: without it there is no connection ${args.nickname}`);
  if (args.asked && args.files !== undefined && !sameConnection(found, filesOf(args))) return blocked(others(args));
  const traffic = args.selectors ? selected(args.selectors) : trafficOf(found);
  if (traffic === 'computed') return computedAddresses(args);
  if (!traffic) return blocked(`${ifcfg} names no DST: it is no IPsec connection`);
  const pending = markerOf(args, state).kind !== 'absent';
  const up = isProtected(policies, traffic, args);
  const unlisted = up && !isListed(traffic.peer, found, state);
  const onboot = args.onboot ?? !/^(no|false)$/i.test(found.variables.get('ONBOOT') ?? 'yes');
  // An end that is not started at boot may be down: somebody may have wanted that, or the host was rebooted.
  const cut = up && !onboot && losesRoute(args.nickname, traffic, state);
  if (!pending && !cut && !unlisted && (up || !(onboot || byHand(args)))) return { kind: 'ok' };
  const { marker } = connectionPaths(args.nickname);
  const after = HostState.empty
    .with(policyResource, 'kernel', {
      kind: 'known',
      policies: [...otherPolicies(policies, traffic), ...policiesFor(traffic, args)],
    })
    .with(raisedResource, traffic.peer, true)
    .with(reroutedResource, args.nickname, true)
    .with(fileResource, marker, { kind: 'absent' });
  return {
    kind: 'change',
    change: { up: traffic, wasUp: up, startsRacoon: isRacoonDown(state), clearMarker: pending },
    after,
    diff: [
      {
        path: `connection ${args.nickname}`,
        before: [pending ? 'ifup due' : cut ? 'up, its route lost' : unlisted ? 'up, unknown to racoon' : 'down'],
        after: ['up'],
      },
    ],
    disruptive: `brings ${args.nickname} up (ifup): traffic with ${traffic.destination} waits until the other end is up as well`,
    ...(up ? {} : { effect: { tunnel: 'starts' } }),
  };
}

function planDown(args: ConnectionArgs, state: HostState, policies: readonly Policy[]): Plan<ConnectionChange> {
  const found = foundConnection(args, state);
  const traffic = found && trafficOf(found);
  if (traffic === 'computed') return computedAddresses(args);
  const down = activeTraffic(policies, traffic);
  const pending = args.state === 'absent' && markerOf(args, state).kind !== 'absent';
  const made = args.state === 'absent' ? forgotten(args, state) : [];
  if (!down && !pending && made.length === 0) return { kind: 'ok' };
  const renews = args.state === 'absent' ? forsaken(policies, down) : undefined;
  const base = pending
    ? HostState.empty.with(fileResource, connectionPaths(args.nickname).marker, { kind: 'absent' })
    : HostState.empty;
  return {
    kind: 'change',
    change: { down, clearMarker: pending, made, ...(renews ? { renews } : {}) },
    after: withMade(without(base, policies, down, args.shared), made),
    diff: [
      {
        path: `connection ${args.nickname}`,
        before: [down ? 'up' : pending ? 'ifup due' : 'down, created by ipsec-play'],
        after: ['down'],
      },
    ],
    ...(down
      ? {
          disruptive: `takes ${args.nickname} down (ifdown): its traffic is no longer protected`,
          effect: { tunnel: 'stops' },
        }
      : {}),
  };
}

/** The peer, where nothing else that the kernel protects has to do with it: its SAs go as well, and racoon keeps none for it. */
function forsaken(policies: readonly Policy[], down: Traffic | undefined): string | undefined {
  if (down === undefined) return undefined;
  return otherPolicies(policies, down).some((policy) => mayLeadTo(policy, down.peer)) ? undefined : down.peer;
}

function isRacoonDown(state: HostState): boolean {
  return state.get(racoonResource, 'host') === false;
}

function knownTraffic(files: OwnConnection): Traffic | undefined {
  const traffic = trafficOf(files);
  return traffic === 'computed' || traffic === null ? undefined : traffic;
}

function pathsOf(args: ConnectionArgs): string[] {
  const { ifcfg, keys, marker } = connectionPaths(args.nickname);
  const ike = args.state === 'up' ? ikeFiles(args.selectors?.dst ?? '') : [];
  const { record, selectors } = args;
  const remembers = args.state === 'absent' || (args.state === 'replaced' && record !== undefined);
  const made = remembers ? [madeConnection(args.nickname), ...(selectors ? [madePeer(selectors.dst)] : [])] : [];
  const peers = args.state === 'replaced' ? [record?.psk, record?.conf].filter((name) => name !== undefined) : [];
  return [ifcfg, keys, marker, ...made, ...peers, ...ike, ...(args.requires ?? []).map((required) => required.path)];
}

function foundConnection(args: ConnectionArgs, state: HostState): OwnConnection | null {
  const { ifcfg, keys } = connectionPaths(args.nickname);
  const texts = [fileAt(state, ifcfg), fileAt(state, keys)].map((file) =>
    file.kind === 'file' ? (file.bytes ?? null) : null,
  );
  // Without an ifcfg file there is nothing that ifup or ifdown could work with.
  return texts[0] === null ? null : connectionVariables(texts.filter((text) => text !== null && text !== undefined));
}

/** `TYPE=Ethernet`: overwriting or removing that file would cost the host its network. */
function foreignType(found: OwnConnection | null): string | null {
  // A file with the line ends of DOS is one of ours all the same: it is going to be written anew.
  const type = found?.variables.get('TYPE')?.trim();
  if (type) return type.toUpperCase() === 'IPSEC' ? null : `TYPE=${type}`;
  return found?.variables.has('DEVICE') ? 'it has a DEVICE' : null;
}

/** A task that says nothing about booting asks for the connection to be up now: `connection: {nickname: ipsec0, state: up}`. */
function byHand(args: ConnectionArgs): boolean {
  return args.asked === true || (args.onboot === undefined && args.files === undefined);
}

function filesOf({ files }: ConnectionArgs): OwnConnection {
  return connectionVariables((files ?? []).map(({ content }) => plain(contentOf(content))));
}

function others({ nickname }: ConnectionArgs): string {
  return (
    `ifcfg-${nickname} and keys-${nickname} on this host are not what the inventory says, so ifup would bring up something else: ` +
    'check and apply the playbook first'
  );
}

/**
 * A network restart planned before this takes the devices down, and Linux drops their routes with them: that of a tunnel
 * between networks too. It brings back what starts at boot; the policies of others stay, without their route.
 */
function losesRoute(nickname: string, traffic: Traffic, state: HostState): boolean {
  if (traffic.destination === traffic.peer || state.get(reroutedResource, nickname)) return false;
  return state.get(restartedResource, 'network') === true;
}

function selected(selectors: NonNullable<ConnectionArgs['selectors']>): Traffic {
  const { src, dst, srcnet, dstnet } = selectors;
  return srcnet && dstnet
    ? { peer: dst, source: normal(srcnet), destination: normal(dstnet) }
    : { peer: dst, source: src ?? '', destination: dst };
}

function without(
  state: HostState,
  policies: readonly Policy[],
  traffic: Traffic | undefined,
  shared = false,
): HostState {
  if (!traffic) return state;
  const table: PolicyTable = { kind: 'known', policies: otherPolicies(policies, traffic) };
  const after = state.with(policyResource, 'kernel', table);
  return shared ? after : after.with(unlistedResource, traffic.peer, true);
}

function withMade(state: HostState, made: readonly MadeChange[]): HostState {
  return made.reduce((after, change) => after.with(fileResource, change.path, madeState(change)), state);
}

/** What is gone was created by nobody; what connections to a peer share is gone with the last of them. */
function forgotten({ nickname, selectors, shared }: ConnectionArgs, state: HostState): readonly MadeChange[] {
  const names = [madeConnection(nickname), ...(selectors && !shared ? [madePeer(selectors.dst)] : [])];
  return names.filter((name) => fileAt(state, name).kind === 'file').map((name) => ({ path: name, text: null }));
}

function markerOf(args: ConnectionArgs, state: HostState): FileState {
  return fileAt(state, connectionPaths(args.nickname).marker);
}

function markedState(args: ConnectionArgs, state: HostState): HostState {
  const marker: FileState = { kind: 'file', mode: 0o600, owner: '', group: '', uid: -1, gid: -1, bytes: '' };
  return state.with(fileResource, connectionPaths(args.nickname).marker, marker);
}

function twice(rival: string, nickname: string): string {
  return (
    `ifcfg-${rival} is on this host for the same traffic, and would come up beside ${nickname} with a key of its own: ` +
    `keep the nickname ${rival}, or first take it away (ifdown ${rival}; rm ifcfg-${rival} keys-${rival}), by hand or by a tunnel with state: absent`
  );
}

function computedAddresses(args: ConnectionArgs) {
  const { ifcfg } = connectionPaths(args.nickname);
  return blocked(
    `${ifcfg} lets the shell compute its addresses ($ or a backquote), so nobody can tell what to take down: write them out`,
  );
}
