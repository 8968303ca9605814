import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quote } from '../../src/engine/sh.ts';
import { toBytes } from '../../src/model/content.ts';
import { Secret } from '../../src/model/secret.ts';
import { makeRedactor } from '../../src/secrets/redact.ts';

function redactor(...secrets: string[]) {
  const made = makeRedactor();
  for (const secret of secrets) made.add(new Secret(secret));
  return made;
}

describe('a redactor', () => {
  test('hides every occurrence, and overlapping ones whole', () => {
    const { redact } = redactor('Key_Value01', 'abcdef', 'defghi', 'abcd');
    expect(redact('IKE_PSK=Key_Value01, Key_Value01Key_Value01')).toBe('IKE_PSK=[secret], [secret][secret]');
    expect(redact('xabcdefghix abcdx')).toBe('x[secret]x [secret]x');
    expect(redact('nothing to hide')).toBe('nothing to hide');
    expect(makeRedactor().redact('nothing known')).toBe('nothing known');
  });

  test('hides a hexadecimal key without its 0x, in any case, and as setkey -D shows it', () => {
    const { redact } = redactor('0x00112233445566778899aAbB', 'a-text-key-here!');
    expect(redact('00112233445566778899aabb 00112233445566778899AABB')).toBe('[secret] [secret]');
    expect(redact('E: 3des-cbc  00112233 44556677 8899aabb')).toBe('E: 3des-cbc  [secret]');
    expect(redact('A: hmac-md5  612d7465 78742d6b 65792d68 65726521')).toBe('A: hmac-md5  [secret]');
  });

  test('hides a short secret as a whole word only', () => {
    const { redact } = redactor('ab', '$$', '7');
    expect(redact('ab cab ab=7 17 psk:$$ (ab)')).toBe('[secret] cab [secret]=[secret] 17 psk:[secret] ([secret])');
  });

  test('hides each line of a secret of many, where a message shows some of them; no short one', () => {
    const { redact } = redactor('-----BEGIN KEY-----\nb3BlbnNzaC1rZXk=\nend');
    expect(redact('  b3BlbnNzaC1rZXk=\nend')).toBe('  [secret]\nend');
  });

  test('hides what base64(1) makes of it', () => {
    const { redact } = redactor('canary-0815');
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    expect(redact(`${encoded('canary-0815')} ${encoded('canary-0815\n')}`)).toMatch(/^\[secret\]=* \[secret\]=*$/);
  });

  test('takes an empty secret for none', () => {
    expect(redactor('').redact('some text')).toBe('some text');
  });

  test('leaves nothing of a secret in any form that it takes on its way', () => {
    const secret = fc.string({ unit: 'grapheme', minLength: 4, maxLength: 24 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(secret, fc.array(secret, { maxLength: 5 }), (canary, others) => {
        const { redact } = redactor(canary, ...others);
        const forms = [
          canary,
          quote(canary),
          toBytes(canary),
          quote(toBytes(canary)),
          JSON.stringify(canary),
          JSON.stringify(quote(canary)),
          JSON.stringify(toBytes(canary)),
          Buffer.from(canary).toString('hex'),
        ];
        for (const form of forms) {
          const core = form.replace(/^["']|["']$/g, '');
          expect(redact(`${form}`)).not.toContain(core);
          expect(redact(`before ${form} after`)).not.toContain(core);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('changes nothing where no secret is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), minLength: 4 })),
        fc.string({ unit: fc.constantFrom('x', 'y', ' ', '1') }),
        (secrets, text) => {
          expect(redactor(...secrets).redact(text)).toBe(text);
        },
      ),
    );
  });
});
