/** What a line of racoon's log tells. */
export type Fault =
  | { readonly kind: 'psk' }
  | { readonly kind: 'phase1'; readonly field: Phase1Field | null }
  | { readonly kind: 'phase2'; readonly field: Phase2Field | null }
  | { readonly kind: 'selectors' }
  /** racoon has no phase 1 settings for the peer. */
  | { readonly kind: 'unconfigured' }
  /** The peer did not answer. */
  | { readonly kind: 'silence' };

export type Phase1Field = 'encryption' | 'hash' | 'dh_group' | 'method' | 'exchange_mode';
export type Phase2Field = 'pfs_group' | 'lifetime' | 'encryption' | 'authentication' | 'mode' | 'protocol';

/**
 * The faults that racoon's own texts tell, one after another. Each text is that of racoon 0.2 to 0.8, with the C file that
 * prints it; what differs between them is written as both. A line may have `isakmp.c:218:isakmp_handler(): ` before its
 * text (up to 0.4) or `[192.0.2.1] ` before its level (0.8).
 */
export function faultsOf(lines: readonly string[]): readonly Fault[] {
  const found: Fault[] = [];
  const attempt: Phase2Line[] = [];
  // A notification tells no phase; before phase 1 is made it can only be about that.
  let hasPhase1 = false;
  for (const line of lines) {
    if (PHASE1_MADE.test(line)) hasPhase1 = true;
    if (PHASE1_BEGUN.test(line)) hasPhase1 = false;
    const detail = phase2Line(line);
    if (detail !== null) attempt.push(detail);
    else if (PHASE2_REFUSED.test(line)) {
      found.push({ kind: 'phase2', field: decisive(attempt) });
      attempt.length = 0;
    } else {
      const fault = faultOf(line, hasPhase1);
      if (fault !== null) found.push(fault);
    }
  }
  // The kernel's tail of the log may end before the verdict on what was compared.
  if (attempt.length > 0) found.push({ kind: 'phase2', field: decisive(attempt) });
  return found;
}

/** isakmp.c: log_ph1established */
const PHASE1_MADE = /ISAKMP-SA established/;
/** isakmp.c: isakmp_ph1begin_i, isakmp_ph1begin_r, isakmp_post_acquire */
const PHASE1_BEGUN = /new phase 1 negotiation|queued due to no phase1 found/;

/** ipsec_doi.c: get_ph2approvalx, get_ph2approval, cmp_aproppair_i, ipsecdoi_checkph2proposal (whose spelling is theirs) */
const PHASE2_REFUSED = /not matched|no suitable policy found|no suitable transform found|proposal misma(?:tc|t)hed/;

interface Phase2Line {
  readonly field: Phase2Field;
  /** Refused by itself. Else one pair of many was compared, and another one may have met. */
  readonly isFinal: boolean;
  readonly protocol?: 'ah' | 'esp';
}

