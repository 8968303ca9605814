import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Target } from '../../../src/model/host.ts';
import type { Effective } from '../../../src/transport/ssh-config/explain.ts';
import type { SshConfigOptions } from '../../../src/transport/ssh-config/ssh-config.ts';
import { ConnectFault } from '../../../src/transport/transport.ts';
import { needs } from '../../support/needs.ts';
import { configIn, homeWith, target, WITHOUT_SSH } from './home.ts';

const FOLDER = join(import.meta.dirname, 'cases');

/**
 * A `.case` file: `== .ssh/config` and the like are files of the home; `== NAME {target} {options}` is a host and what
 * is in force for it beside the defaults. `== only with ssh`, `== only without ssh`: the other one says it in other words.
 */
describe.each(readdirSync(FOLDER))('%s', (file) => {
  const parts = readFileSync(join(FOLDER, file), 'utf8').split(/^== (.*)\n/m);
  const sections = parts.slice(1).flatMap((title, at) => (at % 2 === 0 ? [{ title, body: parts[at + 2] ?? '' }] : []));
  const isFile = (title: string) => title.startsWith('.');
  const files = Object.fromEntries(sections.flatMap(({ title, body }) => (isFile(title) ? [[title, body]] : [])));
  const ways = [
    { way: 'with ssh', more: {}, needed: ['ssh'] },
    { way: 'without ssh', more: WITHOUT_SSH, needed: [] },
  ].filter(({ way }) => !sections.some(({ title }) => title.startsWith('only ') && title !== `only ${way}`));

  describe.each(ways)('$way', ({ more, needed }) => {
    const home = homeWith(files);
    for (const { title, body } of sections) {
      if (isFile(title) || title.startsWith('only ')) continue;
      test.runIf(needs(...needed))(title, async () => {
        const { host, options } = readTitle(title);
        expect(await shown(host, { ...options, ...more }, home)).toBe(body.trim());
      });
    }
  });
});

function readTitle(title: string): { host: Target; options: Partial<SshConfigOptions> } {
  const [, name = '', given = '{}', options = '{}'] = /^(\S+)(?: (\{.*?\}))?(?: (\{.*\}))?$/.exec(title) ?? [];
  return { host: target(name, JSON.parse(given)), options: JSON.parse(options) };
}

async function shown(host: Target, options: Partial<SshConfigOptions>, home: string): Promise<string> {
  const origins = {
    of: (field: keyof Target) => `inventory:${field}`,
    ofArgument: (index: number) => `arguments:${index}`,
  };
  const neat = (text: string) => text.replaceAll(home, '~').replaceAll('~/.ssh/config', 'config').trim();
  try {
    const rows = await configIn(home, options).explain(host, origins);
    const line = ({ name, value, from }: Effective) => `${name}: ${[value].flat().join(' | ')}  <- ${from}`;
    return neat(
      rows
        .filter(({ name, from }) => from !== 'default' || name === 'address')
        .map(line)
        .join('\n'),
    );
  } catch (fault) {
    if (!(fault instanceof ConnectFault)) throw fault;
    return neat(`! ${fault.code}: ${fault.message}`);
  }
}
