import { ipsecTools } from '../../src/compile/backends/ipsec-tools/index.ts';
import { otherProducts, type Page } from '../../src/hand-off/hand-off.ts';
import { withPlaceholders } from '../../src/hand-off/placeholders.ts';
import { namedKeys, type PeerConfiguration } from '../../src/model/agreement.ts';
import { perspectives, type Tunnel } from '../../src/model/tunnel.ts';

/** As the command makes it, for the end of this index; the fingerprints are those of no key. */
export function pageOf(tunnel: Tunnel, index: 0 | 1, racoon: unknown = null): Page {
  const far = perspectives(tunnel)[index];
  const agreed = ipsecTools.handOff.agreement(far, [racoon]);
  const hidden = { ...far, tunnel: withPlaceholders(tunnel) };
  return {
    agreed,
    configurations: [...ipsecTools.handOff.configurations(hidden, agreed, [racoon]), ...otherProducts(agreed)],
    keys: namedKeys(tunnel).map(({ placeholder, what }) => ({ placeholder, what, fingerprint: '0000-0000-0000-0000' })),
  };
}

export function configuration({ configurations }: Page, id: string): PeerConfiguration {
  const found = configurations.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no configuration ${id}`);
  return found;
}
