// A delay proxy for each ADDRESS of the arguments, to its port 22, with the network of this process. Prints their ports.
// A line `ID MILLISECONDS` on stdin sets what is added each way; the answer is `ID` and how many round trips had to
// follow each other, through whichever of them, since the last such line. Ends with stdin.
import { createInterface } from 'node:readline';
import { importTypescript } from '../scripts/import-typescript.mjs';

const { delayProxyTo } = await importTypescript('test/support/delay-proxy.ts');
const clock = { time: 0 };
const proxies = await Promise.all(process.argv.slice(2).map((address) => delayProxyTo(22, 0, address, clock)));
console.log(`ports ${JSON.stringify(proxies.map(({ port }) => port))}`);
for await (const line of createInterface({ input: process.stdin })) {
  const [id, oneWay] = line.split(' ');
  for (const proxy of proxies) proxy.delay(Number(oneWay));
  console.log(`${id} ${Math.max(...proxies.map((proxy) => proxy.roundTrips()))}`);
}
process.exit();
