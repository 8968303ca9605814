import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { compiledModules, modules } from '../../modules/index.ts';

const ajv = new Ajv({ allowUnionTypes: true });

const ACCEPTED: Readonly<Record<string, readonly object[]>> = {
  command: [{ cmd: 'ls' }, { argv: ['ls'], chdir: '/', creates: '/a', removes: '/b', stdin: 'x' }],
  connection: [{ nickname: 'ipsec0', state: 'up' }],
  directory: [
    { path: '/a', mode: 0o755, owner: 'root', group: 0 },
    { path: "/it's", state: 'absent' },
  ],
  file: [
    { path: '/a', content: '', mode: '0600' },
    { path: '/a', mode: '4755', owner: 'svc$', sensitive: true },
  ],
  ipsec_tunnels: [{}, { tunnels: 'all' }, { tunnels: ['a', 'b-*'], activation: 'none' }],
  lineinfile: [{ path: '/a', line: 'x', regexp: '^x', insertafter: 'EOF', create: true }],
  package: [{ name: 'ipsec-tools' }, { name: 'x', state: 'absent' }, { name: 'x', source: '/root/x.rpm' }],
  psk: [{ entries: [{ peer: '10.0.0.1', key: 'k' }], absent: ['10.0.0.2'], restore: true, raised: [] }],
  racoon_conf: [
    { content: 'log info;' },
    { content: '', state: 'present' },
    { include: '/etc/racoon/x.conf', state: 'absent' },
  ],
  service: [
    { name: 'network', state: 'restarted' },
    { name: 'racoon', enabled: false },
  ],
  sysctl: [
    { name: 'net.ipv4.ip_forward', value: 1 },
    { key: 'net/ipv4/ip_forward', value: '1', reload: false },
  ],
};

const REFUSED: Readonly<Record<string, readonly object[]>> = {
  command: [{}, { cmd: 'a', argv: ['b'] }, { cmd: 'a', chdir: 'relative' }, { argv: [] }],
  connection: [{ nickname: 'ipsec0' }, { nickname: '../x', state: 'up' }, { nickname: '-x', state: 'up' }],
  directory: [{}, { path: 'relative' }, { path: '/a\nb' }, { path: '/a', mode: 755 }],
  file: [
    { path: '/a', mode: 'u=rw' },
    { path: '/a', mode: 644 },
    { path: '/a', owner: 'a:b' },
    { path: '/a', owner: '-R' },
    { path: '/a', src: 'x' },
  ],
  ipsec_tunnels: [{ tunnels: [] }, { activation: 'sometimes' }],
  lineinfile: [{ path: '/a', line: 'x\ny' }, { line: 'x' }],
  package: [{}, { name: '-x' }, { name: 'x', state: 'latest' }],
  psk: [{ entries: [{ peer: 'a b', key: 'k' }] }, { entries: [{ peer: 'a', key: '' }] }],
  racoon_conf: [{}, { include: '/etc/racoon/x.conf' }, { content: 'x', state: 'absent' }],
  service: [{ name: 'network' }, { name: '../x', state: 'started' }],
  sysctl: [{ value: 1 }, { name: 'a', key: 'b', value: 1 }, { name: 'a b', value: 1 }, { name: 'a', value: '' }],
};

describe.each([...modules, ...compiledModules].map((module) => [module.name, module] as const))(
  '%s',
  (name, module) => {
    const validate = ajv.compile(module.args as object);

    test.each(ACCEPTED[name] ?? [{ missing: true }])('takes %j', (args) => {
      expect(validate(args), JSON.stringify(validate.errors)).toBe(true);
    });

    test.each(REFUSED[name] ?? [])('refuses %j', (args) => {
      expect(validate(args)).toBe(false);
    });

    test('says what it is and what each argument means', () => {
      expect(module.summary).toMatch(/^[A-Z].*\.$/);
      const { properties } = module.args as { properties: Record<string, { description?: string }> };
      for (const [argument, schema] of Object.entries(properties)) expect(schema.description, argument).toBeTruthy();
      if (module.free !== undefined) expect(Object.keys(properties)).toContain(module.free);
    });
  },
);

test('names are unique, and in order', () => {
  const names = modules.map((module) => module.name);
  expect(names).toEqual([...new Set(names)].sort());
});
