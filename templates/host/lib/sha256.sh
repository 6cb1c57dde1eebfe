# openssl hashes several times as fast as the coreutils of many distributions, because it uses the processor's own
# instructions. That counts while the masters are down.
sha256() { # of standard input, in hex
    if command -v openssl >/dev/null; then sum=$(openssl dgst -sha256 -r); else sum=$(sha256sum); fi
    echo "${sum%% *}"
}
