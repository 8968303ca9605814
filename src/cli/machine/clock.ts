/** Milliseconds since some moment, whatever becomes of the date. To load `performance` takes longer than all that is timed with it. */
export function clock(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
