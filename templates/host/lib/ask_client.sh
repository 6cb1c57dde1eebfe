{% include "host/lib/fetch.sh" %}
# ask_client METHOD PATH [BODY]: the member's answer on its client port. A server's certificate may not be valid for a
# client; the peers' certificate is, because each peer is both.
ask_client() {
    found=$(fetch "$1" "$client_url$2" "$address" "$client_ca" "$client_cert" "$client_key" "${3-}" 2>/dev/null)
    [ -n "$found" ] || found=$(fetch "$1" "$client_url$2" "$address" "$client_ca" "$peer_cert" "$peer_key" "${3-}" 2>/dev/null)
    printf '%s\n' "$found"
}
