import type { NamedKey } from '../model/agreement.ts';
import { reveal, Secret } from '../model/secret.ts';
import { keyBytes } from '../secrets/check-word.ts';

/** What travels apart from the page: the keys, in the forms that the configurations want. */
export function keySheet(tunnel: string, far: string, keys: readonly NamedKey[], word: string): Secret {
  const lines = [
    `Keys of the IPsec tunnel ${tunnel}, for ${far}.`,
    'Whoever has this sheet can read and forge the traffic of the tunnel: keep it as a password, and destroy it when the',
    'keys are in place. It must not travel with the page.',
    '',
    ...keys.flatMap((key) => [...forms(key), '']),
    'The fingerprints on the page, to be compared by phone, are the first 16 digits of what this prints; DIGITS are the',
    'hexadecimal digits of the key, without 0x:',
    '',
    `  printf %s DIGITS | openssl dgst -sha256 -hmac ${word}`,
    '',
  ];
  return Secret.around(lines.join('\n'));
}

function forms({ placeholder, what, key }: NamedKey): readonly string[] {
  const bytes = keyBytes(key);
  const text = bytes.toString('latin1');
  const isText = /^[\x20-\x7e]+$/.test(text) && !/^0x/.test(reveal(key));
  const isTyped = isText && /^[\x21-\x3e\x40-\x7e]{1,128}$/.test(text);
  return [
    `${what}, in place of ${placeholder}:`,
    `  in hexadecimal: 0x${bytes.toString('hex')}`,
    ...(isText ? [`  as text:        ${text}`] : []),
    ...(placeholder === '@KEY@'
      ? [
          isTyped
            ? '  racoon, strongSwan and Libreswan take the hexadecimal form, Cisco IOS takes the text.'
            : '  racoon, strongSwan and Libreswan take the hexadecimal form. Cisco IOS cannot take this key: ask for another one.',
        ]
      : ['  setkey takes the hexadecimal form, Cisco IOS the same without 0x.']),
  ];
}
