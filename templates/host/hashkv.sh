{% include "host/fetch.sh" %}
# hashkv REVISION: the member's answer on its peer port with its hash at that revision; 0 is its newest.
# Asks with peer_url, address, peer_ca, peer_cert and peer_key.
hashkv() { fetch GET "$peer_url/members/hashkv" "$address" "$peer_ca" "$peer_cert" "$peer_key" "{\"revision\":$1}" 2>/dev/null; }
# hashkv_round ANSWER: facts with the hash at the last round number up to the newest revision, which any answer tells.
# Members that are written to are never asked at the same newest revision: the round number is the same for all.
hashkv_round() {
    newest=${1#*'"revision":'}
    newest=${newest%%[!0-9]*}
    [ -n "$newest" ] || return 0
    echo "$((newest - newest % 100))" | fact round
    hashkv "$((newest - newest % 100))" | fact hashkv_round
}
