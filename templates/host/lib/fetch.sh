fetch_s=8 # how long an answer may take
# fetch METHOD URL ADDRESS CA CERT KEY [BODY]: asks the server at ADDRESS, whose certificate must fit URL's name, and
# prints status line, headers and body. A key never leaves its host, so the host asks: with curl, else with openssl.
fetch() (
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
        exec curl --silent --show-error --include --no-alpn --http1.0 --max-time "$fetch_s" --request "$method" "$@" "$url"
    fi
    case $host in
    *[!0-9.]*) set -- -servername "$host" -verify_hostname "$host" ;;
    *) set -- -verify_ip "$host" ;; # only digits and dots: an address
    esac
    printf '%s %s HTTP/1.0\r\nHost: %s\r\nContent-Length: %s\r\n\r\n%s' \
        "$method" "$path" "$host" "$(printf %s "$body" | wc -c)" "$body" |
        timeout "$fetch_s" sh -c 'echo $$ && exec openssl s_client -quiet "$@"' s_client -connect "$address:$port" "$@" \
            -verify_return_error -CAfile "$ca" -cert "$cert" -key "$key" 2>/dev/null |
        answer
)

# Prints an HTTP answer and hangs up. The server may take 5 s to do that: etcd's peer port starts its read timeout again
# when the connection is to be closed (rafthttp.ConnReadTimeout, etcd 3.5).
answer() {
    read -r pid
    length=
    while IFS= read -r line; do
        printf '%s\n' "$line"
        case $line in
        [Cc]ontent-[Ll]ength:*) length=${line#*:} length=${length%?} ;;
        ?) break ;; # a carriage return alone ends the headers
        esac
    done
    if [ -n "$length" ]; then head -c "$((length))"; else cat; fi
    kill "$pid" 2>/dev/null
}
