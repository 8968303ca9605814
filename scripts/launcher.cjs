// dist/cli.js: runs the bundle with V8's code cache, so that it need not be parsed and compiled at every start. The cache
// lies beside the bundle: who can write the one can write the other. Each version of Node has its own, made by the build
// or, where this folder may be written to, at the first start; V8 takes none that another version or other flags made.
/* global PROGRAM, VERSION -- the bundle's file, whose name tells its content: V8 compares no more than lengths. */
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
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

  const program = join(__dirname, PROGRAM);
  const cache = `${program}.${process.version}-${process.arch}-${kindOf()}.cache`;
  const cachedData = read(cache);
  const script = new Script(readFileSync(program, 'latin1'), { filename: program, cachedData });
  if (cachedData === undefined || process.env.IPSEC_PLAY_EXTEND_CACHE === '1') {
    process.once('exit', () => keep(cache, script));
  }
  script.runInThisContext()(require, __filename, __dirname);
}

/**
 * Reading a cache takes as long as it is large: what only works on hosts need not be read for the other commands, and
 * help runs almost nothing.
 */
function kindOf() {
  if (words.length === 0 || words.includes('--help') || words.includes('-h')) return 'help';
  return ['apply', 'check'].includes(words[0]) ? 'hosts' : 'files';
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
