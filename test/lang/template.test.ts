import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allNeeds,
  condition,
  LazyMapping,
  renderVariable,
  TemplateFault,
  template,
  Verbatim,
} from '../../src/lang/template.ts';
import { Vaulted } from '../../src/lang/yaml.ts';
import { reveal, Secret } from '../../src/model/secret.ts';

const VARS = {
  name: 'lana',
  n: 5,
  yes: true,
  nothing: null,
  list: ['b', 'a', 'c'],
  hosts: [
    { name: 'x', port: 1 },
    { name: 'y', port: 2, tags: ['t'] },
  ],
  map: { a: 1, b: { c: [10, 20] } },
  mixed: 'gw-{{ name }}',
  deep: { inner: '{{ mixed }}!' },
};

function render(text: unknown, vars: Record<string, unknown> = VARS): unknown {
  return template(text).resolve(vars);
}

function faultOf(act: () => unknown): TemplateFault {
  try {
    act();
  } catch (fault) {
    if (fault instanceof TemplateFault) return fault;
    throw fault;
  }
  throw new Error('no fault');
}

describe('values', () => {
  test.each<[string, unknown]>([
    ['plain', 'plain'],
    ['{{ name }}', 'lana'],
    ['{{ n }}', 5],
    ['{{ n + 1 }}', 6],
    ['{{ list }}', ['b', 'a', 'c']],
    ['{{ map.b.c[1] }}', 20],
    ['{{ map["b"]["c"].0 }}', 10],
    ['{{ list[-1] }}', 'c'],
    ['{{ list[1:] }}', ['a', 'c']],
    ['{{ name[:2] }}', 'la'],
    ['port={{ n }}', 'port=5'],
    ['{{ yes }} {{ nothing }}|{{ list }}', "True |['b', 'a', 'c']"],
    ['{{ map }} ', "{'a': 1, 'b': {'c': [10, 20]}} "],
    ['{{ mixed }}', 'gw-lana'],
    ['{{ deep.inner }}', 'gw-lana!'],
    ['{{ name if yes else "x" }}', 'lana'],
    ['{{ {"a": n, "b": [1, n]} }}', { a: 5, b: [1, 5] }],
    ['{{ 7 // 2 }},{{ -7 // 2 }},{{ -7 % 3 }},{{ 2 ** 3 }}', '3,-4,2,8'],
    ['{{ "a" ~ 1 ~ "b" }}', 'a1b'],
    ['{{ [1] + [2] }}', [1, 2]],
    ['{{ range(3) | list }}', [0, 1, 2]],
    ['{% for h in hosts %}{{ loop.index }}:{{ h.name }}{{ "" if loop.last else "," }}{% endfor %}', '1:x,2:y'],
    ['{% for h in hosts if h.port > 1 %}{{ h.name }}{% else %}none{% endfor %}', 'y'],
    ['{% for h in [] %}{{ h }}{% else %}none{% endfor %}', 'none'],
    ['{% if n > 3 %}big{% elif n > 1 %}mid{% else %}small{% endif %}', 'big'],
    ['{% set x = n * 2 %}{{ x }}', '10'],
    ['{# a comment #}x', 'x'],
    ['a\n{% if yes %}\nb\n{% endif %}\nc\n', 'a\nb\nc\n'],
    ['{{ name.upper() }}-{{ "a,b".split(",") | length }}', 'LANA-2'],
    ['{% for k, v in map.items() %}{{ k }};{% endfor %}', 'a;b;'],
    ['{{ name | ansible.builtin.upper }}', 'LANA'],
    ['{{ "a\\d\\n\\\\" }}|{{ "x\\"y" }}', 'a\\d\\n\\\\|x"y'],
  ])('%s', (text, expected) => {
    expect(render(text)).toEqual(expected);
  });

  test('at any depth, and only strings change', () => {
    expect(render({ a: ['{{ n }}', { b: 'x{{ n }}' }], c: 1, d: null, e: true })).toEqual({
      a: [5, { b: 'x5' }],
      c: 1,
      d: null,
      e: true,
    });
  });

  test('omit leaves an entry out', () => {
    expect(render({ mode: '{{ mode | default(omit) }}', a: ['{{ omit }}', 1] })).toEqual({ a: [1] });
    expect(faultOf(() => render('x{{ omit }}')).code).toBe('template-value');
  });

  test('text without a template is known, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes('{'));
        const deferred = template(value);
        expect(deferred.needs).toEqual([]);
        expect(deferred.resolve({})).toEqual(value);
      }),
    );
  });

  test('a variable is never rendered twice, nor is what came from a host', () => {
    expect(render('{{ "{{" }} name }}')).toBe('{{ name }}');
    expect(render('{{ out }}', { out: new Verbatim('{{ name }}') })).toBe('{{ name }}');
    expect(render('{{ r.out }}', { r: new Verbatim({ out: '{{ 1/0 }}' }) })).toBe('{{ 1/0 }}');
  });

  test('names of JavaScript objects are no variables', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(faultOf(() => render(`{{ ${name} }}`)).code).toBe('template-undefined');
      expect(faultOf(() => render(`{{ map.${name} }}`)).code).toBe('template-undefined');
      expect(faultOf(() => render(`{{ name | ${name} }}`)).code).toBe('template-filter');
    }
  });
});

