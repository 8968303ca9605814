import type { OpenStream } from './ssh-stream.ts';

export interface OpenedAhead {
  /** Gives the stream that is there or on its way, once; a new one where that was given up. */
  readonly open: OpenStream;
  /** Nobody wants it any more. What `open` has given is not touched. */
  forget(): void;
}

/**
 * Begins to open a stream now, while its user gets ready: a server starts a process for each connection, which has its first
 * packet ready when we are. One that nobody has asked for after some seconds is closed, as when a person is asked for a
 * passphrase: a server lets nobody stay unknown for long (LoginGraceTime), and counts who does (MaxStartups). `patience`:
 * milliseconds.
 */
export function openAhead(open: OpenStream, patience = 5000): OpenedAhead {
  const given = new AbortController();
  let isFound = false;
  let found = () => {
    isFound = true;
  };
  const stream = open(given.signal, () => found());
  // Whoever opens it hears of it.
  stream.catch(() => {});
  const forget = () => given.abort();
  const unwanted = setTimeout(forget, patience);
  let isTaken = false;
  return {
    open: (signal, tell) => {
      clearTimeout(unwanted);
      if (isTaken || given.signal.aborted) return open(signal, tell);
      isTaken = true;
      if (isFound) tell();
      found = tell;
      signal.addEventListener('abort', forget, { once: true });
      return stream;
    },
    forget: () => {
      clearTimeout(unwanted);
      if (!isTaken) forget();
    },
  };
}
