import { error } from '../lang/diagnostic.ts';
import { faultDiagnostic, template } from '../lang/template.ts';
import type { Variables } from '../model/host.ts';
import type { Report } from './report.ts';
import { parsed, type Scope, settle } from './scope.ts';

export const REDUNDANCY_GROUP = 'redundancy_group';

/** The host variable that names the set of redundant hosts that it is one of. */
export function redundancyGroup(
  host: string,
  vars: Variables,
  around: Pick<Scope, 'facts' | 'fixed'>,
  report: Report,
): string | undefined {
  const value = vars[REDUNDANCY_GROUP];
  if (value === undefined || value === null) return undefined;
  const settled = settle(
    parsed(() => template(value)),
    { vars, later: new Set(), ...around },
  );
  if (settled.kind === 'fault') {
    report.add(faultDiagnostic(settled.fault), host);
    return undefined;
  }
  const name = settled.kind === 'known' ? settled.value : undefined;
  if (typeof name === 'number') return String(name);
  if (typeof name === 'string' && name.trim() !== '') return name.trim();
  const message = `the host variable ${REDUNDANCY_GROUP} is no name that is known before the run`;
  report.add(error('redundancy-group', message, { fix: `${REDUNDANCY_GROUP}: gateways-berlin` }), host);
  return undefined;
}