describe('filters', () => {
  test.each<[string, unknown]>([
    ['missing | default("x")', 'x'],
    ['missing | d', ''],
    ['missing.a.b | default("x")', 'x'],
    ['map.zz | default("x")', 'x'],
    ['"" | default("x")', ''],
    ['"" | default("x", true)', 'x'],
    ['name | upper | lower', 'lana'],
    ['["a", 1] | join("-")', 'a-1'],
    ['hosts | join(",", attribute="name")', 'x,y'],
    ['list | length', 3],
    ['name | length', 4],
    ['map | count', 2],
    ['"12" | int', 12],
    ['"x" | int', 0],
    ['"x" | int(7)', 7],
    ['"0x1f" | int(base=16)', 31],
    ['3.9 | int', 3],
    ['"2.5" | float', 2.5],
    ['"yes" | bool', true],
    ['"no" | bool', false],
    ['1 | bool', true],
    ['"ab" | list', ['a', 'b']],
    ['map | list', ['a', 'b']],
    ['list | first', 'b'],
    ['list | last', 'c'],
    ['[] | first | default("none")', 'none'],
    ['"a.b.c" | replace(".", "_")', 'a_b_c'],
    ['" x " | trim', 'x'],
    ['list | sort', ['a', 'b', 'c']],
    ['list | sort(reverse=true)', ['c', 'b', 'a']],
    ['hosts | sort(attribute="port", reverse=true) | map(attribute="name") | list', ['y', 'x']],
    ['[1, 2, 1, "1"] | unique', [1, 2, '1']],
    ['list | map("upper") | list', ['B', 'A', 'C']],
    ['list | map("regex_replace", "^", "x") | list', ['xb', 'xa', 'xc']],
    ['hosts | map(attribute="tags", default=[]) | list', [[], ['t']]],
    ['[0, 1, ""] | select | list', [1]],
    ['list | select("match", "[ab]") | list', ['b', 'a']],
    ['list | reject("eq", "a") | list', ['b', 'c']],
    ['hosts | selectattr("tags", "defined") | map(attribute="name") | first', 'y'],
    ['hosts | rejectattr("port", ">", 1) | list | length', 1],
    ['{"a": 1} | dict2items', [{ key: 'a', value: 1 }]],
    ['[{"key": "a", "value": 1}] | items2dict', { a: 1 }],
    ['{"a": 1} | combine({"b": 2})', { a: 1, b: 2 }],
    ['{"a": {"x": 1}} | combine({"a": {"y": 2}}, recursive=true)', { a: { x: 1, y: 2 } }],
    ['5 | string', '5'],
    ['{"a": [1, none, true]} | to_json', '{"a": [1, null, true]}'],
    ['"é" | to_json', '"\\u00e9"'],
    ['yes | ternary("a", "b")', 'a'],
    ['none | ternary("a", "b", "c")', 'c'],
    ['"eth0.10" | regex_replace("^eth(\\d+).*$", "dev\\1")', 'dev0'],
    ['"eth0.10" | regex_replace("(?P<n>\\d+)$", "<\\g<n>>")', 'eth0.<10>'],
    ['"a$&b" | regex_replace("b", "$&")', 'a$&$&'],
    ['"a1b22" | regex_findall("\\d+")', ['1', '22']],
    ['"a1" | regex_search("\\d")', '1'],
    ['"a" | regex_search("\\d")', null],
    ['"/a/b.txt" | basename', 'b.txt'],
    ['"/a/b.txt" | dirname', '/a'],
    [`"a b'c" | quote`, `'a b'"'"'c'`],
    ['[3, 1] | min', 1],
    ['[[1, [2]], 3] | flatten', [1, 2, 3]],
    ['"%02d-%s" | format(3, "x")', '03-x'],
    ['[1, 2, 3] | difference([2])', [1, 3]],
    ['"1.10" is version("1.9", ">")', true],
    ['"abc" is match("b")', false],
    ['"abc" is search("b")', true],
    ['"abc" is not search("b") or n is divisibleby 5', true],
    ['"a" in list and "z" not in list', true],
    ['n is number and name is string and map is mapping', true],
    ['1 == "1"', false],
    ['1 == 1.0 and true == 1', true],
    ['[1, {"a": 2}] == [1, {"a": 2}]', true],
    ['nothing is none', true],
    ['name is in(["lana"])', true],
    ['not yes', false],
  ])('%s', (expression, expected) => {
    expect(render(`{{ ${expression} }}`)).toEqual(expected);
  });
});

