/**
 * The same function, which remembers what it made of the last `most` different texts. Each task of a host reads what the
 * host has said; on a hub these are hundreds of tasks and the same text. What it gives is shared: `read` must give what
 * nobody changes.
 */
export function remembered<R>(read: (text: string) => R, most: number): (text: string) => R {
  const answers = new Map<string, R>();
  return (text) => {
    const known = answers.get(text);
    if (known !== undefined) return known;
    const made = read(text);
    const [oldest] = answers.keys();
    if (answers.size >= most && oldest !== undefined) answers.delete(oldest);
    answers.set(text, made);
    return made;
  };
}
