/** What a test looks at in a page of Markdown. */
export interface Page {
  readonly blocks: readonly Block[];
  readonly links: readonly Link[];
  /** As GitHub makes them of the headings. */
  readonly anchors: ReadonlySet<string>;
  readonly sections: readonly Section[];
}

export interface Block {
  readonly language: string;
  readonly text: string;
  /** Line of its first line of text, from 1. */
  readonly line: number;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

export interface Section {
  readonly title: string;
  readonly depth: number;
  /** Cells of each row of the section's tables, their heads left out. */
  readonly rows: readonly (readonly string[])[];
  readonly text: string;
}

export function readPage(markdown: string): Page {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  const links: Link[] = [];
  const sections: { title: string; depth: number; lines: string[] }[] = [];
  let open: { language: string; lines: string[]; line: number } | null = null;
  lines.forEach((line, index) => {
    const fence = /^ *```(.*)$/.exec(line);
    if (fence && open) {
      blocks.push({ language: open.language, text: open.lines.join('\n'), line: open.line });
      open = null;
    } else if (fence) open = { language: fence[1]?.trim() ?? '', lines: [], line: index + 2 };
    else if (open) open.lines.push(line);
    else {
      const heading = /^(#+) +(.*)$/.exec(line);
      if (heading) sections.push({ title: heading[2] ?? '', depth: heading[1]?.length ?? 1, lines: [] });
      else sections.at(-1)?.lines.push(line);
      const prose = line.replaceAll(/`[^`]*`/g, '');
      for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) links.push({ target, line: index + 1 });
    }
  });
  if (open) throw new Error('a fenced block has no end');
  return {
    blocks,
    links,
    anchors: anchorsOf(sections.map(({ title }) => title)),
    sections: sections.map(({ title, depth, lines: own }) => ({
      title,
      depth,
      rows: tableRows(own),
      text: own.join('\n'),
    })),
  };
}

/** Lower case, blanks to hyphens, without punctuation; the same one again gets a number. */
function anchorsOf(titles: readonly string[]): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const title of titles) {
    const base = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = base;
    for (let number = 1; anchors.has(anchor); number += 1) anchor = `${base}-${number}`;
    anchors.add(anchor);
  }
  return anchors;
}

function tableRows(lines: readonly string[]): readonly (readonly string[])[] {
  const rows = lines.filter((line) => line.startsWith('|'));
  return rows
    .filter((row, index) => !/^\|[\s|:-]+\|$/.test(row) && !/^\|[\s|:-]+\|$/.test(rows[index + 1] ?? ''))
    .map((row) =>
      row
        .slice(1, row.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    );
}
