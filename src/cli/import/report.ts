import type { Imported } from '../../compile/backends/backend.ts';
import type { Diagnostic } from '../../lang/diagnostic.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import { object, text } from '../../report/schema-parts.ts';
import { table } from '../machine/table.ts';

/** What came of an import. */
export interface ImportOutcome {
  readonly code: number;
  readonly files: readonly string[];
  readonly tunnels: readonly Tunnel[];
  /** Tunnels that the inventory has already. */
  readonly known: Imported['known'];
}

/** What was taken over, for people. Nothing of a key. */
export function importLines({ tunnels, files, known }: ImportOutcome): readonly string[] {
  const same = known.filter(({ differing }) => differing.length === 0).map(({ name }) => name);
  const others = known.filter(({ differing }) => differing.length > 0).map(({ name }) => name);
  const there = [
    ...(same.length === 0 ? [] : [`In the inventory already, and the same on the hosts: ${same.join(', ')}`]),
    ...(others.length === 0 ? [] : [`In the inventory already, and otherwise on the hosts: ${others.join(', ')}`]),
  ];
  if (files.length === 0) return [...there, 'Nothing is written.'];
  const rows = tunnels.map(({ name, type, keying, ends }) => [
    name,
    type,
    keying.method,
    ends.map(endText).join(' – '),
  ]);
  const count = `${tunnels.length} ${tunnels.length === 1 ? 'tunnel is' : 'tunnels are'} taken over. Written: ${files.join(', ')}`;
  return [...(rows.length === 0 ? [] : [table(['TUNNEL', 'TYPE', 'KEYING', 'ENDS'], rows)]), ...there, count];
}

/** The same as a document, described by schema/import.schema.json. */
export function importDocument({ code, tunnels, files, known }: ImportOutcome, findings: readonly Diagnostic[]) {
  return {
    schema: IMPORT_SCHEMA,
    exitCode: code,
    files,
    tunnels: tunnels.map(({ name, type, keying, ends }) => ({
      name,
      type,
      keying: keying.method,
      ends: ends.map(({ host, managed, nickname, address }) => ({ host, managed, nickname, address })),
    })),
    known,
    findings,
  };
}

const IMPORT_SCHEMA = 'ipsec-play/import/1';

function endText({ host, managed, nickname }: Tunnel['ends'][0]): string {
  return managed ? `${host} (${nickname})` : `${host} (not managed)`;
}

const list = (items: object) => ({ type: 'array', items });
const span = object({
  file: text,
  line: { type: 'integer' },
  column: { type: 'integer' },
  endLine: { type: 'integer' },
  endColumn: { type: 'integer' },
});

/** JSON Schema of it. */
export const importSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'ipsec-play import --output json',
  ...object({
    schema: { const: IMPORT_SCHEMA },
    exitCode: { enum: [0, 3, 4, 5, 130] },
    files: list(text),
    tunnels: list(
      object({
        name: text,
        type: { enum: ['host-to-host', 'network-to-network'] },
        keying: { enum: ['psk', 'manual', 'x509'] },
        ends: list(object({ host: text, managed: { type: 'boolean' }, nickname: text, address: text })),
      }),
    ),
    known: {
      description: 'with --merge: tunnels of the inventory that were met on the hosts, and what these say otherwise',
      ...list(object({ name: text, differing: list(text) })),
    },
    findings: {
      description: 'an error: something is left out; a warning: something to know of what is not',
      ...list(
        object(
          { severity: { enum: ['error', 'warning'] }, code: text, message: text },
          { found: text, fix: text, span, related: list(object({ message: text, span })) },
        ),
      ),
    },
  }),
};
