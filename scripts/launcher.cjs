// dist/cli.js: runs the parts of the program that a command uses, each with V8's code cache, so that it need not be parsed and
// compiled at every start. A cache lies beside its part: who can write the one can write the other. Each version of Node has
// its own, made by the build or, where this folder may be written to, at the first start; V8 takes none that another version
// or other flags made.
/* global COLLECTIONS, PROGRAM, VERSION -- the part that begins, and for a command the file that has its parts together: one
   file with one cache is read sooner than many. The name of each file tells its content: V8 compares no more than lengths. */
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

const words = process.argv.slice(2);
if (words.length === 1 && words[0] === '--version') {
  // Whoever reads it may be gone.
  process.stdout.on('error', () => {}).write(`${VERSION}\n`);
} else {
  start();
}

function start() {
  // Half of these threads may wait for the name service: of Node's own four, two hosts at a time.
  process.env.UV_THREADPOOL_SIZE ??= '64';

  const extend = process.env.IPSEC_PLAY_EXTEND_CACHE === '1';
  const modules = new Map();
  const uncached = [];
  const programUrl = pathToFileURL(join(__dirname, PROGRAM)).href;
  process.once('exit', () => {
    for (const [cache, script] of uncached) keep(cache, script);
  });
  const together = collectionOf(words);
  load(PROGRAM);

  /** The parts that the command uses, by name. */
  function collectionOf(words) {
    // Little is wanted of a command to tell what it does.
    if (words.includes('--help') || words.includes('-h')) return {};
    const found = COLLECTIONS.find(([command]) => words.includes(command));
    return found === undefined ? {} : run(found[1]);
  }

  function load(name) {
    if (!name.startsWith('./part-')) return require(name);
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    // Before it runs: parts may want each other.
    modules.set(name, module);
    const part = together[name] ?? run(name);
    part(load, module, module.exports, join(__dirname, name), __dirname, programUrl);
    return module.exports;
  }

  function run(name) {
    const file = join(__dirname, name);
    const cache = `${file}.${process.version}-${process.arch}.cache`;
    const cachedData = read(cache);
    const script = new Script(readFileSync(file, 'latin1'), { filename: file, cachedData });
    if (cachedData === undefined || extend) uncached.push([cache, script]);
    return script.runInThisContext();
  }
}

function read(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** What this run has compiled. */
function keep(cache, script) {
  try {
    const fresh = `${cache}.${process.pid}`;
    writeFileSync(fresh, script.createCachedData(), { flag: 'wx' });
    renameSync(fresh, cache);
  } catch {
    // Not ours to write: it works without.
  }
}
