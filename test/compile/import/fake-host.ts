import { modules } from '../../../modules/index.ts';
import { connectionsResource } from '../../../modules/shared/other-connections.ts';
import { policyResource } from '../../../modules/shared/policies.ts';
import { racoonResource } from '../../../modules/shared/racoon-daemon.ts';
import { racoonConf } from '../../../src/compile/backends/ipsec-tools/racoon-conf.ts';
import { racoonOptions } from '../../../src/compile/backends/ipsec-tools/racoon-options.ts';
import { type Content, joined } from '../../../src/model/content.ts';
import { fileResource, HostState } from '../../../src/model/host-state.ts';
import { reveal, type Secret } from '../../../src/model/secret.ts';
import type { Task } from '../../../src/model/task.ts';
import { argsOf } from '../support/world.ts';

/** The files of one host. */
export type Files = Map<string, { readonly mode: number; readonly text: string }>;

/** What the tasks of a host write, as its ifup leaves it. */
export function filesOf(tasks: readonly Task[], racoon: unknown = null): Files {
  const files: Files = new Map();
  for (const task of tasks) {
    const args = argsOf(task);
    const path = String(args.path);
    if (task.module === 'file' && args.content !== undefined)
      files.set(path, { mode: Number.parseInt(String(args.mode), 8), text: textOf(args.content as Content) });
    if (task.module === 'psk') {
      const entries = args.entries as readonly { readonly peer: string; readonly key: Secret }[];
      files.set(path, { mode: 0o600, text: entries.map(({ peer, key }) => `${peer}  ${reveal(key)}\n`).join('') });
    }
    if (task.module === 'racoon_conf') files.set(path, { mode: 0o600, text: racoonConf(racoonOptions([racoon])) });
    if (task.module === 'sysctl') files.set(path, { mode: 0o644, text: 'net.ipv4.ip_forward = 1\n' });
  }
  return files;
}

/** What the import's script prints of such a host. */
export function printed(files: Files, { hostname = '', addresses = [] as readonly string[] }): string {
  const indented = (text: string) =>
    text
      .split('\n')
      .map((line) => `\t${line}\n`)
      .join('');
  const pieces = [...files].map(([path, { mode, text }]) => {
    const name = path.endsWith('psk.txt') ? 'psk' : path;
    return `file ${mode.toString(8)} ${name}\n${indented(text)}\n`;
  });
  const ip = addresses
    .map((address, index) => `${index + 2}: eth${index}    inet ${address}/24 scope global eth${index}`)
    .join('\n');
  return `hostname\n${indented(hostname)}scripts\n${indented('there')}package\n${indented('there')}${pieces.join('')}forwarding\n${indented('1')}addresses\n${indented(ip)}policies\n${indented('No SPD entries.')}associations\n\t\nend\n`;
}

const MODULES = new Map(modules.map((module) => [module.name, module]));

/** The tasks that would change such a host's files, or take a connection down for it: name and plan. */
export function due(tasks: readonly Task[], files: Files): readonly string[] {
  let state = HostState.empty
    .with(policyResource, 'kernel', { kind: 'known', policies: [] })
    .with(connectionsResource, 'host', new Map())
    .with(racoonResource, 'host', true);
  const facts = { redhatMajor: 6 } as never;
  for (const [path, { mode, text }] of files)
    state = state.with(fileResource, path, {
      kind: 'file',
      mode,
      bytes: text,
      owner: 'root',
      group: 'root',
      uid: 0,
      gid: 0,
    });
  const absent = (path: string) => {
    if (state.get(fileResource, path) === undefined) state = state.with(fileResource, path, { kind: 'absent' });
  };
  return tasks.flatMap((task) => {
    const args = argsOf(task);
    if (task.module === 'connection') {
      if (args.state !== 'replaced') return [];
      const nickname = String(args.nickname);
      for (const path of [
        `/etc/sysconfig/network-scripts/ifcfg-${nickname}`,
        `/etc/sysconfig/network-scripts/keys-${nickname}`,
        `/var/lib/ipsec-play/pending/${nickname}`,
      ])
        absent(path);
      for (const { path } of (args.requires ?? []) as readonly { readonly path: string }[])
        state = state.with(fileResource, path, {
          kind: 'file',
          mode: 0o600,
          bytes: '',
          owner: 'root',
          group: 'root',
          uid: 0,
          gid: 0,
        });
    } else if (!['file', 'psk', 'racoon_conf'].includes(task.module)) return [];
    else absent(String(args.path));
    const plan = MODULES.get(task.module)?.plan(args as never, state, { facts, initial: state } as never);
    return plan?.kind === 'ok' ? [] : [`${task.name}: ${plan?.kind}`];
  });
}

function textOf(content: Content): string {
  const text = joined(content);
  return typeof text === 'string' ? text : reveal(text);
}
