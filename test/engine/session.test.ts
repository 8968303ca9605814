import { expect, test } from 'vitest';
import { openSession } from '../../src/engine/session.ts';
import type { ConnectFault, ShellEnd, Transport } from '../../src/transport/transport.ts';

const NONCE = 'q9z';

/** A host that answers the first script, says something on stderr, and ends when told to. */
function host(says = ''): { transport: Transport; end(how: ShellEnd): void } {
  let end: (how: ShellEnd) => void = () => {};
  const ended = new Promise<ShellEnd>((resolve) => {
    end = resolve;
  });
  const shell: Awaited<ReturnType<Transport['connect']>>['shell'] = async (_, output) => {
    output.stdout(`\n@@${NONCE} b done\n\n@@${NONCE} e done 0\n`);
    output.stderr(`\n@@${NONCE} B done\n\n@@${NONCE} E done 0\n${says}`);
    return { write: async () => {}, end: () => {}, ended };
  };
  return { transport: { connect: async () => ({ shell, close: async () => {} }) }, end };
}

test('a shell that ended while nothing was asked of it is noticed by the next script, which must not wait for ever', async () => {
  const { transport, end } = host();
  const target = { name: 'a', connection: 'ssh', address: 'a', port: 22, connectTimeout: 1 } as const;
  const session = await openSession(transport, target, NONCE);
  await session.run('first');
  end({ kind: 'lost', why: 'somebody pulled the plug' });
  await new Promise((resolve) => setTimeout(resolve, 10));
  const fault = await session.run('second').then(
    () => null,
    (reason: ConnectFault) => reason,
  );
  expect(fault).toMatchObject({ code: 'lost' });
  expect(fault?.message).toContain('somebody pulled the plug');
}, 3000);

test('of what was said last only whole lines are kept: half a secret would not be recognised as one', async () => {
  const secret = 'canary-'.repeat(20);
  const { transport, end } = host(`${secret}${'x'.repeat(1950)}\nthe last line\n`);
  const target = { name: 'a', connection: 'ssh', address: 'a', port: 22, connectTimeout: 1 } as const;
  const session = await openSession(transport, target, NONCE);
  await session.run('first');
  end({ kind: 'exit', code: 1 });
  await new Promise((resolve) => setTimeout(resolve, 10));
  await expect(session.run('second')).rejects.toThrow('the shell on the host ended (exit 1): the last line');
});
