# start.sh REVISION PEER_URL ADDRESS PEER_CA PEER_CERT PEER_KEY COMMAND...   Starts the services, and leaves a witness.
#   RUN/witnessed   the member's first answer with its HashKV at the snapshot's revision. Once the API servers compact,
#                   nobody can ask for it any more: a laptop that comes later finds it here.
{% include "host/hashkv.sh" %}
revision=$1 peer_url=$2 address=$3 peer_ca=$4 peer_cert=$5 peer_key=$6
shift 6
"$@" || exit 1

witness() { # ends by itself: with that answer, when nobody can have it any more, or after ten minutes
    left=300
    until [ "$left" = 0 ]; do
        answer=$(hashkv "$revision" | tail -n 1)
        case $answer in
        *'"hash":'*) break ;;
        *compacted*) # etcd says so, too, where it is the compacted one; 0 means the newest, perhaps the same
            answer=$(hashkv 0 | tail -n 1)
            case $answer in
            *"\"revision\":$revision"[,}]*) break ;;
            *'"hash":'*) return ;; # it is past it
            esac
            ;;
        esac
        left=$((left - 1))
        sleep 2
    done
    [ "$left" = 0 ] || { printf '%s\n' "$answer" >"$seen.part" && sync "$seen.part" && mv "$seen.part" "$seen"; }
}
seen=$STATE/$RUN/witnessed
[ -e "$seen" ] || witness </dev/null >/dev/null 2>&1 &
