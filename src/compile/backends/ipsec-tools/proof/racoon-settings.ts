/** What one end proposes to its peer for phase 1, one entry a `proposal` of DST.conf. */
export interface Proposal {
  readonly encryption: string;
  readonly hash: string;
  readonly dhGroup: string;
  readonly method: string;
}

/** Reads the phase 1 file that `ifup` wrote for a peer. Comments were not asked for; unknown lines are skipped. */
export function parsePhase1(text: string): readonly Proposal[] {
  return [...text.matchAll(/\bproposal\s*\{([^}]*)\}/g)].map(([, body = '']) => ({
    encryption: setting(body, 'encryption_algorithm') ?? '',
    hash: setting(body, 'hash_algorithm') ?? '',
    dhGroup: groupNumber(setting(body, 'dh_group') ?? ''),
    method: setting(body, 'authentication_method') ?? '',
  }));
}

/** `sainfo anonymous` of racoon.conf: what one end takes for phase 2, with every peer. */
export interface Sainfo {
  /** null: no perfect forward secrecy. */
  readonly pfsGroup: string | null;
  /** Seconds; null: not said. */
  readonly lifetime: number | null;
  readonly encryption: readonly string[];
  readonly authentication: readonly string[];
}

/** null: there is none, or there are others beside it, of which racoon takes the nearest. */
export function parseSainfo(text: string): Sainfo | null {
  const sections = [...text.matchAll(/\bsainfo\s+([^{]*?)\s*\{([^}]*)\}/g)];
  const [section] = sections;
  if (!section || sections.length > 1 || section[1] !== 'anonymous') return null;
  const body = section[2] ?? '';
  const group = setting(body, 'pfs_group');
  return {
    pfsGroup: group === null ? null : groupNumber(group),
    lifetime: secondsOf(setting(body, 'lifetime time') ?? ''),
    encryption: listed(body, 'encryption_algorithm'),
    authentication: listed(body, 'authentication_algorithm'),
  };
}

/** `1 hour`, `30 min` (racoon.conf(5)) */
export function secondsOf(text: string): number | null {
  const [, count, unit] = /^(\d+)\s+(sec|min|hour)/.exec(text) ?? [];
  return count === undefined ? null : Number(count) * (unit === 'hour' ? 3600 : unit === 'min' ? 60 : 1);
}

function setting(body: string, name: string): string | null {
  return (
    new RegExp(String.raw`\b${name.replace(' ', String.raw`\s+`)}\s+([^;]*?)\s*;`)
      .exec(body)?.[1]
      ?.replaceAll(/\s+/g, ' ') ?? null
  );
}

function listed(body: string, name: string): readonly string[] {
  return (setting(body, name) ?? '').split(/\s*,\s*/).filter((word) => word !== '');
}

const NAMED_GROUPS: Readonly<Record<string, string>> = {
  modp768: '1',
  modp1024: '2',
  modp1536: '5',
  modp2048: '14',
  modp3072: '15',
  modp4096: '16',
  modp6144: '17',
  modp8192: '18',
};

function groupNumber(text: string): string {
  return NAMED_GROUPS[text] ?? text;
}
