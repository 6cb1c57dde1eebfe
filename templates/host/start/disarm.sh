# Renames a restore.db that is left behind: every later pod start would restore it again, and lose all later writes.
# values: data peer_url address peer_ca peer_cert peer_key
# It is renamed only while the member serves: a host that has rebooted since the proof may be restoring again, and the
# rename would leave it with half of the data.
{% include "host/lib/act.sh" %}
{% include "host/lib/ask_peer.sh" %}
[ -e "$data/restore.db" ] || exit 0
[ -n "$(ask_peer /members)" ] || refuse "the member on this host does not answer: it may be restoring again"
mv "$data/restore.db" "$data/restore.db.kr-$RUN" && sync "$data"
