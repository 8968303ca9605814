import type { Become } from './become.ts';
import { ConnectFault } from './transport.ts';

/** Why `sudo` or `su` did not start the program, from what it said (in English, LC_ALL=C) and how it ended. */
export function becomeFault(become: Become, said: string, how: string): ConnectFault {
  const { method, user } = become;
  const words = said
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const known =
    how === 'wrong-password' || how === 'no-password' ? undefined : SAYINGS.find(({ says }) => says.test(said));
  const cause = known?.cause ?? how;
  const quoted = words.slice(-3).join('; ');

  switch (cause) {
    case 'wrong-password':
      return fault(`${method} refused the password for becoming ${user}`, WRONG[method]);
    case 'no-password':
      return fault(
        `${method} asks for a password to become ${user}, and none was given`,
        'Give it with --ask-become-pass (-K) or ansible_become_password, or allow the user NOPASSWD in sudoers.',
      );
    case 'not-allowed':
      return fault(
        `${method} does not allow this user to become ${user}: ${quoted}`,
        method === 'sudo'
          ? `On the host, allow it with visudo: 'USER ALL=(${user}) ALL'; or log in as a user who may.`
          : 'On the host, see /etc/pam.d/su (pam_wheel: the user must be in the group wheel); or become with sudo.',
      );
    case 'terminal':
      return fault(
        `${method} insists on a terminal: ${quoted}`,
        "On the host, put 'Defaults:USER !requiretty' into sudoers with visudo, or log in as root.",
      );
    case 'unknown-user':
      return fault(`there is no user ${user} on the host: ${quoted}`, 'Correct ansible_become_user.');
    case 'not-there':
      return fault(
        `there is no ${method} on the host: ${quoted}`,
        `Install it, set ansible_become_method to ${method === 'sudo' ? 'su' : 'sudo'}, or log in as ${user} (ansible_become: false).`,
      );
    default:
      return fault(
        `${method} did not start a shell as ${user} (${cause})${quoted === '' ? '' : `: ${quoted}`}`,
        `Try it by hand on the host: ${method === 'sudo' ? `sudo -u ${user} true` : `su ${user} -c true`}.`,
      );
  }
}

const WRONG = {
  sudo: 'sudo wants the password of the user who logs in, not that of the other one: check ansible_become_password (or -K).',
  su: 'su wants the password of the user to become: check ansible_become_password (or -K).',
};

/** In this order: a line of sudo may match several. */
const SAYINGS: readonly { says: RegExp; cause: string }[] = [
  { says: /must be (a tty|run from a terminal)|must have a tty/i, cause: 'terminal' },
  {
    says: /not in the sudoers|not allowed to (execute|run)|may not run sudo|Permission denied|not listed/i,
    cause: 'not-allowed',
  },
  { says: /incorrect password|Authentication failure|Sorry, try again|Authentication token/i, cause: 'wrong-password' },
  { says: /password is required|no password was provided|no askpass program/i, cause: 'no-password' },
  { says: /unknown user|does not exist|unknown id/i, cause: 'unknown-user' },
  { says: /(sudo|su)['’"]?: (command )?not found|(sudo|su)['’"]?: No such file/i, cause: 'not-there' },
];

function fault(message: string, fix: string): ConnectFault {
  return new ConnectFault('become', message, fix);
}
