import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../../src/lang/diagnostic.ts';
import type { SecretSources } from '../../../src/secrets/sources.ts';
import { makeHosts, read } from './read.ts';

/**
 * Bad input and all that is said about it. A file holds cases: `=== title`, the YAML, `---`, and the expected
 * diagnostics. After a wanted change of messages: UPDATE_CASES=1 npx vitest run test/inventory/tunnels/cases.test.ts,
 * and read the difference.
 */
const FOLDER = new URL('./cases/', import.meta.url);

/** What every secret of the cases contains, and nothing else does. */
const CANARY = /c4n4ry/i;

const net = (n: number) => ({ ipsec_network: `172.16.${n}.0/24`, ipsec_gateway: `172.16.${n}.1` });
const HOSTS = makeHosts({
  a: { ansible_host: '10.0.0.1', ...net(1) },
  b: { ansible_host: '10.0.0.2', ...net(2) },
  c: { ansible_host: '10.0.0.3', ...net(3) },
  twin: { ansible_host: '10.0.0.1', ...net(1) },
  bare: { ansible_host: '10.0.0.9' },
  public: { ansible_host: '203.0.113.9' },
  named: { ansible_host: 'named.example.com' },
  zoned: { ansible_host: 'fe80::1%eth0' },
  sloppy: { ansible_host: '10.0.0.8', ipsec_network: '172.16.8.1/24', ipsec_gateway: '172.016.8.1' },
});

const SECRETS: SecretSources = {
  env: (name) => ({ EMPTY: '', PSK: 'c4n4ry-from-env' })[name],
  file: (path) =>
    path === 'inventory/blank.key' ? '\n' : { fault: 'missing', why: `there is no such file as ${path}` },
  command: async () => ({ fault: 'failed', why: 'exit code 3: the safe is locked' }),
};

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.case'))) {
  const url = new URL(file, FOLDER);
  const cases = parseCases(readFileSync(url, 'utf8'));
  describe(file, () => {
    const actual = new Map<string, string>();
    test.each(cases)('$title', async ({ title, yaml, expected }) => {
      const { diagnostics, secrets } = await read(yaml, HOSTS, { secrets: SECRETS });
      actual.set(title, diagnostics.map(describeDiagnostic).join('\n'));
      expect(JSON.stringify(diagnostics)).not.toMatch(CANARY);
      expect(JSON.stringify(secrets)).not.toMatch(CANARY);
      if (!process.env.UPDATE_CASES) expect(actual.get(title)).toBe(expected);
    });
    if (process.env.UPDATE_CASES) {
      test('update', () => {
        const text = cases.map(({ title, yaml }) => `=== ${title}\n${yaml}---\n${actual.get(title)}\n`).join('\n');
        writeFileSync(url, text);
      });
    }
  });
}

function parseCases(text: string): { title: string; yaml: string; expected: string }[] {
  return text
    .split(/^=== /m)
    .slice(1)
    .map((part) => {
      const [head = '', expected = ''] = part.split(/^---\n/m);
      const [title = '', ...yaml] = head.split('\n');
      return { title, yaml: yaml.join('\n'), expected: expected.trimEnd() };
    });
}

function describeDiagnostic({ severity, code, message, found, fix, span, related = [] }: Diagnostic): string {
  return [
    `${severity} ${code}:${span?.line}:${span?.column} ${message}`,
    ...(found === undefined ? [] : [`  found ${found}`]),
    ...(fix === undefined ? [] : [`  write ${fix}`]),
    ...related.map((other) => `  see ${other.span.line}:${other.span.column} ${other.message}`),
  ].join('\n');
}
