import { describe, expect, test } from 'vitest';
import { reveal, Secret } from '../../src/model/secret.ts';
import { type Become, Gate, launch } from '../../src/transport/become.ts';
import { ConnectFault } from '../../src/transport/transport.ts';

const nonce = 'c0ffee';
const sudo: Become = { method: 'sudo', user: 'root', password: new Secret('s3cret') };
const { password: _, ...sudoWithout } = sudo;
const su: Become = { ...sudo, method: 'su' };
const prompt = `[${nonce}] password: `;

describe('the command line', () => {
  test('holds no password', () => {
    for (const become of [sudo, su]) {
      const { command, lead, password } = launch('true', become, nonce);
      expect(command).not.toContain('s3cret');
      expect(lead).not.toContain('s3cret');
      expect(password && reveal(password.line)).toBe('s3cret\n');
    }
  });

  test('the nonce waits for the program, or sudo would take it for a second password', () => {
    expect(launch('true', sudo, nonce).lead).toBe(`${nonce}\n`);
    expect(launch('true', sudoWithout, nonce).lead).toBe('');
    expect(launch('true', undefined, nonce).lead).toBe('');
  });

  test('a password in another script than ASCII goes as UTF-8', () => {
    const { password } = launch('true', { ...sudo, password: new Secret('пароль') }, nonce);
    expect(Buffer.from(password ? reveal(password.line) : '', 'latin1').toString('utf8')).toBe('пароль\n');
  });

  test.each(['-u', 'a b', "a'b", '', 'a\nb', 'a;b', '$(id)'])('%j is no name of a user', (user) => {
    expect(() => launch('true', { ...sudo, user }, nonce)).toThrow(ConnectFault);
  });

  test('a password with a line break is refused, and not shown', () => {
    const fault = () => launch('true', { ...sudo, password: new Secret('s3cret\nrm -rf /') }, nonce);
    expect(fault).toThrow(/line break/);
    expect(fault).not.toThrow(/s3cret/);
  });
});

describe('the gate', () => {
  test('opens at the mark, and takes the prompt out of stderr', () => {
    const gate = new Gate(sudo, nonce);
    expect(gate.feed(`a warning\n${prompt}`)).toEqual({ state: 'closed', prompted: true });
    expect(gate.feed(`\n${nonce} rea`)).toEqual({ state: 'closed', prompted: false });
    expect(gate.feed('dy\nand more')).toEqual({ state: 'open', rest: 'a warning\nand more' });
  });

  test('a prompt that comes in pieces is seen once', () => {
    const gate = new Gate(sudo, nonce);
    expect(gate.feed(prompt.slice(0, 5))).toEqual({ state: 'closed', prompted: false });
    expect(gate.feed(prompt.slice(5))).toEqual({ state: 'closed', prompted: true });
    expect(gate.feed('\n')).toEqual({ state: 'closed', prompted: false });
  });

  test('a second prompt is a wrong password, at once', () => {
    const gate = new Gate(sudo, nonce);
    gate.feed(prompt);
    const answer = gate.feed(`\nSorry, try again.\n${prompt}`);
    expect(answer).toMatchObject({ state: 'refused', fault: { code: 'become' } });
    expect(answer.state === 'refused' && answer.fault.message).toContain('refused the password');
  });

  test('a first prompt is a refusal where there is no password', () => {
    const answer = new Gate(sudoWithout, nonce).feed(prompt);
    expect(answer.state === 'refused' && answer.fault.message).toContain('none was given');
    expect(answer.state === 'refused' && answer.fault.fix).toContain('--ask-become-pass');
  });

  test.each<[Become, string, RegExp, RegExp]>([
    [sudo, 'joe is not in the sudoers file.', /does not allow.*sudoers/, /visudo/],
    [sudo, 'Sorry, user joe is not allowed to execute /bin/sh as root on gw.', /does not allow/, /visudo/],
    [sudo, 'sudo: sorry, you must have a tty to run sudo', /insists on a terminal/, /requiretty/],
    [sudo, 'sudo: unknown user: nosuch', /there is no user root/, /ansible_become_user/],
    [sudo, 'env: sudo: No such file or directory', /there is no sudo/, /ansible_become_method to su/],
    [sudo, "env: 'sudo': No such file or directory", /there is no sudo/, /ansible_become_method to su/],
    [sudo, 'sudo: a password is required', /asks for a password/, /--ask-become-pass/],
    [sudo, 'Sorry, try again.\nsudo: 1 incorrect password attempt', /refused the password/, /the user who logs in/],
    [su, 'su: Authentication failure', /refused the password/, /the user to become/],
    [su, 'su: incorrect password', /refused the password/, /the user to become/],
    [su, 'su: Permission denied', /does not allow/, /pam_wheel/],
    [su, 'su: user nosuch does not exist', /there is no user/, /ansible_become_user/],
    [su, 'standard in must be a tty', /insists on a terminal/, /requiretty/],
    [su, 'su: must be run from a terminal', /insists on a terminal/, /log in as root/],
    [sudo, 'sudo: something new', /did not start a shell.*something new/, /by hand/],
  ])('%j saying %j', (become, said, message, fix) => {
    const gate = new Gate(become, nonce);
    expect(gate.feed(`${said}\n`).state).toBe('closed');
    const fault = gate.ended(1);
    expect(fault.code).toBe('become');
    expect(fault.message).toMatch(message);
    expect(fault.fix).toMatch(fix);
  });

  test('a password that was echoed is not in the fault', () => {
    const gate = new Gate(su, nonce);
    gate.feed('Password: s3cret\r\nsu: strange\r\n');
    expect(gate.ended(1).message).not.toContain('s3cret');
  });
});
