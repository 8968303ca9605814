import type { HandOff } from '../../backend.ts';
import { agreement } from './agreement.ts';
import { racoonConfiguration } from './racoon.ts';
import { redHatConfiguration } from './red-hat.ts';

/** The far end with racoon and setkey: by Red Hat's network scripts, or by its own files on any system. */
export const handOff: HandOff = {
  agreement,
  configurations: (far, agreed, options) => [
    redHatConfiguration(far, agreed, options),
    racoonConfiguration(agreed, options),
  ],
};
