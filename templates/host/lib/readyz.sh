# readyz PORT ADDRESS: what the API server there answers to /readyz; nothing if it does not answer.
readyz() {
    if command -v curl >/dev/null; then
        curl --silent --insecure --max-time 5 "https://$2:$1/readyz"
    else
        printf 'GET /readyz HTTP/1.0\r\n\r\n' |
            timeout 5 openssl s_client -quiet -connect "$2:$1" 2>/dev/null | tail -n 1
    fi
}
