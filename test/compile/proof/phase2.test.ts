import { describe, expect, test } from 'vitest';
import type { Tunnel } from '../../../src/model/tunnel.ts';
import { healthyPair } from './healthy.ts';
import { down, judged, lana, lanb, log, OPTIONS, routed } from './judged.ts';

describe('what phase 2 needs is said in racoon.conf: the line is that of the end to change', () => {
  const CHAPTER = { sainfo: { pfs_group: 2, encryption_algorithm: '3des', authentication_algorithm: 'hmac_sha1' } };
  const [left, right] = healthyPair(routed);
  const place = (file: string) => ({ file, line: 1, column: 1, endLine: 1, endColumn: 1 });
  /** As hostOptions of a project in which these hosts have a variable of their own. */
  const written = (own: Readonly<Record<string, object>>) => (name: string) => ({
    layers: [CHAPTER, own[name]],
    at: (path: readonly string[]) => {
      const isOwn = own[name] !== undefined;
      return { span: place(`${isOwn ? `host_vars/${name}` : 'tunnels.yml'}#${path.join('.')}`), isOwn };
    },
  });
  const told = (a: string, b: string | null, own: Readonly<Record<string, object>> = {}) => {
    const one: Tunnel = b === null ? { ...routed, ends: [lana, { ...lanb, managed: false }] } : routed;
    const { cause, status } = judged(one, [a, b], { ...OPTIONS, hostOptions: written(own) });
    return { status, code: cause?.code, at: cause?.at?.file, fix: cause?.fix };
  };

  test('a file that was edited is put right by a playbook', () => {
    expect(told(left, right.replace('pfs_group 2', 'pfs_group 5'))).toEqual({
      status: 'failed',
      code: 'proposal-mismatch',
      at: 'tunnels.yml#sainfo.pfs_group',
      fix: 'apply the playbook on lanb: the inventory has pfs_group 2 for lanb',
    });
  });

  test.each(['lana', 'lanb'])('a host that says it otherwise is where it is changed: %s', (host) => {
    const change = (text: string) => text.replace('hmac_sha1 ;', 'hmac_md5 ;');
    const own = { [host]: { sainfo: { authentication_algorithm: 'hmac_md5' } } };
    const seen = host === 'lana' ? ([change(left), right] as const) : ([left, change(right)] as const);
    expect(told(...seen, own)).toMatchObject({
      code: 'proposal-mismatch',
      at: `host_vars/${host}#sainfo.authentication_algorithm`,
      fix: expect.stringContaining(`the variable \`racoon\` of ${host}`),
    });
  });

  test('what racoon refuses of an end that somebody else manages is told with our own line', () => {
    const refused = log('ERROR: long lifetime proposed: my:3600 peer:28800', 'ERROR: not matched');
    expect(told(down(left) + refused, null)).toMatchObject({
      code: 'proposal-mismatch',
      at: 'tunnels.yml#sainfo.lifetime',
    });
    const nothing = log('ERROR: no suitable policy found.', 'ERROR: failed to pre-process packet.');
    expect(told(down(left) + nothing, null)).toMatchObject({ code: 'proposal-mismatch', at: 'tunnels.yml#sainfo' });
  });

  test('another lifetime, or a group at one end alone, matters only where there are no SAs', () => {
    const longer = (text: string) => text.replace('settings\t\tpfs_group 2;', 'settings\t\tlifetime time 8 hour ;');
    expect(told(longer(left), right).status).toBe('proven');
    expect(told(down(longer(left)), down(right))).toMatchObject({
      code: 'proposal-mismatch',
      at: 'tunnels.yml#sainfo.pfs_group',
    });
  });

  test('aes is rijndael', () => {
    const only = (name: string) => (text: string) => text.replace('3des, rijndael ;', `${name} ;`);
    expect(told(only('rijndael')(left), only('aes 256')(right)).status).toBe('proven');
    expect(told(only('rijndael')(left), only('3des')(right)).code).toBe('proposal-mismatch');
  });
});
