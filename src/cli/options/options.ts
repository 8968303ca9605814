import type { Shard } from '../../model/shard.ts';

/** Where the passwords of Ansible Vault come from. */
export interface VaultOptions {
  readonly vaultId: readonly string[];
  readonly vaultPasswordFile: readonly string[];
  readonly askVaultPass?: boolean;
}

export interface VaultCommandOptions extends VaultOptions {
  readonly output?: string;
  readonly encryptVaultId?: string;
  readonly newVaultId?: string;
  readonly newVaultPasswordFile?: string;
  readonly name?: readonly string[];
  readonly stdinName?: string;
  readonly prompt?: boolean;
}

/** The options that commands share, as commander gives them. */
export interface CommonOptions extends VaultOptions {
  readonly inventory: string;
  readonly limit?: string;
  readonly shard?: Shard;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly extraVars: readonly string[];
  readonly output: 'human' | 'json' | 'jsonl';
  readonly verbose: number;
  readonly sshConfig?: string;
  readonly color: boolean;
}

export interface RunOptions extends CommonOptions {
  readonly forks: number;
  readonly user?: string;
  readonly privateKey?: string;
  readonly become?: boolean;
  readonly askBecomePass?: boolean;
  readonly askPass?: boolean;
  readonly diff: boolean;
  readonly yes?: boolean;
  readonly check?: boolean;
  readonly lab?: string;
  readonly timeout?: number;
  readonly commandTimeout?: number;
  readonly confirmTimeout?: number;
  readonly confirm?: 'auto' | 'manual';
  readonly breakLock?: boolean;
  /** False: the tunnels that come up are not proven on the wire. */
  readonly verify?: boolean;
  readonly totalTimeout?: number;
  readonly canary?: string;
  readonly maxDown?: number;
  readonly retries?: number;
  readonly acceptNewHostKeys?: boolean;
  /** The file of a trace. */
  readonly trace?: string;
}

export interface ApplyOptions extends RunOptions {
  /** The file of a plan, in place of a playbook. */
  readonly plan?: string;
}

export interface PlanFileOptions extends RunOptions {
  readonly out: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly force?: boolean;
}

export interface ShowOptions extends RunOptions {
  readonly format?: 'human' | 'markdown' | 'json';
}

export interface VerifyOptions extends Omit<RunOptions, 'output'> {
  readonly output: RunOptions['output'] | 'junit';
  /** Seconds until the first ping must have come back. */
  readonly patience: number;
  readonly wire: boolean;
  readonly mtu?: boolean;
}

export interface HandOffOptions extends CommonOptions {
  /** The host of the end that the page is for. */
  readonly for?: string;
  readonly format: 'text' | 'markdown';
  readonly out?: string;
  readonly keyOut?: string;
}

export interface OperateOptions extends RunOptions {
  readonly patience?: number;
}

export interface StatusOptions extends Omit<RunOptions, 'output'> {
  readonly output: RunOptions['output'] | 'prometheus';
  /** Seconds between two looks; true: as many as usual. */
  readonly watch?: number | true;
  /** Only the runs that are pending: neither tunnels nor keys are read. */
  readonly runs?: boolean;
}

export interface ValidateOptions extends CommonOptions {
  /** Warnings are errors. */
  readonly strict?: boolean;
}

export interface KeygenOptions extends CommonOptions {
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly encryptVaultId?: string;
}

export interface RotateOptions extends RunOptions {
  /** `90d`, `12w`, `2h`. */
  readonly olderThan?: string;
  readonly dryRun?: boolean;
  /** Only brings rotations to their end that were cut off. */
  readonly resume?: boolean;
}

export interface ScanOptions extends RunOptions {
  readonly replace?: boolean;
}

export interface ImportOptions extends RunOptions {
  /** The folder of the new inventory. */
  readonly out?: string;
  /** Add to the inventory that is there. */
  readonly merge?: boolean;
  readonly plainKeys?: boolean;
  readonly encryptVaultId?: string;
}
