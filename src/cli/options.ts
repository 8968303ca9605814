/** The options that commands share, as commander gives them. */
export interface CommonOptions {
  readonly inventory: string;
  readonly limit?: string;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly extraVars: readonly string[];
  readonly output: 'human' | 'json' | 'jsonl';
  readonly verbose: number;
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
  readonly acceptNewHostKeys?: boolean;
}
