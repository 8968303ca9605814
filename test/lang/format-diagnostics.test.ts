import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { error, warning } from '../../src/lang/diagnostic.ts';
import { formatDiagnostics } from '../../src/lang/format-diagnostics.ts';
import { maskLines } from '../../src/lang/mask.ts';
import { makeSource, spanOf } from '../../src/lang/source.ts';

const text = 'tunnels:\n  a:\n    keying: { psk: Key_Value01, x: 1 }\n    state: absnet\n\ttab: x\n';
const source = makeSource('t.yml', text);
const sources = new Map([['t.yml', source]]);

function at(part: string) {
  const start = text.indexOf(part);
  return spanOf(source, start, start + part.length);
}

describe('layout', () => {
  test('what a user wrote cannot move the cursor or colour the terminal', () => {
    const shown = formatDiagnostics([error('x', 'no \u001b[31mhost', { found: 'a\nb\u009b' })], sources, {
      color: false,
    });
    expect(shown).toBe('error[x]: no \\u001b[31mhost\n  found: a\\nb\\u009b\n\n1 error\n');
  });

  test('all of it', () => {
    const shown = formatDiagnostics(
      [
        warning('late', 'no place'),
        error('tab', 'a tab', { span: at('x\n') }),
        error('bad-state', 'unknown state', {
          span: at('absnet'),
          found: 'absnet',
          fix: 'absent',
          related: [{ message: 'of this', span: at('a:') }],
        }),
        error('secret', 'a bad psk', { span: at('Key_Value01') }),
        error('after', 'after the psk', { span: at('x: 1') }),
        error('secret', 'a bad psk', { span: at('Key_Value01') }),
        error('long', 'over lines', { span: at('a:\n    keying: { psk') }),
      ],
      sources,
      { color: false },
    );
    expect(shown).toBe(`t.yml:2:3: error[long]: over lines
  1 | tunnels:
  2 |   a:
    |   ^^
  3 |     keying: { psk: ********, x: 1 }

t.yml:3:20: error[secret]: a bad psk
  2 |   a:
  3 |     keying: { psk: ********, x: 1 }
    |                    ^^^^^^^^
  4 |     state: absnet

t.yml:3:33: error[after]: after the psk
  2 |   a:
  3 |     keying: { psk: ********, x: 1 }
    |                              ^^^^
  4 |     state: absnet

t.yml:4:12: error[bad-state]: unknown state
  3 |     keying: { psk: ********, x: 1 }
  4 |     state: absnet
    |            ^^^^^^
  5 | \ttab: x
  found: absnet
  write: absent
  see:   t.yml:2:3: of this

t.yml:5:7: error[tab]: a tab
  4 |     state: absnet
  5 | \ttab: x
    | \t     ^

warning[late]: no place

5 errors, 1 warning
`);
  });

  describe('a line that is too long is cut around its place', () => {
    const framed = (line: string, from: number, to: number, around = '') => {
      const file = makeSource('l.yml', `${around}\n${line}\n${around}\n`);
      const start = around.length + 1 + from;
      const diagnostics = [error('x', 'y', { span: spanOf(file, start, start + to - from) })];
      return formatDiagnostics(diagnostics, new Map([['l.yml', file]]), { color: false })
        .split('\n')
        .slice(1, -3);
    };
    const digits = (length: number) => Array.from({ length }, (_, index) => String(index % 10)).join('');

    test('in its middle, at its beginning, at its end', () => {
      const line = `${digits(500)}HERE${digits(500)}`;
      const [shown = '', carets = ''] = framed(line, 500, 504);
      expect(shown).toMatch(/^ {2}2 \| …\d+HERE\d+…$/);
      expect(shown.length).toBeLessThanOrEqual(166);
      expect(carets.indexOf('^')).toBe(shown.indexOf('HERE'));
      expect(carets.trim().endsWith('^^^^')).toBe(true);
      expect(framed(line, 0, 3)[0]).toMatch(/^ {2}2 \| 0123456\d+…$/);
      expect(framed(line, 1001, 1004)[0]).toMatch(/^ {2}2 \| …\d+6789$/);
    });

    test('one of 160 columns is whole; lines beside it are cut at their end', () => {
      expect(framed(digits(160), 150, 155)[0]).toBe(`  2 | ${digits(160)}`);
      const frame = framed('short', 0, 5, digits(400));
      expect(frame).toEqual([`  1 | ${digits(159)}…`, '  2 | short', '    | ^^^^^', `  3 | ${digits(159)}…`]);
    });

    test('the carets stand below what they mean, wherever it is', () => {
      fc.assert(
        fc.property(fc.nat(2000), fc.nat(2000), fc.integer({ min: 1, max: 300 }), (before, after, length) => {
          const line = `${'a'.repeat(before)}${'X'.repeat(length)}${'b'.repeat(after)}`;
          const [shown = '', carets = ''] = framed(line, before, before + length);
          expect(shown.length).toBeLessThanOrEqual(166);
          const below = [...carets].flatMap((char, index) => (char === '^' ? [shown[index]] : []));
          expect(new Set(below)).toEqual(new Set(['X']));
          expect(below.length).toBe(shown.split('X').length - 1);
          expect(below.length).toBeGreaterThanOrEqual(Math.min(length, 100));
        }),
      );
    });

    test('no half of a character is shown', () => {
      for (let shift = 0; shift < 4; shift += 1) {
        const line = `${'x'.repeat(shift)}${'\u{1f511}'.repeat(300)}`;
        const at = shift + 2 * 150;
        expect(framed(line, at, at + 2).join('')).not.toMatch(
          /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/,
        );
      }
    });

    test('a secret in it stays hidden', () => {
      const line = `{ ${digits(300)}: 1, psk: c4n4ry, x: ${digits(300)} }`;
      const at = line.indexOf('c4n4ry');
      expect(framed(line, at, at + 6).join('')).not.toContain('c4n4ry');
      expect(framed(line, at, at + 6)[0]).toContain('psk: ********');
    });
  });

  test('nothing wrong prints nothing', () => {
    expect(formatDiagnostics([], sources, { color: true })).toBe('');
  });

  test('colour only when asked for, and no control characters of the file', () => {
    const file = makeSource('e.yml', 'a: \u001b[31mred\u0007\n');
    const diagnostics = [error('x', 'y', { span: spanOf(file, 0, 1) })];
    const render = (color: boolean) => formatDiagnostics(diagnostics, new Map([['e.yml', file]]), { color });
    expect(render(false)).not.toContain('\u001b');
    expect(render(true)).toContain('\u001b[31merror[x]');
    expect(render(true)).not.toContain('\u0007');
  });

  test('a file whose text is not at hand', () => {
    expect(formatDiagnostics([error('x', 'y', { span: at('a:') })], new Map(), { color: false })).toBe(
      't.yml:2:3: error[x]: y\n\n1 error\n',
    );
  });
});

