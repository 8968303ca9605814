import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A fault that the lab itself has, for connections whose files hold the text. Gives how to end it. */
export function atLab(root: string, name: string, text = ''): () => void {
  const file = join(root, 'var/lib/lab-faults', name);
  writeFileSync(file, text === '' ? '' : `${text}\n`);
  return () => rmSync(file, { force: true });
}
