import type { AnyModule } from '../src/engine/module.ts';
import { command } from './command.ts';
import { connection } from './connection.ts';
import { directory } from './directory.ts';
import { file } from './file.ts';
import { type CompiledModule, ipsecTunnels } from './ipsec-tunnels.ts';
import { lineinfile } from './lineinfile.ts';
import { packageModule } from './package.ts';
import { psk } from './psk.ts';
import { racoonConf } from './racoon-conf.ts';
import { service } from './service.ts';
import { sysctl } from './sysctl.ts';

/** Every module that runs on hosts. */
export const modules: readonly AnyModule[] = [
  command,
  connection,
  directory,
  file,
  lineinfile,
  packageModule,
  psk,
  racoonConf,
  service,
  sysctl,
];

/** Modules of playbooks that are made of tasks of the others before anything runs. */
export const compiledModules: readonly CompiledModule[] = [ipsecTunnels];
