import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunDocument } from '../../src/report/json.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';

describe.skipIf(!canRunFleet())('over real sshd', () => {
  let fleet: Fleet;
  let site: Workspace;

  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'pinky', address: '198.51.100.1' },
        { name: 'ijin', address: '198.51.100.2' },
      ],
    });
    site = workspace(fleet, 'shipped');
  });
  afterAll(async () => fleet?.stop());

  test('tunnels are proven by apply and by verify', async () => {
    const applied = await site.report(['apply', 'playbooks/site.yml', '--limit', 'pinky,ijin', '--yes'], {
      proven: true,
    });
    expect(applied.hosts).toEqual({ pinky: 'changed', ijin: 'changed' });
    const { tunnels } = JSON.parse(JSON.stringify(applied.document)) as RunDocument;
    const proven = tunnels?.['pinky-ijin'];
    expect(proven).toMatchObject({ status: 'proven', cause: null });
    expect(proven?.ends.map(({ layers }) => layers.at(-1)?.what)).toEqual([
      expect.stringMatching(/ESP inside AH .*nothing in clear/),
      expect.stringMatching(/ESP inside AH .*nothing in clear/),
    ]);
    const { code, stdout } = await site.run(['verify', 'pinky-ijin']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('1 tunnel: 1 proven.')]);
  });

  test('and a tunnel that lost its policies on one end is told by its cause', async () => {
    await fleet.host('ijin').exec('setkey -FP');
    const { code, stdout } = await site.run(['verify', 'pinky-ijin', '--patience', '2']);
    expect([code, stdout]).toEqual([6, expect.stringMatching(/^pinky-ijin {2}FAILED .*ijin has no policy/m)]);
  });
});
