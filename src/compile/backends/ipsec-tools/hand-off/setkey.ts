import type { AgreedEnd, AgreedSas, Agreement } from '../../../../model/agreement.ts';
import { spellAlgorithm } from '../../../../model/algorithms.ts';

/** `spdadd` of both directions as the far end has them: ESP first, AH around it. */
export function setkeyPolicies({ you, us, mode, esp, ah }: Agreement): string {
  const requests = (from: AgreedEnd, to: AgreedEnd) => {
    const ends = mode === 'tunnel' ? `${from.address}-${to.address}` : '';
    return [esp && 'esp', ah && 'ah']
      .filter((protocol) => protocol !== null)
      .map((protocol) => `\n\t${protocol}/${mode}/${ends}/require`)
      .join('');
  };
  const side = ({ address, network }: AgreedEnd) => network?.cidr ?? address;
  return [
    `spdadd ${side(you)} ${side(us)} any -P out ipsec${requests(you, us)};\n`,
    `spdadd ${side(us)} ${side(you)} any -P in ipsec${requests(us, you)};\n`,
  ].join('');
}

/** `add` of every SA with manual keying; none with IKE. */
export function setkeySas(agreed: Agreement): string {
  const { keying, you, us } = agreed;
  if (keying.method !== 'manual') return '';
  return [...sas(agreed, you, us, keying.sent.you), ...sas(agreed, us, you, keying.sent.us)].join('');
}

function sas(agreed: Agreement, from: AgreedEnd, to: AgreedEnd, { ah, esp }: AgreedSas): readonly string[] {
  const head = (protocol: string, spi: number) =>
    `add ${from.address} ${to.address} ${protocol} 0x${spi.toString(16)} -m ${agreed.mode}`;
  const cipher = setkeyName('encryption', agreed.esp?.encryption[0]?.name ?? '');
  const hash = setkeyName('authentication', agreed.esp?.authentication[0] ?? '');
  const authenticated = esp && esp.authenticationKey !== null ? `\n\t-A ${hash} ${esp.authenticationKey}` : '';
  return [
    ...(esp === null ? [] : [`${head('esp', esp.spi)}\n\t-E ${cipher} ${esp.key}${authenticated};\n`]),
    ...(ah === null
      ? []
      : [
          `${head('ah', ah.spi)}\n\t-A ${setkeyName('authentication', agreed.ah?.authentication[0] ?? '')} ${ah.key};\n`,
        ]),
  ];
}

function setkeyName(kind: 'encryption' | 'authentication', name: string): string {
  return spellAlgorithm(kind, name, 'setkey') ?? name;
}
