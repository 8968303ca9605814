import { expect, test } from 'vitest';
import type { TunnelVerdict } from '../../src/model/verdict.ts';
import { verdictJunit } from '../../src/report/verdict-junit.ts';

const verdict = (status: TunnelVerdict['status'], more: Partial<TunnelVerdict> = {}): TunnelVerdict => ({
  tunnel: status,
  status,
  ends: [{ host: 'lana', nickname: 'ipsec0', layers: [{ layer: 'ping', status: 'ok', what: '10.0.0.1 answers' }] }],
  cause: null,
  mtu: null,
  notes: [],
  ...more,
});
const unseen = (what: string) => [
  { host: 'lanb', nickname: 'i', layers: [{ layer: 'policies' as const, status: 'unknown' as const, what }] },
];

test('what failed is a failure, what could not be shown an error with its reason: neither is green', () => {
  const cause = { code: 'psk-differs', message: 'a <key> & "another"', fix: 'apply\nagain', at: null } as const;
  const text = verdictJunit(
    [
      verdict('proven'),
      verdict('failed', { cause }),
      verdict('unproven', { ends: unseen('setkey: Operation not permitted') }),
      verdict('unproven', {
        tunnel: 'far',
        ends: unseen('the host could not be looked at').map((end) => ({ ...end, host: 'far' })),
      }),
    ],
    new Map([['far', { message: 'it refuses the connection' }]]),
    1.5,
  );
  expect(text).toContain('<testsuites tests="4" failures="1" errors="2" skipped="0" time="1.500">');
  expect(text).toContain('<failure type="psk-differs" message="a &lt;key&gt; &amp; &quot;another&quot;">');
  expect(text).toContain(
    '<error type="unproven" message="it could not be shown: lanb: setkey: Operation not permitted">',
  );
  expect(text).toContain('<error type="unreachable" message="far could not be looked at: it refuses the connection">');
  expect(text.match(/<testcase /g)).toHaveLength(4);
  expect(text.match(/<system-out>/g)).toHaveLength(1);
});

test('control characters, which XML cannot carry, are replaced', () => {
  const text = verdictJunit([verdict('proven', { notes: ['a\u0000b\u001bc'] })], new Map(), 0);
  expect(text).toContain('a\ufffdb\ufffdc');
});
