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
  readonly totalTimeout?: number;
  readonly canary?: string;
  readonly maxDown?: number;
  readonly retries?: number;
  readonly acceptNewHostKeys?: boolean;
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

export interface ValidateOptions extends CommonOptions {
  /** Warnings are errors. */
  readonly strict?: boolean;
}

export interface KeygenOptions extends CommonOptions {
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly encryptVaultId?: string;
}

export interface ScanOptions extends RunOptions {
  readonly replace?: boolean;
}
