# fetch METHOD URL ADDRESS CA CERT KEY [BODY]: asks the server at ADDRESS that URL's name is right for, and prints
# status line, headers and body. A key never leaves its host, so the host asks; with curl, else with openssl.
fetch() {
    method=$1 url=$2 address=$3 ca=$4 cert=$5 key=$6 body=${7-}
    rest=${url#*://}
    host=${rest%%/*}
    path=/${rest#*/}
    port=${host##*:}
    host=${host%:*}
    if command -v curl >/dev/null; then
        set -- --connect-to "$host:$port:$address:$port"
        case $url in https:*) set -- "$@" --cacert "$ca" --cert "$cert" --key "$key" ;; esac
        [ -z "$body" ] || set -- "$@" --data "$body"
        curl --silent --show-error --include --http1.0 --max-time 8 --request "$method" "$@" "$url"
        return
    fi
    case $host in
    *[!0-9.]*) set -- -servername "$host" -verify_hostname "$host" ;;
    *) set -- -verify_ip "$host" ;; # only digits and dots: an address
    esac
    # HTTP/1.0: the server closes when it has answered; with -quiet openssl waits for that.
    printf '%s %s HTTP/1.0\r\nHost: %s\r\nContent-Length: %s\r\n\r\n%s' \
        "$method" "$path" "$host" "$(printf %s "$body" | wc -c)" "$body" |
        timeout 8 openssl s_client -quiet -connect "$address:$port" "$@" -verify_return_error -CAfile "$ca" -cert "$cert" -key "$key" 2>/dev/null
}
