import { expect, test } from 'vitest';
import { directSettings } from '../../../src/transport/ssh-config/settings.ts';

const lookup = { host: 'gw', hostName: null, given: [], configFile: undefined };
const surroundings = { home: '/home/me', user: 'me', env: {}, acceptNewHostKeys: false };

function ciphersOf(from: string, sshProfile?: 'el5'): readonly string[] | undefined {
  const directives = [{ keyword: 'ciphers', words: ['aes256-gcm@openssh.com'], rest: '', from }];
  const evaluated = { hostName: 'gw', values: new Map([['ciphers', ['aes256-gcm@openssh.com']]]), directives };
  const said = { name: 'gw', ...(sshProfile === undefined ? {} : { sshProfile }) };
  return directSettings(said, lookup, evaluated, surroundings).algorithms.cipher;
}

test("a machine's policy for all hosts is not meant for one that the inventory calls old", () => {
  const policy = '/etc/crypto-policies/back-ends/openssh.config:1';
  expect(ciphersOf(policy)).toEqual(['aes256-gcm@openssh.com']);
  expect(ciphersOf(policy, 'el5')).toBeUndefined();
  expect(ciphersOf('/home/me/.ssh/config:3', 'el5')).toEqual(['aes256-gcm@openssh.com']);
});
