# Makes charon's configuration of the kernel's policies, psk.txt, racoon.conf and the files of phase 1.
BEGIN {
  for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i
  split("rijndael aes128 aes aes128 hmac_sha1 sha1 hmac_md5 md5 hmac_sha256 sha256 blowfish blowfish128 des des modp1024 2", words, " ")
  for (i = 1; i in words; i += 2) called[words[i]] = words[i + 1]
  split("1 modp768 2 modp1024 5 modp1536 14 modp2048", words, " ")
  for (i = 1; i in words; i += 2) group[words[i]] = words[i + 1]
}
FILENAME ~ /policies$/ { policy(); next }
FILENAME ~ /psk.txt$/ { if ($1 ~ /^[0-9]/) { at = $1; sub(/^[^ \t]+[ \t]+/, ""); psk[at] = $0 } next }
{ sub(/#.*/, ""); gsub(/;/, " ;"); $0 = $0 }
$1 == "remote" { remote = $2; order[++remotes] = remote }
$1 == "exchange_mode" { mode[remote] = $2 }
$1 == "encryption_algorithm" && FILENAME !~ /racoon.conf$/ { cipher[remote] = $2 }
$1 == "hash_algorithm" { hash[remote] = $2 }
$1 == "dh_group" { dh[remote] = group[$2] }
$1 == "pfs_group" { pfs = "-" group[$2] }
$1 == "encryption_algorithm" && FILENAME ~ /racoon.conf$/ { ciphers = algorithms() }
$1 == "authentication_algorithm" { hashes = algorithms() }
END {
  print "connections {"
  for (i = 1; i <= remotes; i++) for (j = 1; j <= policies; j++) if (far[j] == order[i]) connection(order[i], j)
  print "}\nsecrets {"
  for (i = 1; i <= remotes; i++) if (order[i] in psk) {
    printf "ike-%s {\n id = %s\n secret = 0x%s\n}\n", name(order[i]), order[i], hex(psk[order[i]])
  }
  print "}"
}

function policy() {
  if ($1 == "src") { policies++; source[policies] = $2; destination[policies] = $4; near[policies] = $2; far[policies] = $4; protocols[policies] = "" }
  if ($1 == "tmpl" && $3 != "0.0.0.0") { near[policies] = $3; far[policies] = $5 }
  if ($1 == "proto" && $2 ~ /^(esp|ah)$/) {
    protocols[policies] = protocols[policies] (protocols[policies] == "" ? "" : " ") $2
    way[policies] = $NF
    sub(/\/32$/, "", near[policies])
    sub(/\/32$/, "", far[policies])
  }
}

function algorithms(   out, i, one) {
  for (i = 2; $i != ";" && i <= NF; i++) {
    one = $i
    sub(/,$/, "", one)
    # A length of its own; charon knows blowfish of up to 256 bits.
    if (one ~ /^[0-9]+$/) { sub(/[0-9]*$/, one > 256 ? 256 : one, out); continue }
    out = out "-" (one in called ? called[one] : one)
  }
  return substr(out, 2)
}

function name(address) { gsub(/\./, "-", address); return "peer-" address }

function connection(peer, j) {
  printf "# %s %s %s %s\n", source[j], destination[j], name(peer), protocols[j]
  printf "%s {\n version = 1\n aggressive = %s\n", name(peer), mode[peer] ~ /^aggressive/ ? "yes" : "no"
  printf " local_addrs = %s\n remote_addrs = %s\n proposals = %s-%s-%s\n rekey_time = 0\n reauth_time = 0\n unique = never\n", near[j], peer, cipher[peer], hash[peer], dh[peer]
  printf " local {\n auth = psk\n id = %s\n }\n remote {\n auth = psk\n id = %s\n }\n children {\n", near[j], peer
  # What it answers with; IKEv1 in charon has no bundle of both, so each is an exchange of its own.
  child("any", j, protocols[j])
  if (protocols[j] ~ /esp/) child("esp", j, "esp")
  if (protocols[j] ~ /ah/) child("ah", j, "ah")
  print " }\n}"
}

function child(called_so, j, wanted) {
  printf " %s {\n local_ts = %s\n remote_ts = %s\n mode = %s\n reqid = 1\n policies = no\n rekey_time = 0\n", called_so, source[j], destination[j], way[j]
  if (wanted ~ /esp/) printf " esp_proposals = %s-%s%s\n", ciphers, hashes, pfs
  if (wanted ~ /ah/) printf " ah_proposals = %s%s\n", hashes, pfs
  print " }"
}

function hex(text,   out, i) {
  for (i = 1; i <= length(text); i++) out = out sprintf("%02x", code[substr(text, i, 1)])
  return out
}
