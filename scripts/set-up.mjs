// Brings a clean clone to where tests and the demo can run: the packages of the lock file, and dist/. Does nothing that
// is done already, so that it may stand in front of every command.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const installed = `${root}node_modules/.package-lock.json`;
if (!existsSync(installed) || newest(`${root}package-lock.json`) > newest(installed)) run('npm', ['ci']);
if (
  !existsSync(`${root}dist/cli.js`) ||
  newest(`${root}src`, `${root}modules`, `${root}scripts`) > newest(`${root}dist/cli.js`)
) {
  run(process.execPath, [`${root}scripts/build.mjs`]);
}

function newest(...paths) {
  let latest = 0;
  for (const path of paths) {
    const stat = statSync(path);
    latest = Math.max(latest, stat.mtimeMs);
    if (stat.isDirectory()) latest = Math.max(latest, ...readdirSync(path).map((name) => newest(`${path}/${name}`)));
  }
  return latest;
}

function run(command, args) {
  console.error(
    `> ${command === process.execPath ? 'node' : command} ${args.map((arg) => arg.replace(root, '')).join(' ')}`,
  );
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error) console.error(error.message);
  if (status !== 0) process.exit(status ?? 1);
}
