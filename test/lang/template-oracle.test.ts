import { expect } from 'vitest';
import { TemplateFault, template } from '../../src/lang/template.ts';
import { askAnsible, oracleTest } from '../inventory/ansible.ts';

const VARS = {
  name: 'lana',
  n: 5,
  flag: true,
  nothing: null,
  list: ['b', 'a', 'c'],
  nested: [
    { name: 'x', port: 1 },
    { name: 'y', port: 2 },
  ],
  map: { a: 1, b: { c: [10, 20] } },
  quoteful: `it's "x"`,
  late: 'gw-{{ name }}',
};

/** Without what prints tuples (as lists here) or whole floats (`3.0` is `3` here): JSON has neither. */
const EXPRESSIONS = `
name | n | flag | nothing | list | nested | map | quoteful | late | [quoteful]
map.b.c[0] | map["a"] | list[-1] | list[1:] | name[1:3] | list[:1]
-7 // 2 | 7 % -3 | 7 / 2 | 2 ** 5 | 1 + 2 * 3 | (1 + 2) * 3 | "a" * 3 | 1.5 + 1
1 == "1" | 1 == 1.0 | true == 1 | [1] == [1] | "a" < "b" | n > 3 and n < 9 | n == 5 or missing | not flag | "a" in list | "x" not in list | "b" in map
"Hello World" # title # capitalize # upper
" x " # trim | "abc" # replace("b", "x") | "aXbXc" # replace("X", "-", 1) | "a b  c".split() | "a,b".split(",")
list # sort | list # sort(reverse=true) | list # first | list # last | list # length | name # length | map # length | list # join("-") | list # join | nested # map(attribute="name") # join(",")
list # map("upper") # list | [3, 1, 2] # sort | [3, 1, 2] # max | [3, 1, 2] # min | [1, 2] # sum | ["B", "a"] # sort | list # reverse # list | "abc" # reverse
[1, 2, 1, 3, 2] # unique | [[1, [2]], 3] # flatten | [[1, [2]], 3] # flatten(1) | [1, 2] # union([2, 3]) | [1, 2] # intersect([2, 3]) | [1, 2] # difference([2, 3])
"12" # int | "x" # int | "x" # int(4) | "12.7" # int | 12.7 # int | "ff" # int(base=16) | "0xff" # int(base=16) | "" # int | true # int | "1.5" # float
"yes" # bool | "no" # bool | "True" # bool | "1" # bool | "on" # bool | "maybe" # bool | 1 # bool | 0 # bool | flag # bool
missing # default("d") | "" # default("d") | "" # default("d", true) | missing.x.y # default("d") | map.q # default("d") | nothing # default("d") | nothing # default("d", true) | 0 # default(3, true)
map # dict2items | [{"key": "k", "value": 1}] # items2dict | {"a": 1} # combine({"b": 2}) | {"a": {"x": 1}} # combine({"a": {"y": 2}}, recursive=true) | {"a": {"x": 1}} # combine({"a": {"y": 2}})
{"a": [1, none, true], "b": "é"} # to_json | [] # to_json | {"b": 1, "a": {}} # to_nice_json | "[1, 2]" # from_json
flag # ternary("y", "n") | nothing # ternary("y", "n", "z") | 0 # ternary("y", "n")
"eth0.10" # regex_replace("^eth", "dev") | "a1b2" # regex_replace("[0-9]", "") | "ab" # regex_replace("(a)(b)", "\\\\2\\\\1") | "a1b22" # regex_findall("[0-9]+") | "a1b22" # regex_search("[0-9]+") | "k=v" # regex_search("(\\\\w)=(\\\\w)", "\\\\2")
"/a/b.txt" # basename | "/a/b.txt" # dirname | "/a/b/" # dirname | "/a/b/" # basename | "a" # dirname | "/a" # dirname | "/" # dirname
"a b" # quote | "it's" # quote | "" # quote | "plain" # quote | "abc" # b64encode | "YWJj" # b64decode
"%s-%03d" # format("a", 7) | "%x" # format(255) | "%5.1f" # format(3.14159) | "%-4s." # format("a") | 3.567 # round(1) | 3.2 # round(0, "ceil") # int | -3 # abs
nested # selectattr("port", "equalto", 1) # map(attribute="name") # list | nested # rejectattr("port", "gt", 1) # list | list # select("match", "a") # list | list # reject("in", ["a"]) # list | [0, 1] # select # list
name is defined | missing is defined | missing is not defined | n is number | name is string | map is mapping | list is sequence | n is odd | n is even | n is divisibleby 5 | nothing is none | list is iterable | n is boolean
"abc" is match("ab") | "abc" is match("bc") | "abc" is search("bc") | "1.10" is version("1.9", ">") | "5.8" is version("5.8", "==") | "5" is version("6", "<") | [1] is subset([1, 2]) | [1, 2] is superset([1]) | [true, 1] is all | [false, 0] is any | list is contains("a")
"x" if flag else "y" | "x" if not flag else "y" | name.upper() | name.startswith("la") | name.replace("a", "o") | "-".join(list) | map.keys() # list | map.get("zz", "d") | " a ".strip() | "a-b".split("-") # last
range(3) # list | range(1, 7, 2) # list | "x" ~ 1 ~ true | {"a": n} | [n, name] | "line\\\\nbreak" | nested # groupby("port") # map("first") # list | map # dictsort # map("first") # list
`
  .split('\n')
  .flatMap((line) => line.split(' | '))
  .map((expression) => expression.trim().replaceAll(' # ', ' | ').replaceAll('\\\\', '\\'))
  .filter((expression) => expression !== '');

const STATEMENTS = [
  '{% for h in nested %}{{ loop.index }}/{{ loop.length }} {{ h.name }}{% if not loop.last %}, {% endif %}{% endfor %}',
  'a\n{% if flag %}\n  b\n{% endif %}\nc\n',
  '{% for x in [] %}a{% else %}empty{% endfor %}',
  '{%- if flag -%}  x  {%- endif -%} ',
  '{% set a, b = [1, 2] %}{{ a }}{{ b }}',
  '{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}',
  '{% for k, v in map.items() %}{{ k }}={{ v }} {% endfor %}',
  'one\n\n',
  '{{ name }}\n',
  '{# c #}x{# d -#}   y',
  '{% filter upper %}a{{ name }}{% endfilter %}',
];

const PROGRAM = `
import json, sys
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
question = json.load(sys.stdin)
out = []
for text in question['texts']:
    try:
        out.append(Templar(DataLoader(), variables=question['vars']).template(text, convert_data=False))
    except Exception as e:
        out.append({'fault': str(e)})
print(chr(1) + json.dumps(out))
`;

oracleTest('templates print what Ansible prints', () => {
  const texts = [...EXPRESSIONS.map((expression) => `>{{ ${expression} }}<`), ...STATEMENTS];
  const theirs = askAnsible(PROGRAM, { vars: VARS, texts }, '.') as unknown[];
  const ours = texts.map((text) => {
    try {
      return template(text).resolve(VARS);
    } catch (fault) {
      if (fault instanceof TemplateFault) return { fault: fault.message };
      throw fault;
    }
  });
  const pairs = texts.map((text, at) => [text, ours[at], theirs[at]]);
  expect(pairs.filter(([, a, b]) => typeof a !== 'string' || a !== b)).toEqual([]);
  expect(pairs.length).toBeGreaterThan(150);
});
