import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDiagnostics } from '../../src/lang/format-diagnostics.ts';
import { checkSchema, checkValue } from '../../src/lang/schema.ts';
import { makeSource } from '../../src/lang/source.ts';
import { parseYaml, Vaulted } from '../../src/lang/yaml.ts';
import { Secret } from '../../src/model/secret.ts';

const SECRET = {
  oneOf: [
    { type: 'string', minLength: 1 },
    { type: 'object', required: ['env'], properties: { env: { type: 'string' } }, additionalProperties: false },
    { type: 'object', required: ['file'], properties: { file: { type: 'string' } }, additionalProperties: false },
  ],
} as const;

const SCHEMA = {
  type: 'object',
  required: ['name', 'state'],
  additionalProperties: false,
  properties: {
    name: { type: 'string' },
    type: { enum: ['host-to-host', 'network-to-network'] },
    port: { type: 'integer' },
    flag: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    count: { type: 'integer', maximum: 65535 },
    empty: { type: 'string', minLength: 1 },
    list: { type: 'array', items: { type: 'integer' }, uniqueItems: true, maxItems: 2 },
    ends: {
      type: 'object',
      minProperties: 2,
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: { nickname: { type: 'string' }, address: { type: 'string' } },
      },
    },
    keying: {
      type: 'object',
      properties: { psk: { type: 'string' }, manual: { type: 'object' } },
      oneOf: [{ required: ['psk'] }, { required: ['manual'] }],
    },
    secret: SECRET,
    secret2: SECRET,
    either: { type: 'object', anyOf: [{ required: ['a'] }, { required: ['b'] }] },
    choice: {
      oneOf: [
        { type: 'object', properties: { kind: { const: 'a' } } },
        { type: 'object', properties: { kind: { const: 'b' }, size: { type: 'integer' } } },
      ],
    },
    password: { type: 'string' },
    state: { const: 'present' },
  },
} as const;

function parsed(file: string, text: string) {
  const source = makeSource(file, text);
  const { document } = parseYaml(source);
  if (!document) throw new Error('the fixture is no YAML');
  return { source, document };
}

test('every mistake once, at its place, with what to write', async () => {
  const { source, document } = parsed(
    'schema.yml',
    readFileSync(join(import.meta.dirname, 'golden/schema.yml'), 'utf8'),
  );
  const diagnostics = checkSchema(SCHEMA, document);
  const shown = formatDiagnostics(diagnostics, new Map([['schema.yml', source]]), { color: false });
  await expect(shown).toMatchFileSnapshot(join(import.meta.dirname, 'golden/schema.golden'));
});

test('of a secret nothing is shown; that there is none is no secret', () => {
  const schema = { type: 'object', properties: { psk: { type: 'object' }, key: { type: 'object' } } } as const;
  const { document } = parsed('keys.yml', 'psk: canary\nkey:\n');
  expect(checkSchema(schema, document).map(({ found }) => found)).toEqual(['[secret]', 'nothing']);
});

describe('what is right', () => {
  test.each<[string, unknown]>([
    ['a string', 'x'],
    ['env', { env: 'X' }],
    ['vault', new Vaulted('$ANSIBLE_VAULT;1.1;AES256\n30')],
    ['secret', new Secret('x')],
  ])('%s', (_, secret) => {
    expect(checkValue(SCHEMA, { name: 'n', state: 'present', secret })).toEqual([]);
  });
});

test('a part of a document', () => {
  const { document } = parsed('f.yml', 'outer:\n  inner:\n    nmae: x\n');
  const schema = { type: 'object', properties: { name: { type: 'string' } }, additionalProperties: false };
  expect(checkSchema(schema, document, ['outer', 'inner'])).toMatchObject([
    { code: 'unknown-key', fix: 'did you mean "name"?', span: { file: 'f.yml', line: 3, column: 5, endColumn: 9 } },
  ]);
});

test('strings with templates are not judged when asked so', () => {
  const value = { name: 'n', state: '{{ s }}', port: '{{ p }}', type: 'x{{ t }}', secret: '{{ s }}', bogus: 1 };
  expect(checkValue(SCHEMA, value, { templates: true }).map(({ code }) => code)).toEqual(['unknown-key']);
  expect(checkValue(SCHEMA, value)).toHaveLength(4);
});

test('no message shows a sensitive value', () => {
  const canary = 31337;
  for (const key of ['psk', 'key', 'password', 'authentication_key', 'ansible_become_pass']) {
    const schema = { type: 'object', properties: { [key]: { type: 'string' } } };
    const { document } = parsed('f.yml', `${key}: ${canary}\n`);
    expect(JSON.stringify([checkSchema(schema, document), checkValue(schema, { [key]: canary })])).not.toContain(
      String(canary),
    );
    const many = { type: 'object', properties: { [key]: { type: 'array', items: { enum: ['a'] } } } };
    expect(JSON.stringify(checkValue(many, { [key]: [String(canary)] }))).not.toContain(String(canary));
  }
});

test('the branch of a choice by $ref that was meant', () => {
  const schema = {
    definitions: { a: { type: 'object', required: ['x'], properties: { x: { type: 'integer' } } } },
    type: 'object',
    properties: { v: { oneOf: [{ type: 'string' }, { $ref: '#/definitions/a' }] } },
  };
  expect(checkValue(schema, { v: { x: 'no' } })).toMatchObject([{ code: 'wrong-type', pointer: ['v', 'x'] }]);
  expect(checkValue(schema, { v: 5 })).toMatchObject([{ code: 'wrong-type', pointer: ['v'] }]);
});
