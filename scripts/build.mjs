// Bundles the command line into dist/cli.js: one file, its parts still loaded only when they are used.
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

rmSync(`${root}dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/cli.js',
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  // ssh2 tries its optional native add-ons and goes on without them.
  external: ['*.node', 'cpu-features'],
  // What bundled CommonJS packages take for granted.
  banner: {
    js: [
      '#!/usr/bin/env node',
      "import { createRequire as bundleRequire } from 'node:module';",
      'const require = bundleRequire(import.meta.url);',
      'const __filename = import.meta.filename;',
      'const __dirname = import.meta.dirname;',
    ].join('\n'),
  },
  legalComments: 'none',
  logLevel: 'warning',
});
cpSync(`${root}src/lab/userland`, `${root}dist/userland`, { recursive: true });
chmodSync(`${root}dist/cli.js`, 0o755);
