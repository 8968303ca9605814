import type { ScalarTag, Tags } from 'yaml';
import { noVault, type OpenVault, Vaulted } from './vaulted.ts';
import { Verbatim } from './verbatim.ts';

/**
 * The tags of a document as Ansible reads them: plain scalars are resolved by PyYAML's rules, which are narrower than
 * YAML 1.1 (`y` and `1e3` are strings, `08` too), and without types that JSON lacks (dates, sets, binary).
 */
export function ansibleTags(tags: Tags, open: OpenVault = noVault): Tags {
  const kept = tags.filter((tag) => typeof tag !== 'string' && !REPLACED.has(tag.tag));
  return [...kept, plainText, ...PYYAML, vaultTag('!vault', open), vaultTag('!vault-encrypted', open), unsafeTag];
}

const REPLACED = new Set(
  ['bool', 'int', 'float', 'null', 'timestamp', 'binary', 'set', 'omap', 'pairs'].map(
    (name) => `tag:yaml.org,2002:${name}`,
  ),
);

/** Most of what is written. Numbers do not begin with a letter: none of the patterns below need be tried. */
const plainText: ScalarTag = {
  tag: 'tag:yaml.org,2002:str',
  default: true,
  test: /^(?!(?:[nN]ull|NULL|[yY]es|YES|[tT]rue|TRUE|[oO]n|ON|[nN]o|NO|[fF]alse|FALSE|[oO]ff|OFF)$)[A-Za-z]/,
  resolve: (text) => text,
  identify: () => false,
};

const PYYAML: readonly ScalarTag[] = [
  scalar('null', /^(?:~|null|Null|NULL)?$/, () => null),
  scalar('bool', /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON|no|No|NO|false|False|FALSE|off|Off|OFF)$/, (text) =>
    /^(?:y|t|on)/i.test(text),
  ),
  scalar('int', /^[-+]?0b[01_]+$/, (text) => integer(text, 2, /0b/)),
  scalar('int', /^[-+]?0x[0-9a-fA-F_]+$/, (text) => integer(text, 16, /0x/)),
  scalar('int', /^[-+]?0[0-7_]+$/, (text) => integer(text, 8, /0/)),
  scalar('int', /^[-+]?(?:0|[1-9][0-9_]*)$/, (text) => integer(text, 10, /$/)),
  scalar('int', /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/, sexagesimal),
  scalar('float', /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/, sexagesimal),
  scalar('float', /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?$/, (text) =>
    Number(text.replaceAll('_', '')),
  ),
  scalar('float', /^[-+]?\.(?:inf|Inf|INF)$/, (text) => (text.startsWith('-') ? -Infinity : Infinity)),
  scalar('float', /^\.(?:nan|NaN|NAN)$/, () => Number.NaN),
];

/** `!vault-encrypted` is what Ansible wrote before 2.3, and still reads. */
const vaultTag = (tag: string, open: OpenVault): ScalarTag => ({
  tag,
  resolve: (text) => new Vaulted(text, open),
  identify: (value) => value instanceof Vaulted,
});

const unsafeTag: ScalarTag = {
  tag: '!unsafe',
  resolve: (text) => new Verbatim(text),
  identify: (value) => value instanceof Verbatim,
};

function scalar(name: string, test: RegExp, resolve: (text: string) => unknown): ScalarTag {
  return { tag: `tag:yaml.org,2002:${name}`, default: true, test, resolve, identify: () => false };
}

/** A number, or the text itself where a number would lose digits (an unquoted long hexadecimal key). */
function integer(text: string, base: number, prefix: RegExp): number | string {
  const digits = text.replaceAll('_', '').replace(/^[-+]/, '').replace(prefix, '');
  const value = digits === '' ? 0 : Number.parseInt(digits, base);
  if (!Number.isSafeInteger(value)) return text;
  return text.startsWith('-') && value !== 0 ? -value : value;
}

function sexagesimal(text: string): number {
  const parts = text.replaceAll('_', '').replace(/^[-+]/, '').split(':');
  const value = parts.reduce((total, part) => total * 60 + Number(part), 0);
  return text.startsWith('-') ? -value : value;
}
