// npm run chaos: breaks connections, controllers, scripts and hosts in the middle of changes, and looks at both ends.
import { importTypescript } from './import-typescript.mjs';

const { chaos } = await importTypescript('test/chaos/main.ts');
process.exitCode = await chaos(process.argv.slice(2));
