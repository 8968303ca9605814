import type { FromSchema } from 'json-schema-to-ts';
import type { Module, Plan } from '../src/engine/module.ts';
import { path, sh } from '../src/engine/sh.ts';
import { HostState, resourceKind } from '../src/model/host-state.ts';
import { pathArg } from './shared/attributes.ts';
import { blocked } from './shared/file-change.ts';
import { installedResource } from './shared/raised.ts';

const args = {
  type: 'object',
  properties: {
    name: {
      description: "The package's name, as `rpm -q` takes it.",
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9._+-]*$',
    },
    state: { description: 'Default: present.', enum: ['present', 'absent'] },
    source: {
      ...pathArg,
      description: 'An .rpm file on the host to install it from, where its release has no repository any more.',
    },
  },
  required: ['name'],
  additionalProperties: false,
} as const;

export type PackageArgs = FromSchema<typeof args>;

type Installed =
  | { readonly kind: 'installed' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'fault'; readonly why: string };
const packageResource = resourceKind<Installed>('package');

export const packageModule: Module<PackageArgs, 'install' | 'remove'> = {
  name: 'package',
  summary: 'Installs or removes an RPM package, with dnf, yum or up2date, whichever the host has.',
  args,
  free: 'name',
  probe: ({ name }) => sh`rpm -q ${name} 2>&1`,
  parse: ({ stdout, exitCode }, { name }) => HostState.empty.with(packageResource, name, installed(stdout, exitCode)),
  plan: ({ name, state: wanted = 'present' }, state): Plan<'install' | 'remove'> => {
    const found = state.get(packageResource, name);
    if (!found || found.kind === 'fault') return blocked(found?.why ?? `rpm was not asked for ${name}`);
    if ((found.kind === 'installed') === (wanted === 'present')) return { kind: 'ok' };
    const diff = (before: string | null, after: string | null) => [
      { path: `package ${name}`, before: before === null ? null : [before], after: after === null ? null : [after] },
    ];
    if (wanted === 'absent') {
      return {
        kind: 'change',
        change: 'remove',
        after: HostState.empty.with(packageResource, name, { kind: 'absent' }),
        diff: diff('installed', null),
      };
    }
    return {
      kind: 'change',
      change: 'install',
      after: HostState.empty.with(packageResource, name, { kind: 'installed' }).with(installedResource, name, true),
      diff: diff(null, 'installed'),
    };
  },
  touches: () => 'anything',
  apply: (change, { name, source }) => {
    if (change === 'remove') return sh`rpm -e ${name}`;
    // yum of RHEL 5 exits 0 for a package that it cannot find.
    return sh`${source === undefined ? fromRepository(name) : sh`rpm -U ${path(source)}`}
rpm -q ${name} >/dev/null || { echo ${`the installer ran, but ${name} is not installed: is there a repository that has it? (source: installs an .rpm file)`} >&2; exit 1; }`;
  },
};

function fromRepository(name: string) {
  return sh`if command -v dnf >/dev/null 2>&1; then dnf -y install ${name}
elif command -v yum >/dev/null 2>&1; then yum -y install ${name}
elif command -v up2date >/dev/null 2>&1; then up2date -i ${name}
else echo ${`neither dnf nor yum nor up2date is on this host: install ${name} by hand, or give source: the path of its .rpm`} >&2; exit 1
fi`;
}

function installed(output: string, exitCode: number): Installed {
  if (exitCode === 0) return { kind: 'installed' };
  if (/is not installed/.test(output)) return { kind: 'absent' };
  if (exitCode === 127) return { kind: 'fault', why: 'there is no rpm on this host: it is no Red Hat system' };
  return { kind: 'fault', why: `rpm -q failed: ${output.trim().split('\n', 1)[0] || `exit code ${exitCode}`}` };
}
