/** What the user chose with --tags and --skip-tags; without --tags it is `all`. */
export interface TagChoice {
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
}

/** Names that Ansible gives a meaning of their own. */
export const SPECIAL_TAGS: readonly string[] = ['all', 'always', 'never', 'tagged', 'untagged'];

/** Whether a task with these tags runs, by Ansible's rules. */
export function isChosen(tags: readonly string[], { tags: only, skipTags }: TagChoice): boolean {
  return isWanted(tags, only.length === 0 ? ['all'] : only) && !isSkipped(tags, skipTags);
}

function isWanted(tags: readonly string[], only: readonly string[]): boolean {
  if (tags.includes('always') || tags.some((tag) => only.includes(tag))) return true;
  if (tags.length === 0 && only.includes('untagged')) return true;
  if (tags.includes('never')) return false;
  return only.includes('all') || (only.includes('tagged') && tags.length > 0);
}

function isSkipped(tags: readonly string[], skip: readonly string[]): boolean {
  if (skip.includes('all')) return !tags.includes('always') || skip.includes('always');
  if (tags.some((tag) => skip.includes(tag))) return true;
  return tags.length > 0 ? skip.includes('tagged') : skip.includes('untagged');
}
