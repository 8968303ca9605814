import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EditFault, editYaml, type NewValue, type YamlEdit } from '../../src/lang/edit-yaml.ts';
import { makeSource } from '../../src/lang/source.ts';
import { type Pointer, parseYaml, Vaulted } from '../../src/lang/yaml.ts';

const FOLDER = join(import.meta.dirname, 'edits');
const VAULT: NewValue = { kind: 'vault', ciphertext: '$ANSIBLE_VAULT;1.1;AES256\n6162\n6364' };

const CASE = /^--- (.*)\n([\s\S]*?)^---\n([\s\S]*)$/m;

/** `=== what it shows`, `--- place value`, the text before, `---`, the text after or `fault: why`. */
const cases = readdirSync(FOLDER).flatMap((file) =>
  readFileSync(join(FOLDER, file), 'utf8')
    .split(/^=== /m)
    .slice(1)
    .map((text) => {
      const [title = '', ...rest] = text.split('\n');
      const [, head = '', before = '', after = ''] = CASE.exec(rest.join('\n')) ?? [];
      return { name: `${file}: ${title}`, edits: head.split(', ').map(editOf), before, after };
    }),
);

/** `a.b`: a vaulted value there; `a.b=0x200`: that one. */
function editOf(text: string): YamlEdit {
  const [path = '', yaml] = text.split('=');
  const pointer = path.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  return { pointer, value: yaml === undefined ? VAULT : { kind: 'scalar', yaml } };
}

describe('a value is put in its place, and nothing else is touched', () => {
  test.each(cases)('$name', ({ edits, before, after }) => {
    for (const eol of ['\n', '\r\n']) {
      const edited = editYaml(before.replaceAll('\n', eol), edits);
      if (after.startsWith('fault: ')) expect((edited as EditFault).why).toBe(after.slice(7).trim());
      else expect(edited).toBe(after.replaceAll('\n', eol));
    }
  });

  test('a file without a line feed at its end', () => {
    expect(editYaml('a:\n  b: 1', [editOf('a.c')])).toBe(
      'a:\n  b: 1\n  c: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6162\n    6364',
    );
    expect(editYaml('a:\n  b:', [editOf('a.b')])).toBe(
      'a:\n  b: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6162\n    6364',
    );
    expect(editYaml('a: { b: 1 } # c', [editOf('a.c=2')])).toBe('a: { b: 1, c: 2 } # c');
  });

  test('a byte order mark stays', () => {
    expect(editYaml('\ufeffa: 1\n', [editOf('b=2')])).toBe('\ufeffa: 1\nb: 2\n');
  });

  test('hundreds of places at once', () => {
    const names = Array.from({ length: 500 }, (_, index) => `t${index}`);
    const text = `tunnels:\n${names.map((name) => `  ${name}: { keying: { psk: } } # ${name}\n`).join('')}`;
    const edited = editYaml(
      text,
      names.map((name) => ({ pointer: ['tunnels', name, 'keying', 'psk'], value: VAULT })),
    );
    expect(String(edited).match(/!vault/g)).toHaveLength(500);
  });
});

describe('laws, over texts with comments in every place', () => {
  test('the values are there, all else is as it was, and every comment too', () => {
    fc.assert(
      fc.property(document, fc.infiniteStream(fc.nat()), fc.boolean(), fc.boolean(), (root, picks, crlf, cut) => {
        const lines = render(root, '', 0);
        let text = `# top\n${lines.join('\n')}${cut ? '' : '\n'}`;
        if (crlf) text = text.replaceAll('\n', '\r\n');
        const next = () => picks.next().value ?? 0;
        const edits = chooseEdits(root, next);
        const edited = editYaml(text, edits);
        if (typeof edited !== 'string') throw new Error(`${JSON.stringify(edited)} in\n${text}`);
        const parsed = parseYaml(makeSource('t.yml', edited));
        expect(parsed.diagnostics).toEqual([]);
        const before = parseYaml(makeSource('t.yml', text)).document?.value;
        for (const { pointer, value } of edits) {
          const there = at(parsed.document?.value, pointer);
          if (value.kind === 'vault') expect((there as Vaulted).ciphertext.trim()).toBe(value.ciphertext);
          else expect(String(there)).toBe(String(Number(value.yaml)));
        }
        const paths = edits.map(({ pointer }) => pointer);
        expect(without(parsed.document?.value, paths)).toEqual(without(before, paths));
        const marks = /# c\d+/g;
        expect(edited.match(marks)).toEqual(text.match(marks));
        if (crlf) expect(edited.replaceAll('\r\n', '')).not.toContain('\n');
        // New places only: then what was there is still there, in its order.
        if (!text.includes('~') && edits.every(({ pointer }) => isFresh(before, pointer)))
          expect(isSubsequence(text, edited)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});

interface Leaf {
  readonly kind: 'leaf';
  readonly text: string;
  readonly comment: number | null;
}
interface Mapping {
  readonly kind: 'map';
  readonly step: number;
  readonly flow: boolean;
  readonly entries: readonly (readonly [string, Tree])[];
  readonly comment: number | null;
  readonly before: readonly (number | 'blank')[];
}
type Tree = Leaf | Mapping;

const comment = fc.option(fc.nat(999), { nil: null });
const leaf: fc.Arbitrary<Leaf> = fc.record({
  kind: fc.constant('leaf' as const),
  text: fc.constantFrom(
    '',
    '',
    'word',
    '12',
    '0x2f',
    "'a # b'",
    '"x: \\"y\\""',
    '~',
    '|\n+one\n+ two',
    '!vault |\n+6162\n+6364',
    '>-\n+folded\n+text',
    '[1, 2]',
    'plain\n+goes on',
  ),
  comment,
});
const mapping = (inner: fc.Arbitrary<Tree>): fc.Arbitrary<Mapping> =>
  fc.record({
    kind: fc.constant('map' as const),
    step: fc.integer({ min: 1, max: 4 }),
    flow: fc.boolean(),
    entries: fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'psk', 'long-name', 'k.5'), inner), {
      minLength: 1,
      maxLength: 4,
      selector: ([key]) => key,
    }),
    comment,
    before: fc.array(fc.oneof(fc.nat(999), fc.constant('blank' as const)), { maxLength: 3 }),
  });
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 3, depthSize: 'large' }, leaf, mapping(tie('tree'))),
}));
const document = mapping(tree).map((root) => ({ ...root, flow: false }));

