import { Secret } from '../../model/secret.ts';
import type { Redactor } from '../../secrets/redact.ts';
import type { Terminal } from './terminal.ts';

/** The same terminal, whose messages are redacted; what is typed without an echo is a secret from then on. */
export function discreet(terminal: Terminal, redactor: Redactor): Terminal {
  const ask: Terminal['ask'] = async (question, options = {}) => {
    const answer = await terminal.ask(question, options);
    if (options.hidden === true && answer !== null) redactor.add(new Secret(answer));
    return answer;
  };
  // A prototype and not a copy: to know whether it is interactive costs time, and not every command asks.
  return Object.assign(Object.create(terminal) as Terminal, {
    ask,
    stderr: (text: string) => terminal.stderr(redactor.redact(text)),
  });
}
