# Prints `ip -s xfrm state` as setkey -D does. now: `SECONDS MONTH DAY TIME YEAR`.
BEGIN { split(now, today, " "); clock = substr(now, index(now, " ") + 1) }
/^src / { entry(); source = $2; destination = $4; next }
$1 == "proto" { protocol = $2; spi = $4; mode = $8; next }
$1 == "enc" { cipher = setkey_name[$2]; cipher_key = $3 }
$1 ~ /^auth/ { hash = setkey_name[$2]; hash_key = $3 }
$1 == "expire" && $2 == "add:" { split($4, soft, "("); split($6, hard, "(") }
/^\t  [0-9]+\(bytes\)/ { split($1, bytes, "("); split($2, packets, "(") }
$1 == "add" && $2 ~ /^[0-9]/ { made = $2 " " $3; gsub(/[-:]/, " ", made) }
END { entry(); if (!found) print "No SAD entries." }

function entry(   state, age) {
  if (protocol != "") {
    found = 1
    # Without keys it waits for IKE.
    state = cipher == "" && hash == "" ? "larval" : "mature"
    age = made == "" ? 0 : today[1] - mktime(made)
    # `0x00000200(512)`, which setkey has the other way round.
    split(spi, number, /[()]/)
    printf "%s %s \n\t%s mode=%s spi=%s(%s) reqid=0(0x00000000)\n", source, destination, protocol, mode, number[2], number[1]
    if (cipher != "") printf "\tE: %s  %s\n", cipher, spaced(cipher_key)
    if (hash != "") printf "\tA: %s  %s\n", hash, spaced(hash_key)
    printf "\tseq=0x00000000 replay=0 flags=0x00000000 state=%s \n", state
    printf "\tcreated: %s\tcurrent: %s\n\tdiff: %d(s)\thard: %d(s)\tsoft: %d(s)\n", clock, clock, age, hard[1], soft[1]
    printf "\tlast: %21s\thard: 0(s)\tsoft: 0(s)\n\tcurrent: %d(bytes)\thard: 0(bytes)\tsoft: 0(bytes)\n", "", bytes[1]
    printf "\tallocated: %d\thard: 0\tsoft: 0\n\tsadb_seq=0 pid=%d refcnt=0\n", packets[1], 1
  }
  protocol = cipher = hash = made = ""
}

function spaced(key,   out) {
  for (key = substr(key, 3); key != ""; key = substr(key, 9)) out = out (out == "" ? "" : " ") substr(key, 1, 8)
  return out
}
