/**
 * A value that holds no template, whatever it looks like: Ansible's `!unsafe`, and everything that came from a host
 * (registered results, facts). Rendering takes it as it is, so a host's output can never run as a template here.
 */
export class Verbatim {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}
