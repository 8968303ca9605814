import { afterEach, describe, expect, test } from 'vitest';
import { readHost } from '../../../src/compile/backends/ipsec-tools/import/host-seen.ts';
import { importScript } from '../../../src/compile/backends/ipsec-tools/import/script.ts';
import { reveal } from '../../../src/model/secret.ts';
import { everyShell, makeHost, probeAll, type TestHost } from '../../modules/run-module.ts';

const SCRIPTS = '/etc/sysconfig/network-scripts';
let host: TestHost;
afterEach(() => host.remove());

function seen() {
  const [output] = probeAll(host, [importScript]);
  return readHost(output?.stdout ?? '');
}

describe.each(everyShell)('as %s', (_, shell) => {
  test('reads every byte of the files, and passes over what is no connection', () => {
    host = makeHost(shell);
    const ifcfg = "# \\n %s \t'\n\n\tTYPE=IPSEC\nDST=10.0.0.2\nNOTE='\xe9'";
    host.write(`${SCRIPTS}/ifcfg-ipsec0`, ifcfg, 0o600);
    host.write(`${SCRIPTS}/keys-ipsec0`, "IKE_PSK='a  b\\'\n", 0o644);
    host.write(`${SCRIPTS}/ifcfg-eth0`, 'TYPE=Ethernet\n');
    host.write(`${SCRIPTS}/keys-eth0`, 'WEP=nobody-asks\n', 0o600);
    host.write(`${SCRIPTS}/ifcfg-ipsec0.bak`, 'TYPE=IPSEC\n');
    host.write(`${SCRIPTS}/keys-ipsec7`, 'IKE_PSK=x\n', 0o600);
    host.write('/etc/racoon/racoon.conf', 'path pre_shared_key "/etc/racoon/other.txt";\n');
    host.write('/etc/racoon/other.txt', '10.0.0.2\ta  b\n', 0o600);
    host.write('/etc/racoon/10.0.0.2.conf', 'remote 10.0.0.2\n{\n\tproposal {\n\t\thash_algorithm sha1;\n\t}\n}\n');
    host.program('hostname', 'echo gw1.example.com');
    host.program('sysctl', 'echo 1');
    host.program(
      'ip',
      "echo '2: eth0    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0'; echo '1: lo    inet 127.0.0.1/8 scope host lo'",
    );
    host.program('setkey', 'echo "No SPD entries."');
    const found = seen();
    expect(found?.connections.map(({ nickname }) => nickname)).toEqual(['ipsec0']);
    const [one] = found?.connections ?? [];
    expect([one && reveal(one.ifcfg.text).replace(/\n+$/, ''), one?.ifcfg.mode]).toEqual([ifcfg, 0o600]);
    expect([one?.keys && reveal(one.keys.text).trimEnd(), one?.keys?.mode]).toEqual(["IKE_PSK='a  b\\'", 0o644]);
    expect(found).toMatchObject({
      hostname: 'gw1.example.com',
      orphans: ['keys-ipsec7'],
      forwarding: true,
      addresses: [{ address: '10.0.0.1', prefix: 24 }],
      policies: [],
      hasPackage: false,
      hasScripts: false,
    });
    expect([...(found?.psks ?? [])].map(([peer, key]) => [peer, reveal(key)])).toEqual([['10.0.0.2', 'a  b']]);
    expect(found?.phase1.get('10.0.0.2')).toEqual([{ encryption: '', hash: 'sha1', dhGroup: '', method: '' }]);
    expect(JSON.stringify(found)).not.toContain('a  b');
  });

  test('changes nothing, and comes to its end on a host that has nothing', () => {
    host = makeHost(shell);
    expect(seen()).toMatchObject({ connections: [], racoonConf: null, psks: null, orphans: [] });
  });
});

test('what was cut short is not taken for all there is', () => {
  host = makeHost();
  const [output] = probeAll(host, [importScript]);
  expect(readHost((output?.stdout ?? '').replace(/end\n$/, ''))).toBeNull();
  expect(readHost('')).toBeNull();
});
