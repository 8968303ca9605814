import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { VaultFault } from '../../../src/lang/vaulted.ts';
import { reveal, Secret } from '../../../src/model/secret.ts';
import type { Identity } from '../../../src/secrets/vault/identities.ts';
import { makeVault } from '../../../src/secrets/vault/open-vault.ts';
import { SealFault } from '../../../src/secrets/vault/vault.ts';
import { sealBytes, sealVault } from '../../support/seal-vault.ts';

const PASSWORD = 'correct horse';
const identity = (id: string, password: string): Identity => ({ id, password: new Secret(password) });
const ONE = [identity('default', PASSWORD)];

const plainOf = (outcome: Secret | VaultFault) => (outcome instanceof Secret ? reveal(outcome) : outcome.code);
const faultOf = (outcome: Secret | VaultFault): VaultFault => {
  if (outcome instanceof Secret) throw new Error('it was opened');
  return outcome;
};

describe('opening', () => {
  test('a text of format 1.1 and of 1.2', async () => {
    const vault = await makeVault(ONE);
    expect(plainOf(vault.open(sealVault('Key_Value01', PASSWORD)))).toBe('Key_Value01');
    expect(plainOf(vault.open(sealVault('Key_Value01', PASSWORD, 'default')))).toBe('Key_Value01');
  });

  test('is the same one by one and in parallel, and each text is opened once', async () => {
    const texts = Array.from({ length: 12 }, (_, at) => sealVault(`text ${at}`, PASSWORD));
    const vault = await makeVault([identity('a', 'wrong'), ...ONE]);
    await vault.openAll([...texts, ...texts, 'no vault text']);
    const first = texts.map((text) => vault.open(text));
    expect(first.map(plainOf)).toEqual(texts.map((_, at) => `text ${at}`));
    expect(vault.opened).toEqual(first);
    expect(texts.map((text) => vault.open(text)).every((secret, at) => secret === first[at])).toBe(true);
    expect(plainOf((await makeVault(ONE)).open(texts[0] as string))).toBe('text 0');
  });

  test('tries all passwords, whatever id a text has', async () => {
    const vault = await makeVault([identity('dev', 'd'), identity('prod', 'p')]);
    expect(plainOf(vault.open(sealVault('x', 'p', 'dev')))).toBe('x');
    expect(plainOf(vault.open(sealVault('x', 'p', 'elsewhere')))).toBe('x');
    expect(plainOf(vault.open(sealVault('x', 'd')))).toBe('x');
    expect(vault.identityOf(sealVault('x', 'd'))).toBeNull();
  });

  test('gives the id and the identity of what was opened', async () => {
    const text = sealVault('x', 'p', 'prod');
    const vault = await makeVault([identity('dev', 'd'), identity('default', 'p')]);
    vault.open(text);
    expect(vault.identityOf(text)?.id).toBe('default');
    expect(vault.idOf(text)).toBe('prod');
  });

  test('takes a password that is no text', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x80, 0x41]);
    const vault = await makeVault([identity('default', bytes.toString('latin1'))]);
    expect(plainOf(vault.open(sealBytes(Buffer.from('x'), bytes)))).toBe('x');
  });

  test('is lenient about blanks and ends of lines, as Ansible', async () => {
    const lines = sealVault('x', PASSWORD, 'prod').trimEnd().split('\n');
    const vault = await makeVault(ONE);
    for (const text of [
      lines.join('\r\n'),
      lines.map((line) => `${line}  `).join('\n'),
      `${lines.join('\n')}\n\n`,
      [lines[0]?.replaceAll(';', ' ; '), ...lines.slice(1)].join('\n'),
    ]) {
      expect(plainOf(vault.open(text)), text).toBe('x');
    }
  });
});

