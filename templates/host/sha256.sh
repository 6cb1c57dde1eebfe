# openssl hashes several times as fast as the coreutils of many distributions: it uses the processor's own
# instructions. While the masters are down that counts.
sha256() { # of standard input, in hex
    if command -v openssl >/dev/null; then sum=$(openssl dgst -sha256 -r); else sum=$(sha256sum); fi
    echo "${sum%% *}"
}
sums() ( # FOLDER: of all files in it, as sha256sum prints them
    cd "$1" || exit 1
    if command -v openssl >/dev/null; then
        find . -type f -exec openssl dgst -sha256 -r {} + | while read -r sum path; do echo "$sum  ${path#\*}"; done
    else
        find . -type f -exec sha256sum {} +
    fi
)
