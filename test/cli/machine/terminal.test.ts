import { userInfo } from 'node:os';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { textWriter, whoIsHere } from '../../../src/cli/machine/terminal.ts';

test('a reader that goes away ends the writing, and nothing else', () => {
  for (const code of ['EPIPE', 'EIO']) {
    const stream = new PassThrough();
    const { write, isGone } = textWriter(stream);
    write('before');
    expect(isGone()).toBe(false);
    stream.emit('error', Object.assign(new Error(code), { code }));
    write('after');
    expect(isGone()).toBe(true);
    expect(stream.read()?.toString()).toBe('before');
  }
});

test('any other fault of the stream is one of ours', () => {
  const stream = new PassThrough();
  textWriter(stream);
  expect(() => stream.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }))).toThrow('no space');
});

test('who is here: the environment says it, else the password database', () => {
  const { username: user, homedir: home } = userInfo();
  expect(whoIsHere({ USER: 'kim', HOME: '/data/kim' })).toEqual({ user: 'kim', home: '/data/kim' });
  expect(whoIsHere({ LOGNAME: 'kim', HOME: '/data/kim/' })).toEqual({ user: 'kim', home: '/data/kim' });
  expect(whoIsHere({ HOME: '/data/kim' })).toEqual({ user, home: '/data/kim' });
  expect(whoIsHere({ USER: '', HOME: '' })).toEqual({ user, home });
  expect(whoIsHere({})).toEqual({ user, home });
});
