import { error } from '../../lang/diagnostic.ts';
import { didYouMean } from '../../lang/did-you-mean.ts';
import type { Located } from '../../lang/yaml.ts';
import {
  type AlgorithmKind,
  algorithmNames,
  DH_GROUPS,
  type Spelling,
  spellAlgorithm,
} from '../../model/algorithms.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import { type Field, fieldOf, innerFieldOf, nameSpan, type Origin, type Report, titleOf } from './origin.ts';

/** All of a tunnel but its ends and keys. Shared by the tunnels of a mesh. */
export interface Settings extends Pick<Tunnel, 'ike' | 'esp' | 'ah' | 'onboot' | 'state'> {
  /** `null`: not written, or not known; it is reported then. */
  readonly type: Tunnel['type'] | null;
  readonly manual: boolean;
}

/** Reads what an entry and the defaults say beside ends and keys; manual keying spells algorithms as setkey(8). */
export function readSettings(origin: Origin, manual: boolean, document: Located, report: Report): Settings {
  const algorithm = algorithmReader(document, report);
  const spelling: Spelling = manual ? 'setkey' : 'racoon';
  const inner = (group: 'ike' | 'esp' | 'ah', name: string) => innerFieldOf(origin, group, name);
  const esp = fieldOf(origin, 'esp')?.value !== false && {
    ...optional('encryption', algorithm(inner('esp', 'encryption'), 'encryption', spelling)),
    ...optional('authentication', algorithm(inner('esp', 'authentication'), 'authentication', spelling)),
  };
  const ah = fieldOf(origin, 'ah')?.value !== false && {
    ...optional('authentication', algorithm(inner('ah', 'authentication'), 'authentication', spelling)),
  };
  const state = fieldOf(origin, 'state')?.value === 'absent' ? 'absent' : 'present';
  if (esp === false && ah === false && state === 'present') {
    report(
      error('protocols-none', 'esp and ah are both switched off, so nothing would be protected', {
        span: document.span(fieldOf(origin, 'esp')?.pointer ?? origin.pointer),
        fix: 'leave out esp: false, or ah: false',
      }),
    );
  }
  return {
    type: readType(origin, document, report),
    ike: {
      ...optional('encryption', algorithm(inner('ike', 'encryption'), 'encryption', 'racoon')),
      ...optional('hash', algorithm(inner('ike', 'hash'), 'authentication', 'racoon')),
      ...optional('dhGroup', readDhGroup(inner('ike', 'dh_group'), document, report)),
    },
    esp,
    ah,
    // A tunnel that is not there after a reboot leaves its traffic in the open, unseen.
    onboot: fieldOf(origin, 'onboot')?.value !== false,
    state,
    manual,
  };
}

function readType(origin: Origin, document: Located, report: Report): Tunnel['type'] | null {
  const type = fieldOf(origin, 'type')?.value;
  if (type === 'host-to-host' || type === 'network-to-network') return type;
  if (type === undefined) {
    const fix = 'type: host-to-host, or type: network-to-network';
    report(error('type-missing', `${titleOf(origin)} has no type`, { span: nameSpan(document, origin), fix }));
  }
  return null;
}

function algorithmReader(document: Located, report: Report) {
  return (field: Field | undefined, kind: AlgorithmKind, spelling: Spelling): string | undefined => {
    if (typeof field?.value !== 'string') return undefined;
    const name = spellAlgorithm(kind, field.value, spelling);
    if (name !== undefined) return name;
    const known = algorithmNames(kind, spelling);
    const hint = didYouMean(field.value, known);
    const program = spelling === 'racoon' ? 'racoon' : 'setkey';
    report(
      error('algorithm-unknown', `${program} knows no ${kind} algorithm of this name here`, {
        span: document.span(field.pointer),
        found: field.value,
        fix: `${hint === undefined ? '' : `${hint} `}one of: ${known.join(', ')}`,
      }),
    );
    return undefined;
  };
}

function readDhGroup(field: Field | undefined, document: Located, report: Report): number | undefined {
  if (typeof field?.value !== 'number') return undefined;
  if (DH_GROUPS.includes(field.value)) return field.value;
  report(
    error('dh-group-unknown', 'racoon knows no Diffie-Hellman group of this number', {
      span: document.span(field.pointer),
      found: String(field.value),
      fix: `one of: ${DH_GROUPS.join(', ')}`,
    }),
  );
  return undefined;
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}
