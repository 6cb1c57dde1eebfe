# certificate FILE: path, state, end and names of a certificate on one line, separated by tabs
certificate() (
    if ends=$(openssl x509 -noout -enddate -in "$1" 2>/dev/null); then
        names=$(openssl x509 -noout -text -in "$1" 2>/dev/null | grep -A 1 'Subject Alternative Name' | tail -n 1)
        state=
        openssl x509 -noout -checkend 604800 -in "$1" >/dev/null 2>&1 || state=soon
        openssl x509 -noout -checkend 0 -in "$1" >/dev/null 2>&1 || state=expired
    else
        state=unread ends= names=
    fi
    printf '%s\t%s\t%s\t%s\n' "$1" "$state" "${ends#notAfter=}" "$names"
)
