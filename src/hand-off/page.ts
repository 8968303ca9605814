import type { PeerConfiguration } from '../model/agreement.ts';
import type { Page } from './hand-off.ts';
import { type ParameterTable, parameterTables } from './parameters.ts';

export type PageFormat = 'text' | 'markdown';

/** The whole page, in the order in which somebody works it off. */
export function pageText(page: Page, format: PageFormat): string {
  const write = format === 'markdown' ? MARKDOWN : TEXT;
  const { you, us, tunnel } = page.agreed;
  const blocks = [
    write.title(`IPsec tunnel ${tunnel}`),
    write.paragraph(`For who sets up ${you.host} (${you.address}). Our end is ${us.host} (${us.address}).`),
    ...parameterTables(page.agreed).flatMap((table) => [write.heading(table.title), write.table(table)]),
    ...keyBlocks(page, write),
    write.heading('Configuration of your end'),
    write.paragraph('One of these, whichever your end runs. All of them stand for the parameters above.'),
    ...page.configurations.flatMap((each) => configurationBlocks(each, write)),
  ];
  return `${blocks.join('\n\n')}\n`;
}

interface Writer {
  title(text: string): string;
  heading(text: string): string;
  subheading(text: string): string;
  paragraph(text: string): string;
  list(items: readonly string[]): string;
  table(table: ParameterTable): string;
  file(path: string, isSecret: boolean, text: string): string;
}

function keyBlocks({ keys, agreed }: Page, write: Writer): readonly string[] {
  const title = write.heading(agreed.keying.method === 'x509' ? 'Certificates' : 'Keys');
  if (keys.length === 0) {
    return [
      title,
      write.paragraph(
        'There is no shared key. Certificates may travel with this page; private keys never leave their host. Compare fingerprints of certificates by phone.',
      ),
    ];
  }
  return [
    title,
    write.paragraph(
      'No key is in this page. Each comes by another channel, on a sheet that also says how to compute its fingerprint. Read that to us by phone, and use the key only when it is the one here.',
    ),
    write.table({
      title: '',
      head: ['key', 'in its place stands', 'fingerprint'],
      rows: keys.map(({ what, placeholder, fingerprint }) => [what, placeholder, fingerprint]),
    }),
  ];
}

function configurationBlocks({ title, files, cannot, notes }: PeerConfiguration, write: Writer): readonly string[] {
  return [
    write.subheading(title),
    ...(cannot.length === 0
      ? []
      : [write.paragraph('This cannot be the far end of this tunnel as it stands:'), write.list(cannot)]),
    ...files.map(({ path, isSecret, text }) => write.file(path, isSecret, text)),
    ...(notes.length === 0 ? [] : [write.list(notes)]),
  ];
}

const MARKDOWN: Writer = {
  title: (text) => `# ${text}`,
  heading: (text) => `## ${text}`,
  subheading: (text) => `### ${text}`,
  paragraph: (text) => text,
  list: (items) => items.map((item) => `- ${item}`).join('\n'),
  table: ({ head, rows }) =>
    [head, head.map(() => '---'), ...rows]
      .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
      .join('\n'),
  file: (path, isSecret, text) =>
    `\`${path}\`${isSecret ? ', mode 0600' : ''}:\n\n\`\`\`\`none\n${ended(text)}\`\`\`\``,
};

const TEXT: Writer = {
  title: (text) => `${text}\n${'='.repeat(text.length)}`,
  heading: (text) => `${text}\n${'-'.repeat(text.length)}`,
  subheading: (text) => `* ${text}`,
  paragraph: plain,
  list: (items) => items.map((item) => `- ${plain(item)}`).join('\n'),
  table: ({ head, rows }) => {
    const all = head.some((cell) => cell !== '' && cell !== 'both ends') ? [head, ...rows] : rows;
    const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
    return all
      .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
      .join('\n');
  },
  file: (path, isSecret, text) =>
    `${path}${isSecret ? ' (mode 0600)' : ''}:\n${ended(text)
      .replaceAll(/^(?=.)/gm, '    ')
      .trimEnd()}`,
};

function ended(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

function plain(text: string): string {
  return text.replaceAll('`', '');
}
