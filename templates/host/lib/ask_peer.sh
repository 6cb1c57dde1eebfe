{% include "host/lib/fetch.sh" %}
# ask_peer PATH [BODY]: the member's answer on its peer port; nothing if it gives none
ask_peer() { fetch GET "$peer_url$1" "$address" "$peer_ca" "$peer_cert" "$peer_key" "${2-}" 2>/dev/null; }
