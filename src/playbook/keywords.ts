/** Keys of a play, a block and a task, as Ansible has them. */
export const PLAY_KEYS: readonly string[] = [
  'name',
  'hosts',
  'become',
  'become_user',
  'gather_facts',
  'vars',
  'vars_files',
  'serial',
  'order',
  'tags',
  'any_errors_fatal',
  'max_fail_percentage',
  'pre_tasks',
  'tasks',
  'post_tasks',
  'handlers',
];

export const TASK_KEYS: readonly string[] = [
  'name',
  'args',
  'when',
  'loop',
  'with_items',
  'loop_control',
  'register',
  'notify',
  'listen',
  'tags',
  'vars',
  'become',
  'ignore_errors',
  'changed_when',
  'failed_when',
  'timeout',
];

export const BLOCK_KEYS: readonly string[] = ['name', 'block', 'when', 'tags', 'vars', 'become', 'ignore_errors'];

/** What Ansible has and this tool has not, with what to do instead. Nothing of it is ignored in silence. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  action: "write the module's name as the key: `file: { path: … }`",
  local_action: 'run it on a host with `ansible_connection: local`',
  async: 'remove it: a task runs until it ends',
  poll: 'remove it: a task runs until it ends',
  check_mode: 'use `ipsec-play check` for the whole run',
  collections: 'remove it: module names need no collection here',
  connection: 'set `ansible_connection` in the inventory',
  debugger: 'remove it',
  delegate_to: 'write a play for that host',
  delegate_facts: 'remove it',
  diff: 'use --diff or --no-diff for the whole run',
  environment: 'set the variables inside the command',
  force_handlers:
    'remove it: handlers of a host that failed do not run; make what they do a task of its own where that matters',
  gather_subset: 'remove it: the few facts there are cost nothing',
  gather_timeout: 'remove it',
  ignore_unreachable: 'remove it: an unreachable host stops alone',
  import_playbook: 'name the plays in one playbook',
  import_role: 'write its tasks into the play; a `block` groups them',
  import_tasks: 'write the tasks into the play; a `block` groups them',
  include: 'write the tasks into the play; a `block` groups them',
  include_role: 'write its tasks into the play; a `block` groups them',
  include_tasks: 'write the tasks into the play; a `block` groups them',
  include_vars: 'name the file in `vars_files` of the play',
  meta: 'remove it: handlers run after pre_tasks, tasks and post_tasks',
  module_defaults: 'write the arguments at each task',
  no_log: 'remove it: secrets of the inventory are never shown',
  port: 'set `ansible_port` in the inventory',
  remote_user: 'set `ansible_user` in the inventory',
  rescue: 'write the tasks of the block alone: a task that fails stops its host',
  always: 'write the tasks after the block: a task that fails stops its host',
  retries: 'remove it: a task runs once',
  delay: 'remove it: a task runs once',
  until: 'remove it: a task runs once',
  roles: 'write the tasks of the roles into the play',
  run_once: 'write a play for that one host',
  set_fact: 'use `vars` of the play, a block or a task',
  strategy: 'remove it: every host goes on by itself',
  throttle: 'use `serial` of the play, or --forks',
  timeout: 'write it at each task, or use --command-timeout for all of them',
  vars_prompt: 'give the value with --extra-vars',
  become_method: 'set `ansible_become_method` in the inventory',
  become_flags: 'remove it',
  become_exe: 'remove it',
};

/** Modules of Ansible that have another name here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  apt: 'use `package`',
  copy: 'use `file` with `content`',
  dnf: 'use `package`',
  raw: 'use `command`: its text goes to a shell',
  script: 'use `command`: its text goes to a shell',
  shell: 'use `command`: its text goes to a shell',
  systemd: 'use `service`',
  template: 'use `file` with `content`: templates in it are rendered',
  yum: 'use `package`',
};

/** What to use in place of a module of Ansible's that is not there. */
export function equivalent(module: string): string | undefined {
  const bare = module.replace(/^ansible\.(builtin|legacy)\./, '');
  return Object.hasOwn(ELSEWHERE, bare) ? ELSEWHERE[bare] : undefined;
}

export function unsupportedHint(key: string): string | undefined {
  const bare = key.replace(/^ansible\.(builtin|legacy)\./, '');
  if (Object.hasOwn(UNSUPPORTED, bare)) return UNSUPPORTED[bare];
  return /^with_[a-z]+$/.test(bare) && bare !== 'with_items' ? 'use `loop` with a list' : undefined;
}
