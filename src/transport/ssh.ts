import { randomBytes } from 'node:crypto';
import type { NodeSSH } from 'node-ssh';
import type { Target } from '../model/host.ts';
import type { Secret } from '../model/secret.ts';
import { type Bastions, bastions } from './bastions.ts';
import { type Become, launch } from './become.ts';
import { hostKeyFiles } from './host-keys.ts';
import { openAhead } from './opened-ahead.ts';
import { algorithmsFor } from './ssh-algorithms.ts';
import { authentication } from './ssh-auth.ts';
import { startOn } from './ssh-channel.ts';
import { ofJumpHost, type Subject } from './ssh-faults.ts';
import { handshake, type SshSession } from './ssh-handshake.ts';
import { type Ask, type Keyring, keyring } from './ssh-keys.ts';
import type { SshSettings } from './ssh-settings.ts';
import { type OpenStream, tcp, throughCommand, throughJumpHost } from './ssh-stream.ts';
import { startShell } from './start.ts';
import { startShellOnTerminal } from './terminal.ts';
import { ConnectFault, type Connection, type ConnectStep, type Transport } from './transport.ts';

export interface SshOptions {
  /** How a host is reached. The same jump host must be the same object, for hosts to share the connection to it. */
  readonly settingsOf: (target: Target) => Promise<SshSettings>;
  /** `null`: nobody is there to ask. */
  readonly ask: Ask | null;
  /** The environment of a ProxyCommand. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface SshTransport extends Transport {
  /** The way to a host's sshd, through its jump hosts, on which nothing was said. Rejects with a {@link ConnectFault}. */
  wayTo(target: Target): Promise<Way>;
  /** Ends the connections to jump hosts. Never rejects. */
  close(): Promise<void>;
}

export interface Way {
  readonly settings: SshSettings;
  readonly open: OpenStream;
  /** To be called when nothing more is opened. */
  done(): void;
}

/** Hosts over SSH. Keys, passphrases and known_hosts are read once for all hosts of a run, when the first one connects. */
export function sshTransport(options: SshOptions): SshTransport {
  let preparing: Promise<Run> | null = null;
  const prepared = () => {
    // After the first hosts have begun to connect: what is loaded here keeps this process busy while their servers start.
    preparing ??= new Promise((resolve) => setImmediate(resolve)).then(() => prepare(options));
    // Who waits for it hears of it.
    preparing.catch(() => {});
    return preparing;
  };
  return {
    connect: async (target, step = () => {}) => {
      step('settings');
      // Begun now: while a program is asked for the settings there is time for it.
      const preparation = prepared();
      const settings = await options.settingsOf(target);
      const ahead = settings.proxy === null ? openAhead(tcp(settings)) : null;
      try {
        const run = await preparation;
        const session = await sessionWith({ settings, isJumpHost: false }, target.password, run, step, ahead?.open);
        return connectionOn(session, target);
      } finally {
        ahead?.forget();
      }
    },
    wayTo: async (target) => {
      const [run, settings] = await Promise.all([prepared(), options.settingsOf(target)]);
      return { settings, ...(await wayTo(settings, run)) };
    },
    close: async () => {
      const run = await preparing?.catch(() => null);
      await run?.bastions.close();
    },
  };
}

/** What all hosts of a run share. */
interface Run {
  readonly keys: Keyring;
  readonly hostKeys: ReturnType<typeof hostKeyFiles>;
  readonly bastions: Bastions;
  readonly newSession: () => NodeSSH;
  readonly env: SshOptions['env'];
}

async function prepare({ ask, env }: SshOptions): Promise<Run> {
  const [{ NodeSSH }, keys] = await Promise.all([import('node-ssh'), keyring(ask)]);
  const run: Run = {
    keys,
    hostKeys: hostKeyFiles(),
    bastions: bastions((settings) => sessionWith({ settings, isJumpHost: true }, undefined, run)),
    newSession: () => new NodeSSH(),
    env,
  };
  return run;
}

/** A jump host is no different from any other, and may have one before it in turn. */
async function sessionWith(
  subject: Subject,
  password: Secret | undefined,
  run: Run,
  step: ConnectStep = () => {},
  ahead?: OpenStream,
): Promise<SshSession> {
  const { settings, isJumpHost } = subject;
  const { hostKeys, algorithms, auth } = await credentials();
  if (settings.proxy !== null) step(settings.proxy.kind === 'jump' ? 'jump host' : 'proxy command');
  const way = await wayTo(settings, run);
  try {
    const { newSession } = run;
    return await handshake({ subject, open: ahead ?? way.open, algorithms, auth, hostKeys, newSession, step });
  } catch (fault) {
    throw named(fault);
  } finally {
    way.done();
  }

  async function credentials() {
    try {
      const hostKeys = run.hostKeys.of(settings.knownHostsFiles, settings.acceptNewHostKeys);
      const name = settings.hostKeyAlias ?? settings.hostName;
      const types = hostKeys.known.types(name, settings.hostKeyAlias === null ? settings.port : 22);
      const algorithms = algorithmsFor(settings, types);
      return { hostKeys, algorithms, auth: await authentication({ settings, password, isJumpHost }, run.keys) };
    } catch (fault) {
      throw named(fault);
    }
  }

  function named(fault: unknown): unknown {
    return isJumpHost && fault instanceof ConnectFault ? ofJumpHost(settings.name, fault) : fault;
  }
}

async function wayTo(settings: SshSettings, run: Run): Promise<Omit<Way, 'settings'>> {
  const { proxy } = settings;
  switch (proxy?.kind) {
    case undefined:
      return { open: tcp(settings), done: () => {} };
    case 'command':
      return { open: throughCommand(settings, proxy.command, run.env), done: () => {} };
    case 'jump': {
      const { session, done } = await run.bastions.through(proxy.via);
      return { open: throughJumpHost(settings, session), done };
    }
  }
}

function connectionOn(session: SshSession, target: Target): Connection {
  const { client, cause, close } = session;
  const starts = { plain: startOn(client, cause), terminal: startOn(client, cause, true) };
  const patience = session.settings.connectTimeout;
  let wantsTerminal = false;
  return {
    ...(session.path === null ? {} : { path: session.path }),
    shell: async (program, output) => {
      const { become } = target;
      const nonce = randomBytes(12).toString('hex');
      const onTerminal = (user: Become) =>
        startShellOnTerminal(starts, { program, become: user, nonce, patience }, output);
      if (wantsTerminal && become !== undefined) return onTerminal(become);
      const start = launch(program, become, nonce);
      try {
        return await startShell(starts.plain, start, output, patience);
      } catch (fault) {
        // Only root can open the other user's FIFOs.
        if (become?.user !== 'root' || start.gate?.wantsTerminal !== true) throw fault;
        wantsTerminal = true;
        return onTerminal(become);
      }
    },
    close,
  };
}
