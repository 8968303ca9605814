import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { compiledModules, modules } from '../modules/index.ts';
import { EXIT } from '../src/cli/exit.ts';
import { ansibleTags } from '../src/lang/yaml-tags.ts';
import { type Block, type Page, readPage } from './support/markdown.ts';
import { sourceCodes } from './support/source-codes.ts';

/** Commands that a test cannot run, or runs already. Every other line of every `sh` block is run. */
const NOT_RUN: readonly RegExp[] = [
  /^npm (ci|link|test)$/,
  /^npm ci && npm run build$/,
  /^npm run (build|demo|bench|schema|typecheck|lint|knip|test:kernel)$/,
  /^npm run chaos( --|$)/,
  /^npx (vitest run|tsc|biome) /,
  /^node bench\//,
  /^\.ci\/run$/,
  /^ssh(-keyscan|-keygen)? /,
];

const ROOT = resolve(import.meta.dirname, '..');
const FILES = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];
const pages = new Map<string, Page>(FILES.map((file) => [file, pageOf(file)]));
const folder = mkdtempSync(join(tmpdir(), 'ipsec-play-docs-'));
const DIST = join(folder, 'dist');

beforeAll(() => {
  mkdirSync(join(ROOT, '.ipsec-play'), { recursive: true });
  // A copy, made while nobody builds: fleets of the end-to-end tests do, beside us, under the same lock.
  const script = 'if command -v flock >/dev/null; then flock 9; fi; "$1" scripts/set-up.mjs && cp -r dist "$2"';
  const argv = ['-c', `{ ${script}; } 9>.ipsec-play/build.lock`, 'build', process.execPath, DIST];
  execFileSync('sh', argv, { cwd: ROOT, stdio: 'ignore' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what a page says to type', () => {
  test.concurrent.each(FILES)(
    '%s',
    async (file) => {
      const place = workspace(file);
      let said = '';
      for (const block of page(file).blocks) {
        if (block.language === 'yaml') writeExample(place, block);
        if (block.language === 'sh') said = (await runBlock(place, block, file)) ?? said;
        if (block.language === 'text') compareOutput(block, said, file);
      }
    },
    120_000,
  );

  test('is in blocks that are run', () => {
    for (const [file, { blocks }] of pages)
      for (const { language, line } of blocks)
        expect(['bash', 'shell', 'console'], `${file}:${line}: write sh`).not.toContain(language);
  });
});

describe('links', () => {
  test.each(FILES)('of %s lead somewhere', (file) => {
    for (const { target, line } of page(file).links) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const other = path === '' ? file : normalize(join(dirname(file), path));
      expect(existsSync(join(ROOT, other)), `${file}:${line}: ${target}`).toBe(true);
      if (anchor !== undefined) expect([...page(other).anchors], `${file}:${line}: ${target}`).toContain(anchor);
    }
  });

  test('lead to every page', () => {
    const linked = FILES.flatMap((file) =>
      page(file).links.map(({ target }) => normalize(join(dirname(file), target.split('#')[0] ?? ''))),
    );
    expect(FILES.filter((file) => file !== 'README.md' && !linked.includes(file))).toEqual([]);
  });
});

describe('pages that list what the sources have', () => {
  test('docs/diagnostics.md: every code, and no other', () => {
    const { codes, unreadable, unusedTemplates } = sourceCodes(['src', 'modules'], {
      '`secret-${spec.kind}`': ['secret-env', 'secret-file', 'secret-command'],
      '`${key}-unexpected`': ['network-unexpected', 'gateway-unexpected'],
    });
    expect(unreadable).toEqual([]);
    expect(unusedTemplates).toEqual([]);
    const rows = page('docs/diagnostics.md').sections.flatMap(({ rows: own }) => own);
    const documented = rows.map(([code = '']) => code.replaceAll('`', ''));
    expect([...new Set(documented)].sort()).toEqual([...codes].sort());
    expect(documented.length).toBe(new Set(documented).size);
    for (const [code, ...cells] of rows) for (const cell of cells) expect(cell.length, code).toBeGreaterThan(5);
  });

  test('docs/exit-codes.md: every exit code, and no other', () => {
    const documented = page('docs/exit-codes.md').sections.flatMap(({ rows }) => rows.map(([code]) => Number(code)));
    expect(documented.sort()).toEqual([...Object.values(EXIT)].sort());
  });

  test('docs/modules.md: every module with its arguments, and no other', () => {
    const sections = page('docs/modules.md').sections.filter(({ title }) => /^`\w+`$/.test(title));
    const all = [...compiledModules, ...modules];
    expect(sections.map(({ title }) => title.replaceAll('`', '')).sort()).toEqual(all.map(({ name }) => name).sort());
    for (const { name, summary, args, free } of all) {
      const section = sections.find(({ title }) => title === `\`${name}\``);
      const { properties = {}, required = [] } = args as Schema;
      expect(section?.text, name).toContain(summary);
      expect(section?.rows.map(([argument]) => argument).sort(), name).toEqual(
        Object.keys(properties)
          .map((argument) => `\`${argument}\`${required.includes(argument) ? ' (required)' : ''}`)
          .sort(),
      );
      if (free !== undefined) expect(section?.text, name).toContain(`A bare text is its \`${free}\``);
      for (const [argument, { enum: allowed = [] }] of Object.entries(properties)) {
        const text = section?.rows.find(([cell]) => cell?.startsWith(`\`${argument}\``))?.join(' ') ?? '';
        for (const value of allowed) expect(text, `${name}.${argument}`).toContain(`${value}`);
      }
    }
  });

  test('docs/commands.md: every option that --help shows, and no other', () => {
    const help = (...command: string[]) =>
      execFileSync(process.execPath, [join(DIST, 'cli.js'), ...command, '--help'], { encoding: 'utf8' });
    const shown = [
      'apply',
      'check',
      'history',
      'plan',
      'show',
      'validate',
      'tasks',
      'keygen',
      'verify',
      'import',
      'up',
      'down',
      'reload',
      'status',
      'drift',
      'rotate',
      'hand-off',
      'prune',
    ]
      .map((command) => help(command))
      .concat(help('inventory', 'list'), help('hosts', 'scan'), help())
      .flatMap((text) => [...text.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option));
    const tables = page('docs/commands.md').sections.filter(({ title }) => title.startsWith('Options'));
    const documented = tables.flatMap(({ rows }) => rows.flatMap(([cell]) => cell?.match(/--[a-z-]+/g) ?? []));
    // Two commands may have an option of the same name.
    expect([...new Set(documented)].sort()).toEqual([...new Set(shown)].sort());
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, { readonly enum?: readonly unknown[] }>>;
  readonly required?: readonly string[];
}

function pageOf(file: string): Page {
  return readPage(readFileSync(join(ROOT, file), 'utf8'));
}

function page(file: string): Page {
  return pages.get(file) ?? pageOf(file);
}

/** A fresh copy of what a project has, and an `ipsec-play` on PATH that can reach nothing but the lab. */
function workspace(file: string): string {
  const place = join(folder, file.replaceAll('/', '-'));
  mkdirSync(join(place, '.bin'), { recursive: true });
  for (const name of ['inventory', 'playbooks', 'schema'])
    cpSync(join(ROOT, name), join(place, name), { recursive: true });
  symlinkSync(DIST, join(place, 'dist'));
  const wrapper = join(place, '.bin/ipsec-play');
  writeFileSync(
    wrapper,
    `#!/bin/bash
case " $1 " in ' apply ' | ' check ' | ' plan ') [[ " $* " == *' --lab'* ]] || set -- "$@" --lab ;; esac
exec '${process.execPath}' '${join(DIST, 'cli.js')}' "$@"
`,
  );
  chmodSync(wrapper, 0o755);
  return place;
}

/** A YAML block whose first line is a comment with a path is that file, from there on. Every other one must be YAML. */
function writeExample(place: string, { text, line }: Block): void {
  for (const document of parseAllDocuments(text, { version: '1.1', customTags: ansibleTags }))
    expect(document.errors, `line ${line}`).toEqual([]);
  const path = /^# ([\w./-]+\.ya?ml)$/m.exec(text.split('\n')[0] ?? '')?.[1];
  if (path === undefined) return;
  mkdirSync(dirname(join(place, path)), { recursive: true });
  writeFileSync(join(place, path), `${text}\n`);
}

/** Runs a block with `bash -e`; `# exit 2` behind a command says how it must end. Gives what it printed. */
async function runBlock(place: string, { text, line }: Block, file: string): Promise<string | null> {
  const commands = text
    .split('\n')
    .filter((command) => !NOT_RUN.some((pattern) => pattern.test(withoutComment(command))));
  if (commands.every((command) => withoutComment(command) === '')) return null;
  const script = commands.map((command) => {
    const expected = /\s# exit (\d+)$/.exec(command)?.[1];
    if (expected === undefined) return command;
    return `rc=0; ${withoutComment(command)} || rc=$?; [ $rc = ${expected} ] || { echo "exit $rc, not ${expected}"; exit 99; }`;
  });
  const env = { PATH: `${join(place, '.bin')}:${process.env.PATH}`, HOME: place, LC_ALL: 'C.UTF-8', NO_COLOR: '1' };
  const { code, output } = await new Promise<{ code: unknown; output: string }>((done) => {
    const options = { cwd: place, env, maxBuffer: 1 << 26 };
    const child = execFile('bash', ['-e', '-c', script.join('\n')], options, (fault, stdout, stderr) =>
      done({ code: fault === null ? 0 : fault.code, output: `${stdout}${stderr}` }),
    );
    child.stdin?.end();
  });
  if (code !== 0) throw new Error(`${file}:${line}: exit ${code}\n${output}`);
  return output;
}

function withoutComment(command: string): string {
  return command.replace(/(^|\s)#.*$/, '').trim();
}

/** A text block shows what the commands before it printed; `…` stands for what is left out. Keys differ from run to run. */
function compareOutput({ text, line }: Block, said: string, file: string): void {
  const plain = (shown: string) => shown.trimEnd().replaceAll(/fp:[0-9a-f]{8}/g, 'fp:');
  const printed = new Set(said.split('\n').map(plain));
  for (const [index, shown] of text.split('\n').entries()) {
    if (shown.trim() === '…' || shown.trim() === '') continue;
    expect([...printed], `${file}:${line + index}`).toContain(plain(shown));
  }
}
