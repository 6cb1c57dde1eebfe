# Runs etcd with an empty folder until it has joined the others and holds their data, then stops it.
# values: program member [wal] [staged_wal] owner name peer_url address revision others
# values: [peer_ca] [peer_cert] [peer_key] flags...
#   wal          a log in a folder of its own. etcd writes it into STAGED_WAL first: it would delete WAL itself, and all
#                that was set aside there, and fail if that is a mount point (etcd 3.5, server/storage/wal/wal.go, renameWAL)
#   owner        `UID:GID MODE LABEL`
#   revision     the least that it must reach
#   others       words PEER_URL=ADDRESS
#   RUN/joined   it has joined; while RUN/joined.part is not empty, its log is on the way into WAL
# The socket for clients is a file that only root and etcd's own user can open.
{% include "host/lib/act.sh" %}
{% include "host/lib/hashkv.sh" %}
{% include "host/lib/wal.sh" %}
user=${owner%% *}
done=$STATE/$RUN/joined data=${member%/*}
socket=kr-$RUN:0 # in its folder: etcd accepts only HOST:PORT as an address (etcd 3.5, client/pkg/types/urls.go)
[ ! -e "$done" ] || exit 0
refuse_unless_held
[ -e "$STATE/$RUN/kept" ] || refuse "the old data was not set aside"
refuse_if_etcd_runs "$member"

finish() {
    if [ -n "$wal" ]; then
        move_wal "$staged_wal" "$wal" || exit
        rmdir "$staged_wal" 2>/dev/null
    fi
    mv "$done.part" "$done" && sync "$STATE/$RUN"
    exit
}
[ ! -s "$done.part" ] || finish

members() { # NAME=PEER_URL,... as the first of the others that answers says; a member that has not started has no name
    for other in $others; do
        fetch GET "${other%=*}/members" "${other##*=}" "$peer_ca" "$peer_cert" "$peer_key" 2>/dev/null | tr '{' '\n' | grep peerURLs |
            while read -r line; do
                url=${line#*'"peerURLs":["'} url=${url%%\"*} called=${line#*'"name":"'} called=${called%%\"*}
                [ "$url" != "$peer_url" ] || called=$name
                printf '%s=%s,' "$called" "$url"
            done | grep . && return
    done
    return 1
}
cluster=$(members) || { echo "none of the others lists the members"; exit 1; }
cluster=${cluster%,}
case ,$cluster, in *",$name=$peer_url,"*) ;; *) echo "the others do not list $name at $peer_url: $cluster"; exit 1 ;; esac

set -- --name "$name" --data-dir "$data" --initial-cluster "$cluster" --initial-cluster-state existing \
    --initial-advertise-peer-urls "$peer_url" --listen-client-urls "unix://$socket" "$@"
[ -z "$wal" ] || set -- "$@" --wal-dir "$staged_wal"
[ -z "$peer_ca" ] || set -- "$@" --peer-trusted-ca-file "$peer_ca"
[ -z "$peer_cert" ] || set -- "$@" --peer-cert-file "$peer_cert" --peer-key-file "$peer_key"
umask 077
mkdir -p "$data" && cd "$data" || exit 1
[ -z "$wal" ] || give_wal_folder "$wal" "$owner" || { echo "cannot give $wal to $user"; exit 1; }
exec 8<"$program" || exit 1
set -- /proc/self/fd/8 "$@" # etcd's own user may not be able to open the run's folder
[ "$user" = "$(id -u):$(id -g)" ] || set -- setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups "$@"
timeout -k 10 6900 "$@" & # it ends even if this script is killed
joining=$!
stop() {
    kill "$joining" 2>/dev/null
    wait "$joining"
    rm -f "$socket"
}
trap 'stop; exit 1' TERM
came=0
until [ "$came" -ge "$revision" ]; do
    sleep 1
    kill -0 "$joining" 2>/dev/null || { stop; echo "etcd ended before it had joined: its log is above"; exit 1; }
    answer=$(hashkv 0)
    case $answer in *'"hash":'*) came=${answer#*'"revision":'} && came=${came%%[!0-9]*} ;; esac
done
stop
for found in "${staged_wal:-$member/wal}"/*.wal; do
    [ -s "$found" ] || { echo "it left no $found"; exit 1; }
done
echo "$came" >"$done.part" && sync "$done.part" "$STATE/$RUN" || exit 1
finish
