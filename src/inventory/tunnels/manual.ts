import { error } from '../../lang/diagnostic.ts';
import { didYouMean } from '../../lang/did-you-mean.ts';
import type { Located, Pointer } from '../../lang/yaml.ts';
import { HIGHEST_SPI, LOWEST_SPI, parseSpi } from '../../model/spi.ts';
import { readSecret, type SecretSpec } from '../../secrets/secret-spec.ts';
import type { Member } from './members.ts';
import {
  type Field,
  fieldOf,
  isMapping,
  type Mapping,
  mappingOf,
  type Origin,
  type Report,
  titleOf,
} from './origin.ts';

/** Manual keying of a tunnel, its keys not fetched yet: what each end sends, in the order of the ends. */
export interface ManualSpec {
  readonly method: 'manual';
  readonly sent: readonly [SentSpec, SentSpec];
}

export interface SentSpec {
  readonly pointer: Pointer;
  readonly ah?: { readonly spi: number; readonly key: SecretSpec };
  readonly esp?: { readonly spi: number; readonly key: SecretSpec; readonly authenticationKey?: SecretSpec };
}

/** Reads `manual`; null when something of it is missing or wrong, which is reported. */
export function readManual(
  origin: Origin,
  field: Field,
  members: readonly Member[],
  document: Located,
  report: Report,
): ManualSpec | null {
  if (origin.kind !== 'tunnels' || field.pointer[0] === 'defaults') {
    report(
      error('manual-shared', 'manual keys belong to one tunnel: no two tunnels may share keys and SPIs', {
        span: document.keySpan(field.pointer),
        fix: 'psk: { derive: ... } here, or manual keys in each tunnel of its own',
      }),
    );
    return null;
  }
  let faulty = false;
  const fault: Report = (diagnostic) => {
    faulty = true;
    report(diagnostic);
  };
  const written = mappingOf(field.value);
  const hosts = members.map(({ host }) => host);
  for (const host of Object.keys(written)) {
    if (hosts.includes(host)) continue;
    fault(
      error('manual-end-unknown', `${host} is no end of ${titleOf(origin)}`, {
        span: document.keySpan([...field.pointer, host]),
        fix: didYouMean(host, hosts) ?? `one of: ${hosts.join(', ')}`,
      }),
    );
  }
  if (members.length !== 2) return null;
  for (const protocol of ['ah', 'esp'] as const) checkProtocol(origin, protocol, hosts, field, document, fault);
  const sent = hosts.map((host) => readSent(mappingOf(written[host]), [...field.pointer, host], document, fault));
  const [first, second] = sent;
  return faulty || !first || !second ? null : { method: 'manual', sent: [first, second] };
}

/** A protocol has SAs of both ends, or is off and has none. */
function checkProtocol(
  origin: Origin,
  protocol: 'ah' | 'esp',
  hosts: readonly string[],
  field: Field,
  document: Located,
  fault: Report,
): void {
  const written = mappingOf(field.value);
  const setting = fieldOf(origin, protocol);
  const name = protocol.toUpperCase();
  const having = hosts.filter((host) => Object.hasOwn(mappingOf(written[host]), protocol));
  if (setting?.value === false) {
    for (const host of having) {
      fault(
        error('manual-sa-unexpected', `${host} has an SA of ${name}, which is switched off`, {
          span: document.keySpan([...field.pointer, host, protocol]),
          fix: `leave it out, or leave out ${protocol}: false`,
          related: [{ message: 'switched off here', span: document.span(setting.pointer) }],
        }),
      );
    }
    return;
  }
  const none = having.length === 0;
  const wanted = !none || setting !== undefined || (protocol === 'esp' && lacksBoth(written, hosts));
  if (!wanted) return;
  for (const host of hosts) {
    if (having.includes(host)) continue;
    const place = [...field.pointer, host];
    fault(
      error('manual-sa-missing', `what ${host} sends has no SA of ${name}`, {
        span: Object.hasOwn(written, host) ? document.keySpan(place) : document.keySpan(field.pointer),
        fix: `${host}: { ${protocol}: { spi: 0x201, key: ... } }${none ? `, or ${protocol}: false` : ''}`,
      }),
    );
  }
}

function lacksBoth(written: Mapping, hosts: readonly string[]): boolean {
  return hosts.every((host) => {
    const sas = mappingOf(written[host]);
    return !Object.hasOwn(sas, 'ah') && !Object.hasOwn(sas, 'esp');
  });
}

function readSent(sas: Mapping, pointer: Pointer, document: Located, fault: Report): SentSpec | null {
  const ah = readSa(sas.ah, [...pointer, 'ah'], document, fault);
  const esp = readSa(sas.esp, [...pointer, 'esp'], document, fault);
  if ((isMapping(sas.ah) && !ah) || (isMapping(sas.esp) && !esp)) return null;
  return { pointer, ...(ah ? { ah } : {}), ...(esp ? { esp } : {}) };
}

function readSa(value: unknown, pointer: Pointer, document: Located, fault: Report): SentSpec['esp'] | null {
  if (!isMapping(value)) return null;
  const spi = readSpi(value.spi, [...pointer, 'spi'], document, fault);
  const read = (name: string) =>
    readSecret(document, value[name], [...pointer, name], { derive: false, report: fault });
  const key = read('key');
  if (!Object.hasOwn(value, 'key')) {
    const message = 'this SA has no key';
    fault(error('manual-key-missing', message, { span: document.keySpan(pointer), fix: 'key: 0x... or a text' }));
  }
  const authenticationKey = Object.hasOwn(value, 'authentication_key') ? read('authentication_key') : undefined;
  if (spi === null || !key || authenticationKey === null) return null;
  return { spi, key, ...(authenticationKey ? { authenticationKey } : {}) };
}

function readSpi(value: unknown, pointer: Pointer, document: Located, fault: Report): number | null {
  const fix = 'a number such as 0x200, from 0x100 to 0xffffffff';
  if (value === undefined) {
    fault(
      error('spi-missing', 'this SA has no SPI', { span: document.keySpan(pointer.slice(0, -1)), fix: 'spi: 0x200' }),
    );
    return null;
  }
  if (typeof value !== 'string') return null;
  const spi = parseSpi(value);
  if (typeof spi === 'number') return spi;
  const message = {
    form: 'this SPI is no number',
    octal: 'this SPI has leading zeros, which some programs read as octal',
    low: `this SPI is below 0x${LOWEST_SPI.toString(16)}: those are reserved (RFC 4302 2.4)`,
    high: `this SPI is above 0x${HIGHEST_SPI.toString(16)}: it has 32 bits`,
  }[spi.fault];
  const code = spi.fault === 'form' || spi.fault === 'octal' ? 'spi-invalid' : 'spi-range';
  // A key may have slipped into this place.
  const found = value.length <= 12 ? { found: JSON.stringify(value) } : {};
  fault(error(code, message, { span: document.span(pointer), ...found, fix }));
  return null;
}
