import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sourced } from '../../../modules/shared/shell-assignments.ts';
import { hostsText } from '../../../src/cli/import/hosts.ts';
import { soundTunnels } from '../../../src/cli/import/sound.ts';
import { ipsecTools } from '../../../src/compile/backends/ipsec-tools/index.ts';
import { racoonConf } from '../../../src/compile/backends/ipsec-tools/racoon-conf.ts';
import { racoonOptions } from '../../../src/compile/backends/ipsec-tools/racoon-options.ts';
import { tunnelsText } from '../../../src/inventory/tunnels/tunnels-text.ts';
import type { Diagnostic } from '../../../src/lang/diagnostic.ts';
import { compileWorld, tasksOf } from '../support/world.ts';
import { due, type Files, printed } from './fake-host.ts';

/**
 * Hosts as somebody has set them up, and what an import makes of them. `=== title`; for each host `@ NAME ADDRESS…`, and
 * its files behind `> NAME`; `---`, and what is found and written. What a check of it would still change stands behind
 * `due`. After a wanted change: UPDATE_CASES=1 npx vitest run test/compile/import/cases.test.ts, and read the difference.
 */
const FOLDER = new URL('./cases/', import.meta.url);
/** What every key of the cases contains, and nothing else does. */
const CANARY = /c4n4ry/;

for (const file of readdirSync(FOLDER)) {
  const url = new URL(file, FOLDER);
  const cases = parseCases(readFileSync(url, 'utf8'));
  describe(file, () => {
    const actual = new Map<string, string>();
    test.each(cases)('$title', async ({ title, hosts, expected }) => {
      actual.set(title, await outcome(hosts));
      if (!process.env.UPDATE_CASES) expect(actual.get(title)).toBe(expected);
    });
    if (process.env.UPDATE_CASES) {
      test('update', () => {
        const text = cases.map(({ title, head }) => `=== ${title}\n${head}---\n${actual.get(title)}\n`).join('\n');
        writeFileSync(url, text);
      });
    }
  });
}

interface Host {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly files: Files;
}

async function outcome(hosts: readonly Host[]): Promise<string> {
  const { importer } = ipsecTools;
  const imported = importer.pair(
    hosts.map((host) => ({ name: host.name, address: null, seen: importer.read(printed(host.files, host)) })),
  );
  const sound = await soundTunnels(
    imported.tunnels,
    hostsText(new Map(hosts.map(({ name }) => [name, {}]))),
    imported.options,
  );
  const findings = [...imported.findings, ...sound.findings].map(described).join('\n');
  expect(findings).not.toMatch(CANARY);
  const options = imported.options && { key: 'racoon', value: imported.options };
  const { text } = tunnelsText(sound.tunnels, options, () => ({ vault: 'KEY' }));
  const compiled = compileWorld({
    tunnels: sound.tunnels,
    racoon: imported.options,
    hosts: Object.fromEntries(hosts.map(({ name }) => [name, { racoon: imported.hostOptions.get(name) }])),
  });
  const left = hosts.flatMap(({ name, files }) =>
    due(compiled.plays.length === 0 ? [] : tasksOf(compiled, name), files).map((each) => `due ${name} ${each}`),
  );
  return [findings, ...left, text.trimEnd()].filter((part) => part !== '').join('\n');
}

function described({ severity, code, message, found, span, related = [] }: Diagnostic): string {
  const place = span === undefined ? '' : ` ${span.file}:${span.line}`;
  return [
    `${severity} ${code}${place} ${message}`,
    ...(found === undefined ? [] : [`  found ${found}`]),
    ...related.map((other) => `  see ${other.span.file}:${other.span.line}`),
  ].join('\n');
}

function parseCases(text: string) {
  return text
    .split(/^=== /m)
    .slice(1)
    .map((part) => {
      const [top = '', expected = ''] = part.split(/^---\n/m);
      const [title = ''] = top.split('\n');
      const head = top.slice(title.length + 1);
      const hosts = head.split(/^@ /m).slice(1).map(parseHost);
      return { title, head, hosts, expected: expected.trimEnd() };
    });
}

function parseHost(part: string): Host {
  const [first = '', ...pieces] = part.split(/^> /m);
  const [name = '', ...addresses] = first.trim().split(' ');
  const files: Files = new Map([
    ['/etc/racoon/racoon.conf', { mode: 0o600, text: racoonConf(racoonOptions([])) }],
    ['/etc/sysctl.conf', { mode: 0o644, text: 'net.ipv4.ip_forward = 1\n' }],
  ]);
  let psk = '';
  for (const piece of pieces) {
    const [file = '', ...lines] = piece.split('\n');
    const [base = '', mode] = file.split(' ');
    const path = /^(ifcfg|keys)-/.test(base) ? `/etc/sysconfig/network-scripts/${base}` : `/etc/racoon/${base}`;
    files.set(path, {
      mode: Number.parseInt(mode ?? (base.startsWith('ifcfg-') ? '644' : '600'), 8),
      text: lines.join('\n'),
    });
    const { variables } = sourced(
      ['ifcfg', 'keys'].map(
        (kind) => files.get(`/etc/sysconfig/network-scripts/${kind}-${base.replace(/^\w+-/, '')}`)?.text ?? '',
      ),
    );
    if (base.startsWith('keys-') && variables.get('IKE_PSK'))
      psk += `${variables.get('DST')}  ${variables.get('IKE_PSK')}\n`;
  }
  if (!files.has('/etc/racoon/psk.txt') && psk !== '') files.set('/etc/racoon/psk.txt', { mode: 0o600, text: psk });
  return { name, addresses, files };
}
