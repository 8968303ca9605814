import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Evaluate, evaluator } from '../../../src/transport/ssh-config/evaluate.ts';
import { HEEDED } from '../../../src/transport/ssh-config/keywords.ts';
import { type RunSsh, sshRunner } from '../../../src/transport/ssh-config/run-ssh.ts';
import { openSource } from '../../../src/transport/ssh-config/source.ts';
import { needs } from '../../support/needs.ts';
import { homeWith } from './home.ts';

const HOSTS = ['gw1', 'gw2', 'gw10', 'a.example', 'b.example', '10.0.0.1', 'GW1'];
const PATTERNS = ['*', 'gw?', 'gw*', '!gw1', '*.example', '10.*', 'gw2', '!*.example', 'G*', 'a.example', '*1*'];

const path = fc.constantFrom('~/.ssh/a', '"~/.ssh/b c"', '/abs/key', '%d/k', '~/.ssh/%r-%h', 'none');
const statement = fc.oneof(
  fc.constantFrom('HostName 192.0.2.1', 'HostName %h.internal', 'hostname=Other.Name', 'HostName a.example'),
  fc.constantFrom('User one', 'User = "two"', 'user three'),
  fc.constantFrom('Port 2222', 'Port=22', 'Port "2200"'),
  path.map((each) => `IdentityFile ${each}`),
  fc.constantFrom('IdentitiesOnly yes', 'IdentitiesOnly no', 'IdentityAgent none', 'HostKeyAlias alias'),
  fc.constantFrom(
    'ProxyJump jump',
    'ProxyJump none',
    'ProxyJump a@b:1,c',
    'ProxyJump gw1',
    'ProxyCommand nc %h %p',
    'ProxyCommand none',
  ),
  fc.constantFrom('ConnectTimeout 5', 'ConnectTimeout 1m30', 'ServerAliveInterval 2h', 'ServerAliveCountMax 7'),
  fc.constantFrom('StrictHostKeyChecking no', 'StrictHostKeyChecking yes', 'StrictHostKeyChecking accept-new'),
  fc.constantFrom('MACs hmac-sha1', 'Ciphers aes128-ctr', 'KexAlgorithms +diffie-hellman-group14-sha1'),
  fc.constantFrom(
    'GlobalKnownHostsFile /etc/a /etc/b',
    'PasswordAuthentication no',
    'AddressFamily inet6',
    '# nothing',
    'SendEnv X',
  ),
);
const host = fc
  .uniqueArray(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 3 })
  .map((each) => `Host ${each.join(' ')}`);
const line = (more: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 4, arbitrary: statement }, { weight: 2, arbitrary: host }, { weight: 1, arbitrary: more });
const text = (more: fc.Arbitrary<string>) =>
  fc.array(line(more), { maxLength: 12 }).map((lines) => `${lines.join('\n')}\n`);
const configuration = fc.record({
  '.ssh/config': text(fc.constantFrom('Include more.conf', 'Include ~/.ssh/*.conf', 'Match all', 'Match final all')),
  '.ssh/more.conf': text(fc.constant('Include deep/x')),
  '.ssh/deep/x': text(fc.constant('')),
});

/** As `ssh -G` and we have it; where somebody is refused, that. */
async function answers(evaluate: Evaluate): Promise<unknown> {
  const lookups = HOSTS.map((each, at) => ({
    host: each,
    hostName: at % 3 === 2 ? '198.51.100.7' : null,
    given: [],
    configFile: undefined,
  }));
  return Promise.all(
    lookups.map((lookup) =>
      evaluate(lookup).then(
        ({ hostName, values, directives }) => ({
          hostName,
          values: Object.fromEntries([...values].sort()),
          said: directives
            .filter(({ keyword }) => HEEDED.has(keyword))
            .map(({ keyword, from }) => `${keyword} ${from}`),
        }),
        (fault: Error) => fault.message,
      ),
    ),
  );
}

function evaluators(files: Record<string, string>) {
  const home = homeWith(files);
  const env = { PATH: process.env.PATH };
  const source = openSource({ home, env });
  let asked = 0;
  const run = sshRunner({ ...env, HOME: home });
  const counted: RunSsh = (args, name) => {
    asked += 1;
    return run(args, name);
  };
  const common = { sourceOf: () => source, env, home };
  return {
    home,
    each: evaluator({ ...common, ssh: run, share: false }),
    shared: evaluator({ ...common, ssh: counted }),
    without: evaluator({ ...common, ssh: null }),
    asked: () => asked,
  };
}

test.runIf(needs('ssh'))(
  'hosts that share an answer of ssh get the one that ssh gives each of them',
  async () => {
    await fc.assert(
      fc.asyncProperty(configuration, async (files) => {
        const { each, shared } = evaluators(files);
        expect(await answers(shared)).toEqual(await answers(each));
      }),
      { numRuns: 30 },
    );
  },
  120_000,
);

test.runIf(needs('ssh'))(
  'without ssh it is the same',
  async () => {
    // ssh has a word of its own for a host that is its own jump host
    const noCircle = configuration.filter((files) => !Object.values(files).join().includes('ProxyJump gw1'));
    await fc.assert(
      fc.asyncProperty(noCircle, async (files) => {
        const { each, without } = evaluators(files);
        const withDefaultsOf = JSON.stringify(await answers(each));
        expect(JSON.stringify(await answers(without))).toBe(withDefaultsOf);
      }),
      { numRuns: 30 },
    );
  },
  120_000,
);

test.runIf(needs('ssh'))('what is taken from ssh is what ssh -G prints', async () => {
  const { home, each } = evaluators({
    '.ssh/config': 'Host gw*\n  HostName 10.0.0.9\n  User x\n  Port 23\n  IdentityFile ~/a\n',
  });
  const printed = execFileSync('ssh', ['-F', join(home, '.ssh/config'), '-G', 'gw1'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { hostName, values } = await each({ host: 'gw1', hostName: null, given: [], configFile: undefined });
  expect(printed).toContain(`\nhostname ${hostName}\n`);
  expect([...values.keys()].sort()).toEqual(['identityfile', 'port', 'user']);
  for (const [keyword, lines] of values)
    for (const value of lines) expect(printed).toContain(`\n${keyword} ${value}\n`);
});

test.runIf(needs('ssh'))('a thousand hosts cost as many runs of ssh as there are kinds of them', async () => {
  const { shared, asked } = evaluators({
    '.ssh/config': 'Host gw*5\n  Port 2222\nHost *\n  User x\n  ProxyCommand nc %h %p\n',
  });
  const names = Array.from({ length: 1000 }, (_, at) => `gw${at}`);
  const ports = await Promise.all(
    names.map(async (name) => {
      const { hostName, values } = await shared({ host: name, hostName: null, given: [], configFile: undefined });
      expect(hostName).toBe(name);
      return values.get('port')?.[0];
    }),
  );
  expect(ports.filter((port) => port === '2222')).toHaveLength(100);
  // ssh's defaults, and the two kinds
  expect(asked()).toBe(3);
});

test('where there is no configuration, ssh is not run at all', async () => {
  const { shared, asked } = evaluators({});
  const given = [{ keyword: 'user', words: ['me'], rest: 'me', from: '' }];
  expect(await shared({ host: 'GW1', hostName: null, given, configFile: undefined })).toMatchObject({
    hostName: 'gw1',
    values: new Map([['user', ['me']]]),
  });
  expect(asked()).toBe(0);
});
