import type { Span } from '../../../../model/span.ts';
import type { Cause } from '../../../../model/verdict.ts';
import type { ProofOptions } from '../../backend.ts';
import { racoonConf } from '../racoon-conf.ts';
import { racoonOptions } from '../racoon-options.ts';
import { parseSainfo, type Sainfo } from './racoon-settings.ts';
import type { Phase2Field } from './racoon-texts.ts';
import type { View } from './view.ts';

type Options = Pick<ProofOptions, 'hostOptions'>;
type Setting = 'pfs_group' | 'lifetime' | 'encryption_algorithm' | 'authentication_algorithm';

/**
 * What racoon.conf of both ends says otherwise of phase 2, so that they cannot meet. `always`: whoever asks is refused.
 * `sometimes`: only one end may ask, as racoon.conf(5) has it of its default, `proposal_check strict`: the one with a group
 * where the other has none, or with the shorter life.
 */
export function phase2Disagreement(
  here: View,
  there: View,
  options: Options,
  when: 'always' | 'sometimes',
): Cause | null {
  const [ours, theirs] = [here.seen.sainfo, there.seen.sainfo];
  if (ours === null || theirs === null) return null;
  const { tunnel, src, dst } = here.end;
  const differing = (when === 'always' ? REFUSED : ONE_SIDED).find(([setting, differ]) =>
    setting === 'encryption_algorithm' && tunnel.esp === false ? false : differ(ours, theirs),
  );
  if (differing === undefined) return null;
  const [setting] = differing;
  const message = `phase 2 does not meet: ${setting} is ${shown(ours, setting)} on ${src.host} and ${shown(theirs, setting)} on ${dst.host}`;
  return { code: 'proposal-mismatch', message, ...remedy(here, there, setting, options) };
}

/** What to write, and where, when racoon's log tells which setting of phase 2 is refused. */
export function phase2Remedy(here: View, there: View | null, field: Phase2Field | null, options: Options) {
  const { tunnel } = here.end;
  if (field === 'mode') return { fix: REAPPLY, at: tunnel.at('type') };
  if (field === 'protocol') return { fix: REAPPLY, at: tunnel.at(tunnel.ah === false ? 'ah' : 'esp') };
  return remedy(here, there, field === null ? null : SETTINGS[field], options);
}

const REAPPLY = 'see to it that both ends have the same, and apply the playbook on both';

const SETTINGS: Readonly<Record<Exclude<Phase2Field, 'mode' | 'protocol'>, Setting>> = {
  pfs_group: 'pfs_group',
  lifetime: 'lifetime',
  encryption: 'encryption_algorithm',
  authentication: 'authentication_algorithm',
};

/**
 * An end whose file is not as the inventory has it is the one to put right; else it is the inventory that says two things,
 * and a host that has an own `racoon:` is where.
 */
function remedy(here: View, there: View | null, setting: Setting | null, { hostOptions }: Options) {
  const views = there === null ? [here] : [here, there];
  const path = setting === null ? ['sainfo'] : ['sainfo', setting];
  const name = setting === null ? '…' : `${setting}: …`;
  const ends = views.map((view) => {
    const options = hostOptions?.(view.end.src.host);
    const wanted = options === undefined ? null : parseSainfo(racoonConf(racoonOptions(options.layers)));
    const { sainfo } = view.seen;
    const isEdited =
      setting !== null && wanted !== null && sainfo !== null && shown(wanted, setting) !== shown(sainfo, setting);
    return { host: view.end.src.host, isEdited, wanted, place: options?.at(path) ?? null };
  });
  const edited = ends.filter((end) => end.isEdited);
  if (edited.length > 0 && setting !== null) {
    const says = edited.map(({ host, wanted }) => `${wanted && shown(wanted, setting)} for ${host}`).join(', ');
    const fix = `apply the playbook on ${edited.map(({ host }) => host).join(' and ')}: the inventory has ${setting} ${says}`;
    return { fix, at: spanOf(edited) ?? here.end.tunnel.at() };
  }
  const own = ends.filter(({ place }) => place?.isOwn === true);
  const at = spanOf(own) ?? spanOf(ends) ?? here.end.tunnel.at();
  const where = own.length > 0 ? `the variable \`racoon\` of ${own[0]?.host}` : '`racoon:` in tunnels.yml';
  const whom = there === null ? 'agree with the other end' : 'have both ends say the same';
  return { fix: `${whom} in \`sainfo: { ${name} }\`, here in ${where}, and apply the playbook`, at };
}

function spanOf(ends: readonly { readonly place: { readonly span: Span } | null }[]): Span | null {
  return ends.find(({ place }) => place !== null)?.place?.span ?? null;
}

function shown(sainfo: Sainfo, setting: Setting): string {
  switch (setting) {
    case 'pfs_group':
      return sainfo.pfsGroup ?? 'none';
    case 'lifetime':
      return sainfo.lifetime === null ? 'not set' : `${sainfo.lifetime} s`;
    case 'encryption_algorithm':
      return sainfo.encryption.join(', ');
    case 'authentication_algorithm':
      return sainfo.authentication.join(', ');
  }
}

type Rule = readonly [Setting, (ours: Sainfo, theirs: Sainfo) => boolean];

const REFUSED: readonly Rule[] = [
  ['pfs_group', (a, b) => a.pfsGroup !== null && b.pfsGroup !== null && a.pfsGroup !== b.pfsGroup],
  ['encryption_algorithm', (a, b) => !shares(a.encryption, b.encryption)],
  ['authentication_algorithm', (a, b) => !shares(a.authentication, b.authentication)],
];

const ONE_SIDED: readonly Rule[] = [
  ['pfs_group', (a, b) => a.pfsGroup !== b.pfsGroup],
  ['lifetime', (a, b) => a.lifetime !== null && b.lifetime !== null && a.lifetime !== b.lifetime],
];

/** `aes` without a length meets any `aes 256`. */
function shares(ours: readonly string[], theirs: readonly string[]): boolean {
  if (ours.length === 0 || theirs.length === 0) return true;
  return ours.some((one) => theirs.some((other) => algorithm(one) === algorithm(other)));
}

/** cftoken.l: names for the same */
function algorithm(word: string): string {
  const name = word.split(' ')[0] ?? '';
  return name === 'rijndael' ? 'aes' : name.replace(/^hmac_/, '');
}
