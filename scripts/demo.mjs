// npm run demo: the tool in a minute, on stand-ins of the hosts on this machine. Installs and builds what is missing.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

await import('./set-up.mjs');

const root = fileURLToPath(new URL('..', import.meta.url));
const stage = `${root}.ipsec-play/demo`;
const bold = process.stdout.isTTY ? (text) => `\u001b[1m${text}\u001b[22m` : (text) => text;

rmSync(stage, { recursive: true, force: true });
mkdirSync(stage, { recursive: true });
for (const folder of ['inventory', 'playbooks', 'schema'])
  cpSync(`${root}${folder}`, `${stage}/${folder}`, { recursive: true });

say(
  '1. Apply the shipped tunnels to stand-ins of their hosts: real SSH, real scripts, each host in a folder of its own.',
);
ipsecPlay(0, 'apply', 'playbooks/site.yml', '--lab', '--yes', '--no-diff');

say('2. Apply again. ifup has rewritten psk.txt and racoon.conf meanwhile; nothing may change.');
const again = ipsecPlay(0, 'apply', 'playbooks/site.yml', '--lab', '--yes');
if (/: changed/.test(again)) stop('the second apply changed something');

say('3. Edit a key in tunnels.yml, and see with check what would change on both ends. Keys show as fingerprints.');
const tunnels = `${stage}/inventory/tunnels.yml`;
writeFileSync(tunnels, readFileSync(tunnels, 'utf8').replace('r3dh4tl1nux', 'a-new-and-longer-key'));
ipsecPlay(2, 'check', 'playbooks/site.yml', '--lab');

say(`That is all. The hosts' files are under .ipsec-play/demo/.ipsec-play/lab/HOST/root; nothing else was touched.`);

function ipsecPlay(expected, ...args) {
  console.log(bold(`\n$ ipsec-play ${args.join(' ')}`));
  const { status, stdout, error } = spawnSync(process.execPath, [`${root}dist/cli.js`, ...args], {
    cwd: stage,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
    maxBuffer: 1 << 26,
  });
  process.stdout.write(stdout ?? '');
  if (error) stop(error.message);
  console.log(bold(`exit ${status}`));
  if (status !== expected) stop(`expected exit ${expected}`);
  return stdout;
}

function say(text) {
  console.log(`\n${bold(text)}`);
}

function stop(why) {
  console.error(`demo: ${why}`);
  process.exit(1);
}
