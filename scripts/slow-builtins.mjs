// What takes longer to load than what asks for it.
import * as crypto from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Loads it when the first of its functions is wanted: most commands that read it want none. */
const lazyCrypto = `for (const name of ${JSON.stringify(Object.keys(crypto).filter((name) => name !== 'default'))})
  Object.defineProperty(exports, name, { enumerable: true, get: () => require('node:crypto')[name] });`;

const STAND_INS = [
  // yaml asks the environment before each token whether it shall log it, which takes as long as to tell what the token is.
  {
    filter: /^(node:)?process$/,
    importer: /[\\/]node_modules[\\/]yaml[\\/]/,
    contents: 'module.exports = { env: {}, emitWarning: (...given) => process.emitWarning(...given) };',
  },
  // It is a global too. To load it as a module makes the streams of stdin, stdout and stderr, whoever uses them.
  { filter: /^(node:)?process$/, importer: /./, contents: 'module.exports = process;' },
  // commander could hand a command over to another program; nothing here is handed over.
  {
    filter: /^node:child_process$/,
    importer: /[\\/]node_modules[\\/]commander[\\/]/,
    contents: 'module.exports = {};',
  },
  { filter: /^(node:)?crypto$/, importer: /[\\/](src|modules)[\\/]/, contents: lazyCrypto },
  // HTTP over SSH, which wants all of http, https and tls. Nothing here speaks it.
  { filter: /http-agents/, importer: /[\\/]node_modules[\\/]ssh2[\\/]/, contents: 'module.exports = {};' },
  // For node-ssh's copying of folders, which nothing here does. It parses ranges of versions first.
  {
    filter: /^make-dir$/,
    importer: /[\\/]node_modules[\\/]node-ssh[\\/]/,
    contents: "module.exports = () => { throw new Error('nothing here makes folders over SFTP'); };",
  },
];

/** Asked at once whether stdout is a terminal, which makes its stream; here every use says itself whether it wants colours. */
const STREAM_OF_PICOCOLORS = '(p.stdout || {}).isTTY';

/** @type {import('esbuild').Plugin} */
export const slowBuiltins = {
  name: 'slow-builtins',
  setup: ({ onResolve, onLoad }) => {
    STAND_INS.forEach(({ filter, importer, contents }, index) => {
      const namespace = `stand-in-${index}`;
      onResolve({ filter }, (args) => (importer.test(args.importer) ? { path: args.path, namespace } : undefined));
      onLoad({ filter: /./, namespace }, () => ({ contents }));
    });
    onLoad({ filter: /[\\/]picocolors\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes(STREAM_OF_PICOCOLORS))
        throw new Error(`${path} does not ask ${STREAM_OF_PICOCOLORS} any more`);
      return { contents: text.replace(STREAM_OF_PICOCOLORS, 'false') };
    });
  },
};
