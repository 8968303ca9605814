import { type Diagnostic, error, hasErrors, warning } from '../lang/diagnostic.ts';
import { didYouMean } from '../lang/did-you-mean.ts';
import { faultDiagnostic, opened, renderVariable, TemplateFault } from '../lang/template.ts';
import { isVaultText } from '../lang/vaulted.ts';
import type { Host, Target, Variables } from '../model/host.ts';
import { reveal, Secret } from '../model/secret.ts';
import type { Span } from '../model/span.ts';
import { isUnopened } from '../model/unopened.ts';
import { readSshArguments } from './ssh-arguments.ts';

/** What the command line or the play says; it goes before the inventory. */
export interface ConnectionOverrides {
  readonly user?: string;
  readonly privateKeyFile?: string;
  readonly become?: boolean;
  readonly becomePassword?: Secret;
  /** Seconds. */
  readonly connectTimeout?: number;
}

export interface TargetRead {
  readonly target: Target | null;
  readonly diagnostics: readonly Diagnostic[];
  /** Which variable said a field of the target; those that the command line said are missing. */
  readonly variables: ReadonlyMap<keyof Target, string>;
  /** The variable of each word of `sshArguments`. */
  readonly argumentVariables: readonly string[];
}

/** How a host is reached, from Ansible's connection variables. `spanOf` tells where a variable was written. */
export function targetOf(
  host: Host,
  vars: Variables,
  overrides: ConnectionOverrides = {},
  spanOf: (variable: string) => Span | undefined = () => undefined,
): TargetRead {
  const diagnostics: Diagnostic[] = [];
  const used = new Map<string, string>();
  const read = reader(host, vars, spanOf, diagnostics, used);
  const connection = read(['ansible_connection'], toConnection) ?? 'ssh';
  const user = overrides.user ?? read(USER, toText);
  const password = read(PASSWORD, toSecret);
  const privateKeyFile = overrides.privateKeyFile ?? read(PRIVATE_KEY, toText);
  const become = becomeOf(read, overrides);
  const profile = read(['ipsec_ssh_profile'], toProfile);
  const port = read(PORT, toPort);
  const connectTimeout = overrides.connectTimeout ?? read(TIMEOUT, toSeconds);
  const sshArguments = [
    ...uncheckedHostKeys(host, read, spanOf, used, diagnostics),
    ...ARGUMENTS.flatMap((name) => (read([name], toArguments) ?? []).map((word) => ({ word, variable: name }))),
  ];
  const retries = read(RETRIES, toCount);
  const target: Target = {
    name: host.name,
    connection,
    address: read(ADDRESS, toText) ?? host.name,
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(privateKeyFile === undefined ? {} : { privateKeyFile }),
    ...(become === undefined ? {} : { become }),
    ...(profile === undefined ? {} : { sshProfile: profile }),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    ...(sshArguments.length === 0 ? {} : { sshArguments: sshArguments.map(({ word }) => word) }),
    ...(retries === undefined ? {} : { retries }),
  };
  const failed = hasErrors(diagnostics);
  diagnostics.push(...ignored(host, vars, spanOf));
  return {
    target: failed ? null : target,
    diagnostics,
    variables: new Map(
      FIELDS.flatMap(([field, [first = '']]) => {
        const variable = used.get(first);
        return variable === undefined ? [] : [[field, variable] as const];
      }),
    ),
    argumentVariables: sshArguments.map(({ variable }) => variable),
  };
}

/** Connection variables of Ansible's that change how a host is reached, and that nothing here heeds. */
const IGNORED = ['ansible_ssh_executable', 'ansible_become_flags', 'ansible_become_exe'];

function ignored(host: Host, vars: Variables, spanOf: (variable: string) => Span | undefined): readonly Diagnostic[] {
  const given = IGNORED.filter((name) => vars[name] !== undefined && vars[name] !== null && vars[name] !== '');
  return given.map((name) => {
    const span = spanOf(name);
    const fix = 'remove it';
    const message = `host ${host.name}: ${name} is not heeded`;
    return warning('connection-ignored', message, { fix, ...(span === undefined ? {} : { span }) });
  });
}

