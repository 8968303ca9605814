import { error } from '../../lang/diagnostic.ts';
import { didYouMean } from '../../lang/did-you-mean.ts';
import type { Located } from '../../lang/yaml.ts';
import { isSafeName } from '../../model/safe-name.ts';
import type { Keying } from '../../model/tunnel.ts';
import type { Member } from './members.ts';
import { type Field, mappingOf, type Origin, type Report, titleOf } from './origin.ts';

/** X.509 keying of an entry: each member's certificate, by host. */
export interface CertificateSpec {
  readonly method: 'x509';
  readonly certificates: ReadonlyMap<string, string>;
  readonly peer: (Keying & { method: 'x509' })['peer'];
}

/** Reads `x509`. A host's certificate is named after it, where nothing else is written. */
export function readCertificates(
  origin: Origin,
  { value, pointer }: Field,
  members: readonly Member[],
  document: Located,
  report: Report,
): CertificateSpec | null {
  const { certificates = {}, peer = 'file' } = mappingOf(value);
  const hosts = members.map(({ host }) => host);
  const names = new Map(hosts.map((host) => [host, host]));
  let faulty = false;
  for (const [host, name] of Object.entries(mappingOf(certificates))) {
    const place = [...pointer, 'certificates', host];
    if (!names.has(host)) {
      // In the defaults a list of all hosts' certificates is what one wants.
      if (pointer[0] === 'defaults') continue;
      faulty = true;
      report(
        error('certificate-end', `${host} is no end of ${titleOf(origin)}`, {
          span: document.keySpan(place),
          fix: didYouMean(host, hosts) ?? `one of: ${hosts.join(', ')}`,
        }),
      );
    } else if (typeof name !== 'string' || !isSafeName(name) || /\.(public|private)$/.test(name)) {
      faulty = true;
      report(
        error('certificate-name', 'this is no base name of a certificate under /etc/racoon/certs', {
          span: document.span(place),
          found: JSON.stringify(name),
          fix: `the name without folder and ending: NAME stands for NAME.public and NAME.private`,
        }),
      );
    } else names.set(host, name);
  }
  if (faulty || (peer !== 'file' && peer !== 'dns' && peer !== 'exchange')) return null;
  return { method: 'x509', certificates: names, peer };
}
