import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { type Project, shippedProject } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { sealBytes, sealVault } from '../support/seal-vault.ts';

const PLAIN = 'psk: c4nary-Über-β\nlist: [1, 2]\n';

let project: Project;
beforeEach(() => {
  project = shippedProject();
  project.write('pass', 'old password\n');
  project.write('newpass', 'new password\n');
  project.write('file.yml', PLAIN);
});
afterEach(() => project.remove());

const WITH = ['--vault-password-file', 'pass'];
const mode = (path: string) => (statSync(join(project.path, path)).mode & 0o7777).toString(8);
const ansible = (...argv: string[]) =>
  execFileSync('ansible-vault', argv, { cwd: project.path, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const seal = (path: string, text: string, password = 'old password', id?: string) =>
  project.write(path, sealVault(text, password, id));
const vault = (...argv: string[]) => project.run('vault', ...argv);
const left = () =>
  readdirSync(project.path)
    .filter((name) => !['inventory', 'playbooks', 'schema'].includes(name))
    .sort();

/** An editor that does what a line of sh says to the file `$1`. */
function editor(line: string): string {
  project.write('editor', `#!/bin/sh\n${line}\n`);
  chmodSync(join(project.path, 'editor'), 0o700);
  return join(project.path, 'editor');
}

describe('encrypt and decrypt', () => {
  test('replace files, keep who may read what is encrypted, and give the plain text to its owner alone', async () => {
    chmodSync(join(project.path, 'file.yml'), 0o640);
    expect(await vault('encrypt', 'file.yml', ...WITH)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(project.read('file.yml')).toMatch(/^\$ANSIBLE_VAULT;1\.1;AES256\n(?:[0-9a-f]+\n)+$/);
    expect(mode('file.yml')).toBe('640');
    expect(await vault('view', 'file.yml', ...WITH)).toEqual({ code: 0, stdout: PLAIN, stderr: '' });
    expect(await vault('decrypt', 'file.yml', ...WITH)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(project.read('file.yml')).toBe(PLAIN);
    expect(mode('file.yml')).toBe('600');
    expect(left()).toEqual(['file.yml', 'newpass', 'pass']);
  });

  test('a file that is changed while the password is typed is left as it is', async () => {
    seal('sealed.yml', PLAIN);
    for (const [command, path] of [
      ['encrypt', 'file.yml'],
      ['decrypt', 'sealed.yml'],
      ['rekey', 'sealed.yml'],
    ] as const) {
      const ask = async () => {
        project.write(path, 'theirs\n');
        return 'old password';
      };
      expect(await project.runIn({ ask }, 'vault', command, path)).toMatchObject({
        code: 3,
        stderr: /nothing was written to .*\.yml: somebody changed it meanwhile/,
      });
      expect(project.read(path)).toBe('theirs\n');
      seal('sealed.yml', PLAIN);
    }
  });

  test('--output to a pipe writes into it', async () => {
    execFileSync('mkfifo', [join(project.path, 'pipe')]);
    const reader = promisify(execFile)('cat', [join(project.path, 'pipe')]);
    seal('sealed.yml', PLAIN);
    expect(await vault('decrypt', 'sealed.yml', '--output', 'pipe', ...WITH)).toMatchObject({ code: 0, stderr: '' });
    expect((await reader).stdout).toBe(PLAIN);
    expect(statSync(join(project.path, 'pipe')).isFIFO()).toBe(true);
  });

  test('take stdin for - and for no file, and write to stdout or --output', async () => {
    const stdin = async () => Buffer.from(PLAIN);
    const { stdout } = await project.runIn({ stdin }, 'vault', 'encrypt', ...WITH);
    expect(
      await project.runIn({ stdin: async () => Buffer.from(stdout) }, 'vault', 'decrypt', '-', ...WITH),
    ).toMatchObject({ stdout: PLAIN });
    await vault('encrypt', 'file.yml', '--output', 'out.yml', ...WITH);
    expect(mode('out.yml')).toBe('600');
    expect(project.read('file.yml')).toBe(PLAIN);
    expect((await vault('decrypt', 'out.yml', '--output', '-', ...WITH)).stdout).toBe(PLAIN);
    await vault('decrypt', 'out.yml', '--output', 'plain.yml', ...WITH);
    expect(project.read('plain.yml')).toBe(PLAIN);
    expect(mode('plain.yml')).toBe('600');
  });

  test('follow links, and take a file that is named twice once', async () => {
    symlinkSync('file.yml', join(project.path, 'link.yml'));
    expect((await vault('encrypt', 'link.yml', 'file.yml', './file.yml', ...WITH)).code).toBe(0);
    expect((await vault('view', 'file.yml', ...WITH)).stdout).toBe(PLAIN);
    expect(existsSync(join(project.path, 'link.yml'))).toBe(true);
  });

  test('all files are good, or none is touched', async () => {
    seal('sealed.yml', 'x: y\n');
    seal('other.yml', 'x: y\n', 'another password');
    const before = ['file.yml', 'sealed.yml', 'other.yml'].map(project.read);
    const ran = await vault('encrypt', 'file.yml', 'sealed.yml', ...WITH);
    expect(ran).toMatchObject({
      code: 3,
      stderr: 'ipsec-play: sealed.yml: it is encrypted already\nNo file was changed.\n',
    });
    expect(await vault('decrypt', 'sealed.yml', 'file.yml', ...WITH)).toMatchObject({
      code: 3,
      stderr: /file\.yml: it is not encrypted/,
    });
    for (const command of ['decrypt', 'rekey', 'view', 'edit']) {
      const wrong = await vault(command, 'sealed.yml', 'other.yml', ...WITH);
      expect(wrong).toMatchObject({
        code: 3,
        stdout: '',
        stderr: /other\.yml: it was altered, or encrypted with another password/,
      });
    }
    expect((await vault('encrypt', 'file.yml', 'gone.yml', ...WITH)).code).toBe(3);
    expect(['file.yml', 'sealed.yml', 'other.yml'].map(project.read)).toEqual(before);
  });

  test.each([
    [
      'a wrong password',
      ['view', 'other.yml', ...WITH],
      /the vault password is wrong, or the text was altered\n {2}write: /,
    ],
    ['no password, and nobody to ask', ['view', 'sealed.yml'], /nobody is there to type the vault password/],
    [
      'a password file that is not there',
      ['view', 'sealed.yml', '--vault-password-file', 'gone'],
      /password file gone is not there/,
    ],
    ['a file that is not there', ['view', 'gone.yml', ...WITH], /gone\.yml: there is no such file/],
    ['a folder', ['encrypt', 'inventory', ...WITH], /inventory: it is a directory/],
    ['two files to one output', ['encrypt', 'file.yml', 'pass', '--output', 'x', ...WITH], /--output takes one FILE/],
    [
      'a folder that is not there',
      ['encrypt', 'file.yml', '--output', 'no/x', ...WITH],
      /nothing was written to no\/x: it cannot be written: ENOENT/,
    ],
    ['a label with a semicolon', ['encrypt', 'file.yml', '--vault-id', 'a;b@pass'], /label/],
    [
      'a label without a password',
      ['encrypt', 'file.yml', '--vault-id', 'dev@pass', '--encrypt-vault-id', 'prod'],
      /given are: dev/,
    ],
    [
      'several passwords to encrypt with',
      ['encrypt', 'file.yml', '--vault-id', 'dev@pass', '--vault-id', 'prod@newpass'],
      /several.*dev, prod/,
    ],
    [
      'two new passwords',
      ['rekey', 'sealed.yml', ...WITH, '--new-vault-id', 'x@pass', '--new-vault-password-file', 'newpass'],
      /exclude each other/,
    ],
    ['no new password', ['rekey', 'sealed.yml', ...WITH], /nobody is there/],
    ['a text that is cut off', ['decrypt', 'cut.yml', ...WITH], /something is missing/],
    ['no file', ['view', ...WITH], /missing required argument/],
  ])('%s: exit 3, and everything is as it was', async (_, argv, message) => {
    seal('sealed.yml', 'c4nary\n');
    seal('other.yml', 'c4nary\n', 'another password');
    project.write('cut.yml', sealVault('c4nary\n', 'old password').slice(0, -40));
    const files = ['file.yml', 'sealed.yml', 'other.yml', 'cut.yml'];
    const before = files.map(project.read);
    const ran = await vault(...argv);
    expect(ran).toMatchObject({ code: 3, stdout: '', stderr: message });
    expect(ran.stderr).not.toMatch(/c4nary|\n {4}at /);
    expect(files.map(project.read)).toEqual(before);
    expect(left()).toEqual(['cut.yml', 'file.yml', 'newpass', 'other.yml', 'pass', 'sealed.yml']);
  });

  test('what is no UTF-8 is refused, either way', async () => {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(project.path, 'binary'), Buffer.from([0xff, 0x00]));
    expect(await vault('encrypt', 'binary', ...WITH)).toMatchObject({ code: 3, stderr: /not UTF-8/ });
    project.write('sealed', sealBytes(Buffer.from([0xff, 0x00]), Buffer.from('old password')));
    expect(await vault('decrypt', 'sealed', ...WITH)).toMatchObject({ code: 3, stderr: /not UTF-8/ });
  });
});

describe('on a terminal', () => {
  const answering = (...answers: string[]) => {
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return answers.shift() ?? null;
    };
    return { asked, ask };
  };

  test('a password to encrypt with is typed twice, one to decrypt with once', async () => {
    const typed = answering('s', 's');
    expect((await project.runIn(typed, 'vault', 'encrypt', 'file.yml')).code).toBe(0);
    expect(typed.asked).toEqual(['New Vault password: ', 'Confirm New Vault password: ']);
    expect(await project.runIn(answering('s'), 'vault', 'view', 'file.yml')).toMatchObject({ stdout: PLAIN });
    expect(await project.runIn(answering('a', 'b'), 'vault', 'encrypt', 'pass')).toMatchObject({
      code: 3,
      stderr: /the two passwords differ/,
    });
    expect(project.read('pass')).toBe('old password\n');
  });

  test('rekey asks for the new one', async () => {
    seal('file.yml', PLAIN);
    const typed = answering('n', 'n');
    expect((await project.runIn(typed, 'vault', 'rekey', 'file.yml', ...WITH)).code).toBe(0);
    expect(typed.asked).toEqual(['New Vault password: ', 'Confirm New Vault password: ']);
    expect(await project.runIn(answering('n'), 'vault', 'view', 'file.yml', '-J')).toMatchObject({ stdout: PLAIN });
  });

  test('encrypt-string asks for the text and its name', async () => {
    const typed = answering('token', 'c4nary');
    const { stdout, code } = await project.runIn(typed, 'vault', 'encrypt-string', '--prompt', ...WITH);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^token: !vault \|\n/);
    expect(typed.asked).toEqual(['Variable name (enter for no name): ', 'String to encrypt (hidden): ']);
  });
});

describe('rekey', () => {
  test.each([
    [
      'a file',
      ['--new-vault-password-file', 'newpass'],
      '$ANSIBLE_VAULT;1.1;AES256\n',
      ['--vault-password-file', 'newpass'],
    ],
    ['an id', ['--new-vault-id', 'prod@newpass'], '$ANSIBLE_VAULT;1.2;AES256;prod\n', ['--vault-id', 'prod@newpass']],
    [
      'one that is known',
      ['--vault-id', 'prod@newpass', '--encrypt-vault-id', 'prod'],
      '$ANSIBLE_VAULT;1.2;AES256;prod\n',
      ['--vault-id', 'x@newpass'],
    ],
  ])('with %s', async (_, argv, header, opens) => {
    seal('file.yml', PLAIN);
    seal('other.yml', 'a: b\n', 'old password', 'dev');
    chmodSync(join(project.path, 'file.yml'), 0o644);
    expect(await vault('rekey', 'file.yml', 'other.yml', ...WITH, ...argv)).toMatchObject({
      code: 0,
      stderr: 'Rekey successful\n',
    });
    expect(project.read('file.yml').startsWith(header)).toBe(true);
    expect((await vault('view', 'file.yml', 'other.yml', ...opens)).stdout).toBe(`${PLAIN}a: b\n`);
    expect((await vault('view', 'file.yml', ...WITH)).code).toBe(3);
    expect(mode('file.yml')).toBe('644');
  });
});

describe('edit', () => {
  /** Folders in which a plain text may lie while it is edited. */
  const places = () =>
    [tmpdir(), '/dev/shm']
      .flatMap((place) => (existsSync(place) ? readdirSync(place) : []))
      .filter((name) => name.startsWith('ipsec-play-vault-'));

  test('keeps id, password and mode; the text lies where nobody else can read it, and is gone afterwards', async () => {
    seal('file.yml', PLAIN, 'new password', 'prod');
    chmodSync(join(project.path, 'file.yml'), 0o640);
    const log = join(project.path, 'log');
    const EDITOR = editor(
      `stat -c %a "$1" "$(dirname "$1")" > ${log}; echo "$1" >> ${log}; echo x > "$1.swp"; echo 'more: 1' >> "$1"`,
    );
    const env = { PATH: process.env.PATH, EDITOR };
    expect(await project.runIn({ env }, 'vault', 'edit', 'file.yml', ...WITH, '--vault-id', 'x@newpass')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    const [file, folder, path = ''] = project.read('log').split('\n');
    expect([file, folder]).toEqual(['600', '700']);
    expect(path).toMatch(/\.yml$/);
    expect(existsSync(join(path, '..'))).toBe(false);
    expect(project.read('file.yml')).toMatch(/^\$ANSIBLE_VAULT;1\.2;AES256;prod\n/);
    expect(mode('file.yml')).toBe('640');
    expect((await vault('view', 'file.yml', '--vault-password-file', 'newpass')).stdout).toBe(`${PLAIN}more: 1\n`);
  });

  test('what did not change is not written again; $VISUAL goes first, and may have arguments', async () => {
    seal('file.yml', PLAIN);
    const before = project.read('file.yml');
    const VISUAL = `${editor('[ "$1" = --wait ] && cp "$2" seen')} --wait`;
    const env = { PATH: process.env.PATH, VISUAL, EDITOR: 'false' };
    expect((await project.runIn({ env }, 'vault', 'edit', 'file.yml', ...WITH)).code).toBe(0);
    expect(project.read('seen')).toBe(PLAIN);
    expect(project.read('file.yml')).toBe(before);
  });

  test.each([
    ['fails', 'echo c4nary >> "$1"; exit 7', /the editor ended with exit code 7/],
    ['is killed', 'kill -9 $$', /the editor ended with SIGKILL|exit code 137/],
    ['is not there', null, /the editor ended with exit code 127/],
    ['removes the text', 'rm "$1"', /the text cannot be edited: ENOENT/],
    ['writes something else than text', 'printf \'\\377\' > "$1"', /not UTF-8 any more/],
  ])('an editor that %s changes nothing and leaves nothing behind', async (_, line, message) => {
    seal('file.yml', PLAIN);
    const before = project.read('file.yml');
    const had = places();
    const env = { PATH: process.env.PATH, EDITOR: line === null ? 'no-such-editor 2>/dev/null' : editor(line) };
    const ran = await project.runIn({ env }, 'vault', 'edit', 'file.yml', ...WITH);
    expect(ran).toMatchObject({ code: 3, stderr: message });
    expect(ran.stderr).not.toContain('c4nary');
    expect(project.read('file.yml')).toBe(before);
    expect(places()).toEqual(had);
  });

  test('a file that somebody else changed meanwhile is left to them; the edited text is kept beside it', async () => {
    seal('file.yml', PLAIN);
    seal('theirs.yml', 'theirs: 1\n');
    const env = { PATH: process.env.PATH, EDITOR: editor('echo mine >> "$1"; cp theirs.yml file.yml') };
    expect(await project.runIn({ env }, 'vault', 'edit', 'file.yml', ...WITH)).toMatchObject({
      code: 3,
      stderr: /somebody changed it meanwhile; your text is in .*file\.yml\.edited, encrypted/,
    });
    expect((await vault('view', 'file.yml', 'file.yml.edited', ...WITH)).stdout).toBe(`theirs: 1\n${PLAIN}mine\n`);
    // What is kept there is not lost to the next one.
    seal('file.yml', PLAIN);
    const { code, stderr } = await project.runIn({ env }, 'vault', 'edit', 'file.yml', ...WITH);
    const kept = /your text is in (\S+), encrypted/.exec(stderr)?.[1] as string;
    expect([code, kept === join(project.path, 'file.yml.edited')]).toEqual([3, false]);
    expect((await vault('view', 'file.yml.edited', kept, ...WITH)).stdout).toBe(`${PLAIN}mine\n${PLAIN}mine\n`);
    rmSync(dirname(kept), { recursive: true });
  });
});

describe('encrypt-string', () => {
  const value = (yaml: string, name?: string) => {
    const { contents } = parseDocument(yaml, { customTags: [{ tag: '!vault', resolve: (text: string) => text }] });
    const parsed = contents?.toJSON() as string | Record<string, string>;
    return name === undefined ? parsed : (parsed as Record<string, string>)[name];
  };

  test('takes stdin, names it, and warns of a text in the command line', async () => {
    const stdin = async () => Buffer.from('c4nary\n');
    for (const argv of [
      ['--stdin-name', 'psk'],
      ['-n', 'psk'],
      ['-n', 'psk', '-'],
    ]) {
      const { stdout, stderr, code } = await project.runIn({ stdin }, 'vault', 'encrypt-string', ...argv, ...WITH);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^psk: !vault \|\n(?: {10}\S+\n)+$/);
      project.write('value', String(value(stdout, 'psk')));
      expect((await vault('view', 'value', ...WITH)).stdout).toBe('c4nary\n');
    }
    const ran = await vault('encrypt-string', 'c4nary', 'other', '-n', 'psk', ...WITH);
    expect(ran.stderr).toMatch(/stood in the command line/);
    expect(ran.stdout).toMatch(/^psk: !vault \|\n(?: {10}\S+\n)+!vault \|\n(?: {10}\S+\n)+$/);
  });

  test.each([
    ['an empty text', ['', '-n', 'x'], /no text to encrypt/],
    ['empty stdin', [], /no text to encrypt/],
    ['a name that is none', ['x', '-n', 'a: b'], /no name for a variable/],
    ['a prompt beside stdin', ['--prompt', '-'], /exclude each other/],
    ['a prompt, and nobody there', ['--prompt'], /nobody is there to type the text/],
  ])('%s', async (_, argv, message) => {
    expect(await vault('encrypt-string', ...argv, ...WITH)).toMatchObject({ code: 3, stdout: '', stderr: message });
  });
});

describe.skipIf(!needs('ansible-vault'))('the real ansible-vault', () => {
  test('opens what was encrypted here, with ids, programs and clients', async () => {
    for (const [name, line] of [
      ['program', 'echo "old password"'],
      ['ring-client.sh', '[ "$1 $2" = "--vault-id prod" ] || exit 2; echo "new password"'],
    ]) {
      project.write(name as string, `#!/bin/sh\n${line}\n`);
      chmodSync(join(project.path, name as string), 0o700);
    }
    const ids = ['--vault-id', 'dev@program', '--vault-id', 'prod@ring-client.sh'];
    project.write('two.yml', PLAIN);
    expect((await vault('encrypt', 'file.yml', '--vault-id', 'dev@program')).code).toBe(0);
    expect((await vault('encrypt', 'two.yml', ...ids, '--encrypt-vault-id', 'prod')).code).toBe(0);
    for (const file of ['file.yml', 'two.yml']) {
      expect(ansible('view', file, ...ids)).toBe(PLAIN);
      expect((await vault('view', file, ...ids)).stdout).toBe(PLAIN);
    }
    expect((await vault('rekey', 'two.yml', ...ids, '--new-vault-password-file', 'newpass')).code).toBe(0);
    ansible('decrypt', 'two.yml', '--vault-password-file', 'newpass');
    expect(project.read('two.yml')).toBe(PLAIN);
  });

  test('closes what opens here', async () => {
    mkdirSync(join(project.path, 'more'));
    project.write('more/two.yml', PLAIN);
    ansible('encrypt', 'file.yml', ...WITH);
    ansible(
      'encrypt',
      'more/two.yml',
      '--vault-id',
      'dev@pass',
      '--vault-id',
      'prod@newpass',
      '--encrypt-vault-id',
      'prod',
    );
    expect((await vault('view', 'file.yml', 'more/two.yml', ...WITH, '--vault-id', 'prod@newpass')).stdout).toBe(
      PLAIN + PLAIN,
    );
    ansible('rekey', 'file.yml', ...WITH, '--new-vault-id', 'qa@newpass');
    expect((await vault('decrypt', 'file.yml', '--vault-id', 'qa@newpass')).code).toBe(0);
    expect(project.read('file.yml')).toBe(PLAIN);
    const env = { PATH: process.env.PATH, EDITOR: editor('echo "more: 1" >> "$1"') };
    await project.runIn({ env }, 'vault', 'edit', 'more/two.yml', '--vault-password-file', 'newpass');
    expect(ansible('view', 'more/two.yml', '--vault-id', 'prod@newpass')).toBe(`${PLAIN}more: 1\n`);
  });

  test('writes values of the same form, and each reads the other’s', async () => {
    const theirs = ansible('encrypt_string', '--vault-id', 'dev@pass', '-n', 'psk', 'Key_Value-of-theirs');
    const stdin = async () => Buffer.from('Key_Value-of-ours');
    const ours = (await project.runIn({ stdin }, 'vault', 'encrypt-string', '--vault-id', 'dev@pass', '-n', 'psk'))
      .stdout;
    const form = (text: string) =>
      text
        .trimEnd()
        .replace(/[0-9a-f]{64,}/g, 'hex')
        .replace(/ [0-9a-f]+$/, ' end')
        .split('\n');
    expect(form(ours).slice(0, 3)).toEqual(form(theirs).slice(0, 3));
    project.write('tunnels', ours.replace(/^psk/, 'ours') + theirs.replace(/^psk/, 'theirs'));
    const said = execFileSync(
      'ansible',
      ['localhost', '-e', '@tunnels', '--vault-id', 'dev@pass', '-m', 'debug', '-a', 'msg={{ ours }}+{{ theirs }}'],
      { cwd: project.path, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    expect(said).toContain('Key_Value-of-ours+Key_Value-of-theirs');
    const indented = theirs
      .trimEnd()
      .split('\n')
      .map((line) => `      ${line}`)
      .join('\n');
    project.edit('inventory/tunnels.yml', '      psk: Key_Value01', indented);
    expect(await project.run('validate', '--vault-id', 'dev@pass')).toMatchObject({ code: 0 });
  });
});