/** proposal.c: cmpsaprop_alloc (the final ones) and cmpsatrns; ipsec_doi.c: cmp_aproppair_i */
function phase2Line(line: string): Phase2Line | null {
  if (/pfs[_ ]group mismatch/.test(line)) return { field: 'pfs_group', isFinal: true };
  if (/(?:long|less) life(?:time|byte) proposed|life(?:time|byte) mismatched/.test(line))
    return { field: 'lifetime', isFinal: true };
  if (/encmode mismatched/.test(line)) return { field: 'mode', isFinal: true };
  if (/proto_id misma(?:tc|t)hed|#of protocols mismatched/.test(line)) return { field: 'protocol', isFinal: true };
  if (/(?:low key length proposed|key length mismatched), mine/.test(line))
    return { field: 'encryption', isFinal: false, protocol: 'esp' };
  if (/authtype mismatched/.test(line)) return { field: 'authentication', isFinal: false, protocol: 'esp' };
  const transform = /trns_id mismatched: my:(\S+)/.exec(line)?.[1];
  if (transform === undefined) return null;
  // strnames.c, name_ipsecdoi_trns_ah: a transform of AH is a hash
  return /^(?:MD5|SHA\d*)$/.test(transform)
    ? { field: 'authentication', isFinal: false, protocol: 'ah' }
    : { field: 'encryption', isFinal: false, protocol: 'esp' };
}

/** What is compared last is what failed: AH or ESP; and where an ESP has met in its cipher, its hash is what did not. */
function decisive(attempt: readonly Phase2Line[]): Phase2Field | null {
  const last = attempt.at(-1);
  if (last === undefined || last.isFinal) return last?.field ?? null;
  const same = attempt.filter(({ protocol }) => protocol === last.protocol);
  return same.some(({ field }) => field === 'authentication') ? 'authentication' : last.field;
}

function faultOf(line: string, hasPhase1: boolean): Fault | null {
  const [, rejected] = REJECTED.exec(line) ?? [];
  if (rejected !== undefined) return { kind: 'phase1', field: PHASE1_FIELDS[rejected] ?? null };
  // isakmp_inf.c, isakmp_info_recv_n: `fatal NO-PROPOSAL-CHOSEN notify messsage, phase1 should be deleted.` up to 0.7, which
  // says so of either phase; isakmp_log_notify: `notification NO-PROPOSAL-CHOSEN received in unencrypted informational exchange.`
  const [, notified] = NOTIFIED.exec(line) ?? [];
  if (notified !== undefined) return notification(notified, hasPhase1 && !/unencrypted/.test(line));
  const [, fault] = TEXTS.find(([pattern]) => pattern.test(line)) ?? [];
  return fault === undefined || (fault.kind === 'silence' && hasPhase1) ? null : fault;
}

/** ipsec_doi.c: get_ph1approvalx up to 0.7; checkisakmpsa in 0.8 */
const REJECTED = /rejected (enctype|encklen|hashtype|dh_group|authmethod):/;

const PHASE1_FIELDS: Readonly<Record<string, Phase1Field>> = {
  enctype: 'encryption',
  encklen: 'encryption',
  hashtype: 'hash',
  dh_group: 'dh_group',
  authmethod: 'method',
};

/** strnames.c: name_isakmp_notify_msg */
const NOTIFIED =
  /\b(NO-PROPOSAL-CHOSEN|INVALID-ID-INFORMATION|INVALID-HASH-INFORMATION|AUTHENTICATION-FAILED|PAYLOAD-MALFORMED|INVALID-PAYLOAD-TYPE|INVALID-SIGNATURE|INVALID-CERTIFICATE|INVALID-CERT-AUTHORITY)\b/;

function notification(name: string, isPhase2: boolean): Fault | null {
  if (name === 'NO-PROPOSAL-CHOSEN') return { kind: isPhase2 ? 'phase2' : 'phase1', field: null };
  if (name === 'INVALID-ID-INFORMATION') return isPhase2 ? { kind: 'selectors' } : null;
  return { kind: 'psk' };
}

const TEXTS: readonly (readonly [RegExp, Fault])[] = [
  // oakley.c: oakley_validate_auth, oakley_skeyid
  // (`couldn't find the proper pskey, try to get one by the peer's address` is said of every aggressive mode that works)
  [/HASH mismatched|couldn't find (?:the )?pskey(?!,)/, { kind: 'psk' }],
  // The first encrypted packet of main mode reads as rubbish where the keys differ. isakmp.c: isakmp_parsewoh;
  // isakmp_ident.c: ident_r3recv (`unexpecting` up to 0.7)
  [/invalid length of payload|ignore the packet, received unexpect(?:ing|ed) payload/, { kind: 'psk' }],
  // oakley.c: oakley_validate_auth and oakley_check_certid, with certificates
  [
    /Invalid SIG\.|Invalid authority of the CERT|ID mismatched with|failed to get (?:my|peers) CERT|no peer's CERT|certificate is not verified|failed to get private key/,
    { kind: 'psk' },
  ],
  // isakmp.c: isakmp_ph1begin_r, isakmp_post_acquire; isakmp_inf.c: isakmp_info_send_nx
  [/couldn't find configuration|no configuration found for/, { kind: 'unconfigured' }],
  // isakmp.c: isakmp_ph1begin_r up to 0.7, and in 0.8
  [
    /not acceptable .* mode|exchange .* not allowed in any applicable rmconf/,
    { kind: 'phase1', field: 'exchange_mode' },
  ],
  // ipsec_doi.c: get_ph1approval; isakmp_agg.c and isakmp_ident.c: *_r1recv, *_i2recv
  [/no suitable proposal found|failed to get valid proposal/, { kind: 'phase1', field: null }],
  // isakmp_quick.c: get_proposal_r, quick_r1recv, get_sainfo_r
  [
    /no policy found: |policy found, but no IPsec required|failed to get proposal for responder|failed to get sainfo/,
    { kind: 'selectors' },
  ],
  // isakmp.c: isakmp_ph1resend, isakmp_chkph1there; pfkey.c: pfkey_timeover
  [
    /phase1 negotiation failed due to (?:time up|send error)|due to time up waiting for phase1|give up to get IPsec-SA due to time up/,
    { kind: 'silence' },
  ],
];