describe('faults', () => {
  test.each<[string, string, RegExp]>([
    ['{{ nmae }}', 'template-undefined', /"nmae"/],
    ['{{ map.zz }}', 'template-undefined', /"map".*"zz"/],
    ['{{ nmae == 1 }}', 'template-undefined', /"nmae"/],
    ['{{ nmae | upper }}', 'template-undefined', /"nmae"/],
    ['{% if nmae %}x{% endif %}', 'template-undefined', /"nmae"/],
    ['{{ name | uper }}', 'template-filter', /"uper"/],
    ['{{ name is odb }}', 'template-filter', /"odb"/],
    ['{{ lookup("file", "/etc/shadow") }}', 'template-filter', /"lookup"/],
    ['{{ name + 1 }}', 'template-value', /\+/],
    ['{{ 1 / 0 }}', 'template-value', /zero/],
    ['{{ name < 1 }}', 'template-value', /order/],
    ['{{ "a" | regex_search("(") }}', 'template-value', /regular/],
  ])('%s', (text, code, message) => {
    const fault = faultOf(() => render(text));
    expect(fault.code).toBe(code);
    expect(fault.message).toMatch(message);
  });

  test.each([
    '{{ name',
    '{{ name | }}',
    '{{ a b }}',
    '{% if x %}',
    '{{ [1 }}',
    '{% bogus %}',
    '{{ "x }}',
    '{{ }}',
    '{{ a. }}',
  ])('%s is not well-formed', (text) => {
    expect(faultOf(() => template(text)).code).toBe('template-syntax');
  });

  test('a near name is offered', () => {
    expect(faultOf(() => render('{{ nmae }}', { name: 1 })).fix).toBe('did you mean "name"?');
    expect(faultOf(() => render('{{ name | uper }}')).fix).toBe('did you mean "upper"?');
  });

  test('no text at all makes anything but a TemplateFault', () => {
    const piece = fc.constantFrom(
      '{{',
      '}}',
      '{%',
      '%}',
      '{#',
      '#}',
      ' ',
      'name',
      'map',
      '.',
      '[',
      ']',
      '(',
      ')',
      '|',
      'is',
      'not',
      '"',
      "'",
      '\\',
      '1',
      '-',
      'if',
      'for',
      'in',
      'endif',
      'default',
      ',',
      '=',
      '==',
      '{',
      '}',
      'é',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        try {
          render(pieces.join(''));
        } catch (fault) {
          expect(fault).toBeInstanceOf(TemplateFault);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('circles', () => {
    const vars = { a: '{{ b }}', b: 'x{{ c }}', c: '{{ a }}' };
    expect(faultOf(() => render('{{ a }}', vars)).message).toContain('a -> b -> c -> a');
    expect(faultOf(() => renderVariable(vars, 'a')).code).toBe('template-loop');
    const hostvars: LazyMapping = new LazyMapping(
      () => ['me'],
      () =>
        new LazyMapping(
          () => ['x'],
          (name) => renderVariable(circular, name),
        ),
    );
    const circular: Record<string, unknown> = { x: '{{ hostvars.me.x }}', hostvars };
    expect(faultOf(() => renderVariable(circular, 'x')).code).toBe('template-loop');
  });
});

describe('undefined', () => {
  test.each<[string, boolean]>([
    ['missing is defined', false],
    ['missing is not defined', true],
    ['missing.a is undefined', true],
    ['name is defined and missing is not defined', true],
    ['rests is defined', false],
  ])('%s', (text, expected) => {
    expect(condition(text).resolve({ ...VARS, rests: '{{ missing }}' })).toBe(expected);
  });

  test('a variable that rests on a missing one names the missing one', () => {
    expect(faultOf(() => render('{{ rests }}', { rests: '{{ missing }}' })).message).toContain('"missing"');
    expect(render('{{ rests | default(1) }}', { rests: '{{ missing }}' })).toBe(1);
  });
});

describe('needs', () => {
  test.each<[unknown, string[]]>([
    ['{{ a.b[c] | default(d) }}', ['a', 'c', 'd']],
    ['{% for x in xs if x > lim %}{{ x }}{{ y }}{{ loop.index }}{% endfor %}', ['xs', 'lim', 'y']],
    ['{% set z = q %}{{ z }}', ['q']],
    [{ k: ['{{ a }}', '{{ b }}'] }, ['a', 'b']],
    ['{{ x is match(p) }}', ['x', 'p']],
    ['{{ true and none is none and omit }}', []],
    ['plain', []],
    ['{{ f(attribute=v) | map(attribute="w") }}', ['f', 'v']],
  ])('%j', (value, needs) => {
    expect(template(value).needs).toEqual(needs);
  });

  test('conditions, and through variables', () => {
    expect(condition(['a', 'b and a', true]).needs).toEqual(['a', 'b']);
    expect([...allNeeds(['a'], { a: '{{ b }}', b: ['{{ c }}'], c: 1 })]).toEqual(['a', 'b', 'c']);
  });
});

describe('conditions', () => {
  test.each<[string | boolean | string[], boolean]>([
    [true, true],
    ['n == 5', true],
    ['{{ n == 5 }}', true],
    [['n == 5', 'name == "x"'], false],
    [[], true],
    ['nothing', false],
    ['list', true],
    ['"x" in name or (yes and n is odd)', true],
  ])('%j', (text, expected) => {
    expect(condition(text).resolve(VARS)).toBe(expected);
  });

  test.each(['{{ n }} == 5', 'n ==', '}} x {{', 'a }}{{ b'])('%s is refused', (text) => {
    expect(faultOf(() => condition(text)).code).toBe('template-syntax');
  });
});

describe('secrets', () => {
  const CANARY = 'c4n4ry-0123';
  const vars = {
    psk: new Secret(CANARY),
    user: 'u',
    conf: { psk: new Secret(CANARY), user: 'u' },
    derived: 'x{{ psk }}',
  };

  test.each<[string, string]>([
    ['{{ psk }}', CANARY],
    ['IKE_PSK={{ psk }}', `IKE_PSK=${CANARY}`],
    ['{{ derived }}', `x${CANARY}`],
    ['{{ psk | upper }}', CANARY.toUpperCase()],
    ['{{ "a" ~ psk }}', `a${CANARY}`],
    ['{{ [psk, "b"] | join(",") }}', `${CANARY},b`],
    ['{{ {"k": psk} | to_json }}', `{"k": "${CANARY}"}`],
    ['{{ psk[:3] }}', 'c4n'],
    ['{% for p in [psk] %}{{ p }};{% endfor %}', `${CANARY};`],
    ['{% set x %}{{ psk }}{% endset %}{{ x }}', CANARY],
    ['{{ "x" | replace("x", psk) }}', CANARY],
    ['{{ psk.split("-") | last }}', '0123'],
    ['{{ psk | regex_replace("-.*", "") }}', 'c4n4ry'],
    ['{{ "%s" | format(psk) }}', CANARY],
    ['{{ missing | default(psk) }}', CANARY],
    ['{{ conf.psk }}', CANARY],
    ['{{ "77" | int if false else psk | regex_search("0123") | int }}', '123'],
  ])('%s stays secret', (text, plain) => {
    const value = render(text, vars);
    expect(value).toBeInstanceOf(Secret);
    expect(reveal(value as Secret)).toBe(plain);
  });

  test('truth about a secret is no secret, and what stands beside one is none', () => {
    expect(render('{{ psk == "x" }}', vars)).toBe(false);
    expect(render('{{ psk | length > 8 }}', vars)).toBe(true);
    expect(render('{{ conf.user }}', vars)).toBe('u');
    expect(render('{{ conf | dict2items | map(attribute="key") | list }}', vars)).toEqual(['psk', 'user']);
    expect(render('{{ conf }}', vars)).toEqual({ psk: vars.psk, user: 'u' });
  });

  test('no expression over a secret lets it out', () => {
    const expressions = [
      'psk',
      'psk | %',
      'psk | % | %',
      '[psk] | %',
      '{"a": psk} | %',
      'psk ~ "x" | %',
      'conf | %',
      'psk[1:] | %',
    ];
    const filters = [
      'upper',
      'list',
      'first',
      'last',
      'join',
      'sort',
      'unique',
      'reverse',
      'string',
      'int',
      'trim',
      'to_json',
      'quote',
      'b64encode',
      'length',
      'dict2items',
      'items',
      'default("a")',
      'map("upper") | list',
      'bool',
      'regex_escape',
      'basename',
      'splitext',
      'flatten',
      'min',
      'float',
      'to_nice_json',
      'split',
      'nosuch',
      'from_json',
      'abs',
      'combine',
      'regex_search("[")',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...expressions),
        fc.array(fc.constantFrom(...filters), { minLength: 2, maxLength: 2 }),
        (expression, [a, b]) => {
          const text = expression.replace('%', () => a ?? '').replace('%', () => b ?? '');
          let out: unknown;
          try {
            out = [render(`{{ ${text} }}`, vars), render(`x{{ ${text} }}`, vars)];
          } catch (fault) {
            expect(fault).toBeInstanceOf(TemplateFault);
            out = [(fault as TemplateFault).message, (fault as TemplateFault).fix ?? ''];
          }
          const shown = JSON.stringify(out).toLowerCase();
          expect(shown).not.toContain('c4n');
          expect(shown).not.toContain('0123');
          expect(shown).not.toContain(Buffer.from(CANARY).toString('base64').slice(0, 6).toLowerCase());
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('a value that is still encrypted passes whole, and goes into no text', () => {
    const vault = new Vaulted('$ANSIBLE_VAULT;1.1;AES256\n00');
    expect(render('{{ v }}', { v: vault })).toBe(vault);
    expect(faultOf(() => render('x{{ v }}', { v: vault })).code).toBe('vault-no-password');
  });
});
