# The work of setkey: reads the SPD and SAD, then dumps one of them, or runs the commands on stdin as setkey -c does.
# spd: direction source destination protocol action requests spid created
# sad: source destination protocol spi mode cipher key hash key reqid state seconds created bytes
BEGIN {
  OFS = FS
  CONVFMT = OFMT = "%.17g" # an SPI is larger than some awks' integers
  seconds = now; sub(/ .*/, "", seconds)
  clock = now; sub(/^[^ ]* /, "", clock)
  while ((getline entry < spd_file) > 0) if (entry != "") spd[++spds] = entry
  while ((getline entry < sad_file) > 0) if (entry != "") sad[++sads] = entry
  close(spd_file); close(sad_file)
  if (action == "dump-spd") { dump_spd(); exit }
  if (action == "dump-sad") { dump_sad(); exit }
  for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i
  lengths["esp", "3des-cbc"] = "24"; lengths["esp", "des-cbc"] = "8"; lengths["esp", "null"] = "0"
  lengths["esp", "rijndael-cbc"] = lengths["esp", "aes-cbc"] = "16 24 32"
  lengths["esp", "blowfish-cbc"] = "5-56"; lengths["esp", "cast128-cbc"] = "5-16"; lengths["esp", "twofish-cbc"] = "16-32"
  lengths["ah", "hmac-sha1"] = lengths["ah", "hmac-ripemd160"] = "20"; lengths["ah", "hmac-md5"] = "16"; lengths["ah", "null"] = "0"
  lengths["ah", "hmac-sha256"] = lengths["ah", "hmac-sha2-256"] = "32"
  lengths["ah", "hmac-sha384"] = lengths["ah", "hmac-sha2-384"] = "48"
  lengths["ah", "hmac-sha512"] = lengths["ah", "hmac-sha2-512"] = "64"
}
{ text = text $0 "\n" }
END {
  if (action != "script") exit
  code_of_exit = script()
  if (changed_sad) store(sad_file, sad, sads)
  if (changed_spd) store(spd_file, spd, spds)
  exit code_of_exit
}

# Every command runs as soon as it is read; a mistake in the text ends the script, a refusal of the kernel does not.
function script(   count) {
  at = 1; line = 1; size = length(text); count = 0
  while (next_token()) {
    if (token == ";" && !token_quoted) {
      problem = count == 0 ? "" : run_command(count)
      if (problem != "") { printf "line %d: %s at [;]\nparse failed, line %d.\n", line, problem, line; return 1 }
      count = 0
    } else { words[++count] = token; was_quoted[count] = token_quoted }
  }
  if (count > 0) { printf "line %d: syntax error at [EOF]\nparse failed, line %d.\n", line, line; return 1 }
  return 0
}

