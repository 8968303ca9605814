# Puts what charon logs into racoon's words: `07[IKE] <peer-198-51-100-2|1> CHILD_SA esp{1} established with SPIs …`.
{
  peer = ""
  if (match($0, /<peer-[0-9-]+/)) { peer = substr($0, RSTART + 6, RLENGTH - 6); gsub(/-/, ".", peer) }
}
/initiating (Aggressive|Main) Mode IKE_SA/ { note("INFO: IPsec-SA request for " peer " queued due to no phase1 found.") }
/IKE_SA .* established between/ { note("INFO: ISAKMP-SA established with " peer "[500]") }
/CHILD_SA .* established with SPIs/ { note("INFO: IPsec-SA established: " (/CHILD_SA ah/ ? "AH" : "ESP") " " peer "[0]") }
/calculated HASH does not match|HASH_R received but does not match|HASH.*(mismatch|invalid)/ { note("ERROR: HASH mismatched") }
/could not decrypt payloads|message parsing failed/ { note("ERROR: " peer " ignore the packet, received unexpecting payload type") }
/no proposal found/ { note("ERROR: no suitable proposal found."); note("ERROR: failed to get valid proposal.") }
/no matching proposal found/ { note("ERROR: not matched") }
/no matching CHILD_SA config found/ { note("ERROR: failed to get sainfo.") }
/giving up after/ { note("ERROR: phase2 negotiation failed due to time up waiting for phase1. ESP " peer "[0]") }
/received signal|SIGTERM received|SIGINT received/ { note("INFO: caught signal 15") }

function note(text) {
  printf "%s localhost racoon: %s\n", strftime("%b %e %H:%M:%S"), text
  fflush()
}
