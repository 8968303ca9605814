# Prints, quoted for sh, the assignments that sourcing the files makes: quoting, comments, $NAME and `export` as a shell
# has them. What would run a command or open a file is noted in `log_file` and not done; such a command substitution
# is empty.
FNR == 1 && NR > 1 { source() }
{ text = text $0 "\n"; name = FILENAME }
END { source(); flush_log() }

function source(   more) {
  at = 1; line = 1; size = length(text)
  do more = command(); while (more)
  text = ""
}

# One command, up to a newline or `;`. False at the end of the file.
function command(   count, word_text, i, run_it, from) {
  count = 0; run_it = ""; from = line
  for (;;) {
    while (at <= size && (c() == " " || c() == "\t")) at++
    if (at > size) break
    if (c() == "#") { while (at <= size && c() != "\n") at++; continue }
    if (c() == "\n") { line++; at++; break }
    if (c() ~ /[;&|()]/) { if (c() != ";") note(from, "shell operator " c()); at++; break }
    if (c() ~ /[<>]/) { at++; while (at <= size && c() ~ /[<>& \t]/) at++; note(from, "redirection to " word()); continue }
    word_text = word()
    if (broken) { broken = 0; at = size + 1; break }
    if (run_it == "" && variable != "") { count++; names[count] = variable; values[count] = value }
    else if (run_it == "" && word_text == "export") continue
    else run_it = run_it (run_it == "" ? "" : " ") word_text
  }
  # NAME=value COMMAND sets NAME for that command alone.
  if (run_it != "") {
    note(from, run_it)
    split(run_it, words, " ")
    printf "%s: line %d: %s: command not found\n", name, from, words[1] > "/dev/stderr"
  } else for (i = 1; i <= count; i++) {
    known[names[i]] = values[i]
    printf "%s=%s\n", names[i], quoted(values[i])
  }
  return at <= size
}

# Reads one word. Where it is NAME=value, `variable` and `value` are set.
function word(   out, ch, assign, start) {
  out = ""; variable = ""; value = ""; start = line
  if (match(substr(text, at), /^[A-Za-z_][A-Za-z0-9_]*=/)) {
    variable = substr(text, at, RLENGTH - 1)
    at += RLENGTH
  }
  assign = variable
  for (; at <= size; ) {
    ch = c()
    if (ch ~ /[ \t\n;&|()<>]/) break
    at++
    if (ch == "'") {
      while (at <= size && c() != "'") out = out take()
      if (at > size) return unterminated(start, "'")
      at++
    } else if (ch == "\"") {
      while (at <= size && c() != "\"") {
        if (c() == "\\" && substr(text, at + 1, 1) ~ /[$`"\\\n]/) {
          at++
          if (c() == "\n") { line++; at++ } else out = out take()
        } else if (c() == "$" || c() == "`") out = out expansion()
        else out = out take()
      }
      if (at > size) return unterminated(start, "\"")
      at++
    } else if (ch == "\\") {
      if (c() == "\n") { line++; at++ } else out = out take()
    } else if (ch == "$" || ch == "`") { at--; out = out expansion() }
    else out = out ch
  }
  variable = assign
  value = out
  return assign == "" ? out : assign "=" out
}

# At a `$` or a backquote: its value.
function expansion(   rest, key, depth, from) {
  from = at
  if (c() == "`") {
    at++
    while (at <= size && c() != "`") take()
    at++
    note(line, substr(text, from, at - from))
    return ""
  }
  rest = substr(text, at)
  if (rest ~ /^\$\(/) {
    depth = 0
    while (at <= size) {
      if (c() == "(") depth++
      if (c() == ")" && --depth == 0) break
      take()
    }
    at++
    note(line, substr(text, from, at - from))
    return ""
  }
  if (match(rest, /^\$[A-Za-z_][A-Za-z0-9_]*/)) { at += RLENGTH; return known[substr(rest, 2, RLENGTH - 1)] }
  if (match(rest, /^\$\{[A-Za-z_][A-Za-z0-9_]*[^}]*\}/)) {
    at += RLENGTH
    match(rest, /^\$\{[A-Za-z_][A-Za-z0-9_]*/)
    return known[substr(rest, 3, RLENGTH - 2)]
  }
  # Positional and special parameters: the network scripts' own, of no meaning here.
  if (rest ~ /^\$[0-9@*#?$!-]/) { at += 2; return "" }
  at++
  return "$"
}

function unterminated(from, mark) {
  printf "%s: line %d: unexpected EOF while looking for matching `%s'\n", name, from, mark > "/dev/stderr"
  broken = 1
  variable = ""
  return ""
}

function c() { return substr(text, at, 1) }

function take(   ch) {
  ch = c()
  if (ch == "\n") line++
  at++
  return ch
}

function quoted(bytes) {
  gsub(/'/, "'\\''", bytes)
  return "'" bytes "'"
}

function note(where, what) { notes = notes "sourcing " name ", line " where ": " what "\n" }

function flush_log() { if (notes != "" && log_file != "") printf "%s", notes >> log_file }
