import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHostKeys } from '../../src/transport/host-keys.ts';
import { fingerprint, KnownHosts, parseKnownHosts } from '../../src/transport/known-hosts.ts';
import type { ConnectFault } from '../../src/transport/transport.ts';
import { needs } from '../support/needs.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'known-hosts-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A key in SSH wire format whose content is made from `seed`: nobody checks the curve here. */
function key(seed: string, type = 'ssh-ed25519'): Buffer {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return Buffer.concat([field(Buffer.from(type)), field(createHash('sha256').update(seed).digest())]);
}

function line(names: string, seed: string, type?: string): string {
  return `${names} ${type ?? 'ssh-ed25519'} ${key(seed, type).toString('base64')}`;
}

function known(...lines: string[]): KnownHosts {
  const file = parseKnownHosts('known_hosts', lines.join('\n'));
  expect(file.faults).toEqual([]);
  return new KnownHosts([file]);
}

describe('lookup', () => {
  test.each([
    ['gw.example', 'gw.example', 22],
    ['a.example,gw.example,10.0.0.1', '10.0.0.1', 22],
    ['GW.Example', 'gw.EXAMPLE', 22],
    ['[gw.example]:2222', 'gw.example', 2222],
    ['*.example', 'gw.example', 22],
    ['gw?.example', 'gw1.example', 22],
    ['*,!bad.example', 'gw.example', 22],
    ['[*.example]:2222', 'gw.example', 2222],
    ['[10.0.0.*]:2222', '10.0.0.7', 2222],
    // ssh(1) "checking without port identifier"
    ['gw.example', 'gw.example', 2222],
  ])('%s names %s port %i', (names, host, port) => {
    expect(known(line(names, 'k')).check(host, port, key('k'))).toEqual({ kind: 'known' });
  });

  test.each([
    ['gw.example', 'gw.example.com', 22],
    ['[gw.example]:2222', 'gw.example', 22],
    ['[gw.example]:2222', 'gw.example', 2223],
    ['*,!gw.example', 'gw.example', 22],
    ['!gw.example', 'gw.example', 22],
    ['!gw.example', 'other.example', 22],
    ['gw?.example', 'gw.example', 22],
    ['g.*', 'gwx', 22],
    ['[ab].example', 'a.example', 22],
  ])('%s does not name %s port %i', (names, host, port) => {
    expect(known(line(names, 'k')).check(host, port, key('k')).kind).toBe('unknown');
  });

  test('another key of the same type is a change, and the line is told', () => {
    const hosts = known('# a comment', '', line('gw', 'old'));
    expect(hosts.check('gw', 22, key('new'))).toMatchObject({ kind: 'changed', line: { line: 3 } });
  });

  test('one of several keys of a host is enough', () => {
    expect(known(line('gw', 'old'), line('gw', 'new')).check('gw', 22, key('new')).kind).toBe('known');
  });

  test('a key of another type is not a change, but the host is not new either', () => {
    const verdict = known(line('gw', 'k', 'ssh-rsa')).check('gw', 22, key('k'));
    expect(verdict).toMatchObject({ kind: 'unknown', others: [{ type: 'ssh-rsa' }] });
  });

  test('the same bytes under another type are another key', () => {
    const mislabelled = `gw ssh-rsa ${key('k').toString('base64')}`;
    expect(parseKnownHosts('f', mislabelled).faults).toHaveLength(1);
  });

  test('a revoked key is refused even where it is also known', () => {
    const hosts = known(line('gw', 'k'), `@revoked ${line('*', 'k')}`);
    expect(hosts.check('gw', 22, key('k'))).toMatchObject({ kind: 'revoked', line: { line: 2 } });
    expect(hosts.check('gw', 2222, key('k')).kind).toBe('revoked');
    expect(hosts.check('gw', 22, key('other')).kind).toBe('changed');
  });

  test('an authority is not a host key', () => {
    const hosts = known(`@cert-authority ${line('*.example', 'ca')}`);
    expect(hosts.check('gw.example', 22, key('ca'))).toMatchObject({ kind: 'unknown', authority: { line: 1 } });
  });

  test('types that are known, to ask for them first', () => {
    const hosts = known(line('gw', 'a', 'ssh-rsa'), line('gw', 'b'), `@revoked ${line('gw', 'c', 'ssh-dss')}`);
    expect(hosts.types('gw', 22)).toEqual(['ssh-rsa', 'ssh-ed25519']);
    expect(hosts.types('other', 22)).toEqual([]);
  });

  test('a line of protocol 1 means nothing', () => {
    expect(parseKnownHosts('f', 'gw 1024 35 1234567890')).toMatchObject({ lines: [], faults: [] });
  });
});

