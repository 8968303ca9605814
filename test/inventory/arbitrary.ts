import fc from 'fast-check';
import type { Files } from './ansible.ts';

const GROUPS = ['web', 'db', 'gw', 'eu', 'prod', 'ungrouped'] as const;
const HOSTS = ['gw1', 'gw2', 'gw10', 'pinky', 'ijin', 'db-a', 'web.example.com', '10.0.0.1', 'localhost'] as const;
const RANGES = ['gw[01:03]', 'n[a:c]', 'r[1:9:4]', 'x[0:1]-[a:b].example.com', '10.0.1.[1:2]', 'p[1:2]:2222'] as const;
const NAMES = ['a', 'b', 'ansible_host', 'ipsec_network'] as const;

const value = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('x', 'yes', '10.0.0.9', '{{ a }}', 'two words', ''),
  fc.constantFrom<unknown>([1, 'z'], { k: 'v' }, {}, []),
);

const vars = fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 3 });
const hostEntry = fc.tuple(fc.constantFrom(...HOSTS, ...RANGES), fc.oneof(fc.constant(null), vars));
const groupVars = fc.oneof(
  vars,
  fc
    .tuple(vars, fc.integer({ min: -2, max: 3 }))
    .map(([own, priority]) => ({ ...own, ansible_group_priority: priority })),
);

/** A group's own section; `below` are names that may be its children without making a circle. */
function section(below: readonly string[]): fc.Arbitrary<Record<string, unknown> | null> {
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    {
      weight: 6,
      arbitrary: fc.record(
        {
          hosts: fc.oneof(
            fc.constant(null),
            fc.array(hostEntry, { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
          ),
          vars: fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 4, arbitrary: groupVars }),
          children:
            below.length === 0
              ? fc.constant(null)
              : fc.subarray([...below]).map((names) => Object.fromEntries(names.map((name) => [name, null]))),
        },
        { requiredKeys: [] },
      ),
    },
  );
}

const groups = fc
  .tuple(...GROUPS.map((_, at) => section(GROUPS.slice(at + 1).filter((name) => name !== 'ungrouped'))), section([]))
  .chain((sections) =>
    fc
      .shuffledSubarray([...GROUPS, 'all'], { minLength: 1 })
      .map((chosen) =>
        Object.fromEntries(chosen.map((name) => [name, sections[[...GROUPS, 'all'].indexOf(name)] ?? null])),
      ),
  );

const varsFile = fc.tuple(
  fc.constantFrom('', 'play/'),
  fc.oneof(
    fc.tuple(fc.constant('group_vars'), fc.constantFrom('all', ...GROUPS)),
    fc.tuple(fc.constant('host_vars'), fc.constantFrom(...HOSTS)),
  ),
  fc.constantFrom('.yml', '.yaml', '.json', '', '/x.yml', '/b/c.yaml', '/a.txt', '/.hidden.yml'),
  vars,
);

/** The files of an inventory: YAML in its JSON form, which leaves nothing to the two parsers' taste. */
export const inventories: fc.Arbitrary<Files> = fc
  .tuple(groups, fc.array(varsFile, { maxLength: 8 }))
  .map(([hosts, files]) => {
    const result: Record<string, string> = { 'hosts.yml': JSON.stringify(hosts, null, 1), 'play/site.yml': '' };
    for (const [where, [kind, name], ending, content] of files) {
      const path = `${where}${kind}/${name}${ending}`;
      const clash = Object.keys(result).some(
        (other) => other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`),
      );
      if (!clash) result[path] = JSON.stringify(content);
    }
    return result;
  });

const atom = fc.oneof(
  fc.constantFrom('all', '*', ...GROUPS, ...HOSTS),
  fc.constantFrom(
    'gw*',
    'g?1',
    '*.example.com',
    '[gp]*',
    '[!g]*',
    '~gw\\d+$',
    '~(pinky|ijin)',
    '~.*',
    'x*',
    'w*b',
    '10.0.*',
    'e*',
    'nosuch',
    '127.0.0.1',
  ),
);
const subscript = fc.constantFrom('', '', '', '', '[0]', '[1]', '[-1]', '[0:1]', '[1:]', '[2:1]', '[0:0]', '[9]');
const part = fc
  .tuple(fc.constantFrom('', '', '', '!', '&'), atom, subscript)
  .map(([sign, name, range]) => (name.startsWith('~') ? sign + name : sign + name + range));

/** Host patterns; a regular expression does not go together with colons. */
export const patterns: fc.Arbitrary<string> = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 4 }), fc.constantFrom(',', ':', ', '))
  .map(([parts, separator]) => {
    const regex = parts.some((one) => one.includes('~'));
    return parts.join(regex ? ',' : separator);
  });
