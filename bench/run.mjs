// npm run bench. What it measures and what the numbers mean: docs/performance.md.
import { importTypescript } from '../scripts/import-typescript.mjs';

const { bench } = await importTypescript('bench/main.ts');
process.exitCode = await bench(process.argv.slice(2));
