/** Exit codes, as docs/exit-codes.md has them. */
export const EXIT = {
  done: 0,
  bug: 1,
  pending: 2,
  input: 3,
  failed: 4,
  unreachable: 5,
  verification: 6,
  edited: 7,
  kernel: 8,
  interrupted: 130,
} as const;

/** The command cannot go on because of how it was called; shown as one line, exit 3. */
export class UsageFault extends Error {
  readonly fix: string | undefined;
  constructor(message: string, fix?: string) {
    super(message);
    this.name = 'UsageFault';
    this.fix = fix;
  }
}
