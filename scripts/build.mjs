// Bundles the command line: dist/cli.js starts the program beside it, whose parts are read only when they are used.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { compiledSchemas } from './compiled-schemas.mjs';
import { slowBuiltins } from './slow-builtins.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
// Made elsewhere and moved into place: a command that is running meanwhile finds its files.
const made = `${root}.ipsec-play/dist-${process.pid}`;

const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

const common = {
  absWorkingDir: root,
  outdir: made,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
};
const { outputFiles, metafile } = await build({
  ...common,
  entryPoints: ['src/cli/main.ts'],
  // What is only wanted by some commands gets files of its own. esbuild divides ECMAScript modules alone.
  format: 'esm',
  splitting: true,
  entryNames: 'part-program-[hash]',
  chunkNames: 'part-[hash]',
  plugins: [compiledSchemas(), slowBuiltins],
  // ssh2 tries its optional native add-ons and goes on without them.
  external: ['*.node', 'cpu-features'],
  define: { 'import.meta.url': 'programUrl' },
  legalComments: 'none',
  metafile: true,
  write: false,
  logLevel: 'warning',
});
mkdirSync(made, { recursive: true });
for (const { path, text } of outputFiles) writeFileSync(path, await asScript(text));
const [program] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === 'src/cli/main.ts');
await writeLauncher([]);
writeFileSync(`${made}/package.json`, '{ "type": "commonjs" }\n');
cpSync(`${root}src/lab/userland`, `${made}/userland`, { recursive: true });

const lab = `${made}-lab`;
const apply = ['apply', 'playbooks/host-to-host.yml', '--yes', `--lab=${lab}`];
const validate = ['validate', 'playbooks/site.yml'];
await writeLauncher([
  ...collection('use-validate', ['validate'], validate),
  ...collection('use-hosts', ['apply', 'check', 'verify', 'status', 'drift', 'plan', 'show'], apply),
]);

// What these run is in the code cache; each adds to what the one before it left. By now the lab is as it should be, and most
// hosts are: what only a change needs is compiled when there is one, which takes long enough by itself.
for (const argv of [['--help'], validate, ['tasks', 'playbooks/site.yml'], ['inventory', 'list'], apply]) run(argv);
rmSync(lab, { recursive: true, force: true });
rmSync(`${root}dist`, { recursive: true, force: true });
renameSync(made, `${root}dist`);

/** Bundles dist/cli.js, which knows the file that has the parts of a command together. */
async function writeLauncher(collections) {
  await build({
    ...common,
    format: 'cjs',
    entryPoints: { cli: 'scripts/launcher.cjs' },
    define: {
      COLLECTIONS: JSON.stringify(collections),
      PROGRAM: JSON.stringify(`./${basename(program)}`),
      VERSION: JSON.stringify(version),
    },
    banner: { js: '#!/usr/bin/env node' },
  });
  chmodSync(`${made}/cli.js`, 0o755);
}

/** Writes a file with the parts that a command line uses, which a first start leaves a cache of, and says for which commands. */
function collection(name, commands, argv) {
  run(argv);
  const caches = readdirSync(made).filter((file) => file.endsWith('.cache'));
  const parts = caches.map((file) => file.slice(0, file.indexOf('.js.') + 3)).sort();
  const text = `({${parts.map((part) => `'./${part}':${readFileSync(`${made}/${part}`, 'latin1')}`).join(',\n')}})`;
  const file = `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}.js`;
  writeFileSync(`${made}/${file}`, text, 'latin1');
  for (const cache of caches) rmSync(`${made}/${cache}`);
  return commands.map((command) => [command, file]);
}

function run(argv) {
  const { status, stderr } = spawnSync(process.execPath, [`${made}/cli.js`, ...argv], {
    cwd: root,
    env: { ...process.env, IPSEC_PLAY_EXTEND_CACHE: '1' },
    encoding: 'utf8',
  });
  // There are machines where the lab cannot start: what it runs is compiled at the first start that wants it.
  if (status !== 0 && argv[0] !== 'apply') throw new Error(`the built ipsec-play ${argv.join(' ')} fails: ${stderr}`);
}

/** A module as the launcher runs it: V8 keeps compiled code of scripts, and of modules only from Node 22 on. */
async function asScript(text) {
  const { code } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    // A script that the launcher runs has no import().
    supported: { 'dynamic-import': false },
    // Names stay, so that a bug's stack can be read.
    minifyWhitespace: true,
    // Of packages, and told before.
    logLevel: 'error',
  });
  return `(function (require, module, exports, __filename, __dirname, programUrl) {\n'use strict';\n${code}})`;
}
