/** Resolves as soon as the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>, seconds = 10): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`after ${seconds} s it still does not hold: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
