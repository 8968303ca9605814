import { statementsIn } from '../../../../../modules/shared/shell-assignments.ts';
import { reveal } from '../../../../model/secret.ts';
import type { Span } from '../../../../model/span.ts';
import type { ConnectionSeen, FileSeen } from './host-seen.ts';

/** A line of a file on a host, as messages show it: `lana:/etc/sysconfig/network-scripts/ifcfg-ipsec0:3:1`. */
export function placeOn(host: string, path: string, text = '', offset = 0): Span {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - (before.lastIndexOf('\n') + 1) + 1;
  return { file: `${host}:${path}`, line, column, endLine: line, endColumn: column };
}

/** Where a variable of a connection is set; its ifcfg file, where it is not. */
export function variablePlace(host: string, { ifcfg, keys }: ConnectionSeen, name: string): Span {
  const found = [keys, ifcfg].flatMap((file) => (file === null ? [] : (assigned(host, file, name) ?? [])));
  return found[0] ?? placeOn(host, ifcfg.path);
}

function assigned(host: string, { path, text }: FileSeen, name: string): Span | null {
  const bytes = reveal(text);
  const last = statementsIn(bytes).assignments.findLast((one) => one.name === name);
  return last ? placeOn(host, path, bytes, last.start) : null;
}
