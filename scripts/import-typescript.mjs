import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The exports of a TypeScript module of this repository, for scripts that Node runs as they are.
 * @param {string} entry its path from the repository's root
 */
export async function importTypescript(entry) {
  const outfile = `${root}node_modules/.cache/ipsec-play-${process.pid}-${entry.replaceAll('/', '-')}.mjs`;
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    plugins: [ownUrls],
    logLevel: 'warning',
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile);
  }
}

/** Modules find files that lie beside them, wherever the bundle is. */
const ownUrls = {
  name: 'own-urls',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(', import.meta.url)', `, '${pathToFileURL(path).href}')`),
      loader: 'ts',
    }));
  },
};