describe('mask', () => {
  const CANARY = 'c4n4ry';
  const forms = [
    'psk: §',
    'psk: "§"',
    "psk: '§'",
    'psk:   §   # why',
    '- psk: §',
    '{ psk: § }',
    '{psk: "§", b: 1}',
    '"psk": §',
    '{"psk":"§"}',
    'keying: { psk: { derive: § } }',
    'psk: !vault §',
    'psk: |\n  §\n  more §',
    'psk: >-\n  §\n\n  §',
    'psk:\n  §',
    'psk: "begun\n  §"',
    'psk: begun\n  §',
    'psk: |\n  a: §\n  - §',
    'authentication_key: §',
    'ansible_become_pass: §',
    'ansible_password: §',
    'ipsec_psk: §',
    'IKE_PSK=§',
    'key: a § b, c',
    'key: §,§',
    'esp: { spi: 1, key: §, authentication_key: § }',
    'psk: &x §',
    'psk: >§',
    'psk: |§ # note',
    'psk: !§%',
    'psk: !"§"',
    'psk: #§',
    'psk: [§',
    'psk: {%§',
    'psk: {{ § }}',
    'psk: @§',
    'psk: %§',
  ];

  test.each(forms)('%j', (form) => {
    const lines = form.replaceAll('§', CANARY).split('\n');
    const shown = maskLines(lines)
      .map((line) => line.text)
      .join('\n');
    expect(shown).not.toContain(CANARY);
    expect(shown).toContain('********');
  });

  test.each([
    'ansible_ssh_private_key_file: ~/.ssh/id',
    'monkey: banana',
    'psk: { env: NAME }',
    'psk: {}',
    'psk: # to be found',
    'psk: !vault |',
    'psk: >-',
    'keys:\n  - a',
    'key:\n  env: X',
    'description: the psk of lana',
  ])('%j is shown', (form) => {
    expect(
      maskLines(form.split('\n'))
        .map((line) => line.text)
        .join('\n'),
    ).toBe(form);
  });

  test('columns outside of what is masked point at the same text', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,12}$/), fc.stringMatching(/^[a-z]{1,5}$/), (secret, after) => {
        const line = `x: { psk: ${secret}, y: ${after} }`;
        const [shown] = maskLines([line]);
        const original = line.indexOf('y:') + 1;
        const column = shown?.column(original) ?? 0;
        expect(shown?.text.slice(column - 1)).toBe(line.slice(original - 1));
        expect(shown?.column(1)).toBe(1);
      }),
    );
  });
});
