import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { isSafeName, LONGEST_NAME, nicknameFault } from '../../model/safe-name.ts';
import type { Span } from '../../model/span.ts';

/** Why a name cannot be part of a path, or null. `what`: `the nickname`, `the tunnel's name`. */
export function checkName(what: string, name: string, code: string, place: () => Span): Diagnostic | null {
  if (isSafeName(name)) return null;
  const long = name.length > LONGEST_NAME;
  const message = long
    ? `${what} is longer than ${LONGEST_NAME} characters`
    : `${what} cannot stand in a file name as it is`;
  return error(code, message, {
    span: place(),
    found: long ? `${name.length} characters` : JSON.stringify(name),
    fix: long ? 'a shorter one' : `letters, digits and . _ -, beginning with a letter or digit${suggestion(name)}`,
  });
}

/** Why a nickname, safe or not, cannot name a connection on its host, or null. */
export function checkNickname(nickname: string, place: () => Span): Diagnostic | null {
  const unsafe = nicknameFault(nickname);
  if (unsafe === 'reserved') {
    return error('nickname-reserved', `ifcfg-${nickname} is the name of another interface's file or of a script`, {
      span: place(),
      found: nickname,
      fix: 'a name of its own, such as ipsec0',
    });
  }
  if (unsafe === 'ignored') {
    return error('nickname-ignored', `the network service passes over a file of the name ifcfg-${nickname}`, {
      span: place(),
      found: nickname,
      fix: 'a name without such an ending, such as ipsec0',
    });
  }
  return checkName('the nickname', nickname, 'nickname-unsafe', place);
}

function suggestion(name: string): string {
  const safe = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, LONGEST_NAME);
  return isSafeName(safe) ? `: ${safe}` : '';
}
