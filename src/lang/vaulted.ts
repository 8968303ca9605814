/** A `!vault` value, still encrypted. */
export class Vaulted {
  readonly ciphertext: string;
  constructor(ciphertext: string) {
    this.ciphertext = ciphertext;
  }
}
