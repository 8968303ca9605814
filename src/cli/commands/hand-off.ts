import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import { otherProducts, type Page } from '../../hand-off/hand-off.ts';
import { keySheet } from '../../hand-off/key-sheet.ts';
import { pageText } from '../../hand-off/page.ts';
import { withPlaceholders } from '../../hand-off/placeholders.ts';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { checkValue, diagnostic } from '../../lang/schema.ts';
import { namedKeys } from '../../model/agreement.ts';
import { reveal, type Secret } from '../../model/secret.ts';
import { type Perspective, perspectives, type Tunnel } from '../../model/tunnel.ts';
import { knownWords } from '../../playbook/suggest.ts';
import { keyBytes, spokenFingerprint } from '../../secrets/check-word.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { createFile, refuseExisting } from '../machine/create-file.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { HandOffOptions } from '../options/options.ts';
import { ownSeal } from '../plan-file/store.ts';
import { ownOptions } from '../project/host-options.ts';
import { loadProject, type Project } from '../project/load.ts';

/** Writes down all that somebody needs who sets up the other end of a tunnel. No key is in it: `--key-out` writes those. */
export async function handOff(name: string, options: HandOffOptions, terminal: Terminal): Promise<number> {
  refuseExisting('--out', options.out);
  refuseExisting('--key-out', options.keyOut);
  if (options.out !== undefined && options.out === options.keyOut)
    throw new UsageFault('--out and --key-out name one file: a key never travels with its page', '--key-out OTHER');
  const check = (project: Project): readonly Diagnostic[] => {
    const far = farEnd(project, name, options.for);
    return 'code' in far ? [far] : optionFaults(project, far.dst.host);
  };
  const project = await loadProject(options, undefined, terminal, check);
  if (project === null) return EXIT.input;
  const far = farEnd(project, name, options.for);
  if ('code' in far) throw new Error('a tunnel that was found is gone');

  const keys = namedKeys(far.tunnel);
  if (options.keyOut !== undefined && keys.length === 0) {
    throw new UsageFault(
      `${name} has no shared key: its ends prove who they are by certificates`,
      'leave out --key-out',
    );
  }
  const word =
    keys.length === 0
      ? ''
      : checkWord(
          far.tunnel,
          keys.map(({ key }) => key),
          terminal,
        );
  const page = pageOf(project, far, word);
  if (options.out === undefined && options.output === 'human') terminal.stdout(pageText(page, options.format));
  if (options.out !== undefined) createFile('--out', options.out, pageText(page, options.format), 0o644);
  if (options.keyOut !== undefined) {
    createFile('--key-out', options.keyOut, reveal(keySheet(name, far.src.host, keys, word)), 0o600);
    terminal.stderr(`The keys are in ${options.keyOut}: send them by another channel than the page.\n`);
  }
  if (options.output !== 'human') {
    const document = { schema: 'ipsec-play/hand-off/1', ...page };
    terminal.stdout(`${JSON.stringify(document, null, options.output === 'json' ? 2 : 0)}\n`);
  }
  return EXIT.done;
}

function pageOf(project: Project, far: Perspective, word: string): Page {
  const options = [project.backendOptions, ownOptions(project, ipsecTools, far.dst.host)];
  const agreed = ipsecTools.handOff.agreement(far, options);
  const tunnel = withPlaceholders(far.tunnel);
  return {
    agreed,
    configurations: [
      ...ipsecTools.handOff.configurations({ ...far, tunnel }, agreed, options),
      ...otherProducts(agreed),
    ],
    keys: namedKeys(far.tunnel).map(({ placeholder, what, key }) => ({
      placeholder,
      what,
      fingerprint: spokenFingerprint(keyBytes(key), word),
    })),
  };
}

/** Another one for other keys: who has had a sheet can try nothing against a later page. */
function checkWord(tunnel: Tunnel, keys: readonly Secret[], { cwd }: Terminal): string {
  return ownSeal(cwd)
    .digest(`hand-off of ${tunnel.name}`, JSON.stringify(keys.map(reveal)))
    .replace(/^fp:/, '');
}

/** The end that the page is for: the one that somebody else manages, or the one that is asked for. */
function farEnd({ tunnels }: Project, name: string, host: string | undefined): Perspective | Diagnostic {
  const tunnel = tunnels.find((each) => each.name === name);
  if (tunnel === undefined) {
    const all = tunnels.map((each) => each.name);
    const fix = all.length === 0 ? 'there are no tunnels in this inventory' : knownWords(name, all);
    return error('tunnel-matches-nothing', `"${name}" is no tunnel of this inventory`, { fix });
  }
  const names = tunnel.ends.map((end) => end.host);
  const at = tunnel.at();
  if (tunnel.state === 'absent')
    return error('hand-off-absent', `${name} is to be removed: there is nothing to set up`, {
      span: at,
      fix: 'state: present',
    });
  const ends = perspectives(tunnel);
  if (host !== undefined) {
    const asked = ends.find(({ src }) => src.host === host);
    return (
      asked ??
      error('hand-off-end', `${host} is no end of ${name}`, { span: at, fix: `--for ${names.join(', or --for ')}` })
    );
  }
  const external = ends.find(({ src }) => !src.managed);
  return (
    external ??
    error('hand-off-end', `both ends of ${name} are managed here: which one is the page for?`, {
      span: at,
      fix: `--for ${names.join(', or --for ')}`,
    })
  );
}

function optionFaults(project: Project, host: string): readonly Diagnostic[] {
  const value = ownOptions(project, ipsecTools, host);
  if (value === undefined) return [];
  return checkValue(ipsecTools.optionsSchema, value).map((complaint) => {
    const where = [ipsecTools.optionsKey, ...complaint.pointer].join('.');
    return diagnostic({ ...complaint, message: `host variable ${where}: ${complaint.message}` }, undefined);
  });
}
