import { type Diagnostic, error } from '../lang/diagnostic.ts';
import { didYouMean } from '../lang/did-you-mean.ts';
import type { Span } from '../model/span.ts';
import { parseHostPattern } from './address-pattern.ts';
import { globRegex, matchRegex } from './glob.ts';
import { groupHosts, type Inventory, LOCALHOST } from './inventory.ts';

export interface Selection {
  /** In the order of the run, each once. */
  readonly hosts: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The hosts of an Ansible host pattern (`web:&prod:!gw[0]`, `~regex`, globs), in the order of
 * `ansible-playbook --list-hosts`. Unlike there, a part that names nothing is an error: a misspelt `!exclusion` would
 * touch hosts it should spare.
 */
export function selectHosts(inventory: Inventory, pattern: string | readonly string[], span?: Span): Selection {
  const diagnostics: Diagnostic[] = [];
  const report = (code: string, message: string, fix?: string): void => {
    diagnostics.push(
      error(code, message, { ...(fix === undefined ? {} : { fix }), ...(span === undefined ? {} : { span }) }),
    );
  };
  const shown = typeof pattern === 'string' ? pattern : pattern.join(', ');
  const parts = ordered([pattern].flat().flatMap(splitPattern));
  if ([pattern].flat().every((one) => one.trim() === '')) {
    report('pattern-empty', 'the host pattern is empty', 'all, or names of hosts and groups');
    return { hosts: [], diagnostics };
  }
  const question: Question = {
    inventory,
    report,
    localhost: [...inventory.hosts.keys()].find((name) => LOCALHOST.has(name)),
  };
  let hosts: string[] = [];
  for (const part of parts) {
    if (inventory.hosts.has(part)) hosts.push(part);
    else {
      const matched = matchPart(question, part);
      if (part.startsWith('!')) hosts = hosts.filter((host) => !matched.includes(host));
      else if (part.startsWith('&')) hosts = hosts.filter((host) => matched.includes(host));
      else hosts.push(...matched);
    }
  }
  const unique = [...new Set(hosts)];
  if (unique.length === 0 && diagnostics.length === 0) {
    report(
      'pattern-no-hosts',
      `no host matches "${shown}"`,
      'another pattern; "ipsec-play inventory list" shows hosts and groups',
    );
  }
  return { hosts: unique, diagnostics };
}

interface Question {
  readonly inventory: Inventory;
  readonly report: (code: string, message: string, fix?: string) => void;
  /** The one host that every name of this machine means, once there is one. */
  localhost: string | undefined;
}

/** Parts of a pattern: separated by commas, or else by colons that belong to no range or port. */
function splitPattern(pattern: string): readonly string[] {
  const parts = pattern.includes(',')
    ? pattern.split(',')
    : parseHostPattern(pattern)
      ? [pattern]
      : (pattern.match(/(?:[^\s:[\]]|\[[^\]]*\])+/g) ?? []);
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/** First what is chosen, then `&`, then `!`; where nothing is chosen, it is chosen from all. */
function ordered(parts: readonly string[]): readonly string[] {
  const chosen = parts.filter((part) => !/^[!&]/.test(part));
  const common = parts.filter((part) => part.startsWith('&'));
  const excluded = parts.filter((part) => part.startsWith('!'));
  return [...(chosen.length > 0 ? chosen : ['all']), ...common, ...excluded];
}

const SUBSCRIPT = /^(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]$/;

function matchPart(question: Question, part: string): readonly string[] {
  const { report } = question;
  const pattern = part.replace(/^[!&]/, '');
  if (pattern === '') {
    report('pattern-empty', `"${part}" names nothing`, `${part}NAME`);
    return [];
  }
  const subscript = pattern.startsWith('~') ? null : SUBSCRIPT.exec(pattern);
  const expression = subscript?.[1] ?? pattern;
  const hosts = enumerate(question, expression);
  if (!subscript || hosts.length === 0) return hosts;
  const [, , single, first, last] = subscript;
  if (single === undefined) {
    const end = last === undefined || last === '' ? hosts.length - 1 : Number(last);
    return hosts.slice(Number(first), end + 1);
  }
  const host = hosts.at(Number(single));
  if (host !== undefined) return [host];
  report(
    'pattern-range',
    `"${pattern}" is outside of the ${hosts.length} hosts of "${expression}"`,
    `a number from 0 to ${hosts.length - 1}`,
  );
  return [];
}

/** The hosts of all groups that match, and, unless a group is named outright, all hosts that match. */
function enumerate(question: Question, pattern: string): readonly string[] {
  const { inventory, report } = question;
  const regex = pattern.startsWith('~') ? matchRegex(pattern.slice(1)) : globRegex(pattern);
  if (!regex) {
    report('pattern-syntax', `"${pattern}" is not a well-formed host pattern`);
    return [];
  }
  const groups = [...inventory.groups.keys()].filter((name) => regex.test(name));
  const hosts = groups.flatMap((name) => groupHosts(inventory.groups, name));
  if (groups.length === 0 || /^~|[.?*[]/.test(pattern))
    hosts.push(...[...inventory.hosts.keys()].filter((name) => regex.test(name)));
  if (hosts.length > 0) return hosts;
  if (LOCALHOST.has(pattern)) {
    question.localhost ??= pattern;
    return [question.localhost];
  }
  if (groups.length === 0) {
    const fix = didYouMean(pattern, [...inventory.hosts.keys(), ...inventory.groups.keys()]);
    report(
      'pattern-no-match',
      `no host or group matches "${pattern}"`,
      fix ?? 'the name of a host or group of the inventory',
    );
  }
  return [];
}
