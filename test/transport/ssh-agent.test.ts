import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { agentAt } from '../../src/transport/ssh-agent.ts';

let folder: string;
let server: Server | null = null;
const open: Socket[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-'));
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)));
  server = null;
  rmSync(folder, { recursive: true, force: true });
});

test('an agent that takes the question and never answers is given up, once for all hosts', async () => {
  const socket = join(folder, 'agent.sock');
  server = createServer((client) => void open.push(client));
  await new Promise<void>((resolve) => server?.listen(socket, resolve));
  const agent = agentAt(socket, ssh2, 0.1);
  expect(await Promise.all([agent.keys(), agent.keys()])).toEqual([[], []]);
  expect(agent.problem).toBe('ssh-agent did not answer within 0.1 s');
  expect(open).toHaveLength(1);
});

test('one that is not there says so at once', async () => {
  const agent = agentAt(join(folder, 'nobody.sock'), ssh2, 60);
  expect(await agent.keys()).toEqual([]);
  expect(agent.problem).toBe('ssh-agent does not answer');
});
