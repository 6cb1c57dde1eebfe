# What one member says about itself on its peer port, and what is on its disk. Changes nothing.
# values: state run data member revision starts
# values: [client_url] peer_url address peer_ca peer_cert peer_key client_ca client_cert client_key
#   starts       the folder of the step that starts the services
#   client_url   empty if the health is not asked for: the first members to come up have no quorum yet
{% include "host/lib/facts.sh" %}
{% include "host/lib/hashkv.sh" %}
{% include "host/lib/ask_client.sh" %}
{% include "host/lib/files.sh" %}
# Once it is started, wait here for its first answer: a new login every few moments would cost the host more.
give_up=0
[ ! -e "$starts" ] || give_up=$(($(date +%s) + 5))
until at=$(hashkv "$revision"); [ -n "$at" ] || [ "$(date +%s)" -ge "$give_up" ]; do sleep 0.3; done
now=$at
printf %s "$at" | fact hashkv
case $at in
'' | *'"hash":'*) ;; # not asked twice: a hash costs the member a second or more for each GB
*)
    # etcd also refuses the compacted revision itself, as on a quiet cluster; 0 means the newest.
    now=$(hashkv 0)
    hashkv_round "$now"
    ;;
esac
printf %s "$now" | fact hashkv_now
if [ -n "$at" ]; then
    ask_peer /members | fact members
    fetch_s=2 # without a quorum a member is silent for several seconds: the next look asks again
    [ -z "$client_url" ] || ask_client GET /health | fact health
fi
stat_files '%d %i %W %s %n' "$member" 2>/dev/null | fact files
fact kept <"$state/$run/kept"
[ ! -e "$state/$run/witnessed" ] || fact witnessed <"$state/$run/witnessed"
for name in restore.db command; do [ ! -e "$data/$name" ] || echo "$name"; done | fact armed
