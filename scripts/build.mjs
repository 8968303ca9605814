// Bundles the command line: dist/cli.js starts the bundle beside it, whose parts still run only when they are used.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
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
  format: 'cjs',
  target: 'node20.19',
};
const { metafile } = await build({
  ...common,
  entryPoints: ['src/cli/main.ts'],
  entryNames: 'program-[hash]',
  plugins: [compiledSchemas(), slowBuiltins],
  // ssh2 tries its optional native add-ons and goes on without them.
  external: ['*.node', 'cpu-features'],
  // A script that the launcher runs has neither import() nor import.meta.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'bundleUrl' },
  banner: {
    js: "(function (require, __filename, __dirname) {\n'use strict';\nconst bundleUrl = require('node:url').pathToFileURL(__filename).href;",
  },
  footer: { js: '})' },
  // Names stay, so that a bug's stack can be read.
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});
const program = basename(Object.keys(metafile.outputs)[0] ?? '');
await build({
  ...common,
  entryPoints: { cli: 'scripts/launcher.cjs' },
  define: { PROGRAM: JSON.stringify(program), VERSION: JSON.stringify(version) },
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
