import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { boundariesOf, randomFault, type Steps, unwritten, written } from './boundaries.ts';
import { openStage, type Stage, tryAll } from './campaign.ts';
import { FAULTS } from './faults.ts';
import { STANDING } from './host-faults.ts';
import { hostTrial, runsInOrder, twoAtOnceTrial } from './host-trials.ts';
import { judge } from './judge.ts';
import { shown, summary } from './main.ts';
import { HOSTS, KEYS, leftoversOf, NETWORKS } from './pair.ts';
import { seeded } from './random.ts';
import { stepsOf, tryFault } from './trial.ts';

/** The long one is `npm run chaos`. What is tried here changes from week to week, and is the same all week. */
const SEED = Math.floor(Date.now() / (7 * 24 * 3600 * 1000));

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ cli: null, pairs: 2, confirmTimeout: 3 });
}, 60_000);
afterAll(() => stage?.close());

test('whatever breaks, both ends come to the same, with a reason, and the next run is the last', async () => {
  const [pair] = stage.pairs;
  if (pair === undefined) throw new Error('there is no pair');
  const steps = await stepsOf(pair, 'tunnel');
  const boundaries = boundariesOf(steps.b);
  const broken = [
    { kind: 'kill the controller', boundary: boundaries[Math.floor(boundaries.length * 0.7)] ?? '' },
    { kind: FAULTS[SEED % FAULTS.length] ?? 'kill the script', boundary: boundaries[SEED % boundaries.length] ?? '' },
  ] as const;
  const standing = STANDING[SEED % STANDING.length];
  if (standing === undefined) throw new Error('there is no fault');
  const wrong: string[] = [];
  await tryAll(
    stage,
    [
      ...broken.map(({ kind, boundary }) => async (on: (typeof stage.pairs)[number]) => {
        const outcome = await tryFault(on, { kind, host: 'b', scenario: 'tunnel', at: { boundary }, lasting: 1000 });
        return { name: shown(outcome), ...outcome };
      }),
      ...[hostTrial(standing, 'a'), twoAtOnceTrial(SEED % 1000)].map(
        (trial) => async (on: (typeof stage.pairs)[number]) => ({
          name: `${trial.kind}, ${trial.which}`,
          ...(await trial.try(on)),
        }),
      ),
    ],
    120,
    ({ name, faults, mixed }) => {
      if (faults.length > 0 || mixed) wrong.push(`${name}: ${faults.join('\n')}`);
    },
  );
  expect(wrong).toEqual([]);
}, 180_000);

test('an end that is half old, and what is left behind, are seen', async () => {
  const [pair] = stage.pairs;
  if (pair === undefined) throw new Error('there is no pair');
  await pair.reset();
  expect(judge(pair).tunnel).toBe('old');
  expect(HOSTS.flatMap((name) => leftoversOf(pair.hosts[name]))).toEqual([]);
  const { root } = pair.hosts.a;
  const marks = [
    ['etc/racoon/psk.txt', KEYS],
    ['etc/sysconfig/network-scripts/keys-ipsec0', KEYS],
    ['var/lib/lab-kernel/spd', NETWORKS],
    ['var/lib/lab-kernel/routes', { old: '192.168.1.254', new: '192.168.9.254' }],
  ] as const;
  for (const [path, mark] of marks) {
    const file = join(root, path);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll(mark.old, mark.new));
    expect(judge(pair).tunnel, path).toBe('mixed');
    writeFileSync(file, text);
  }
  expect(judge(pair).tunnel).toBe('old');
  for (const path of ['etc/.psk.txt.ipsec-play-1~', 'var/lib/ipsec-play/lock', 'var/lib/ipsec-play/runs/1/state']) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), 'running\n');
  }
  expect(leftoversOf(pair.hosts.a)).toHaveLength(3);
});

describe('what the long one is made of', () => {
  const step = { program: 'mv', boundary: 'running/begun t1.0/ lock' };
  const ends = { a: [step, step], b: [step] };
  const steps: Steps = { tunnel: ends, 'network-restart': ends, 'taken-back': ends };

  test('a fault is the same again from its seed, and from what is printed of it', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const fault = randomFault(seed, seeded(seed), steps);
      expect(randomFault(seed, seeded(seed), steps)).toEqual(fault);
      expect({ ...unwritten(written(fault)), seed }).toEqual(fault);
    }
    const at = { boundary: step.boundary };
    const fault = { kind: 'kill the script', host: 'a', scenario: 'taken-back', at, lasting: 500 } as const;
    expect(unwritten(written(fault))).toEqual(fault);
    expect(() => unwritten('burn the house|a|tunnel|ms|1|1')).toThrow('no such fault');
  });

  test('runs that take turns are seen', () => {
    expect(runsInOrder(['r1. /etc/a', 'r1. /etc/b', 'r2. /etc/a'])).toEqual(['r1.', 'r2.']);
    expect(runsInOrder(['r1. /etc/a', 'r2. /etc/a', 'r1. /etc/b'])).toEqual(['r1.', 'r2.', 'r1.']);
  });

  test('what ended mixed, or wrong, is counted, and said how to repeat', () => {
    const fault = randomFault(7, seeded(7), steps);
    const of = { fault, hit: true, exitCode: 0, codes: [], seconds: 1 } as const;
    const bad = { ...of, tunnel: 'mixed', faults: ['after the fault: …'], mixed: true } as const;
    const good = { ...of, tunnel: 'new', faults: [], mixed: false } as const;
    expect(summary([good, bad], [], 3)).toContain('2 faults tried of 3, 1 ended mixed, 1 wrong in any way');
    expect(shown(bad)).toContain(`(seed 7)`);
    expect(shown(bad)).toContain(`npm run chaos -- --repeat '${written(fault)}'`);
  });
});
