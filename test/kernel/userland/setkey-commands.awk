# Turns commands of setkey -c into a batch of ip(8).
{ text = text $0 "\n" }
END {
  for (i = 0; i < 256; i++) code[sprintf("%c", i)] = i
  at = 1
  words = 0
  while (next_word()) {
    if (word == ";" && !quoted) { command(); words = 0 }
    else { list[++words] = word; text_key[words] = quoted }
  }
}

function next_word(   rest, end) {
  quoted = 0
  rest = substr(text, at)
  if (!match(rest, /[^ \t\n]/)) return 0
  at += RSTART - 1
  rest = substr(text, at)
  if (substr(rest, 1, 1) == ";") { word = ";"; at++; return 1 }
  if (substr(rest, 1, 1) == "\"") {
    quoted = 1
    end = index(substr(rest, 2), "\"")
    word = substr(rest, 2, end - 1)
    at += end + 1
    return 1
  }
  match(rest, /^[^ \t\n;"]+/)
  word = substr(rest, 1, RLENGTH)
  at += RLENGTH
  return 1
}

function command() {
  if (list[1] == "flush") print "xfrm state flush"
  else if (list[1] == "spdflush") print "xfrm policy flush"
  else if (list[1] == "add") add()
  else if (list[1] == "delete") print "xfrm state delete src " list[2] " dst " list[3] " proto " list[4] " spi " list[5]
  else if (list[1] == "spdadd") spdadd()
  else if (list[1] == "spddelete") spddelete()
}

function add(   mode, algorithms, i) {
  mode = "transport"
  for (i = 6; i <= words; i++) {
    if (list[i] == "-m") mode = list[++i]
    if (list[i] == "-E") { algorithms = algorithms " enc " kernel_name[list[i + 1]] " " key(i + 2); i += 2 }
    if (list[i] == "-A") { algorithms = algorithms " auth " kernel_name[list[i + 1]] " " key(i + 2); i += 2 }
  }
  if (mode == "any") mode = "transport"
  print "xfrm state add src " list[2] " dst " list[3] " proto " list[4] " spi " list[5] " reqid " reqid " mode " mode algorithms
}

function key(i,   out, j) {
  if (!text_key[i]) return list[i]
  out = "0x"
  for (j = 1; j <= length(list[i]); j++) out = out sprintf("%02x", code[substr(list[i], j, 1)])
  return out
}

# On Linux a policy `in` brings one `fwd` with it, and takes it away again.
function spdadd(   templates, part, ends, i, selector) {
  selector = "src " list[2] " dst " list[3] (list[4] == "any" ? "" : " proto " list[4]) " dir "
  for (i = 8; i <= words; i++) {
    split(list[i], part, "/")
    templates = templates " tmpl"
    if (split(part[3], ends, "-") == 2) templates = templates " src " ends[1] " dst " ends[2]
    templates = templates " proto " part[1] " reqid " reqid " mode " part[2] " level " (part[4] == "use" ? "use" : "required")
  }
  print "xfrm policy add " selector list[6] templates
  if (list[6] == "in") print "xfrm policy add " selector "fwd" templates
}

function spddelete(   selector) {
  selector = "src " list[2] " dst " list[3] (list[4] == "any" ? "" : " proto " list[4]) " dir "
  print "xfrm policy delete " selector list[6]
  if (list[6] == "in") print "xfrm policy delete " selector "fwd"
}
