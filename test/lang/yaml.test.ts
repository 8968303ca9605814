import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { makeSource, spanOf } from '../../src/lang/source.ts';
import { Verbatim } from '../../src/lang/verbatim.ts';
import { parseYaml, Vaulted } from '../../src/lang/yaml.ts';

function parse(text: string) {
  return parseYaml(makeSource('f.yml', text));
}

describe('values', () => {
  test('tags of Ansible', () => {
    const value = parse('a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  30\nb: !unsafe "{{ x }}"\n').document
      ?.value as Record<string, unknown>;
    expect(value.a).toEqual(new Vaulted('$ANSIBLE_VAULT;1.1;AES256\n30\n'));
    expect(value.b).toEqual(new Verbatim('{{ x }}'));
    expect(parse('a: !vault-encrypted x\n').document?.value).toEqual({ a: new Vaulted('x') });
  });

  test('what JSON cannot hold stays the text it was', () => {
    expect(
      parse('a: 2001-12-14\nb: 0x0123456789abcdef0123456789abcdef\nc: 12345678901234567890\nd: 1e400\n').document
        ?.value,
    ).toEqual({
      a: '2001-12-14',
      b: '0x0123456789abcdef0123456789abcdef',
      c: '12345678901234567890',
      d: '1e400',
    });
  });

  test('a text that begins with a letter is one, but for the words of YAML 1.1', () => {
    const words = ['null', 'yes', 'true', 'on', 'no', 'false', 'off'].flatMap((word) => [
      word,
      word.toUpperCase(),
      `${word.charAt(0).toUpperCase()}${word.slice(1)}`,
    ]);
    expect(parse(`[${words.join(', ')}]`).document?.value).toEqual(
      words.map((word) => (/^null/i.test(word) ? null : /^(yes|true|on)$/i.test(word))),
    );
    const texts = ['nulls', 'yes-no', 'trUe', 'oN', 'y', 'N', 'nan', 'inf', 'x1', 'e1', 'no way', 'an yes', 'a.b'];
    expect(parse(`[${texts.join(', ')}]`).document?.value).toEqual(texts);
  });

  test('any JSON is read as itself', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        // a number that would lose digits stays a text
        fc.pre(!/"[^"]*":.*"__proto__"|e[-+]?\d|\d{16}/.test(text));
        expect(JSON.stringify(parse(text).document?.value)).toBe(text);
      }),
    );
  });
});

describe('places', () => {
  const document = parse('all:\n  hosts:\n    10: { port: 0x16 }\n    "q": yes\n  list: [a, "b c"]\n').document;

  test('of values, keys and texts', () => {
    expect(document?.span(['all', 'hosts', '10', 'port'])).toMatchObject({ line: 3, column: 17, endColumn: 21 });
    expect(document?.keySpan(['all', 'hosts', 'q'])).toMatchObject({ line: 4, column: 5, endColumn: 8 });
    expect(document?.span(['all', 'list', 1])).toMatchObject({ line: 5, column: 13, endColumn: 18 });
    expect(document?.span(['all', 'nowhere', 'deep'])).toMatchObject({ line: 2 });
    expect(document?.sourceText(['all', 'hosts', '10', 'port'])).toBe('0x16');
    expect(document?.sourceText(['all', 'hosts', 'q'])).toBe('yes');
    expect(document?.key(['all', 'hosts', '10'])).toBe(10);
    expect(document?.keyText(['all', 'hosts', '10'])).toBe('10');
    expect(document?.key(['all', 'hosts', 'q'])).toBe('q');
  });

  test('are the same in mappings of any size, with merged keys and repeated ones', () => {
    for (const size of [0, 1, 5, 6, 7, 8, 9, 30]) {
      const fill = Array.from({ length: size }, (_, index) => `  k${index}: ${index}`);
      const lines = ['base: &b { from: base, own: base }', 'all:', ...fill, '  <<: *b', '  own: first', '  own: last'];
      const { document } = parse(`${lines.join('\n')}\n`);
      expect(document?.value).toMatchObject({ all: { from: 'base', own: 'last' } });
      expect(document?.span(['all', 'own'])).toMatchObject({ line: lines.length, column: 8 });
      expect(document?.span(['all', 'from'])).toMatchObject({ line: 1, column: 18 });
      expect(document?.keySpan(['all', 'none'])).toEqual(document?.keySpan(['all']));
      if (size > 0) expect(document?.span(['all', `k${size - 1}`])).toMatchObject({ line: size + 2 });
    }
  });
});

