/** What of ssh_config(5) is heeded. */
export const HEEDED: ReadonlySet<string> = new Set([
  'addressfamily',
  'bindaddress',
  'canonicalizehostname',
  'ciphers',
  'connecttimeout',
  'globalknownhostsfile',
  'hostkeyalgorithms',
  'hostkeyalias',
  'hostname',
  'identitiesonly',
  'identityagent',
  'identityfile',
  'kbdinteractiveauthentication',
  'kexalgorithms',
  'macs',
  'passwordauthentication',
  'port',
  'preferredauthentications',
  'proxycommand',
  'proxyjump',
  'proxyusefdpass',
  'pubkeyauthentication',
  'revokedhostkeys',
  'serveralivecountmax',
  'serveraliveinterval',
  'stricthostkeychecking',
  'user',
  'userknownhostsfile',
]);

/** `ssh -G` shows them as they were written, tokens and all. */
export const RAW: ReadonlySet<string> = new Set(['proxycommand', 'proxyjump']);
