import { parse, tokenize } from '@huggingface/jinja';
import { TemplateFault } from '../template-fault.ts';
import type { Node } from './ast.ts';
import { freeNames } from './free-names.ts';

export interface Parsed {
  readonly body: readonly Node[];
  /** The one expression of a text that is exactly `{{ expression }}`: its value keeps its type. */
  readonly expression: Node | null;
  readonly names: readonly string[];
}

/** True when a text holds anything to render. */
export function hasTemplate(text: string): boolean {
  return /\{[{%#]/.test(text);
}

/** Parses a text with `{{ }}` and `{% %}`, once for each text. Throws a TemplateFault. */
export function parseTemplate(text: string): Parsed {
  return parseOnce(text, templates, keepBackslashes);
}

/** Parses a bare expression, as `when:` takes it. */
export function parseCondition(text: string): Parsed {
  const whole = /^\s*\{\{([\s\S]*)\}\}\s*$/.exec(text)?.[1];
  const expression = whole !== undefined && !hasTemplate(whole) ? whole : text;
  if (hasTemplate(expression)) {
    const fix = 'the bare expression: x == "y"';
    throw new TemplateFault('template-syntax', 'a condition is an expression without {{ }}', fix);
  }
  const parsed = parseOnce(`{{ ${expression} }}`, conditions, keepUnknownEscapes);
  if (!parsed.expression) throw new TemplateFault('template-syntax', 'a condition must be one expression');
  return parsed;
}

const templates = new Map<string, Parsed>();
const conditions = new Map<string, Parsed>();
const CACHE_LIMIT = 10_000;

function parseOnce(text: string, cache: Map<string, Parsed>, escapes: (text: string) => string): Parsed {
  const cached = cache.get(text);
  if (cached) return cached;
  const body = syntaxTree(text, escapes);
  const only = body.length === 1 ? body[0] : undefined;
  const expression = only !== undefined && !STATEMENTS.has(only.type) ? only : null;
  const parsed = { body, expression, names: freeNames(body) };
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(text, parsed);
  return parsed;
}

const STATEMENTS = new Set([
  'Comment',
  'Set',
  'If',
  'For',
  'Macro',
  'CallStatement',
  'FilterStatement',
  'Break',
  'Continue',
]);

type Token = ReturnType<typeof tokenize>[number];

function syntaxTree(text: string, escapes: (text: string) => string): readonly Node[] {
  try {
    // the library drops one newline at the end, Ansible keeps it
    const source = escapes(text.endsWith('\n') ? `${text}\n` : text);
    const tokens = argumentTests(plainNames(tokenize(source, { trim_blocks: true })));
    return parse(tokens).body as unknown as readonly Node[];
  } catch (fault) {
    // at the end of the text the library's parser runs into an undefined token
    const why = fault instanceof TypeError ? 'it ends too early' : plainWords(fault);
    throw new TemplateFault('template-syntax', `this template is not well-formed: ${why}`);
  }
}

/** The library's own words, without what it may quote of the text. */
function plainWords(fault: unknown): string {
  const message = fault instanceof Error ? fault.message : '';
  if (message.startsWith('Unknown statement type'))
    return `${message.replace('Unknown statement type:', 'there is no statement')}`;
  return message
    .replace(/^Parser Error: /, '')
    .replace(/\.?\s+undefined !== .*$/, '')
    .replace(/\s*\S+ !== \S+$/, '');
}

/**
 * A backslash in a string inside `{{ }}` is a backslash, so that `\\d` and `\\1` need no doubling: Ansible's rule. Inside
 * `{% %}`, and in conditions, escapes are Python's.
 */
function keepBackslashes(text: string): string {
  const blocks = text.replace(/\{%[\s\S]*?%\}/g, keepUnknownEscapes);
  return blocks.replace(TAG, (tag) => (tag.startsWith('{{') ? tag.replace(/\\([\s\S])/g, literalPair) : tag));
}

/** `\\"` still ends no string. */
function literalPair(pair: string, letter: string): string {
  if (letter === '"' || letter === "'") return pair;
  return letter === '\\' ? pair + pair : `\\${pair}`;
}

/** Escapes that Python does not know stand for themselves; the library would refuse them. */
function keepUnknownEscapes(text: string): string {
  return text.replace(/\\([\s\S])/g, (pair, letter: string) =>
    /[ntrbfv'"\\xu]/.test(letter) ? pair : `\\\\${letter}`,
  );
}

const TAG = /\{[{%](?:"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|[^"'])*?[}%]\}/g;

/** `ansible.builtin.NAME` is NAME. */
function plainNames(tokens: readonly Token[]): Token[] {
  const names: Token[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    if (texts(tokens, at, 4).join('') === 'ansible.builtin.') at += 3;
    else names.push(tokens[at] as Token);
  }
  return names;
}

/**
 * The library's parser knows no tests with arguments (`x is match("^a")`). They are handed to it as filters, whose
 * names no filter of a user can have: `x | is match("^a")`.
 */
function argumentTests(tokens: readonly Token[]): Token[] {
  const out: Token[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as Token;
    const negated = tokens[at + 1]?.value === 'not' && tokens[at + 1]?.type === 'Identifier';
    const nameAt = at + (negated ? 2 : 1);
    const name = tokens[nameAt];
    const isTest =
      token.type === 'Identifier' &&
      token.value === 'is' &&
      tokens[at - 1]?.type !== 'Dot' &&
      name?.type === 'Identifier';
    const end = isTest ? argumentEnd(tokens, nameAt + 1) : undefined;
    if (!isTest || end === undefined) {
      out.push(token);
      continue;
    }
    out.push(make('|', 'Pipe'), make(`is ${negated ? 'not ' : ''}${name.value}`, 'Identifier'));
    const argument = argumentTests(tokens.slice(nameAt + 1, end));
    if (argument[0]?.type === 'OpenParen') out.push(...argument);
    else out.push(make('(', 'OpenParen'), ...argument, make(')', 'CloseParen'));
    at = end - 1;
  }
  return out;
}

/** Where the argument that starts at `at` ends, or undefined when there is none. */
function argumentEnd(tokens: readonly Token[], at: number): number | undefined {
  const first = tokens[at];
  if (first === undefined) return undefined;
  if (first.type === 'StringLiteral' || first.type === 'NumericLiteral') return at + 1;
  if (first.type === 'OpenParen' || first.type === 'OpenSquareBracket') return bracketEnd(tokens, at);
  if (first.type !== 'Identifier' || KEYWORDS.has(first.value)) return undefined;
  let end = at + 1;
  while (tokens[end]?.type === 'Dot') end += 2;
  return end;
}

const KEYWORDS = new Set(['and', 'or', 'not', 'in', 'is', 'if', 'else']);

function bracketEnd(tokens: readonly Token[], at: number): number | undefined {
  let depth = 0;
  for (let end = at; end < tokens.length; end += 1) {
    const type = tokens[end]?.type ?? '';
    if (/^Open(?:Paren|Square|Curly)/.test(type)) depth += 1;
    if (/^Close(?:Paren|Square|Curly)/.test(type)) depth -= 1;
    if (depth === 0) return end + 1;
  }
  return undefined;
}

function texts(tokens: readonly Token[], at: number, count: number): readonly string[] {
  return tokens.slice(at, at + count).map(({ value }) => value);
}

function make(value: string, type: Token['type']): Token {
  return { value, type };
}
