import type { Secret } from './secret.ts';

/** A host of the inventory, its variables resolved by precedence (but their templates not yet rendered). */
export interface Host {
  readonly name: string;
  /** Groups from the outermost (`all`) to the innermost. */
  readonly groups: readonly string[];
  readonly vars: Variables;
}

export type Variables = Readonly<Record<string, unknown>>;

/** How a host is reached, from Ansible's connection variables and the command line. */
export interface Target {
  readonly name: string;
  readonly connection: 'ssh' | 'local';
  /** `ansible_host`, else the host's name; what ssh_config(5) makes of it is the transport's to find out. */
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: Secret;
  readonly privateKeyFile?: string;
  /** `el5`: also the SHA-1 key exchanges, old ciphers and host keys of OpenSSH 3.9 and 4.3 (RHEL 4, 5), for this host alone. */
  readonly sshProfile?: 'el5';
  readonly become?: {
    readonly method: 'sudo' | 'su';
    readonly user: string;
    readonly password?: Secret;
  };
  /** Seconds until a connection must be ready. */
  readonly connectTimeout?: number;
  /** Further attempts to connect, where the fault may pass. */
  readonly retries?: number;
  /** Options for ssh(1) from `ansible_ssh_common_args` and the like, in words. */
  readonly sshArguments?: readonly string[];
}
