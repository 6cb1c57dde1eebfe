# What one member says about itself, to be compared with the others, and what is on its disk. Changes nothing.
# values: state run data member
# values: client_url peer_url address peer_ca peer_cert peer_key client_ca client_cert client_key
{% include "host/lib/facts.sh" %}
{% include "host/lib/hashkv.sh" %}
{% include "host/lib/ask_client.sh" %}
{% include "host/lib/files.sh" %}
now=$(hashkv 0)
printf '%s' "$now" | fact hashkv_now
if [ -n "$now" ]; then
    hashkv_round "$now"
    ask_peer /members | fact members
    fetch_s=2 # without a quorum a member is silent for several seconds: the next look asks again
    ask_client GET /health | fact health
fi
stat_files '%d %i %W %s %n' "$member" 2>/dev/null | fact files
[ ! -e "$state/$run/returned" ] || fact returned <"$state/$run/returned"
for name in restore.db command; do [ ! -e "$data/$name" ] || echo "$name"; done | fact armed
