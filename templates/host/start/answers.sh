# Waits until the member answers on its peer port. Members that check one another at their start wait for those that start
# at the same time.
# values: peer_url address peer_ca peer_cert peer_key
{% include "host/lib/ask_peer.sh" %}
left=60
until [ -n "$(ask_peer /members)" ] || [ "$left" -le 0 ]; do
    left=$((left - 1))
    sleep 0.3
done
[ "$left" -gt 0 ] || echo "no answer yet: the next master starts meanwhile"
