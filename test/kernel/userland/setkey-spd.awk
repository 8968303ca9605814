# Prints `ip -s xfrm policy` as setkey -DP does.
/^src / { end_rules(); source = $2; destination = $4; upper = $5 == "proto" ? $6 : "255"; next }
$1 == "dir" { head($2, $6); next }
$1 == "tmpl" { end_rule(); begin("ipsec"); from = $3; to = $5; next }
$1 == "proto" && direction != "" { protocol = $2; mode = $NF; next }
$1 == "level" { level = $2 == "required" ? "require" : "use" }
$1 == "add" && $2 ~ /^[0-9]/ { made = $2 " " $3 }
END { end_rules(); if (!found) print "No SPD entries." }

function head(way, index_number) {
  direction = way
  number = index_number
  found = 1
  sub(/\/32$/, "", source)
  sub(/\/32$/, "", destination)
  # What the sockets of IKE itself may do, without IPsec.
  if (source == "0.0.0.0/0" && number % 8 > 2) { printf "(per-socket policy) \n\t%s(socket) none\n", direction; return }
  pending = 1
}

# Without rules it lets the packets pass as they are.
function begin(action) {
  if (pending) printf "%s[any] %s[any] %s\n\t%s prio def %s\n", source, destination, upper, direction, action
  pending = 0
}

function end_rule() {
  if (protocol != "") printf "\t%s/%s/%s/%s\n", protocol, mode, mode == "tunnel" ? from "-" to : "", level
  protocol = ""
}

function end_rules() {
  end_rule()
  begin("none")
  if (direction != "") {
    printf "\tcreated: %s  lastused: %20s\n\tlifetime: 0(s) validtime: 0(s)\n\tspid=%d seq=0 pid=1\n\trefcnt=1\n", made, "", number
  }
  direction = ""
}
