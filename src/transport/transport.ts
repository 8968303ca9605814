import type { Target } from '../model/host.ts';

/**
 * How scripts reach a host. One connection a host, one shell at a time on it. Implementations: `ssh`, `local`, `fake`.
 *
 * Contract: `connect` rejects with a {@link ConnectFault} and nothing else; the host key was verified before any secret
 * was sent. All text is bytes, one UTF-16 unit a byte ("latin1").
 */
export interface Transport {
  connect(target: Target, step?: ConnectStep): Promise<Connection>;
}

/** Told at each step on the way to a connection, by a fixed name, as it begins. */
export type ConnectStep = (name: string) => void;

export interface Connection {
  /**
   * Runs `program` with `sh -c`, as the target's become user where it has one; a password for that goes over stdin.
   * `program` is visible in the host's process list: no secrets in it. What is written to the shell later is its stdin.
   * Rejects with a {@link ConnectFault} when become is refused or the connection is lost meanwhile.
   */
  shell(program: string, output: ShellOutput): Promise<Shell>;
  /** Ends it and all that runs over it. Never rejects. The host may hear of it a moment later. */
  close(): Promise<void>;
  /** The way from here to the host, leg by leg: to each jump host, then to the host. Missing: it is not known. */
  readonly path?: readonly Leg[];
}

/** One TCP connection: the addresses of its two sides; null where only the other side knows. */
export interface Leg {
  readonly from: string | null;
  readonly to: string | null;
}

export interface ShellOutput {
  stdout(bytes: string): void;
  stderr(bytes: string): void;
}

export interface Shell {
  /** Writes to stdin; resolves when the transport has taken it (back-pressure). */
  write(bytes: string): Promise<void>;
  /** Closes stdin. */
  end(): void;
  /** How it ended; all output was delivered before. Never rejects. */
  readonly ended: Promise<ShellEnd>;
}

/** `lost`: the connection broke; whether the shell still runs is not known. */
export type ShellEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'lost'; readonly why: string };

export type ConnectFaultCode =
  | 'dns'
  | 'refused'
  | 'timeout'
  | 'network'
  | 'authentication'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'host-key-revoked'
  | 'algorithms'
  /** ssh_config(5) that cannot be read or understood. */
  | 'ssh-config'
  | 'jump-loop'
  /** ProxyCommand ended or cannot be started, or the jump host forwards nothing. */
  | 'proxy'
  | 'become'
  | 'lost';

/** Why a host cannot be reached. `message` is for people and holds no secret; `fix` says what to do. */
export class ConnectFault extends Error {
  readonly code: ConnectFaultCode;
  readonly fix: string | undefined;
  /** It may be over in a moment, so another attempt makes sense. Never where somebody was refused: that ends in a ban. */
  readonly passing: boolean;

  constructor(code: ConnectFaultCode, message: string, fix?: string, { passing = PASSING.includes(code) } = {}) {
    super(message);
    this.name = 'ConnectFault';
    this.code = code;
    this.fix = fix;
    this.passing = passing;
  }
}

const PASSING: readonly ConnectFaultCode[] = ['refused', 'timeout', 'network', 'proxy'];