describe('a file that cannot be understood fails closed', () => {
  test.each([
    ['gw', 'no host names, key type and key'],
    ['gw ssh-ed25519', 'no host names, key type and key'],
    [`@revoke ${line('gw', 'k')}`, 'unknown marker @revoke'],
    ['gw ssh-ed25519 AAAA!!!!', 'not base64'],
    [`gw ssh-rsa ${key('k').toString('base64')}`, 'no ssh-rsa key'],
    [line('|1|short|short', 'k'), 'hashed host name'],
    [line('a,,b', 'k'), 'empty host name'],
  ])('%s', (text, why) => {
    const { faults } = parseKnownHosts('f', `# first\n${text}\n`);
    expect(faults).toMatchObject([{ file: 'f', line: 2 }]);
    expect(faults[0]?.why).toContain(why);
  });

  test('no host is trusted then, not even one with a good line', () => {
    const file = join(dir, 'malformed');
    writeFileSync(file, `${line('gw', 'k')}\nrubbish\n`);
    expect(() => readHostKeys([file], true)).toThrow(/malformed:2 cannot be understood/);
  });

  test('nor where a file cannot be read', () => {
    expect(() => readHostKeys([dir], true)).toThrow(/cannot be read \(EISDIR\)/);
  });

  test('a file that is not there is empty', () => {
    const fault = readHostKeys([join(dir, 'none')], false).judge('gw', 22, key('k'));
    expect(fault).toMatchObject({ code: 'host-key-unknown' });
  });
});

describe('what a person is told', () => {
  const judge = (text: string, seed = 'k', acceptNew = false): ConnectFault | null => {
    const file = join(dir, 'told');
    writeFileSync(file, text);
    return readHostKeys([file], acceptNew).judge('gw', 2222, key(seed));
  };

  test('unknown: the fingerprint, the file searched, the line to add', () => {
    const fault = judge('');
    expect(fault?.code).toBe('host-key-unknown');
    expect(fault?.message).toContain(fingerprint(key('k')));
    expect(fault?.message).toContain(join(dir, 'told'));
    expect(fault?.fix).toContain(line('[gw]:2222', 'k'));
    expect(fault?.fix).toContain('--accept-new-host-keys');
  });

  test('changed: both fingerprints and the place, also with --accept-new-host-keys', () => {
    const fault = judge(`\n${line('[gw]:2222', 'old')}\n`, 'new', true);
    expect(fault?.code).toBe('host-key-changed');
    expect(fault?.message).toContain(fingerprint(key('old')));
    expect(fault?.message).toContain(fingerprint(key('new')));
    expect(fault?.message).toContain('told:2');
    expect(fault?.fix).toContain("ssh-keygen -R '[gw]:2222'");
  });

  test('revoked, also with --accept-new-host-keys', () => {
    expect(judge(`@revoked ${line('*', 'k')}`, 'k', true)?.code).toBe('host-key-revoked');
  });

  test('known by an authority alone: refused plainly, also with --accept-new-host-keys', () => {
    const fault = judge(`@cert-authority ${line('*', 'ca')}`, 'k', true);
    expect(fault?.message).toContain('host certificates are not supported');
  });

  test('a host known by another type is not new', () => {
    expect(judge(line('gw', 'k', 'ssh-rsa'), 'k', true)?.message).toContain('another type of host key');
  });

  test('nor is one of which another key is known without its port, which may be another host', () => {
    const fault = judge(line('gw', 'other'), 'k', true);
    expect(fault?.code).toBe('host-key-unknown');
    expect(fault?.message).toContain('another host key on port 22');
  });
});

