import { defineConfig } from 'vitest/config';

/** A kernel takes minutes, and a CPU for itself: `npm run test:kernel`. */
const KERNEL = 'test/kernel/**/*.test.ts';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 4,
    projects: [
      { extends: true, test: { name: 'quick', include: ['test/**/*.test.ts'], exclude: [KERNEL] } },
      { extends: true, test: { name: 'kernel', include: [KERNEL] } },
    ],
  },
});
