// Stands for any number of hosts, all on one port, in a process of its own: node replaying-server.mjs. It prints its port
// and the line for known_hosts. The first command of a kind runs in a shell here; later ones, which differ in the nonce
// alone, are answered with what that has printed. So a thousand hosts that are only read cost this process next to nothing.
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import ssh2 from 'ssh2';

const { Server, utils } = ssh2;
const { privateKey } = generateKeyPairSync('ec', {
  namedCurve: 'prime256v1',
  privateKeyEncoding: { type: 'sec1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

const NONCE = /\b[0-9a-f]{24}\b/;
const known = new Map();

function answer(command) {
  const nonce = NONCE.exec(command)?.[0] ?? '';
  const kind = command.replaceAll(nonce, '@nonce@');
  if (!known.has(kind)) known.set(kind, runHere(command, nonce));
  return known.get(kind).then((said) => said.map((text) => text.replaceAll('@nonce@', nonce)));
}

function runHere(command, nonce) {
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [child.stdout, child.stderr].map(async (stream) => {
    let text = '';
    for await (const chunk of stream) text += chunk.toString('latin1');
    return text.replaceAll(nonce, '@nonce@');
  });
  return Promise.all(said);
}

const server = new Server({ hostKeys: [privateKey] }, (client) => {
  client.on('error', () => {});
  client.on('authentication', (attempt) =>
    attempt.method === 'publickey' ? attempt.accept() : attempt.reject(['publickey']),
  );
  client.on('session', (accept) => {
    accept().on('exec', async (take, _refuse, { command }) => {
      const channel = take();
      const [stdout, stderr] = await answer(command);
      channel.write(Buffer.from(stdout, 'latin1'));
      channel.stderr.write(Buffer.from(stderr, 'latin1'));
      channel.on('end', () => channel.exit(0) || channel.end());
      channel.resume();
    });
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const key = utils.parseKey(privateKey).getPublicSSH().toString('base64');
  console.log(JSON.stringify({ port, knownHosts: `[127.0.0.1]:${port} ecdsa-sha2-nistp256 ${key}` }));
});
process.stdin.resume().on('end', () => process.exit());
