import { createCipheriv, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

/** A text of Ansible Vault 1.1, or 1.2 with an id, made from its description alone: none of the product's code, nor its library. */
export function sealVault(text: string, password: string, id?: string): string {
  return sealBytes(Buffer.from(text), Buffer.from(password), id);
}

/** The same of what need not be text. */
export function sealBytes(bytes: Buffer, password: Buffer, id?: string): string {
  const salt = randomBytes(32);
  const keys = pbkdf2Sync(password, salt, 10_000, 80, 'sha256');
  const cipher = createCipheriv('aes-256-ctr', keys.subarray(0, 32), keys.subarray(64));
  const padding = 16 - (bytes.length % 16);
  const sealed = Buffer.concat([cipher.update(Buffer.concat([bytes, Buffer.alloc(padding, padding)])), cipher.final()]);
  const mac = createHmac('sha256', keys.subarray(32, 64)).update(sealed).digest('hex');
  const body = Buffer.from([salt.toString('hex'), mac, sealed.toString('hex')].join('\n')).toString('hex');
  const header = id === undefined ? '$ANSIBLE_VAULT;1.1;AES256' : `$ANSIBLE_VAULT;1.2;AES256;${id}`;
  return [header, ...(body.match(/.{1,80}/g) ?? []), ''].join('\n');
}

/** The same as a YAML value, its lines below a key that is itself indented by `indent`. */
export function vaulted(text: string, password: string, indent = 0): string {
  const lines = sealVault(text, password).trimEnd().split('\n');
  return ['!vault |', ...lines.map((line) => `${' '.repeat(indent + 2)}${line}`)].join('\n');
}