function next_token(   ch, from) {
  for (;;) {
    ch = substr(text, at, 1)
    if (at > size) return 0
    if (ch == "\n") line++
    else if (ch == "#") { while (at <= size && substr(text, at, 1) != "\n") at++; continue }
    else if (ch !~ /[ \t\r]/) break
    at++
  }
  token_quoted = 0
  if (ch == ";") { token = ";"; at++; return 1 }
  if (ch == "\"") {
    from = ++at
    while (at <= size && substr(text, at, 1) != "\"") at++
    token = substr(text, from, at - from); token_quoted = 1; at++
    return 1
  }
  from = at
  while (at <= size && substr(text, at, 1) !~ /[ \t\r\n;"]/) at++
  token = substr(text, from, at - from)
  return 1
}

# Empty, or what is wrong with the text.
function run_command(count,   verb) {
  verb = words[1]
  if (verb == "flush") { sads = 0; changed_sad = 1; return "" }
  if (verb == "spdflush") { spds = 0; changed_spd = 1; return "" }
  if (verb == "dump") { dump_sad(); return "" }
  if (verb == "spddump") { dump_spd(); return "" }
  if (verb == "add") return add_sa(count)
  if (verb == "delete") return delete_sa(count)
  if (verb == "deleteall") return delete_all(count)
  if (verb == "spdadd" || verb == "spdupdate") return add_policy(count, verb)
  if (verb == "spddelete") return delete_policy(count)
  return "syntax error"
}

function add_sa(count,   i, mode, cipher, cipher_key, hash, hash_key, spi, reqid) {
  if (count < 6 || !address(words[2]) || !address(words[3]) || words[4] !~ /^(ah|esp)$/) return "syntax error"
  spi = number(words[5]); mode = "any"; cipher = cipher_key = hash = hash_key = ""; reqid = 0
  if (spi < 0) return "syntax error"
  for (i = 6; i <= count; i++) {
    if (words[i] == "-m") mode = words[++i]
    else if (words[i] == "-u") reqid = number(words[++i])
    else if (words[i] ~ /^-[rf]$/) i++
    else if (words[i] == "-E") {
      cipher = words[++i]
      if (cipher != "null") { cipher_key = key_bytes(++i, count); if (bad_key) return "syntax error" }
    } else if (words[i] == "-A") {
      hash = words[++i]
      if (hash != "null") { hash_key = key_bytes(++i, count); if (bad_key) return "syntax error" }
    } else return "syntax error"
  }
  if (mode !~ /^(any|transport|tunnel)$/) return "syntax error"
  if (words[4] == "ah" && (cipher != "" || hash == "")) return "algorithm mismatched"
  if (words[4] == "esp" && cipher == "") return "syntax error"
  if (cipher != "" && (("esp", cipher) in lengths) == 0 || hash != "" && (("ah", hash) in lengths) == 0) return "syntax error"
  if (cipher != "" && !fits(length(cipher_key) / 2, lengths["esp", cipher])) return "Invalid key length"
  if (hash != "" && !fits(length(hash_key) / 2, lengths["ah", hash])) return "Invalid key length"
  # RFC 4303 reserves SPIs up to 255; the kernel's des3_ede refuses keys of which two neighbouring parts are the same.
  if (spi < 256 || cipher == "3des-cbc" && (substr(cipher_key, 1, 16) == substr(cipher_key, 17, 16) || substr(cipher_key, 17, 16) == substr(cipher_key, 33, 16))) return refused("Invalid argument")
  if (find_sa(words[2], words[3], words[4], spi)) return refused("File exists")
  sad[++sads] = join_sa(words[2], words[3], words[4], spi, mode, cipher, cipher_key, hash, hash_key, reqid)
  changed_sad = 1
  return ""
}

function join_sa(src, dst, protocol, spi, mode, cipher, cipher_key, hash, hash_key, reqid) {
  return src OFS dst OFS protocol OFS spi OFS mode OFS cipher OFS cipher_key OFS hash OFS hash_key OFS reqid OFS "mature" OFS seconds OFS clock OFS 0
}

function find_sa(src, dst, protocol, spi,   i, part) {
  for (i = 1; i <= sads; i++) {
    split(sad[i], part, FS)
    if (part[2] == dst && part[3] == protocol && part[4] == spi && (src == "" || part[1] == src)) return i
  }
  return 0
}

function delete_sa(count,   found) {
  if (count < 5 || !address(words[2]) || !address(words[3]) || words[4] !~ /^(ah|esp)$/ || number(words[5]) < 0) return "syntax error"
  found = find_sa(words[2], words[3], words[4], number(words[5]))
  if (!found) return refused("No such process")
  sads = drop(sad, sads, found); changed_sad = 1
  return ""
}

function delete_all(count,   i, part) {
  if (count < 4 || !address(words[2]) || !address(words[3])) return "syntax error"
  for (i = sads; i > 0; i--) {
    split(sad[i], part, FS)
    if (part[1] == words[2] && part[2] == words[3] && part[3] == words[4]) { sads = drop(sad, sads, i); changed_sad = 1 }
  }
  return ""
}

# On Linux a policy `in` brings one `fwd` with it, and takes it away again.
function add_policy(count, verb,   src, dst, way, what, requests, i, serial) {
  if (count < 7 || !selector(words[2]) || !selector(words[3]) || words[5] != "-P") return "syntax error"
  src = shown(words[2]); dst = shown(words[3]); way = words[6]; what = words[7]; requests = ""
  if (way !~ /^(in|out|fwd)$/ || what !~ /^(ipsec|none|discard)$/) return "syntax error"
  for (i = 8; i <= count; i++) {
    if (words[i] !~ /^(ah|esp|ipcomp)\/(transport|tunnel)\/([0-9.]+-[0-9.]+)?\/(require|use|default|unique(:[0-9]+)?)$/) return "syntax error"
    if ((words[i] ~ /\/tunnel\//) != (words[i] ~ /\/[0-9.]+-[0-9.]+\//)) return "syntax error"
    requests = requests (requests == "" ? "" : " ") words[i]
  }
  if ((what == "ipsec") != (requests != "")) return "syntax error"
  if (find_policy(way, src, dst, words[4])) {
    if (verb == "spdadd") return refused("File exists")
    remove_policy(way, src, dst, words[4])
  }
  put_policy(way, src, dst, words[4], what, requests)
  if (way == "in") { remove_policy("fwd", src, dst, words[4]); put_policy("fwd", src, dst, words[4], what, requests) }
  return ""
}

# The kernel's index of a policy holds its direction in the lowest three bits.
function put_policy(way, src, dst, protocol, what, requests,   i, part, serial) {
  serial = 0
  for (i = 1; i <= spds; i++) { split(spd[i], part, FS); if (int(part[7] / 8) > serial) serial = int(part[7] / 8) }
  spd[++spds] = way OFS src OFS dst OFS protocol OFS what OFS requests OFS ((serial + 1) * 8 + (way == "in" ? 0 : way == "out" ? 1 : 2)) OFS clock
  changed_spd = 1
}

function find_policy(way, src, dst, protocol,   i, part) {
  for (i = 1; i <= spds; i++) {
    split(spd[i], part, FS)
    if (part[1] == way && part[2] == src && part[3] == dst && part[4] == protocol) return i
  }
  return 0
}

function remove_policy(way, src, dst, protocol,   found) {
  found = find_policy(way, src, dst, protocol)
  if (found) { spds = drop(spd, spds, found); changed_spd = 1 }
  return found
}

function delete_policy(count,   src, dst) {
  if (count < 6 || !selector(words[2]) || !selector(words[3]) || words[5] != "-P" || words[6] !~ /^(in|out|fwd)$/) return "syntax error"
  src = shown(words[2]); dst = shown(words[3])
  if (!remove_policy(words[6], src, dst, words[4])) return refused("No such file or directory")
  if (words[6] == "in") remove_policy("fwd", src, dst, words[4])
  return ""
}

function drop(list, count, index_,   i) {
  for (i = index_; i < count; i++) list[i] = list[i + 1]
  delete list[count]
  return count - 1
}

function refused(why) { printf "The result of line %d: %s.\n", line, why; return "" }

function address(text_,   octet, i, n) {
  if (text_ !~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/) return 0
  n = split(text_, octet, ".")
  for (i = 1; i <= n; i++) if (octet[i] + 0 > 255) return 0
  return 1
}

function selector(text_,   part, n) {
  sub(/\[[^]]*\]$/, "", text_)
  n = split(text_, part, "/")
  return n <= 2 && address(part[1]) && (n == 1 || part[2] ~ /^[0-9]+$/ && part[2] + 0 <= 32)
}

function shown(text_) {
  if (text_ !~ /\[[^]]*\]$/) text_ = text_ "[any]"
  sub(/\/32\[/, "[", text_)
  return text_
}

# The number a word stands for, or -1.
function number(text_,   i, n) {
  if (text_ ~ /^[0-9]+$/) return text_ + 0
  if (text_ !~ /^0[xX][0-9a-fA-F]+$/) return -1
  text_ = tolower(text_); n = 0
  for (i = 3; i <= length(text_); i++) n = n * 16 + index("0123456789abcdef", substr(text_, i, 1)) - 1
  return n
}

# A key as hexadecimal digits: `0x…` in pairs, or a quoted text.
function key_bytes(i, count,   out, j, raw) {
  bad_key = 0; raw = words[i]
  if (i > count) { bad_key = 1; return "" }
  if (was_quoted[i]) {
    for (j = 1; j <= length(raw); j++) out = out sprintf("%02x", code[substr(raw, j, 1)])
    return out
  }
  if (raw !~ /^0[xX]([0-9a-fA-F][0-9a-fA-F])+$/) { bad_key = 1; return "" }
  return tolower(substr(raw, 3))
}

function fits(bytes, allowed,   part, n, i) {
  if (split(allowed, part, "-") == 2) return bytes >= part[1] + 0 && bytes <= part[2] + 0
  n = split(allowed, part, " ")
  for (i = 1; i <= n; i++) if (bytes == part[i] + 0) return 1
  return 0
}

# Beside the file and renamed, so that a dump never sees half of it.
function store(file, list, count,   i, fresh) {
  fresh = file "." pid
  printf "" > fresh
  for (i = 1; i <= count; i++) print list[i] > fresh
  close(fresh)
  gsub(/'/, "'\\''", file); gsub(/'/, "'\\''", fresh)
  system("mv -f '" fresh "' '" file "'")
}

# Newest first, as a kernel lists them, and after them racoon's own sockets.
function dump_spd(   i, part, total, seq, request, n, j) {
  total = spds + (racoon == "" ? 0 : 2)
  if (total == 0) { print "No SPD entries."; return }
  for (i = spds; i > 0; i--) {
    split(spd[i], part, FS)
    printf "%s %s %s\n\t%s prio def %s\n", part[2], part[3], part[4] == "any" ? any : part[4], part[1], part[5]
    n = split(part[6], request, " ")
    for (j = 1; j <= n; j++) printf "\t%s\n", request[j]
    end_policy(part[8], part[7], ++seq, total)
  }
  if (racoon != "") {
    printf "(per-socket policy) \n\tout(socket) none\n"; end_policy(clock, 12, ++seq, total)
    printf "(per-socket policy) \n\tin(socket) none\n"; end_policy(clock, 3, ++seq, total)
  }
}

function end_policy(created, spid, seq, total) {
  printf "\tcreated: %s  lastused: %20s\n\tlifetime: 0(s) validtime: 0(s)\n", substr(created " ", 1, 20), ""
  printf "\tspid=%d seq=%d pid=%d\n\trefcnt=1\n", spid, seq == total ? 0 : seq, pid
}

function dump_sad(   i, part) {
  if (sads == 0) { print "No SAD entries."; return }
  for (i = 1; i <= sads; i++) {
    split(sad[i], part, FS)
    printf "%s %s \n\t%s mode=%s spi=%s(0x%s) reqid=%s(0x%s)\n", part[1], part[2], part[3], part[5], part[4], hex8(part[4]), part[10], hex8(part[10])
    if (part[6] != "") printf "\tE: %s  %s\n", part[6], spaced(part[7])
    if (part[8] != "") printf "\tA: %s  %s\n", part[8], spaced(part[9])
    printf "\tseq=0x00000000 replay=0 flags=0x00000000 state=%s \n", part[11]
    printf "\tcreated: %s\tcurrent: %s\n\tdiff: %d(s)\thard: 0(s)\tsoft: 0(s)\n", part[13], clock, seconds - part[12]
    printf "\tlast: %21s\thard: 0(s)\tsoft: 0(s)\n\tcurrent: %d(bytes)\thard: 0(bytes)\tsoft: 0(bytes)\n", "", part[14]
    printf "\tallocated: 0\thard: 0\tsoft: 0\n\tsadb_seq=%d pid=%d refcnt=0\n", sads - i, pid
  }
}

function hex8(n,   out) {
  for (n += 0; length(out) < 8; n = int(n / 16)) out = substr("0123456789abcdef", n % 16 + 1, 1) out
  return out
}

function spaced(hex,   out) {
  for (; hex != ""; hex = substr(hex, 9)) out = out (out == "" ? "" : " ") substr(hex, 1, 8)
  return out
}
