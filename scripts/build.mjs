// Bundles the command line: dist/cli.js starts the program beside it, whose parts are read only when they are used.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
const program = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === 'src/cli/main.ts');
await build({
  ...common,
  format: 'cjs',
  entryPoints: { cli: 'scripts/launcher.cjs' },
  define: { PROGRAM: JSON.stringify(`./${basename(program[0])}`), VERSION: JSON.stringify(version) },
  banner: { js: '#!/usr/bin/env node' },
});
writeFileSync(`${made}/package.json`, '{ "type": "commonjs" }\n');
cpSync(`${root}src/lab/userland`, `${made}/userland`, { recursive: true });
chmodSync(`${made}/cli.js`, 0o755);
rmSync(`${root}dist`, { recursive: true, force: true });
renameSync(made, `${root}dist`);

// What these run is in the code cache; each adds to what the one before it left. A machine where the lab cannot start
// gets a smaller one.
const lab = `${made}-lab`;
for (const argv of [
  ['--help'],
  ['validate', 'playbooks/site.yml'],
  ['tasks', 'playbooks/site.yml'],
  ['inventory', 'list'],
  ['apply', 'playbooks/host-to-host.yml', '--yes', `--lab=${lab}`],
]) {
  const { status, stderr } = spawnSync(process.execPath, ['dist/cli.js', ...argv], {
    cwd: root,
    env: { ...process.env, IPSEC_PLAY_EXTEND_CACHE: '1' },
    encoding: 'utf8',
  });
  if (status !== 0 && argv[0] !== 'apply') throw new Error(`the built ipsec-play ${argv.join(' ')} fails: ${stderr}`);
}
rmSync(lab, { recursive: true, force: true });

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