// The first that is there counts, as in Ansible's ssh plugin.
const ADDRESS = ['ansible_host', 'ansible_ssh_host'];
const PORT = ['ansible_port', 'ansible_ssh_port'];
const USER = ['ansible_user', 'ansible_ssh_user'];
const PASSWORD = ['ansible_password', 'ansible_ssh_pass', 'ansible_ssh_password'];
const PRIVATE_KEY = ['ansible_private_key_file', 'ansible_ssh_private_key_file'];
const TIMEOUT = ['ansible_ssh_timeout', 'ansible_timeout'];
const RETRIES = ['ansible_ssh_retries', 'ansible_retries'];
const HOST_KEY_CHECKING = ['ansible_host_key_checking', 'ansible_ssh_host_key_checking'];
/** In the order in which Ansible gives them to ssh, for which the first one counts. */
const ARGUMENTS = ['ansible_ssh_args', 'ansible_ssh_common_args', 'ansible_ssh_extra_args'];
const BECOME_PASSWORD = ['ansible_become_password', 'ansible_become_pass'];

const FIELDS: readonly (readonly [keyof Target, readonly string[]])[] = [
  ['connection', ['ansible_connection']],
  ['address', ADDRESS],
  ['port', PORT],
  ['user', USER],
  ['password', PASSWORD],
  ['privateKeyFile', PRIVATE_KEY],
  ['connectTimeout', TIMEOUT],
  ['sshProfile', ['ipsec_ssh_profile']],
  ['become', ['ansible_become']],
  ['retries', RETRIES],
];

/**
 * Ansible's way to say that an unknown host key may be believed. It is never taken for more: a changed key is refused
 * all the same.
 */
function uncheckedHostKeys(
  host: Host,
  read: Read,
  spanOf: (variable: string) => Span | undefined,
  used: ReadonlyMap<string, string>,
  diagnostics: Diagnostic[],
): readonly { readonly word: string; readonly variable: string }[] {
  if (read(HOST_KEY_CHECKING, toBoolean) !== false) return [];
  const variable = used.get(HOST_KEY_CHECKING[0] ?? '') ?? '';
  const span = spanOf(variable);
  diagnostics.push(
    warning(
      'connection-unchecked',
      `host ${host.name}: ${variable}: false lets anybody answer for a host that is not known yet`,
      {
        fix: 'remove it, and collect the keys once with: ipsec-play hosts scan',
        ...(span === undefined ? {} : { span }),
      },
    ),
  );
  return ['-o', 'StrictHostKeyChecking=accept-new'].map((word) => ({ word, variable }));
}

type Read = <T>(names: readonly string[], convert: Convert<T>) => T | undefined;

/** A value of the wanted kind, or what is wrong with it. */
type Convert<T> = (value: unknown) => { readonly value: T } | Wrong;

interface Wrong {
  readonly wrong: string;
  readonly fix?: string | undefined;
  /** The value may be shown. */
  readonly show?: boolean;
}

function reader(
  host: Host,
  vars: Variables,
  spanOf: (variable: string) => Span | undefined,
  diagnostics: Diagnostic[],
  used: Map<string, string>,
): Read {
  return (names, convert) => {
    const name = names.find((candidate) => vars[candidate] !== undefined && vars[candidate] !== null);
    if (name === undefined) return undefined;
    const span = spanOf(name);
    try {
      const given = opened(renderVariable(vars, name));
      if (given === null || given === undefined) return undefined;
      // a name or a number may stand encrypted beside the passwords
      // nobody needs it now: names show that they are encrypted, all else is as if nothing was said
      if (given instanceof Secret && isUnopened(given) && convert !== toText) return undefined;
      const hidden = given instanceof Secret;
      const value = hidden && convert !== toSecret && convert !== toArguments ? reveal(given) : given;
      const converted = convert(value);
      if ('value' in converted) {
        used.set(names[0] ?? name, name);
        return converted.value;
      }
      diagnostics.push(
        error('bad-connection', `host ${host.name}: ${name} ${converted.wrong}`, {
          ...(converted.show && !hidden ? { found: typeof value === 'string' ? value : JSON.stringify(value) } : {}),
          ...(converted.fix === undefined ? {} : { fix: converted.fix }),
          ...(span === undefined ? {} : { span }),
        }),
      );
    } catch (fault) {
      if (!(fault instanceof TemplateFault)) throw fault;
      const diagnostic = faultDiagnostic(fault, span);
      diagnostics.push({ ...diagnostic, message: `host ${host.name}: ${name}: ${diagnostic.message}` });
    }
    return undefined;
  };
}

