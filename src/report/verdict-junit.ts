import { type TunnelVerdict, unshown } from '../model/verdict.ts';

/**
 * One test case a tunnel, as CI servers and monitoring read it (the JUnit XML of Ant's task). What could not be shown is an
 * error, not skipped: skipped is green.
 */
export function verdictJunit(
  verdicts: readonly TunnelVerdict[],
  faults: ReadonlyMap<string, { readonly message: string }>,
  seconds: number,
): string {
  const count = (status: TunnelVerdict['status']) => verdicts.filter((verdict) => verdict.status === status).length;
  const cases = verdicts.map((verdict) => {
    const attributes = `classname="ipsec-play.verify" name=${quoted(verdict.tunnel)}`;
    const seen = escaped(seenOf(verdict));
    const silent = verdict.ends.find(({ host }) => faults.has(host))?.host;
    if (verdict.status === 'proven') {
      return `    <testcase ${attributes}>\n      <system-out>${seen}</system-out>\n    </testcase>`;
    }
    if (verdict.status === 'unproven') {
      const why =
        silent === undefined
          ? `it could not be shown: ${unshown(verdict)}`
          : `${silent} could not be looked at: ${faults.get(silent)?.message}`;
      const type = silent === undefined ? 'unproven' : 'unreachable';
      return `    <testcase ${attributes}>\n      <error type=${quoted(type)} message=${quoted(why)}>${seen}</error>\n    </testcase>`;
    }
    const { code, message, fix } = verdict.cause ?? { code: 'tunnel-failed', message: 'it does not work', fix: null };
    const more = fix === null ? '' : `\nfix: ${fix}`;
    return `    <testcase ${attributes}>\n      <failure type=${quoted(code)} message=${quoted(message)}>${escaped(`${message}${more}\n\n`)}${seen}</failure>\n    </testcase>`;
  });
  const totals = `tests="${verdicts.length}" failures="${count('failed')}" errors="${count('unproven')}" skipped="0" time="${seconds.toFixed(3)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites ${totals}>
  <testsuite name="tunnels" ${totals}>
${cases.join('\n')}
  </testsuite>
</testsuites>
`;
}

function seenOf({ ends, notes }: TunnelVerdict): string {
  const lines = ends.flatMap(({ host, nickname, layers }) => [
    `${host} ${nickname}`,
    ...layers.map(({ layer, status, what }) => `  ${layer} ${status}: ${what}`),
  ]);
  return [...lines, ...notes].join('\n');
}

function quoted(text: string): string {
  return `"${escaped(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;')}"`;
}

/** XML 1.0 has no control characters at all but these three, not even escaped. */
function escaped(text: string): string {
  const allowed = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
  return allowed.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
