/** Security parameter indexes from 1 to 255 are reserved by IANA, 0 is for local use: RFC 4302 2.4. */
export const LOWEST_SPI = 0x100;
export const HIGHEST_SPI = 0xffffffff;

/** Reads `0x200` or `512`. */
export function parseSpi(text: string): number | { readonly fault: 'form' | 'octal' | 'low' | 'high' } {
  if (/^0\d+$/.test(text)) return { fault: 'octal' };
  if (!/^(0[xX][0-9a-fA-F]+|\d+)$/.test(text)) return { fault: 'form' };
  const spi = Number(text);
  if (spi < LOWEST_SPI) return { fault: 'low' };
  return spi > HIGHEST_SPI ? { fault: 'high' } : spi;
}
