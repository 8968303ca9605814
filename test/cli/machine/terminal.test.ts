import { userInfo } from 'node:os';
import { expect, test } from 'vitest';
import { whoIsHere } from '../../../src/cli/machine/terminal.ts';

test('who is here: the environment says it, else the password database', () => {
  const { username: user, homedir: home } = userInfo();
  expect(whoIsHere({ USER: 'kim', HOME: '/data/kim' })).toEqual({ user: 'kim', home: '/data/kim' });
  expect(whoIsHere({ LOGNAME: 'kim', HOME: '/data/kim/' })).toEqual({ user: 'kim', home: '/data/kim' });
  expect(whoIsHere({ HOME: '/data/kim' })).toEqual({ user, home: '/data/kim' });
  expect(whoIsHere({ USER: '', HOME: '' })).toEqual({ user, home });
  expect(whoIsHere({})).toEqual({ user, home });
});
