import type { YAMLError } from 'yaml';
import { type Diagnostic, error } from './diagnostic.ts';
import { type Source, spanOf } from './source.ts';

export type YamlFault = Pick<YAMLError, 'code' | 'message' | 'pos'>;

/** What the parser calls a key that stands twice in a mapping. */
export const REPEATED_KEY: YAMLError['code'] = 'DUPLICATE_KEY';

/** What the parser found wrong with a text. Its own words often quote that text, which may be a secret: ours never do. */
export function explainYaml(fault: YamlFault, source: Source): Diagnostic {
  const { code, message, fix } = wordsFor(fault);
  return error(code, message, { span: spanOf(source, fault.pos[0], fault.pos[1]), fix });
}

/** True for a mistake after which everything else in the document still means what it says. */
export function leavesDocument({ code }: YamlFault): boolean {
  return code === 'DUPLICATE_KEY' || code === 'TAG_RESOLVE_FAILED';
}

interface Words {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
}

function wordsFor(fault: YamlFault): Words {
  if (/call stack/i.test(fault.message)) return syntax('this is nested too deeply', 'fewer levels');
  return WORDS[fault.code] ?? syntax(withoutQuotation(fault.message), fixFor(fault.message));
}

const WORDS: Readonly<Record<string, Words>> = {
  DUPLICATE_KEY: {
    code: 'yaml-duplicate-key',
    message: 'this key stands twice in the same mapping',
    fix: 'keep one of them',
  },
  TAB_AS_INDENT: { code: 'yaml-tab', message: 'a tab is used for indentation', fix: 'indent with spaces' },
  TAG_RESOLVE_FAILED: {
    code: 'yaml-tag',
    message: 'this tag is not known',
    fix: 'leave the tag out; known are !vault and !unsafe',
  },
  BAD_ALIAS: {
    code: 'yaml-alias',
    message: 'no anchor of this name stands before it',
    fix: 'quote a text that begins with *',
  },
  MULTIPLE_DOCS: syntax('a second document begins here', 'one document a file: leave out this ---'),
  BAD_SCALAR_START: syntax('a text without quotes cannot begin with this character', 'put the text in quotes'),
  BAD_DQ_ESCAPE: syntax(
    'a text in double quotes has a backslash that means nothing here',
    'single quotes around it, or \\\\ for a backslash',
  ),
};

function syntax(message: string, fix: string): Words {
  return { code: 'yaml-syntax', message, fix };
}

/** The parser's messages end in `: ` and the text they are about. */
function withoutQuotation(message: string): string {
  return message.replace(/\n[\s\S]*$/, '').replace(/: [\s\S]*$/, '');
}

function fixFor(message: string): string {
  if (message.startsWith('Nested mappings')) return 'quote a text that holds ": ", or begin a new line';
  if (message.startsWith('Missing closing')) return 'close the quote';
  if (message.startsWith('Flow')) return 'close the bracket; what stands in brackets is indented deeper than its key';
  if (/same column/.test(message)) return 'indent it as the lines that belong to it';
  return 'correct this line, or the one before it';
}
