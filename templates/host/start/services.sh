# Starts the services, and leaves a witness.
# values: revision peer_url address peer_ca peer_cert peer_key command...
#   revision        the restored one: the snapshot's, or that with the bump
#   RUN/witnessed   the member's first answer with its HashKV at that revision. Once the API servers compact, nobody can
#                   ask for it any more: a laptop that comes later finds it here.
{% include "host/lib/hashkv.sh" %}
"$@" || exit 1

witness() { # ends with that answer, or when it can no longer be had, or after ten minutes
    left=570 # five times a second for a minute: an API server that comes up with etcd writes and compacts soon
    until [ "$left" = 0 ]; do
        answer=$(hashkv "$revision" | tail -n 1)
        case $answer in
        *'"hash":'*) break ;;
        *compacted*) # etcd says so for the compacted revision itself, too; 0 means the newest, perhaps the same
            answer=$(hashkv 0 | tail -n 1)
            case $answer in
            *"\"revision\":$revision"[,\}]*) break ;;
            *'"hash":'*) return ;; # a later revision
            esac
            ;;
        esac
        left=$((left - 1))
        if [ "$left" -gt 270 ]; then sleep 0.2; else sleep 2; fi
    done
    [ "$left" = 0 ] || { printf '%s\n' "$answer" >"$seen.part" && sync "$seen.part" && mv "$seen.part" "$seen"; }
}
seen=$STATE/$RUN/witnessed
[ -e "$seen" ] || witness </dev/null >/dev/null 2>&1 &
