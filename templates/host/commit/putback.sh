# Puts the old data that run UNDONE has set aside back, before anything was started on its copy, and removes the copy.
# values: member kept undone
{% include "host/lib/act.sh" %}
copy=$kept.copy
[ -e "$kept" ] || exec rm -rf "$kept.part" "$copy"
refuse_unless_held "$undone"
refuse_if_etcd_runs "$member"
if [ -e "$member" ]; then
    [ ! -e "$copy" ] || refuse "both $member and $copy exist"
    mv "$member" "$copy" && sync "${kept%/*}" "${member%/*}" || exit 1
fi
mv "$kept" "$member" && sync "${kept%/*}" "${member%/*}" && rm -rf "$kept.part" "$copy"
