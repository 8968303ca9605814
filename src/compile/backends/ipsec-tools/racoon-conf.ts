import type { RacoonOptions } from './racoon-options.ts';

/**
 * racoon.conf as in Red Hat's chapters, without the `include` lines at its end: `ifup` writes those. It is the same on
 * all hosts but for them.
 */
export function racoonConf({ paths, sainfo, log }: RacoonOptions): string {
  return [
    '# Racoon IKE daemon configuration file.',
    "# See 'man racoon.conf' for a description of the format and entries.",
    '',
    `path include "${paths.include}";`,
    `path pre_shared_key "${paths.pre_shared_key}";`,
    `path certificate "${paths.certificate}";`,
    ...(log === undefined ? [] : [`log ${log};`]),
    '',
    'sainfo anonymous',
    '{',
    ...(sainfo.pfs_group === false ? [] : [`\tpfs_group ${sainfo.pfs_group};`]),
    `\tlifetime time ${sainfo.lifetime} ;`,
    `\tencryption_algorithm ${listed(sainfo.encryption_algorithm)} ;`,
    `\tauthentication_algorithm ${listed(sainfo.authentication_algorithm)} ;`,
    `\tcompression_algorithm ${sainfo.compression_algorithm} ;`,
    '}',
    '',
  ].join('\n');
}

function listed(algorithms: string | readonly string[]): string {
  return typeof algorithms === 'string' ? algorithms : algorithms.join(', ');
}