function becomeOf(read: Read, overrides: ConnectionOverrides): Target['become'] {
  const wanted = overrides.become ?? read(['ansible_become'], toBoolean) ?? false;
  const method = read(['ansible_become_method'], toBecomeMethod) ?? 'sudo';
  const user = read(['ansible_become_user'], toText) ?? 'root';
  const password = overrides.becomePassword ?? read(BECOME_PASSWORD, toSecret);
  if (!wanted) return undefined;
  return { method, user, ...(password === undefined ? {} : { password }) };
}

const toText: Convert<string> = (value) => {
  if (typeof value === 'number') return { value: String(value) };
  if (typeof value !== 'string') return { wrong: 'must be a string', show: true };
  if (value.trim() === '') return { wrong: 'is empty', fix: 'leave it out, or give it a value' };
  return { value };
};

const toSecret: Convert<Secret> = (value) => {
  if (value instanceof Secret) return reveal(value) === '' ? { wrong: 'is empty' } : { value };
  if (typeof value === 'number') return { wrong: 'must be a string', fix: 'put it in quotes' };
  if (typeof value !== 'string') return { wrong: 'must be a string' };
  if (isVaultText(value.trim())) return { wrong: 'is encrypted, but lacks its tag', fix: '!vault before it' };
  return value === '' ? { wrong: 'is empty' } : { value: new Secret(value) };
};

const toPort: Convert<number> = (value) => {
  const port = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return { value: port };
  return { wrong: 'is no port', fix: 'a whole number from 1 to 65535', show: true };
};

const toCount: Convert<number> = (value) => {
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isInteger(count) && count >= 0
    ? { value: count }
    : { wrong: 'must be a whole number, 0 or more', show: true };
};

/** Options for ssh; nothing at all is the same as none. */
const toArguments: Convert<readonly string[]> = (value) => {
  if (value instanceof Secret) return { wrong: 'goes into the arguments of a program, it cannot be a secret' };
  if (typeof value !== 'string') return { wrong: 'must be a string', show: true };
  const read = readSshArguments(value);
  return 'words' in read ? { value: read.words } : { wrong: read.wrong, fix: read.fix, show: true };
};

const toSeconds: Convert<number> = (value) => {
  const seconds = typeof value === 'string' ? Number(value || Number.NaN) : value;
  return typeof seconds === 'number' && seconds > 0 && Number.isFinite(seconds)
    ? { value: seconds }
    : { wrong: 'is no number of seconds', show: true };
};

/** Ansible's words for true and false. */
const toBoolean: Convert<boolean> = (value) => {
  const word = String(value).toLowerCase();
  if (['true', 'yes', 'on', '1', 'y', 't'].includes(word)) return { value: true };
  if (['false', 'no', 'off', '0', 'n', 'f'].includes(word)) return { value: false };
  return { wrong: 'must be true or false', show: true };
};

const toConnection: Convert<'ssh' | 'local'> = (value) => {
  const name = String(value).replace(/^ansible\.builtin\./, '');
  if (name === 'ssh' || name === 'smart') return { value: 'ssh' };
  return name === 'local' ? { value: 'local' } : unsupported('connection', name, ['ssh', 'local']);
};

const toProfile: Convert<'el5'> = (value) =>
  value === 'el5' ? { value } : unsupported('profile', String(value), ['el5']);

const toBecomeMethod: Convert<'sudo' | 'su'> = (value) => {
  const name = String(value).replace(/^(?:ansible\.builtin|community\.general)\./, '');
  return name === 'sudo' || name === 'su' ? { value: name } : unsupported('method', name, ['sudo', 'su']);
};

function unsupported(what: string, name: string, known: readonly string[]): Wrong {
  return {
    wrong: `names a ${what} that is not supported here`,
    fix: didYouMean(name, known) ?? known.join(' or '),
    show: true,
  };
}