describe('mistakes', () => {
  test.each<[string, string, number]>([
    ['a:\n\tb: 1\n', 'yaml-tab', 2],
    ['a: [1\n', 'yaml-syntax', 2],
    ['a: b: c\n', 'yaml-syntax', 1],
    ['a: 1\npsk: *secret\n', 'yaml-alias', 2],
    ['a: 1\n---\nb: 2\n', 'yaml-syntax', 2],
    ['"a: 1\n', 'yaml-syntax', 2],
    ['a: 1\nb: {<<: 1}\n', 'yaml-syntax', 1],
    ['a: &x [*x]\nb: {<<: 1}\n', 'yaml-alias', 1],
    ['a: &x\n  b: *x\n', 'yaml-alias', 2],
    ['a: 1\nb: {{ host }}\n', 'yaml-key', 2],
    ['? [a]\n: b\n', 'yaml-key', 1],
    ['a: @secret\n', 'yaml-syntax', 1],
    ['a: |secret\n', 'yaml-syntax', 1],
    ['a: 1\nb: "\\xsecret"\n', 'yaml-syntax', 2],
    ['a: 1\n  b: secret\n', 'yaml-syntax', 1],
    ['  a: 1\nb: secret\n', 'yaml-syntax', 2],
  ])('%j', (text, code, line) => {
    const { document, diagnostics } = parse(text);
    expect(document).toBeNull();
    for (const { fix } of diagnostics) expect(fix).toBeTruthy();
    expect(diagnostics[0]).toMatchObject({ severity: 'error', code });
    expect(diagnostics.map(({ span }) => span?.line)).toContain(line);
    expect(JSON.stringify(diagnostics)).not.toContain('secret');
  });

  test.each<[string, string, number]>([
    ['a: 1\na: 2\n', 'yaml-duplicate-key', 2],
    ['a: !nosuch 2\n', 'yaml-tag', 1],
    ['a: !!binary 2\n', 'yaml-tag', 1],
  ])('%j is reported and the rest of the document read on', (text, code, line) => {
    const { document, diagnostics } = parse(text);
    expect(document?.value).toHaveProperty('a');
    expect(diagnostics).toMatchObject([{ severity: 'error', code, span: { line } }]);
  });

  test('keys that stand twice are found where the library finds them', () => {
    const key = fc.constantFrom('a', 'b', '"a"', '1', '0x1', '"1"', '01', 'yes', 'true', '~', '<<', 'a b', '.5', '0.5');
    const { mapping } = fc.letrec<{ mapping: string; value: string }>((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, fc.constant('{}'), tie('mapping')),
      mapping: fc
        .array(fc.tuple(key, tie('value')), { minLength: 1, maxLength: 5 })
        .map((pairs) => `{ ${pairs.map(([name, value]) => `${name}: ${value}`).join(', ')} }`),
    }));
    const block = fc
      .array(fc.tuple(key, mapping), { minLength: 1, maxLength: 6 })
      .map((pairs) => pairs.map(([name, value]) => `${name}: ${value}\n`).join(''));
    fc.assert(
      fc.property(fc.oneof(block, mapping), (text) => {
        const { errors } = parseDocument(text, { version: '1.1', uniqueKeys: true, prettyErrors: false });
        const source = makeSource('f.yml', text);
        const found = parseYaml(source).diagnostics.filter(({ code }) => code === 'yaml-duplicate-key');
        const places = errors.map(({ code, pos }) => [code, spanOf(source, ...pos)]);
        expect(found).toHaveLength(places.length);
        for (const { span } of found) expect(places).toContainEqual(['DUPLICATE_KEY', span]);
      }),
    );
    expect(parse('a: 1\nb: { c: 1, c: 2 }\na: 3\n').diagnostics).toHaveLength(2);
  });

  test('nesting without end', () => {
    const { document, diagnostics } = parse('['.repeat(50_000));
    expect(document).toBeNull();
    expect(diagnostics[0]?.message).toBe('this is nested too deeply');
  });

  test('a key without a text has its place', () => {
    expect(parse('a: 1\n~: 2\n').document?.keySpan([''])).toMatchObject({ line: 2, column: 1 });
  });

  test('many aliases of aliases are refused, not followed', () => {
    const levels = Array.from(
      { length: 12 },
      (_, at) => `a${at + 1}: &a${at + 1} [${Array(9).fill(`*a${at}`).join(', ')}]`,
    );
    const { document, diagnostics } = parse(`a0: &a0 x\n${levels.join('\n')}\n`);
    expect(document).toBeNull();
    expect(diagnostics).toMatchObject([{ code: 'yaml-syntax', message: expect.stringContaining('aliases') }]);
    expect(parse('a: {<<: 1}\n').diagnostics).toMatchObject([{ message: expect.stringContaining('merge key') }]);
  });

  test('no text makes it throw', () => {
    const piece = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '|',
      '>',
      '*x',
      '&x',
      '!vault',
      '!',
      '#',
      '\t',
      '<<',
      '?',
      '%',
      '---',
      '0x1',
      ',',
      '\u0000',
      '😀',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const { document, diagnostics } = parse(pieces.join(''));
        expect(document !== null || diagnostics.length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
