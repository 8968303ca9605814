import { readFileSync } from 'node:fs';
import ssh2, { type Client, type ClientChannel } from 'ssh2';
import type { Lab } from '../../src/lab/lab.ts';

/** A connection to one host of a lab, its key verified against the lab's known_hosts. */
export async function connect(lab: Lab, host: string, config: object = {}): Promise<Client> {
  const { address, port, user } = lab.target({
    name: host,
    connection: 'ssh',
    address: '203.0.113.9',
    port: 22,
    connectTimeout: 5,
  });
  const known = new Map(
    readFileSync(lab.knownHostsFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => [line.split(' ')[0], line.split(' ')[2]]),
  );
  const client = new ssh2.Client();
  await new Promise<void>((resolve, reject) => {
    client.on('ready', resolve).on('error', reject);
    client.connect({
      host: address,
      port: port ?? 22,
      username: user ?? '',
      privateKey: readFileSync(lab.identityFile),
      hostVerifier: (key: Buffer) => known.get(`[${address}]:${port}`) === key.toString('base64'),
      ...config,
    });
  });
  client.on('error', () => {});
  return client;
}

export interface Ran {
  readonly code: number | null;
  readonly signal: string | undefined;
  readonly out: string;
  readonly err: string;
}

export async function open(client: Client, command: string): Promise<{ channel: ClientChannel; ran: Promise<Ran> }> {
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.exec(command, (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  let code: number | null = null;
  let signal: string | undefined;
  channel.on('data', (data: Buffer) => out.push(data));
  channel.stderr.on('data', (data: Buffer) => err.push(data));
  channel.on('exit', (status: number | null, name?: string) => {
    code = status;
    signal = name;
  });
  const ran = new Promise<Ran>((resolve) =>
    channel.on('close', () =>
      resolve({ code, signal, out: Buffer.concat(out).toString('latin1'), err: Buffer.concat(err).toString('latin1') }),
    ),
  );
  return { channel, ran };
}

export async function run(client: Client, command: string, input = ''): Promise<Ran> {
  const { channel, ran } = await open(client, command);
  channel.end(input);
  return ran;
}
