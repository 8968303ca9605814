import { fromBytes } from '../model/content.ts';
import type { Variables } from '../model/host.ts';
import type { FileState } from '../model/host-state.ts';
import type { Facts } from './module.ts';
import { nothing, type Script, sh } from './sh.ts';

export const RELEASE_FILE = '/etc/redhat-release';

/** The variables that templates may use, as Ansible's setup module names them. */
export const FACT_NAMES: ReadonlySet<string> = new Set([
  'ansible_facts',
  'ansible_distribution',
  'ansible_distribution_version',
  'ansible_distribution_major_version',
  'ansible_os_family',
  'ansible_hostname',
  'ansible_nodename',
  'ansible_kernel',
  'ansible_architecture',
]);

const FROM_UNAME: ReadonlySet<string> = new Set([
  'ansible_facts',
  'ansible_hostname',
  'ansible_nodename',
  'ansible_kernel',
  'ansible_architecture',
]);

/** What must run on the host for these variables: nothing, where the release file is enough. */
export function factsProbe(needs: Iterable<string>): Script {
  for (const name of needs) if (FROM_UNAME.has(name)) return sh`uname -n; uname -r; uname -m`;
  return nothing;
}

export function readFacts(release: FileState | undefined, uname: string): Facts {
  const line =
    release?.kind === 'file'
      ? fromBytes(release.bytes ?? '')
          .split('\n')[0]
          ?.trim()
      : undefined;
  const [hostname, kernel, architecture] = uname.split('\n');
  return {
    redhatRelease: line || undefined,
    redhatMajor: majorOf(line),
    hostname: hostname || undefined,
    kernel: kernel || undefined,
    architecture: architecture || undefined,
  };
}

/** Facts as variables for templates. */
export function factVariables(facts: Facts): Variables {
  const version = /release\s+(\d+(?:\.\d+)*)/.exec(facts.redhatRelease ?? '')?.[1];
  const named: Record<string, unknown> = {
    distribution: distributionOf(facts.redhatRelease),
    distribution_version: version,
    distribution_major_version: version?.split('.')[0],
    os_family: facts.redhatRelease === undefined ? undefined : 'RedHat',
    hostname: facts.hostname?.split('.')[0],
    nodename: facts.hostname,
    kernel: facts.kernel,
    architecture: facts.architecture,
  };
  const there = Object.entries(named).filter(([, value]) => value !== undefined);
  return {
    ansible_facts: Object.fromEntries(there),
    ...Object.fromEntries(there.map(([name, value]) => [`ansible_${name}`, value])),
  };
}

function majorOf(release: string | undefined): number | undefined {
  if (!release || /fedora/i.test(release)) return undefined;
  const major = /release\s+(\d+)/.exec(release)?.[1];
  return major === undefined ? undefined : Number(major);
}

/** As Ansible names them. */
function distributionOf(release: string | undefined): string | undefined {
  if (release === undefined) return undefined;
  if (/^Red Hat/.test(release)) return 'RedHat';
  return release.split(/\s+/)[0];
}
