import type { Target } from '../../model/host.ts';
import type { SshSettings } from '../ssh-settings.ts';
import { given } from './arguments.ts';
import { directSettings, type Surroundings } from './settings.ts';

/** How a host is reached where ssh_config(5) and the user's environment have no say: by the inventory and these defaults. */
export function plainSettings(target: Target, defaults: Surroundings): SshSettings {
  const { address, user, port } = target;
  const lookup = { host: address, hostName: null, configFile: 'none', given: [] };
  const values = new Map([
    ...(user === undefined ? [] : [['user', [user]] as const]),
    ...(port === undefined ? [] : [['port', [String(port)]] as const]),
  ]);
  const directives = user === undefined ? [] : [given('user', user)];
  const { tokens: _, ...direct } = directSettings(target, lookup, { hostName: address, values, directives }, defaults);
  return { ...direct, proxy: null };
}
