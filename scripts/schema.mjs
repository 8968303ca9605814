// Writes schema/: JSON Schemas for editors, made from the very schemas that the program checks with.
// With --check it writes nothing and fails when a file there is not what it would write.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundle = `${root}node_modules/.cache/ipsec-play-schemas.mjs`;

await build({
  absWorkingDir: root,
  entryPoints: ['scripts/schemas.ts'],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  logLevel: 'warning',
});
const { schemas } = await import(pathToFileURL(bundle).href);
rmSync(bundle);

mkdirSync(`${root}schema`, { recursive: true });
const stale = [];
for (const [name, schema] of Object.entries(schemas)) {
  const path = `${root}schema/${name}.schema.json`;
  const text = `${JSON.stringify(schema, null, 2)}\n`;
  if (read(path) === text) continue;
  stale.push(`schema/${name}.schema.json`);
  if (!process.argv.includes('--check')) writeFileSync(path, text);
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}; run npm run schema`);
  process.exit(1);
}
console.log(stale.length === 0 ? 'schema/ is fresh' : `written: ${stale.join(', ')}`);

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
