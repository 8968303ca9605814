import type { Located, Pointer } from '../lang/yaml.ts';
import type { Variables } from '../model/host.ts';
import type { Span } from '../model/span.ts';

/** A play as the user wrote it, its blocks unfolded; nothing in it depends on a host. */
export interface Play {
  /** From 1, in the order of the playbook. */
  readonly number: number;
  readonly name: string;
  /** A host pattern; a list in the playbook is joined with commas. */
  readonly hosts: { readonly pattern: string; readonly span: Span };
  readonly become: boolean | null;
  readonly becomeUser?: string;
  readonly vars: Variables;
  readonly varsFiles: readonly { readonly path: string; readonly span: Span }[];
  readonly serial: readonly Batch[];
  readonly order: HostOrder;
  readonly anyErrorsFatal: boolean;
  readonly maxFailPercentage?: number;
  readonly sections: Readonly<Record<SectionName, readonly PlayTask[]>>;
  readonly handlers: readonly PlayTask[];
  readonly span: Span;
}

export type SectionName = 'pre_tasks' | 'tasks' | 'post_tasks';

/** In the order in which they run. */
export const SECTIONS: readonly SectionName[] = ['pre_tasks', 'tasks', 'post_tasks'];

/** How many hosts run together: a number of them, or a share of the play's hosts. */
export type Batch = { readonly hosts: number } | { readonly percent: number };

export type HostOrder = 'inventory' | 'reverse_inventory' | 'sorted' | 'reverse_sorted';

/** A task or handler, with all that it inherits from its play and the blocks around it. */
export interface PlayTask {
  /** `1/tasks/0`, inside a block `1/tasks/0/2`. */
  readonly id: string;
  readonly name: string;
  /** The module's own name, without a collection. */
  readonly module: string;
  readonly args: readonly Argument[];
  /** The whole mapping of arguments, for checks that look at more than one of them. */
  readonly argsAt: (...path: Pointer) => Span;
  readonly document: Located;
  /** All of them must hold; those of the blocks first. */
  readonly when: readonly Condition[];
  readonly loop?: Loop;
  readonly register?: string;
  readonly notify: readonly { readonly name: string; readonly span: Span }[];
  /** For handlers: further names to be notified by. */
  readonly listen: readonly string[];
  readonly tags: readonly string[];
  readonly vars: Variables;
  readonly ignoreErrors: boolean;
  /** An error in it was reported: it is here for its name and tags, and is not compiled. */
  readonly isFaulty: boolean;
  readonly changedWhen?: readonly Condition[];
  readonly failedWhen?: readonly Condition[];
  /** Seconds; 0: as long as it takes. */
  readonly timeout?: number;
  readonly span: Span;
}

export interface Argument {
  readonly name: string;
  /** As written: templates in it are not rendered. */
  readonly value: unknown;
  readonly span: Span;
}

/** An expression of the template language, without braces; or a plain boolean. */
export interface Condition {
  readonly text: string;
  readonly span: Span;
}

export interface Loop {
  /** A list, or a template that gives one. */
  readonly items: unknown;
  /** `with_items`: lists in the list are unfolded by one level. */
  readonly flatten: boolean;
  readonly variable: string;
  readonly indexVariable?: string;
  readonly span: Span;
}
