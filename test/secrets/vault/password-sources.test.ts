import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { reveal, Secret } from '../../../src/model/secret.ts';
import {
  namedSource,
  type PasswordSource,
  passwordSources,
  readIdentities,
} from '../../../src/secrets/vault/password-sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'ipsec-play-passwords-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Buffer, mode = 0o600): string {
  writeFileSync(join(folder, name), content);
  chmodSync(join(folder, name), mode);
  return name;
}

const nobody = async () => null;

async function read(
  sources: readonly PasswordSource[],
  ask: (question: string) => Promise<Secret | null> = nobody,
  fresh = false,
) {
  const world = { cwd: folder, home: folder, env: { PATH: process.env.PATH }, ask };
  const { identities, faults } = await readIdentities(sources, world, { fresh });
  return { passwords: identities.map(({ id, password }) => [id, reveal(password)]), faults };
}

const source = (path: string | null, id = 'default', named = false): PasswordSource => ({ id, path, named });

describe('which sources there are', () => {
  const none = { vaultId: [], vaultPasswordFile: [] };

  test('in Ansible’s order: the list, the ids, the files, the variable, the question', () => {
    const options = { vaultId: ['dev@a', 'b', 'qa@prompt'], vaultPasswordFile: ['c', 'd'], askVaultPass: true };
    const env = { ANSIBLE_VAULT_IDENTITY_LIST: 'x@e, f', ANSIBLE_VAULT_PASSWORD_FILE: 'g' };
    expect(passwordSources(options, env).map(({ id, path }) => `${id}@${path}`)).toEqual([
      'x@e',
      'default@f',
      'dev@a',
      'default@b',
      'qa@null',
      'default@c',
      'default@d',
      'default@g',
      'default@null',
    ]);
    expect(passwordSources(none, {})).toEqual([]);
    expect(passwordSources(none, { ANSIBLE_VAULT_PASSWORD_FILE: '', ANSIBLE_VAULT_IDENTITY_LIST: '' })).toEqual([]);
  });

  test.each([
    ['dev@file', 'dev', 'file'],
    ['file', 'default', 'file'],
    ['@file', 'default', 'file'],
    ['dev@a@b', 'dev', 'a@b'],
    ['prompt', 'default', null],
    ['dev@prompt', 'dev', null],
  ])('%s', (slug, id, path) => expect(namedSource(slug)).toMatchObject({ id, path }));
});

describe('files', () => {
  test('are stripped of the blanks around, as Ansible does it, and keep those inside', async () => {
    expect(await read([source(file('a', '\n \t two words\u000b \r\n\n'))])).toEqual({
      passwords: [['default', 'two words']],
      faults: [],
    });
    expect((await read([source(file('b', Buffer.from([0xff, 0x20, 0x80, 0x0a])))])).passwords).toEqual([
      ['default', '\u00ff \u0080'],
    ]);
    // UTF-8 blanks are none for bytes
    expect((await read([source(file('c', '\u00a0x'))])).passwords).toEqual([['default', '\u00c2\u00a0x']]);
  });

  test('may lie in the home folder', async () => {
    file('home', 'at home');
    expect((await read([source('~/home')])).passwords).toEqual([['default', 'at home']]);
  });

  test.each([
    ['that is not there', () => 'gone', /is not there/],
    ['below a file', () => `${file('d', 'x')}/e`, /is not there/],
    ['that is a folder', () => '.', /is a directory/],
    ['that is empty', () => file('e', ' \n'), /holds no password/],
    ['that is encrypted itself', () => file('f', '$ANSIBLE_VAULT;1.1;AES256\n3030'), /is itself encrypted/],
    ['with a NUL in its name', () => 'a\0b', /cannot be read/],
  ])('one %s is told, and the others are read', async (_, make, why) => {
    const { passwords, faults } = await read([source(make()), source(file('good', 'good'))]);
    expect(passwords).toEqual([['default', 'good']]);
    expect(faults).toMatchObject([{ why }]);
  });
});

