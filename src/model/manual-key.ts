/** A key as the network scripts and setkey(8) take it: hexadecimal after `0x`, else the bytes of the text. */
export type ManualKey =
  | { readonly bytes: Buffer; readonly form: 'hexadecimal' | 'text' }
  | { readonly fault: 'hex-digits' | 'hex-odd' | 'hex-upper-prefix' | 'text-characters' };

export function parseManualKey(text: string): ManualKey {
  if (text.startsWith('0X')) return { fault: 'hex-upper-prefix' };
  if (text.startsWith('0x')) {
    const digits = text.slice(2);
    if (!/^[0-9a-fA-F]*$/.test(digits)) return { fault: 'hex-digits' };
    if (digits.length % 2 === 1) return { fault: 'hex-odd' };
    return { bytes: Buffer.from(digits, 'hex'), form: 'hexadecimal' };
  }
  // setkey's quoted string ends at the next double quote, whatever stands before it, and holds no line break.
  if (/["\p{Cc}]/u.test(text)) return { fault: 'text-characters' };
  return { bytes: Buffer.from(text, 'utf8'), form: 'text' };
}
