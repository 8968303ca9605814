# What setkey and ip-xfrm(8) call the same algorithms.
BEGIN {
  names = "3des-cbc cbc(des3_ede),des-cbc cbc(des),aes-cbc cbc(aes),rijndael-cbc cbc(aes),blowfish-cbc cbc(blowfish),null ecb(cipher_null)," \
    "hmac-md5 hmac(md5),hmac-sha1 hmac(sha1),hmac-sha256 hmac(sha256),hmac-sha2-256 hmac(sha256),hmac-sha512 hmac(sha512)"
  count = split(names, pairs, ",")
  for (i = count; i > 0; i--) {
    split(pairs[i], pair, " ")
    kernel_name[pair[1]] = pair[2]
    setkey_name[pair[2]] = pair[1]
  }
  # A policy asks for SAs of this id, and those made by hand and by IKE have it: charon can make none without.
  reqid = 1
}