function render(tree: Mapping, indent: string, depth: number): string[] {
  const comments = tree.before.map((mark) =>
    mark === 'blank' ? '' : `${indent}${' '.repeat(tree.step > 1 ? depth % 2 : 0)}# c${mark}`,
  );
  const lines = tree.entries.flatMap(([key, value]): string[] => {
    const inner = indent + ' '.repeat(tree.step);
    if (value.kind === 'map') {
      const tail = value.comment === null ? '' : ` # c${value.comment}`;
      if (value.flow) return [`${indent}${key}: ${flow(value)}${tail}`];
      return [`${indent}${key}:${tail}`, ...render(value, inner, depth + 1)];
    }
    const [first = '', ...more] = value.text.split('\n');
    // A text over many lines takes a comment only behind its header, and a plain one none.
    const tail = value.comment === null || value.text.startsWith('plain') ? '' : ` # c${value.comment}`;
    return [
      `${indent}${key}:${first === '' ? '' : ` ${first}`}${tail}`,
      ...more.map((line) => line.replace('+', inner)),
    ];
  });
  return [...lines, ...comments];
}

function flow(tree: Tree): string {
  if (tree.kind === 'leaf') return tree.text.includes('\n') ? '"one line"' : tree.text;
  const pairs = tree.entries.map(([key, value]) => `${key}: ${flow(value)}`).join(tree.step > 2 ? ' ,' : ', ');
  return tree.step === 1 ? `{${pairs}}` : `{ ${pairs}${tree.step === 4 ? ',' : ''} }`;
}

/** One to three places: an existing value that is no collection, a new key of a mapping, or new mappings below one. */
function chooseEdits(root: Mapping, next: () => number): YamlEdit[] {
  const places = placesIn(root, []);
  const chosen = new Map<string, YamlEdit>();
  for (let count = 1 + (next() % 3); count > 0; count -= 1) {
    const pointer = places[next() % places.length] ?? ['new'];
    const clash = [...chosen.keys()].some(
      (key) => key.startsWith(pointer.join('/')) || pointer.join('/').startsWith(key),
    );
    const value: NewValue = next() % 3 === 0 ? { kind: 'scalar', yaml: '0x201' } : VAULT;
    if (!clash) chosen.set(pointer.join('/'), { pointer, value });
  }
  return [...chosen.values()];
}

function placesIn(tree: Mapping, pointer: Pointer): Pointer[] {
  const own: Pointer[] = [
    [...pointer, 'new'],
    [...pointer, 'fresh', 'deep'],
  ];
  return [
    ...own,
    ...tree.entries.flatMap(([key, value]): Pointer[] => {
      const place = [...pointer, key];
      if (value.kind === 'map') return placesIn(value, place);
      if (value.text === '' || value.text === '~') return [place, [...place, 'below']];
      return value.text.startsWith('[') ? [] : [place];
    }),
  ];
}

function at(value: unknown, pointer: Pointer): unknown {
  return pointer.reduce<unknown>((inner, step) => (inner as Record<string, unknown> | null)?.[step], value);
}

function isFresh(value: unknown, pointer: Pointer): boolean {
  return pointer.every((_, index) => {
    const there = at(value, pointer.slice(0, index + 1));
    return there === undefined || there === null || (typeof there === 'object' && !(there instanceof Vaulted));
  });
}

/** The values without those at the paths, and without mappings that then are empty. */
function without(value: unknown, paths: readonly Pointer[], here: Pointer = []): unknown {
  if (paths.some((path) => path.join('/') === here.join('/'))) return undefined;
  if (value instanceof Vaulted) return `vault ${value.ciphertext.trim()}`;
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value ?? undefined;
  const kept = Object.entries(value)
    .map(([key, inner]) => [key, without(inner, paths, [...here, key])] as const)
    .filter(([, inner]) => inner !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function isSubsequence(part: string, whole: string): boolean {
  let found = 0;
  for (const char of whole) if (char === part[found]) found += 1;
  return found === part.length;
}
