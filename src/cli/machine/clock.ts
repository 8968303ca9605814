/** Milliseconds since some moment, whatever becomes of the date. To load `performance` would take one of them. */
export function clock(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
