import type { Agreement, PeerConfiguration } from '../model/agreement.ts';
import { ciscoIos } from './cisco-ios.ts';
import { libreswan } from './libreswan.ts';
import { swanctl } from './swanctl.ts';

/** What is handed over to who sets up the far end. No secret is in it. */
export interface Page {
  readonly agreed: Agreement;
  readonly configurations: readonly PeerConfiguration[];
  /** Of each key what it is, the word in its place, and its fingerprint. */
  readonly keys: readonly KeyMention[];
}

export interface KeyMention {
  readonly placeholder: string;
  readonly what: string;
  readonly fingerprint: string;
}

/** The products that no backend of ours knows. */
export function otherProducts(agreed: Agreement): readonly PeerConfiguration[] {
  return [swanctl(agreed), libreswan(agreed), ciscoIos(agreed)];
}
