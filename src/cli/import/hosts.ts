import { dirname, join, normalize } from 'node:path';
import { fileInventory, type InventoryFiles, memoryFiles } from '../../inventory/files.ts';
import type { Inventory } from '../../inventory/inventory.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import { flow, scalar } from '../../inventory/tunnels/tunnels-text.ts';
import { type Diagnostic, warning } from '../../lang/diagnostic.ts';
import type { Variables } from '../../model/host.ts';
import { isSafeName } from '../../model/safe-name.ts';
import { UsageFault } from '../exit.ts';
import type { RunOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';

/** Hosts to import from: hosts of an inventory, or addresses where there is none yet. */
export interface ImportHosts {
  /** In place of the files on the disk; undefined: the inventory is there. */
  readonly files: InventoryFiles | undefined;
  readonly isAdHoc: boolean;
  select(project: Project): { readonly hosts: readonly string[]; readonly diagnostics: readonly Diagnostic[] };
}

export function importHosts(words: readonly string[], options: RunOptions): ImportHosts {
  const isThere = fileInventory.isDirectory(options.inventory) || fileInventory.read(options.inventory) !== undefined;
  if (isThere) {
    return {
      files: undefined,
      isAdHoc: false,
      select: ({ inventory }) => {
        const selection = selectHosts(inventory, words.join(','));
        const limit = options.limit === undefined ? null : selectHosts(inventory, options.limit);
        return {
          hosts: selection.hosts.filter((host) => limit === null || limit.hosts.includes(host)),
          diagnostics: [...selection.diagnostics, ...(limit?.diagnostics ?? [])],
        };
      },
    };
  }
  const named = words
    .flatMap((word) => word.split(','))
    .filter((word) => word !== '')
    .map(parseAddress);
  const names = named.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageFault(`${twice} is named twice`);
  const place = join(normalize(options.inventory), 'hosts.yml');
  const memory = memoryFiles({ [place]: hostsText(new Map(named.map(({ name, vars }) => [name, vars]))) });
  return {
    isAdHoc: true,
    files: {
      read: (path) => memory.read(path) ?? fileInventory.read(path),
      list: (directory) => (directory === dirname(place) ? memory.list(directory) : fileInventory.list(directory)),
      isDirectory: (path) => path === dirname(place) || fileInventory.isDirectory(path),
    },
    select: () => ({ hosts: names, diagnostics: [] }),
  };
}

/** `203.0.113.1`, `root@gw1.example.com:2222` */
function parseAddress(word: string): { readonly name: string; readonly vars: Variables } {
  const [, user, address = '', port] =
    /^(?:([A-Za-z_][\w.-]*)@)?([A-Za-z0-9][A-Za-z0-9._-]*)(?::(\d{1,5}))?$/.exec(word) ?? [];
  if (address === '')
    throw new UsageFault(
      `${JSON.stringify(word)} is no host`,
      'ADDRESS, USER@ADDRESS or USER@ADDRESS:PORT; or -i with an inventory',
    );
  return {
    name: port === undefined ? address : `${address}_${port}`,
    vars: {
      ansible_host: address,
      ...(port === undefined ? {} : { ansible_port: Number(port) }),
      ...(user === undefined ? {} : { ansible_user: user }),
    },
  };
}

/** An inventory of hosts with their variables. */
export function hostsText(hosts: ReadonlyMap<string, Variables>): string {
  const rows = [...hosts].map(([name, vars]) => `    ${scalar(name)}: ${flow(vars)}\n`);
  return `all:\n  hosts:${rows.length === 0 ? ' {}\n' : `\n${rows.join('')}`}`;
}

/** What a new inventory has to know of a host to reach it; passwords are not taken along. */
export function connectionOf(
  inventory: Inventory,
  host: string,
  extraVars: Variables,
  options: RunOptions,
): { readonly vars: Variables; readonly diagnostics: readonly Diagnostic[] } {
  const known = renderedVars(inventory, host, extraVars);
  const isPublic = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);
  const kept = KEPT.filter((name) => isPublic(known[name])).map((name) => [name, known[name]] as const);
  const asked = {
    ...(options.user === undefined ? {} : { ansible_user: options.user }),
    ...(options.privateKey === undefined ? {} : { ansible_private_key_file: options.privateKey }),
    ...(options.become === true ? { ansible_become: true } : {}),
  };
  const left = Object.keys(known).filter(
    (name) =>
      /^ansible_\w*pass(word)?$/.test(name) ||
      (KEPT.includes(name) && known[name] !== undefined && !isPublic(known[name])),
  );
  const vars = { ansible_host: host, ...Object.fromEntries(kept), ...asked };
  const fix = 'the variable in the new inventory, encrypted: ipsec-play vault encrypt_string';
  return {
    vars,
    diagnostics:
      left.length === 0
        ? []
        : [warning('import-not-copied', `${left.join(', ')} of ${host} may be secret and is not copied`, { fix })],
  };
}

const KEPT = [
  'ansible_host',
  'ansible_ssh_host',
  'ansible_port',
  'ansible_ssh_port',
  'ansible_user',
  'ansible_ssh_user',
  'ansible_private_key_file',
  'ansible_ssh_private_key_file',
  'ansible_ssh_args',
  'ansible_ssh_common_args',
  'ansible_ssh_extra_args',
  'ansible_ssh_retries',
  'ansible_connection',
  'ansible_become',
  'ansible_become_user',
  'ansible_become_method',
  'ipsec_ssh_profile',
  'redundancy_group',
  'lab_release',
  'lab_client',
];

/** Short names that the hosts give themselves, where they can tell them apart. */
export function ownNames(
  hosts: readonly { readonly name: string; readonly hostname: string | null }[],
): ReadonlyMap<string, string> {
  const short = hosts.map(({ name, hostname }) => ({ name, own: hostname?.split('.')[0] ?? '' }));
  const count = (own: string) => short.filter((each) => each.own === own).length;
  return new Map(
    short.map(({ name, own }) => [name, isSafeName(own) && own !== 'localhost' && count(own) === 1 ? own : name]),
  );
}
