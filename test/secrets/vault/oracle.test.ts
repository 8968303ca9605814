import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reveal, Secret } from '../../../src/model/secret.ts';
import type { Identity } from '../../../src/secrets/vault/identities.ts';
import { makeVault } from '../../../src/secrets/vault/open-vault.ts';
import { askAnsible } from '../../inventory/ansible.ts';
import { needs } from '../../support/needs.ts';

/** The real Ansible Vault, by its own classes: many texts cost one start of Python. */
const PROGRAM = `
import base64, json, sys
from ansible.parsing.vault import VaultLib, VaultSecret

questions = json.load(sys.stdin)
answers = []
for question in questions:
    secrets = [(id, VaultSecret(base64.b64decode(password))) for id, password in question['passwords']]
    vault = VaultLib(secrets)
    opened = []
    for text in question['sealed']:
        try:
            opened.append(vault.decrypt(text).decode('utf-8'))
        except Exception as e:
            opened.append(None)
    id, secret = secrets[question['by']]
    sealed = [vault.encrypt(text, secret, None if id == 'default' else id).decode('ascii') for text in question['plain']]
    answers.append({'opened': opened, 'sealed': sealed})
print(chr(1) + json.dumps(answers))
`;

interface Answer {
  /** Null: it was refused. */
  readonly opened: readonly (string | null)[];
  readonly sealed: readonly string[];
}

function ansible(
  questions: readonly {
    passwords: readonly Identity[];
    by: number;
    sealed: readonly string[];
    plain: readonly string[];
  }[],
): readonly Answer[] {
  const plainly = questions.map(({ passwords, ...rest }) => ({
    ...rest,
    passwords: passwords.map(({ id, password }) => [id, Buffer.from(reveal(password), 'latin1').toString('base64')]),
  }));
  return askAnsible(PROGRAM, plainly, '.') as readonly Answer[];
}

const text = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('', '\n', ' ', 'x'.repeat(70_000)),
  )
  .filter(
    (plain) =>
      !plain.includes('\ufffd') && Buffer.from(plain).toString() === plain && !plain.startsWith('$ANSIBLE_VAULT'),
  );
const password = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map((bytes) => new Secret(Buffer.from(bytes).toString('latin1')));
const passwords = fc
  .uniqueArray(fc.constantFrom('default', 'dev', 'prod', 'a.b-c_d'), { minLength: 1, maxLength: 3 })
  .chain((ids) => fc.tuple(...ids.map((id) => password.map((secret): Identity => ({ id, password: secret })))));

test.skipIf(!needs('ansible-vault'))('what either closes, the other opens', async () => {
  const cases = fc.sample(
    fc.record({ identities: passwords, plain: fc.array(text, { minLength: 1, maxLength: 4 }), by: fc.nat(9) }),
    { numRuns: 40 },
  );
  const questions = await Promise.all(
    cases.map(async ({ identities, plain, by }) => {
      const vault = await makeVault(identities);
      const at = by % identities.length;
      const sealed = await Promise.all(plain.map((one) => vault.seal(new Secret(one), identities[at]?.id)));
      return { passwords: identities, by: at, sealed, plain };
    }),
  );
  const answers = ansible(questions);
  for (const [at, { passwords: identities, plain, sealed }] of questions.entries()) {
    const answer = answers[at] as Answer;
    expect(answer.opened).toEqual(plain);
    const vault = await makeVault(identities);
    await vault.openAll(answer.sealed);
    const opened = answer.sealed.map((one) => vault.open(one));
    expect(opened.map((one) => (one instanceof Secret ? reveal(one) : one))).toEqual(plain);
    // the same form to the last character, but for what is drawn at random
    expect(sealed.map(formOf)).toEqual(answer.sealed.map((one) => formOf(one.trimEnd())));
  }
});

test.skipIf(!needs('ansible-vault'))(
  'what one refuses, so does the other; a text that was changed is never opened to something else',
  async () => {
    const identities: readonly Identity[] = [{ id: 'dev', password: new Secret('p') }];
    const whole = await (await makeVault(identities)).seal(new Secret('the text'));
    const changes = fc.sample(
      fc.record({
        at: fc.nat(whole.length - 1),
        other: fc.constantFrom('', ' ', '\n', '0', 'f', 'F', ';', 'g', '\r\n', '00'),
        drop: fc.nat(1),
      }),
      { numRuns: 400 },
    );
    const sealed = changes.map(({ at, other, drop }) => whole.slice(0, at) + other + whole.slice(at + drop));
    const [answer] = ansible([{ passwords: identities, by: 0, sealed, plain: [] }]);
    const vault = await makeVault(identities);
    await vault.openAll(sealed);
    for (const [at, one] of sealed.entries()) {
      const outcome = vault.open(one);
      const opened = outcome instanceof Secret ? reveal(outcome) : null;
      // Ansible does not look at the version, nor do blanks inside a line matter to us; the text is the same in any case
      if (opened !== answer?.opened[at]) expect([opened, answer?.opened[at]].sort()).toEqual(['the text', null].sort());
      else expect(['the text', null]).toContain(opened);
    }
    expect(answer?.opened.filter((one) => one !== null).length).toBeGreaterThan(5);
  },
);

function formOf(sealed: string): string {
  return sealed.replace(/^[0-9a-f]+$/gm, (line) => `${line.length}`);
}
