import { resourceKind } from '../../src/model/host-state.ts';

/**
 * What the scripts planned so far are going to do that no plan can predict, for the tasks after them. These live in
 * predictions alone: a new probe drops them, because then it is known what came of it.
 */

/** By the address of the peer: its connection is brought up, so the host's scripts rewrite its line of psk.txt. */
export const raisedResource = resourceKind<true>('raised');

/** By service name: it is restarted. Restarting `network` brings up every connection with ONBOOT=yes. */
export const restartedResource = resourceKind<true>('restarting');

/** By package name: it is being installed, and brings files and services that nobody has seen yet. */
export const installedResource = resourceKind<true>('installing');

/** By nickname: its connection is brought up after such a restart, so it has its route again. */
export const reroutedResource = resourceKind<true>('rerouted');
