import { Secret } from '../model/secret.ts';

/** A template whose own text is secret, because it stands in a file that was encrypted: what it is rendered to is secret too. */
export class SecretTemplate extends Secret {}
