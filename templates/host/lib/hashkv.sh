{% include "host/lib/ask_peer.sh" %}
# hashkv REVISION: the member's answer on its peer port with its hash at that revision; 0 is its newest
hashkv() { ask_peer /members/hashkv "{\"revision\":$1}"; }
# hashkv_round ANSWER: facts with the hash at the last round number up to the newest revision, which every answer has.
# Members that are written to are never asked at the same newest revision; the round number is the same for all.
hashkv_round() {
    newest=${1#*'"revision":'}
    newest=${newest%%[!0-9]*}
    [ -n "$newest" ] || return 0
    echo "$((newest - newest % 100))" | fact round
    hashkv "$((newest - newest % 100))" | fact hashkv_round
}