describe('programs', () => {
  const script = (name: string, body: string) => file(name, `#!/bin/sh\n${body}\n`, 0o700);

  test('print the password; only the ends of lines around it go', async () => {
    expect(
      (await read([source(script('p1', 'printf "\\n a b \\r\\n\\n"; echo "no password here" >/dev/null'))])).passwords,
    ).toEqual([['default', ' a b ']]);
  });

  test('get no argument, but clients the id', async () => {
    expect((await read([source(script('echo', 'echo "$# $*"'), 'dev')])).passwords).toEqual([['dev', '0 ']]);
    for (const name of ['ring-client', 'ring-client.sh'])
      expect((await read([source(script(name, 'echo "$# $*"'), 'dev')])).passwords).toEqual([
        ['dev', '2 --vault-id dev'],
      ]);
    expect((await read([source(script('client.sh', 'echo "$#"'), 'dev')])).passwords).toEqual([['dev', '0']]);
  });

  test('a client that does not know the id is passed over', async () => {
    const unknowing = source(script('none-client', 'exit 2'), 'dev');
    const knowing = source(script('echo', 'echo pass'));
    expect(await read([unknowing, knowing])).toEqual({ passwords: [['default', 'pass']], faults: [] });
    // Alone, it is why there is no password.
    expect((await read([unknowing])).faults).toMatchObject([
      { why: 'none-client has no password for the vault id dev' },
    ]);
    expect((await read([source(script('none', 'exit 2'), 'dev')])).faults).toMatchObject([{ why: /exit code 2/ }]);
  });

  test.each([
    ['fails', 'echo canary; exit 3', /was run and failed: exit code 3/],
    ['is killed', 'kill -9 $$', /ended by SIGKILL/],
    ['prints nothing', ':', /holds no password/],
    ['prints without end', 'yes', /printed too much/],
  ])('one that %s is told', async (name, body, why) => {
    const { faults, passwords } = await read([source(script(`bad-${name.replaceAll(' ', '-')}`, body))]);
    expect(passwords).toEqual([]);
    expect(faults).toMatchObject([{ why }]);
    expect(JSON.stringify(faults)).not.toContain('canary');
  });

  test('one that cannot be run is told', async () => {
    const { faults } = await read([source(file('noshebang', '#!/no/such/interpreter\n', 0o700))]);
    expect(faults).toMatchObject([{ why: /cannot be run: ENOENT/ }]);
  });

  test('a password in a file that may be executed is not run as a shell’s command', async () => {
    const made = join(folder, 'made');
    for (const mode of [0o755, 0o711]) {
      const { faults, passwords } = await read([source(file('password', `touch ${made}\n`, mode))]);
      expect({ faults, passwords }).toMatchObject({
        faults: [{ why: /may be executed, and is no program/ }],
        passwords: [],
      });
    }
    expect(existsSync(made)).toBe(false);
    expect((await read([source('/bin/true')])).faults).toMatchObject([{ why: /holds no password/ }]);
  });
});

describe('questions', () => {
  const answers = (...given: string[]) => {
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return new Secret(given.shift() ?? '');
    };
    return { asked, ask };
  };

  test('are Ansible’s, and what is typed is stripped', async () => {
    const { asked, ask } = answers(' näme ', 'two');
    expect((await read([source(null), source(null, 'dev', true)], ask)).passwords).toEqual([
      ['default', 'n\u00c3\u00a4me'],
      ['dev', 'two'],
    ]);
    expect(asked).toEqual(['Vault password: ', 'Vault password (dev): ']);
  });

  test('a new password is typed twice, and both must agree', async () => {
    const { asked, ask } = answers('a', 'a', 'a', 'b');
    const { passwords, faults } = await read([source(null), source(null, 'dev', true)], ask, true);
    expect(passwords).toEqual([['default', 'a']]);
    expect(faults).toMatchObject([{ why: 'the two passwords differ' }]);
    expect(asked).toEqual([
      'New Vault password: ',
      'Confirm New Vault password: ',
      'New vault password (dev): ',
      'Confirm new vault password (dev): ',
    ]);
  });

  test('nobody there, or nothing typed', async () => {
    expect((await read([source(null)])).faults).toMatchObject([{ why: /nobody is there/ }]);
    expect((await read([source(null)], answers('  ').ask)).faults).toMatchObject([{ why: /is empty/ }]);
  });
});
