# Moves static pods' manifests out of kubelet's sight, so that their containers end.
# values: manifests aside files...
#   aside   where they go: a folder beside kubelet's own
# A run that was given up may have left some in a folder of its own; they go to the same place.
{% include "host/lib/act.sh" %}
{% include "host/lib/move_manifests.sh" %}
refuse_unless_held
mkdir -p -m 700 "$aside" && sync "${aside%/*}" || exit 1
for file; do
    for older in "$manifests".kr-*/"$file"; do
        [ -e "$older" ] && [ ! -e "$manifests/$file" ] && [ ! -e "$aside/$file" ] && mv "$older" "$aside/$file" &&
            rmdir "${older%/*}" 2>/dev/null
    done
done
move "$manifests" "$aside" "$@"
