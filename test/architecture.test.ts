import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Who may import whom: docs/architecture.md tells why. A folder that is missing here may not be imported by any other. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/model': [],
  'src/lang': ['src/model'],
  'src/secrets': ['src/model', 'src/lang'],
  'src/inventory': ['src/model', 'src/lang', 'src/secrets'],
  'src/playbook': ['src/model', 'src/lang', 'src/engine/module.ts'],
  'src/compile': [
    'src/model',
    'src/lang',
    'src/inventory',
    'src/playbook',
    'src/engine/module.ts',
    'src/engine/sh.ts',
    'modules/ipsec-tunnels.ts',
    'modules/shared/connection-files.ts',
    'modules/shared/made.ts',
    'modules/shared/other-connections.ts',
    'modules/shared/policies.ts',
    'modules/shared/protection.ts',
    'modules/shared/psk-lines.ts',
    'modules/shared/racoon-text.ts',
    'modules/shared/shell-assignments.ts',
    'modules/shared/sourced-file.ts',
    'modules/shared/sysctl-conf.ts',
  ],
  'src/engine': ['src/model', 'src/transport/transport.ts'],
  'src/transport': ['src/model', 'src/engine/sh.ts'],
  'src/report': ['src/model', 'src/lang', 'src/engine'],
  'src/hand-off': ['src/model', 'src/secrets'],
  'src/lab': ['src/model', 'src/engine/sh.ts', 'src/transport'],
  modules: ['src/model', 'src/engine/module.ts', 'src/engine/sh.ts'],
  'src/cli': [
    'src/model',
    'src/lang',
    'src/secrets',
    'src/inventory',
    'src/playbook',
    'src/compile',
    'src/hand-off',
    'src/engine',
    'src/transport',
    'src/report',
    'src/lab',
    'modules',
    'package.json',
  ],
};

/**
 * The folders of `src/cli`, each of which may import those below it, and nothing of ours beside them but `exit.ts`.
 * `commands` may have the version as well.
 */
const CLI_LAYERS: readonly string[] = [
  'command-line',
  'commands',
  'rotate',
  'prove',
  'settle',
  'run',
  'import',
  'keys',
  'plan-file',
  'shard',
  'drift',
  'reach',
  'project',
  'options',
  'machine',
];

/** A package that only one place may know, so that it can be replaced there. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  'node-ssh': ['src/transport/ssh'],
  ssh2: ['src/transport', 'src/lab'],
  'ssh-config': ['src/transport/ssh-config'],
  listr2: ['src/report/tty.ts'],
  yaml: ['src/lang'],
  ajv: ['src/lang'],
  '@huggingface/jinja': ['src/lang'],
  commander: ['src/cli'],
  'ansible-vault': ['src/secrets/vault'],
  diff: ['src/report'],
};

const files = ['src', 'modules'].flatMap(sources);

describe('imports', () => {
  test.each(files)('%s', (file) => {
    const home = folderOf(file);
    for (const target of imports(file)) {
      if (target.startsWith('.')) {
        const path = normalize(join(dirname(file), target));
        const allowed = [home, ...(MAY_IMPORT[home] ?? [])];
        expect(
          allowed.some((each) => within(path, each)),
          `${file} imports ${path}`,
        ).toBe(true);
      } else {
        const owners = ONLY_IN[target] ?? ONLY_IN[target.split('/')[0] ?? ''];
        if (owners)
          expect(
            owners.some((each) => file.startsWith(each)),
            `${file} imports ${target}`,
          ).toBe(true);
      }
    }
  });

  test.each(readdirSync('src/cli').filter((name) => !name.endsWith('.ts')))(
    'src/cli/%s has only what is below it',
    (name) => {
      expect(CLI_LAYERS).toContain(name);
      const below = CLI_LAYERS.slice(CLI_LAYERS.indexOf(name)).map((each) => `src/cli/${each}`);
      const root = name === 'commands' ? ['src/cli/exit.ts', 'src/cli/version.ts'] : ['src/cli/exit.ts'];
      for (const file of sources(join('src/cli', name))) {
        const own = imports(file)
          .filter((target) => target.startsWith('.'))
          .map((target) => normalize(join(dirname(file), target)))
          .filter((path) => path.startsWith('src/cli/'));
        for (const path of own)
          expect(
            [...below, ...root].some((each) => within(path, each)),
            `${file} imports ${path}`,
          ).toBe(true);
      }
    },
  );

  test('docs/architecture.md has the folders of src/cli in this order', () => {
    const [, table = ''] = readFileSync('docs/architecture.md', 'utf8').split('| folder of `src/cli` |');
    const [rows = ''] = table.split('\n\n');
    expect([...rows.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name)).toEqual(CLI_LAYERS);
  });

  test('modules see no file system, process, clock or randomness', () => {
    for (const file of files.filter((each) => each.startsWith('modules/'))) {
      const text = readFileSync(file, 'utf8');
      expect(
        imports(file).filter((target) => target.startsWith('node:')),
        file,
      ).toEqual([]);
      expect(text, file).not.toMatch(/Date\.now|new Date|Math\.random|\bprocess\.|performance\./);
    }
  });

  test('process is known only to the command line, to the lab, and where a child process needs it', () => {
    for (const file of files) {
      if (/^src\/(cli|lab)\//.test(file) || /^src\/transport\/(local|proxy-command)\.ts$/.test(file)) continue;
      expect(readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''), file).not.toMatch(/\bprocess\.(?!js)/);
    }
  });
});

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

function folderOf(file: string): string {
  return file.startsWith('modules/') ? 'modules' : file.split('/').slice(0, 2).join('/');
}

function within(path: string, allowed: string): boolean {
  return path === allowed || path.startsWith(`${allowed}/`);
}

function imports(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}
