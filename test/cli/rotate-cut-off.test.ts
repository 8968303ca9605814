import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtCommandLine, ipsecPlay } from '../chaos/command-line.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { until } from '../support/until.ts';

/** A controller that dies in the middle of `rotate`: the next one finds tunnels.yml and both hosts with one and the same key. */
const FILE = 'inventory/tunnels.yml';
const ENDS = ['pinky', 'ijin'];
const LAB = ['--lab', '-y'];

/** One lab for all: the key that a test leaves is the old one of the next. */
let project: Project;
let cli: string;
beforeAll(async () => {
  cli = await builtCommandLine();
  project = shippedProject();
  project.write(
    FILE,
    `tunnels:
  pinky-ijin:
    type: host-to-host
    ends:
      pinky: { nickname: ipsec1, address: 198.51.100.1 }
      ijin: { nickname: ipsec1, address: 198.51.100.2 }
    keying: { psk: Old-key-0815 }   # by hand
`,
  );
  const ran = await project.run('apply', 'playbooks/site.yml', ...LAB, '-l', ENDS.join(','));
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
}, 60_000);
afterAll(() => {
  project.remove();
  rmSync(dirname(cli), { recursive: true, force: true });
});

const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const keys = () =>
  ENDS.map(
    (host) =>
      /IKE_PSK='?([^'\n]*)/.exec(
        readFileSync(join(root(host), 'etc/sysconfig/network-scripts/keys-ipsec1'), 'utf8'),
      )?.[1],
  );
const written = () => /psk: "?([\w-]+)"? \}/.exec(project.read(FILE))?.[1];
const journals = () => {
  const folder = join(project.path, '.ipsec-play/rotations');
  return names(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(folder, name));
};
const names = (folder: string) =>
  existsSync(folder) ? readdirSync(folder).filter((name) => !['done', '.gitignore'].includes(name)) : [];
const check = (...also: string[]) => project.run('check', 'playbooks/site.yml', '--lab', '-l', ENDS.join(','), ...also);
const ages = () =>
  existsSync(join(project.path, '.ipsec-play/keys.json')) ? project.read('.ipsec-play/keys.json') : '';
/** How far the rotation is on a host; '' where it knows nothing of it. */
const stateOn = (host: string) => {
  const run = journals()[0]?.replace(/^.*\/(.*)\.json$/, '$1') ?? 'none';
  try {
    return readFileSync(join(root(host), 'var/lib/ipsec-play/runs', run, 'state'), 'utf8').trim();
  } catch {
    return '';
  }
};

/** Kills the command with SIGKILL as soon as `moment` has come. */
async function killedAt(moment: () => boolean, argv = ['rotate', 'pinky-ijin', ...LAB]): Promise<void> {
  const running = ipsecPlay(cli, project.path, argv);
  while (running.isRunning() && !moment()) await new Promise((resolve) => setTimeout(resolve, 5));
  running.kill('SIGKILL');
  expect((await running.ended).code).toBe(137);
}

describe('rotate, cut off', { timeout: 180_000 }, () => {
  test.each<[string, () => boolean]>([
    ['as the journal is written', () => names(join(project.path, '.ipsec-play/rotations')).length > 0],
    ['before any host is touched', () => journals().length > 0],
    ['when a host is prepared', () => ENDS.some((host) => stateOn(host) !== '')],
    ['while the hosts change', () => ENDS.some((host) => stateOn(host) === 'running')],
    ['while the new key is proven', () => ENDS.every((host) => stateOn(host) === 'running') && keys()[0] === keys()[1]],
    ['when one end is proven', () => ENDS.some((host) => ['verified', 'confirmed'].includes(stateOn(host)))],
    ['when one end is confirmed', () => ENDS.some((host) => stateOn(host) === 'confirmed')],
  ])('%s, comes to its end with --resume', async (_, moment) => {
    const [old, aged] = [written(), ages()];
    await killedAt(moment);
    expect(names(join(project.path, '.ipsec-play/rotations'))).toHaveLength(1);
    const { code, stdout, stderr } = await project.prove('rotate', '--resume', ...LAB);
    expect(code, stdout + stderr).toBe(0);
    expect(names(join(project.path, '.ipsec-play/rotations'))).toEqual([]);
    expect(keys()).toEqual([written(), written()]);
    expect(project.read(FILE)).toMatch(/^ {4}keying: \{ psk: \S+ \} {3}# by hand$/m);
    expect(ages() === aged).toBe(written() === old);
    expect(stdout + stderr).not.toContain(written());
    expect(stdout + stderr).not.toContain(old);
    const checked = await check();
    expect(checked.code, checked.stdout + checked.stderr).toBe(0);
    expect(checked.stderr).toBe('');
  });
});

describe('the way back of a rotation, cut off', { timeout: 120_000 }, () => {
  test.each<[string, () => boolean]>([
    ['before any host is touched', () => journals().length > 0],
    ['while the hosts change', () => ENDS.some((host) => stateOn(host) === 'running')],
    ['when one end is confirmed', () => ENDS.some((host) => stateOn(host) === 'confirmed')],
  ])('%s, comes to its end with --resume', async (_, moment) => {
    const run = /"run": "(\S+)"/.exec(ages())?.[1] ?? '';
    await killedAt(moment, ['rollback', run, ...LAB]);
    expect(journals()).toHaveLength(1);
    const { code, stdout, stderr } = await project.run('rotate', '--resume', ...LAB);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/pinky-ijin: the (?:hosts keep the key that they have|key of before \d\S+ is on both ends)/);
    expect(journals()).toEqual([]);
    expect(keys()).toEqual([written(), written()]);
    expect(await check()).toMatchObject({ code: 0, stderr: '' });
  });
});

