import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { parseShard, shardName } from '../../model/shard.ts';
import { type PlanDocument, type PlanOptions, sorted } from '../../report/plan-document.ts';
import type { PlanSeal } from '../../secrets/plan-seal.ts';
import { UsageFault } from '../exit.ts';
import type { RunOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';

/** What the command line said, as a plan keeps it. */
export function planOptions(options: RunOptions, seal: PlanSeal): PlanOptions {
  return {
    inventory: options.inventory,
    limit: options.limit ?? null,
    shard: options.shard === undefined ? null : shardName(options.shard),
    tags: options.tags,
    skipTags: options.skipTags,
    extraVars: extraVarsDigest(options, seal),
    become: options.become === true,
    lab: options.lab !== undefined,
  };
}

/** A digest of every file that was read. */
export function inputDigests({ texts }: Project, seal: PlanSeal): PlanDocument['inputs'] {
  return sorted([...texts].map(([file, text]) => [file, seal.digest(file, text)] as const));
}

/** The options of an apply, with those that the plan was made with. Throws a {@link UsageFault} where both disagree. */
export function optionsOfPlan(options: RunOptions, plan: PlanDocument): RunOptions {
  const { inventory, limit, tags, skipTags, become, lab } = plan.options;
  const shard = plan.options.shard === null ? null : parseShard(plan.options.shard);
  const other = (option: string, said: string | undefined, planned: string) => {
    if (said !== undefined && said !== '' && said !== planned)
      throw new UsageFault(`the plan was made with another ${option}`, `leave ${option} out: the plan has it`);
  };
  other('--inventory', options.inventory === DEFAULT_INVENTORY ? undefined : options.inventory, inventory);
  other('--limit', options.limit, limit ?? '');
  other('--shard', options.shard && shardName(options.shard), plan.options.shard ?? '');
  other('--tags', options.tags.join(), tags.join());
  other('--skip-tags', options.skipTags.join(), skipTags.join());
  other('--become', options.become === true ? 'yes' : undefined, become ? 'yes' : 'no');
  if (lab && options.lab === undefined)
    throw new UsageFault('the plan was made on stand-ins of the hosts', 'add --lab, or make a plan of the hosts');
  if (!lab && options.lab !== undefined)
    throw new UsageFault('the plan was made on the hosts, not on their stand-ins', 'leave --lab out');
  const { limit: _, become: __, shard: ___, ...rest } = options;
  return {
    ...rest,
    inventory,
    tags,
    skipTags,
    ...(limit === null ? {} : { limit }),
    ...(shard === null ? {} : { shard }),
    ...(become ? { become } : {}),
  };
}

const DEFAULT_INVENTORY = 'inventory';

/** Each file, and the extra variables, that are others than when the plan was made. */
export function changedInputs(
  plan: PlanDocument,
  project: Project,
  options: RunOptions,
  seal: PlanSeal,
): readonly Diagnostic[] {
  const now = inputDigests(project, seal);
  const files = [...new Set([...Object.keys(plan.inputs), ...Object.keys(now)])].sort();
  const found = files.flatMap((file) => {
    const [before, after] = [plan.inputs[file], now[file]];
    if (before === after) return [];
    const what =
      before === undefined ? 'was not there' : after === undefined ? 'is gone, it was there' : 'is another one than';
    return [error('plan-input', `${file} ${what} when the plan was made`, { fix: 'put it back, or make a new plan' })];
  });
  if (extraVarsDigest(options, seal) === plan.options.extraVars) return found;
  const message = 'the extra variables are not those that the plan was made with';
  return [...found, error('plan-input', message, { fix: 'the same -e in the same order: they are not in the plan' })];
}

function extraVarsDigest({ extraVars }: RunOptions, seal: PlanSeal): string | null {
  return extraVars.length === 0 ? null : seal.digest('--extra-vars', JSON.stringify(extraVars));
}
