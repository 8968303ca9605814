import type { Span } from '../model/span.ts';
import { type Diagnostic, error } from './diagnostic.ts';
import type { VaultFault } from './vaulted.ts';

export type TemplateFaultCode =
  | 'template-undefined'
  | 'template-syntax'
  | 'template-filter'
  | 'template-loop'
  | 'template-value'
  | VaultFault['code'];

/** Why a template cannot be rendered. Thrown by `Deferred.resolve`; the message quotes names, never a variable's value. */
export class TemplateFault extends Error {
  readonly code: TemplateFaultCode;
  readonly fix: string | undefined;

  constructor(code: TemplateFaultCode, message: string, fix?: string) {
    super(message);
    this.name = 'TemplateFault';
    this.code = code;
    this.fix = fix;
  }
}

/** The fault as a diagnostic at the place of its template. */
export function faultDiagnostic(fault: TemplateFault, span?: Span): Diagnostic {
  return error(fault.code, fault.message, {
    ...(fault.fix === undefined ? {} : { fix: fault.fix }),
    ...(span === undefined ? {} : { span }),
  });
}