/** Rotates, and does something as soon as a journal is there that was not. */
async function meanwhile(act: (journal: string) => void) {
  const before = journals();
  const fresh = () => journals().find((path) => !before.includes(path));
  const rotating = project.prove('rotate', 'pinky-ijin', ...LAB);
  await until(() => fresh() !== undefined, 60);
  act(fresh() ?? '');
  return rotating;
}

describe('rotate, at the last step', { timeout: 120_000 }, () => {
  /** Of a rotation whose new key both hosts have. */
  let journal = { path: '', text: '' };

  test('the next rotation settles what was cut off, and then draws a key of its own', async () => {
    await killedAt(() => ENDS.some((host) => stateOn(host) === 'running'));
    const before = project.read(FILE);
    const { code, stdout, stderr } = await meanwhile((path) => {
      journal = { path, text: readFileSync(path, 'utf8') };
    });
    expect(code, stdout + stderr).toBe(0);
    expect(stderr).toContain('of pinky-ijin was cut off and is brought to its end');
    expect(journals()).toEqual([]);
    expect(project.read(FILE)).not.toBe(before);
    expect(written()).toMatch(/^[\w-]{44}$/);
    expect(keys()).toEqual([written(), written()]);
  });

  test('cut off between the hosts and tunnels.yml, is written then; again, and there is nothing to do', async () => {
    const after = project.read(FILE);
    const { keys: drawn } = JSON.parse(journal.text);
    const before = after.replace(/"[\w-]+"/, drawn[0].old);
    expect(before).not.toBe(after);
    for (const text of [before, after]) {
      project.write(FILE, text);
      writeFileSync(journal.path, journal.text);
      const { code, stdout, stderr } = await project.run('rotate', '--resume', ...LAB);
      expect(code, stdout + stderr).toBe(0);
      expect(project.read(FILE)).toBe(after);
      expect(journals()).toEqual([]);
    }
  });

  test('what hosts have forgotten, for they keep few runs, is not taken for a rotation that never was', async () => {
    const after = project.read(FILE);
    const { keys: drawn, run } = JSON.parse(journal.text);
    const before = after.replace(/"[\w-]+"/, drawn[0].old);
    project.write(FILE, before);
    writeFileSync(journal.path, journal.text);
    const runs = ENDS.map((host) => join(root(host), 'var/lib/ipsec-play/runs'));
    const later = Array.from({ length: 5 }, (_, index) => `29991231-23595${index}-0000`);
    for (const folder of runs) {
      renameSync(folder, `${folder}~`);
      for (const id of later) {
        mkdirSync(join(folder, id), { recursive: true });
        writeFileSync(join(folder, id, 'state'), 'confirmed\n');
      }
    }
    const { code, stdout } = await project.run('rotate', '--resume', ...LAB);
    expect([code, stdout]).toEqual([4, expect.stringContaining('it is not known which key the hosts have')]);
    expect(journals()).toEqual([journal.path]);
    expect(project.read(FILE)).toBe(before);

    // As long as they could not have forgotten it, it never was there.
    for (const folder of runs) rmSync(join(folder, later[0] ?? ''), { recursive: true });
    expect(await project.run('rotate', '--resume', ...LAB)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('the hosts have the old key'),
    });
    for (const folder of runs) {
      rmSync(folder, { recursive: true });
      renameSync(`${folder}~`, folder);
    }
    expect(runs.every((folder) => existsSync(join(folder, run)))).toBe(true);
    project.write(FILE, after);
  });

  test('a key that somebody else wrote there is not overwritten', async () => {
    const after = project.read(FILE);
    writeFileSync(journal.path, journal.text);
    project.edit(FILE, `${written()}`, 'Third-key-4711');
    const { code, stderr } = await project.run('rotate', '--resume', ...LAB);
    expect([code, stderr]).toEqual([4, expect.stringContaining('it has another key there by now')]);
    expect(written()).toBe('Third-key-4711');
    expect(journals()).toEqual([journal.path]);
    rmSync(journal.path);
    project.write(FILE, after);
  });

  test('a tunnels.yml that somebody changed meanwhile is left alone, and gets the key by --resume', async () => {
    const old = written();
    const ran = await meanwhile(() => project.write(FILE, `${project.read(FILE)}# somebody else's line\n`));
    expect([ran.code, ran.stderr]).toEqual([4, expect.stringContaining('somebody changed it meanwhile')]);
    expect(written()).toBe(old);
    expect(journals()).toHaveLength(1);
    const run = journals()[0]?.replace(/^.*\/(.*)\.json$/, '$1') ?? '';
    expect((await project.run('resume', run)).stderr).toContain('ipsec-play rotate --resume');
    expect((await project.run('rotate', 'pinky-ijin', ...LAB, '--dry-run')).code).toBe(3);
    // What an apply would do now, and that is said.
    const [fresh, cut] = [keys(), `the rotation ${run} of pinky-ijin was cut off`];
    expect(fresh).not.toContain(old);
    expect(await check()).toMatchObject({ code: 2, stderr: expect.stringContaining(cut) });
    const apply = await project.run('apply', 'playbooks/site.yml', ...LAB, '-l', ENDS.join(','));
    expect([apply.code, apply.stderr]).toEqual([3, expect.stringContaining(cut)]);
    expect(apply.stderr).toContain(
      'ipsec-play rotate --resume; or, to go back to the key of inventory/tunnels.yml: rm',
    );
    expect(keys()).toEqual(fresh);
    const others = await project.run('check', 'playbooks/site.yml', '--lab', '-l', 'lana');
    expect(others.stderr).not.toContain('rotation');

    // The hosts of another lab, and those outside of any, know nothing of it.
    const elsewhere = await project.run('rotate', '--resume', '--lab=other', '-y');
    expect([elsewhere.code, elsewhere.stderr]).toEqual([
      3,
      expect.stringContaining('cut off on the lab in .ipsec-play/lab'),
    ]);
    const journal = project.read(`.ipsec-play/rotations/${run}.json`);
    project.write(`.ipsec-play/rotations/${run}.json`, JSON.stringify({ ...JSON.parse(journal), lab: null }));
    const rehearsed = await project.run('rotate', 'pinky-ijin', ...LAB);
    expect([rehearsed.code, rehearsed.stderr]).toEqual([3, expect.stringContaining('cut off on the hosts themselves')]);
    expect((await check()).stderr).toBe('');
    project.write(`.ipsec-play/rotations/${run}.json`, '{');
    const closed = await project.run('rotate', 'pinky-ijin', ...LAB);
    expect([closed.code, closed.stderr]).toEqual([3, expect.stringContaining(`rotations/${run}.json, cannot be read`)]);
    project.write(`.ipsec-play/rotations/${run}.json`, journal);

    expect((await project.run('rotate', '--resume', ...LAB)).code).toBe(0);
    expect(keys()).toEqual([written(), written()]);
    expect(keys()).toEqual(fresh);
    expect(project.read(FILE)).toContain("# somebody else's line\n");
  });
});

const canMount = spawnSync('unshare', ['-m', 'true']).status === 0;
if (!canMount) console.warn('a read-only tunnels.yml was not tried: that takes root');
(process.env.CI === 'true' ? test : test.runIf(canMount))(
  'no host is touched where tunnels.yml could not be written afterwards',
  { timeout: 60_000 },
  async () => {
    const before = keys();
    const frozen = 'mount --bind inventory inventory && mount -o remount,ro,bind inventory && exec "$@"';
    const ran = spawnSync(
      'unshare',
      ['-m', 'sh', '-c', frozen, 'sh', process.execPath, cli, 'rotate', 'pinky-ijin', ...LAB],
      { cwd: project.path, encoding: 'utf8' },
    );
    expect([ran.status, ran.stderr]).toEqual([
      3,
      expect.stringMatching(/tunnels.yml could not get the new keys .*EROFS/),
    ]);
    expect([keys(), journals()]).toEqual([before, []]);
  },
);