describe('--accept-new-host-keys', () => {
  test('records a new host once, in a file that only the user reads', () => {
    const file = join(dir, 'new', 'known_hosts');
    const keys = readHostKeys([file], true);
    expect(keys.judge('gw', 2222, key('k'))).toBeNull();
    expect(keys.proved('gw', 2222, key('k'))).toBeNull();
    expect(keys.proved('gw', 2222, key('k'))).toBeNull();
    expect(readFileSync(file, 'utf8')).toBe(`${line('[gw]:2222', 'k')}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(keys.judge('gw', 2222, key('other'))?.message).toContain(`${file}:1`);
  });

  test('keeps what is in the file, also a last line without a newline', () => {
    const file = join(dir, 'open-ended');
    writeFileSync(file, line('other', 'o'));
    chmodSync(file, 0o644);
    readHostKeys([file], true).proved('gw', 22, key('k'));
    expect(readFileSync(file, 'utf8')).toBe(`${line('other', 'o')}\n${line('gw', 'k')}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o644);
  });

  test('is refused where it cannot be recorded', () => {
    const file = join(dir, 'open-ended', 'below-a-file');
    expect(readHostKeys([file], true).proved('gw', 22, key('k'))?.message).toContain('cannot be recorded');
  });
});

describe.skipIf(!needs('ssh-keygen'))('against ssh-keygen', () => {
  const found = (file: string, host: string) => spawnSync('ssh-keygen', ['-F', host, '-f', file]).status === 0;

  test('the fingerprint is the one that it prints', () => {
    const file = join(dir, 'id');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
    const blob = Buffer.from(readFileSync(`${file}.pub`, 'utf8').split(' ')[1] ?? '', 'base64');
    expect(execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' })).toContain(fingerprint(blob));
  });

  test('a file that it hashed gives the same answers', () => {
    const file = join(dir, 'hashed');
    const names = ['gw.example', '10.0.0.1', '[gw.example]:2222'];
    writeFileSync(file, `${names.map((name, index) => line(name, `k${index}`)).join('\n')}\n`);
    execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
    expect(readFileSync(file, 'utf8')).not.toContain('gw.example');
    const hosts = new KnownHosts([parseKnownHosts(file, readFileSync(file, 'latin1'))]);
    expect(hosts.check('gw.example', 22, key('k0')).kind).toBe('known');
    expect(hosts.check('10.0.0.1', 22, key('k1')).kind).toBe('known');
    expect(hosts.check('gw.example', 2222, key('k2')).kind).toBe('known');
    expect(hosts.check('gw.example', 22, key('k1')).kind).toBe('changed');
    expect(hosts.check('gw.example', 2200, key('k0')).kind).toBe('known');
    expect(hosts.check('10.0.0.2', 22, key('k1')).kind).toBe('unknown');
  });

  test('names and patterns are matched as it does', () => {
    const file = join(dir, 'oracle');
    const part = fc.constantFrom(
      'a',
      'b',
      'ab',
      '*',
      '?',
      'a*',
      '*b',
      '10.0.0.?',
      '[a]:22',
      '[a*]:2222',
      'A',
      '!a',
      '!*b',
      '!b',
    );
    const names = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(','));
    const host = fc.constantFrom('a', 'b', 'ab', 'abb', 'cb', '10.0.0.1', '[a]:2222', '[ab]:2222');
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 3 }), host, (lines, name) => {
        writeFileSync(file, `${lines.map((each) => line(each, 'k')).join('\n')}\n`);
        const [, bare, port] = /^\[(.*)\]:(\d+)$/.exec(name) ?? [null, name, '22'];
        const hosts = new KnownHosts([parseKnownHosts(file, readFileSync(file, 'latin1'))]);
        const ours = hosts.check(bare ?? '', Number(port), key('k')).kind === 'known';
        // ssh-keygen -F does not fall back to the name without its port, as ssh and we do.
        const theirs = found(file, name) || (port !== '22' && found(file, bare ?? ''));
        expect(ours).toBe(theirs);
      }),
      { numRuns: 60 },
    );
  });
});
