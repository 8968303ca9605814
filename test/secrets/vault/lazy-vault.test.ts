import { expect, test } from 'vitest';
import { reveal, Secret } from '../../../src/model/secret.ts';
import { LazyVault } from '../../../src/secrets/vault/lazy-vault.ts';
import { makeVault } from '../../../src/secrets/vault/open-vault.ts';
import { sealVault } from '../../support/seal-vault.ts';

function lazily(password = 'p') {
  const made = { times: 0 };
  const vault = new LazyVault(() => {
    made.times += 1;
    return makeVault([{ id: 'default', password: new Secret(password) }]);
  });
  const text = (envelope: string) => {
    const plain = vault.open(envelope);
    return plain instanceof Secret ? reveal(plain) : plain.code;
  };
  return { vault, made, text };
}

test('work that opens nothing runs once, and no password is read for it', async () => {
  const { vault, made } = lazily();
  let runs = 0;
  expect(await vault.settled(() => ++runs)).toBe(1);
  expect(made.times).toBe(0);
  expect(vault.opened).toEqual([]);
});

test('work is done anew until all that it opens is open, however one text leads to another', async () => {
  const { vault, made, text } = lazily();
  const [inner, outer, other] = ['inner', 'outer', 'other'].map((plain) => sealVault(plain, 'p')) as [
    string,
    string,
    string,
  ];
  let runs = 0;
  const result = await vault.settled(() => {
    runs += 1;
    const first = text(outer);
    return [first, text(other), first === 'outer' ? text(inner) : ''];
  });
  expect(result).toEqual(['outer', 'other', 'inner']);
  expect({ runs, made: made.times }).toEqual({ runs: 3, made: 1 });
});

test('what does not open is a fault of the last time, not of one before', async () => {
  const { vault, text } = lazily('wrong');
  expect(await vault.settled(async () => text(sealVaultOnce))).toBe('vault-wrong-password');
});

test('once loaded, a text that nobody knew is opened at once', async () => {
  const { vault, text } = lazily();
  await vault.load();
  expect(text(sealVault('late', 'p'))).toBe('late');
  expect(vault.opened.map(reveal)).toEqual(['late']);
});

test('an exception of the work comes through', async () => {
  const { vault } = lazily();
  await expect(
    vault.settled(() => {
      throw new Error('a bug');
    }),
  ).rejects.toThrow('a bug');
});

test('closes with the passwords that it reads', async () => {
  const { vault, text } = lazily();
  expect(text(await vault.seal(new Secret('x')))).toBe('x');
});

const sealVaultOnce = sealVault('x', 'p');
