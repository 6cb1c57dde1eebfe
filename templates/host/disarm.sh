# disarm.sh DATA PEER_URL ADDRESS PEER_CA PEER_CERT PEER_KEY   A restore.db that is left behind would restore again at
# every later pod start, and lose all that was written since. It is renamed where the member serves: a host that has
# rebooted since the proof may be at that restore again, and would be left with half of one.
{% include "host/fetch.sh" %}
[ -e "$1/restore.db" ] || exit 0
if [ -z "$(fetch GET "$2/members" "$3" "$4" "$5" "$6" 2>/dev/null)" ]; then
    echo "refused: no member answers here any more: it may be at its restore again"
    exit 3
fi
mv "$1/restore.db" "$1/restore.db.kr-$RUN" && sync "$1"
