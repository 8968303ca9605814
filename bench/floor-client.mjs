// One exec a host over ssh2, all hosts at once, and nothing more. The options are those that make a connection fast.
import { readFileSync } from 'node:fs';
import ssh2 from 'ssh2';

const { keyFile, knownHostsFile, hosts } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const key = ssh2.utils.parseKey(readFileSync(keyFile));
const known = new Map(
  readFileSync(knownHostsFile, 'utf8')
    .split('\n')
    .map((line) => [line.split(' ')[0], line.split(' ')[2]]),
);

hosts.forEach(runOn);

function runOn({ name, address, port, known: called, script }) {
  const client = new ssh2.Client();
  const failed = (why) => {
    process.exitCode = 1;
    console.error(`${name} ${why}`);
    client.destroy();
  };
  client.on('error', (error) => failed(error.message));
  client.on('ready', () => {
    client.exec(script, (error, channel) => {
      if (error) return failed(error.message);
      let output = '';
      channel.on('data', (chunk) => {
        output += chunk;
      });
      channel.stderr.on('data', (chunk) => {
        output += chunk;
      });
      channel.on('close', (code) => {
        client.end();
        if (code !== 0) return failed(`exit ${code}: ${output}`);
        console.log(`${name} ${output.trim()}`);
      });
    });
  });
  client.connect({
    host: address,
    port,
    username: 'root',
    authHandler: [{ type: 'publickey', username: 'root', key }],
    algorithms: { kex: ['curve25519-sha256'], serverHostKey: ['ssh-ed25519'], cipher: ['aes128-gcm@openssh.com'] },
    hostVerifier: (offered) => offered.toString('base64') === known.get(called),
  });
  client.setNoDelay(true);
}