describe('faults', () => {
  const text = sealVault('s3cret-canary', PASSWORD);

  test('no password: the message says what to give', async () => {
    const vault = await makeVault([]);
    expect(faultOf(vault.open(text))).toMatchObject({ code: 'vault-no-password', fix: /--vault-password-file/ });
    expect(faultOf(vault.open(sealVault('x', 'p', 'prod')))).toMatchObject({ fix: /--vault-id prod@FILE/ });
  });

  test('a wrong password, one or several', async () => {
    const one = faultOf((await makeVault([identity('default', 'no')])).open(text));
    expect(one).toMatchObject({
      code: 'vault-wrong-password',
      why: 'the vault password is wrong, or the text was altered',
    });
    const two = faultOf((await makeVault([identity('dev', 'no'), identity('prod', 'nor')])).open(text));
    expect(two).toMatchObject({ code: 'vault-wrong-password', why: /given are: dev, prod/ });
  });

  test('a password that opened another text: this one was altered', async () => {
    const vault = await makeVault(ONE);
    await vault.openAll([text, flipped(text)]);
    expect(faultOf(vault.open(flipped(text)))).toMatchObject({ code: 'vault-damaged', why: /altered/ });
    // of several passwords nobody knows which is meant
    const several = await makeVault([...ONE, identity('default', 'other')]);
    await several.openAll([text, flipped(text)]);
    expect(faultOf(several.open(flipped(text))).code).toBe('vault-wrong-password');
  });

  test('an id that is not among those given', async () => {
    const vault = await makeVault([identity('dev', 'd'), identity('qa', 'q')]);
    const fault = faultOf(vault.open(sealVault('x', 'p', 'prod')));
    expect(fault).toMatchObject({
      code: 'vault-unknown-id',
      why: /id prod, .*given are: dev, qa$/,
      fix: /--vault-id prod@/,
    });
    expect(faultOf(vault.open(sealVault('x', 'p', 'dev'))).code).toBe('vault-wrong-password');
  });

  test('an id with odd characters is shown escaped', async () => {
    const vault = await makeVault(ONE);
    const fault = faultOf(vault.open(sealVault('x', 'p', 'a\u001b[31m\u0007\u009b2J\u202e')));
    expect(fault.why + fault.fix).not.toMatch(/[^ -~]/);
    expect(fault.why).toContain('\\u009b2J');
  });

  test('what is binary is not opened: its bytes would be lost', async () => {
    const vault = await makeVault(ONE);
    for (const bytes of [[0xff, 0xfe], [0xc3], [0xf0, 0x90, 0x80]]) {
      expect(faultOf(vault.open(sealBytes(Buffer.from(bytes), Buffer.from(PASSWORD)))).code).toBe('vault-not-text');
    }
    expect(vault.opened.length).toBe(3);
  });

  test.each([
    ['nothing', ''],
    ['no header', '6162\n6364'],
    ['another mark', text.replace('$ANSIBLE_VAULT', '$ANSIBLE_VAULTS')],
    ['no cipher', text.replace(';AES256', '')],
    ['format 1.0', text.replace('1.1', '1.0')],
    ['another cipher', text.replace('AES256', 'AES')],
    ['the header alone', '$ANSIBLE_VAULT;1.1;AES256'],
    ['an odd number of digits', text.trimEnd().slice(0, -1)],
    ['a character that is no digit', text.trimEnd().replace(/.$/, 'g')],
    ['a line missing', text.split('\n').slice(0, -2).join('\n')],
    ['the first line missing', text.split('\n').toSpliced(1, 1).join('\n')],
    ['one part', `$ANSIBLE_VAULT;1.1;AES256\n${hex('ab')}`],
    ['two parts', `$ANSIBLE_VAULT;1.1;AES256\n${hex('ab\ncd')}`],
    ['four parts', `$ANSIBLE_VAULT;1.1;AES256\n${hex(`ab\n${'cd'.repeat(32)}\n${'ef'.repeat(16)}\nab`)}`],
    ['no salt', `$ANSIBLE_VAULT;1.1;AES256\n${hex(`\n${'cd'.repeat(32)}\n${'ef'.repeat(16)}`)}`],
    ['a short checksum', `$ANSIBLE_VAULT;1.1;AES256\n${hex(`ab\n${'cd'.repeat(31)}\n${'ef'.repeat(16)}`)}`],
    ['no ciphertext', `$ANSIBLE_VAULT;1.1;AES256\n${hex(`ab\n${'cd'.repeat(32)}\n`)}`],
    ['half a block', `$ANSIBLE_VAULT;1.1;AES256\n${hex(`ab\n${'cd'.repeat(32)}\n${'ef'.repeat(8)}`)}`],
    ['a NUL', text.replace(';', '\0')],
  ])('damaged: %s', async (_, damaged) => {
    const vault = await makeVault(ONE);
    await vault.openAll([damaged]);
    expect(faultOf(vault.open(damaged)).code).toBe('vault-damaged');
    expect(faultOf((await makeVault(ONE)).open(damaged)).code).toBe('vault-damaged');
  });

  test('any change of any character is a fault, or changes nothing', async () => {
    const vault = await makeVault(ONE);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length - 1),
        fc.oneof(
          fc.constant(''),
          fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
          fc.constantFrom(...'0123456789abcdef'),
        ),
        fc.constantFrom('replace', 'insert'),
        async (at, other, how) => {
          const changed = text.slice(0, at) + other + text.slice(how === 'insert' ? at : at + 1);
          await vault.openAll([changed]);
          const outcome = vault.open(changed);
          if (outcome instanceof Secret) expect(reveal(outcome)).toBe('s3cret-canary');
          else expect(JSON.stringify(outcome)).not.toContain('s3cret');
        },
      ),
      { numRuns: 300 },
    );
  });

  test('any text is a fault, never an exception', async () => {
    const vault = await makeVault(ONE);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((rest) => `$ANSIBLE_VAULT;1.1;AES256\n${rest}`),
        ),
        (any) => {
          expect(faultOf(vault.open(any)).code).toBe('vault-damaged');
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('closing', () => {
  test('any text opens again, empty, long and of any script', async () => {
    const vault = await makeVault(ONE);
    const other = await makeVault(ONE);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('x'.repeat(100_000)), fc.constant('')),
        async (plain) => {
          fc.pre(!plain.includes('\ufffd') && Buffer.from(plain).toString() === plain);
          const sealed = await vault.seal(new Secret(plain));
          expect(sealed).toMatch(/^\$ANSIBLE_VAULT;1\.1;AES256\n(?:[0-9a-f]{80}\n)*[0-9a-f]{1,80}$/);
          expect(plainOf(other.open(sealed))).toBe(plain);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('takes the first identity, or the one that is named, whose id it writes down', async () => {
    const vault = await makeVault([identity('dev', 'd'), identity('prod', 'p')]);
    expect(await vault.seal(new Secret('x'))).toMatch(/^\$ANSIBLE_VAULT;1\.2;AES256;dev\n/);
    const prod = await vault.seal(new Secret('x'), 'prod');
    expect(prod).toMatch(/^\$ANSIBLE_VAULT;1\.2;AES256;prod\n/);
    expect(plainOf((await makeVault([identity('default', 'p')])).open(prod))).toBe('x');
  });

  test('the same text never looks the same', async () => {
    const vault = await makeVault(ONE);
    expect(await vault.seal(new Secret('x'))).not.toBe(await vault.seal(new Secret('x')));
  });

  test.each([
    ['no password', [], undefined, 'x', /no vault password/],
    ['an unknown id', ONE, 'prod', 'x', /id prod; given are: default/],
    ['a text that would not come back', ONE, undefined, 'a\ufffd', /UTF-8/],
    ['half a character', ONE, undefined, '\ud800', /UTF-8/],
  ])('%s', async (_, identities, id, plain, message) => {
    const vault = await makeVault(identities);
    await expect(vault.seal(new Secret(plain), id)).rejects.toThrow(message);
    await expect(vault.seal(new Secret(plain), id)).rejects.toBeInstanceOf(SealFault);
  });
});

/** One bit of the ciphertext another one. */
function flipped(text: string): string {
  const body = text.trimEnd();
  return `${body.slice(0, -1)}${body.endsWith('1') ? '2' : '1'}`;
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}
