/** A mapping whose values are made when a template asks for them, such as `hostvars`. Values are final: no templates. */
export class LazyMapping {
  readonly names: () => readonly string[];
  readonly #make: (name: string) => unknown;

  constructor(names: () => readonly string[], make: (name: string) => unknown) {
    this.names = names;
    this.#make = make;
  }

  has(name: string): boolean {
    return this.names().includes(name);
  }

  get(name: string): unknown {
    return this.#make(name);
  }
}
