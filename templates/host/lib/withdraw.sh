{% include "host/lib/act.sh" %}
{% include "host/lib/move_manifests.sh" %}
# A run that was given up may have left some in a folder of its own; they go to the same place.
refuse_unless_held
mkdir -p -m 700 "$aside" && sync "${aside%/*}" || exit 1
for file; do
    for older in "$manifests".kr-*/"$file"; do
        [ -e "$older" ] && [ ! -e "$manifests/$file" ] && [ ! -e "$aside/$file" ] && mv "$older" "$aside/$file" &&
            rmdir "${older%/*}" 2>/dev/null
    done
done
move "$manifests" "$aside" "$@"
