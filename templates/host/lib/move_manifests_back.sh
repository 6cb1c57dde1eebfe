{% include "host/lib/move_manifests.sh" %}
move "$aside" "$manifests" "$@"
rmdir "$aside" 2>/dev/null || :
