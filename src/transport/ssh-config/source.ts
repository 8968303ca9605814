import { join } from 'node:path';
import { ConnectFault } from '../transport.ts';
import { type ConfigTree, linesOf, readConfigTree } from './config-tree.ts';
import { userInfoOrNull } from './tokens.ts';

/** The files that are in force, and how ssh is told so. */
export interface ConfigSource {
  /** In ssh's order: the user's, the system's. */
  readonly trees: readonly ConfigTree[];
  /** `null`: ssh finds them itself. Otherwise the file for `-F`, or `none`. */
  readonly file: ConfigTree | 'none' | null;
  /** Whether the user has a configuration of his own, in which mistakes must be found. */
  readonly own: boolean;
  readonly lines: ReturnType<typeof linesOf>;
}

interface Place {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What `-F` of ssh would name. */
  readonly configFile?: string | undefined;
}

const SYSTEM_FOLDER = '/etc/ssh';

/** Reads the configuration. Throws a {@link ConnectFault} where a file cannot be read. */
export function openSource({ home, env, configFile }: Place): ConfigSource {
  const folder = join(home, '.ssh');
  if (configFile === 'none') return source([], 'none', false);
  if (configFile !== undefined) {
    const path = configFile.startsWith('~/') ? join(home, configFile.slice(2)) : configFile;
    const tree = readConfigTree(path, { home, folder, env });
    if (tree === null) {
      throw new ConnectFault('ssh-config', `there is no file ${path}`, 'Correct --ssh-config, or -F in the inventory.');
    }
    return source([tree], tree, true);
  }
  const user = readConfigTree(join(folder, 'config'), { home, folder, env });
  // ssh goes by the password database; with -F it reads no other file.
  if (userInfoOrNull()?.homedir !== home) return user === null ? source([], 'none', false) : source([user], user, true);
  const system = readConfigTree(join(SYSTEM_FOLDER, 'ssh_config'), { home, folder: SYSTEM_FOLDER, env });
  return source(
    [user, system].filter((tree) => tree !== null),
    null,
    user !== null,
  );
}

function source(trees: readonly ConfigTree[], file: ConfigSource['file'], own: boolean): ConfigSource {
  return { trees, file, own, lines: trees.flatMap(linesOf) };
}
