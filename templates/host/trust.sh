# certificate FILE: path, state, end and names of a certificate on one line, apart by tabs
certificate() {
    if ends=$(openssl x509 -noout -enddate -in "$1" 2>/dev/null); then
        names=$(openssl x509 -noout -text -in "$1" 2>/dev/null | grep -A 1 'Subject Alternative Name' | tail -n 1)
        state=
        openssl x509 -noout -checkend 604800 -in "$1" >/dev/null 2>&1 || state=soon
        openssl x509 -noout -checkend 0 -in "$1" >/dev/null 2>&1 || state=expired
    else
        state=unread ends= names=
    fi
    printf '%s\t%s\t%s\t%s\n' "$1" "$state" "${ends#notAfter=}" "$names"
}
# encryption_keys FILE: the providers and the names of their keys, in their order. What else is in the file is secret:
# a line that has anything beside a name is left out.
encryption_keys() {
    grep -oE -e '^[ -]*(aescbc|aesgcm|secretbox|kms|identity):' -e '^[ -]*name: *["'\'']?[A-Za-z0-9._-]+["'\'']? *$' "$1"
}
