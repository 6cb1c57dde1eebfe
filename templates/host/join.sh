# join.sh ETCD MEMBER WAL STAGED_WAL OWNER NAME PEER_URL ADDRESS REVISION OTHERS PEER_CA PEER_CERT PEER_KEY FLAG...
# Runs etcd with an empty folder until it has joined the others and holds what they hold, then stops it. Its clients' socket
# is a file that root and its own user alone can open. WAL is empty where the log does not lie apart; where it does, etcd
# first writes it into STAGED_WAL: it would clear WAL itself, and all that was set aside there, and fail where that is
# mounted (etcd 3.5, server/storage/wal/wal.go, renameWAL). OWNER is `UID:GID MODE LABEL`; REVISION is the least that it must
# come to; OTHERS are words PEER_URL=ADDRESS.
#   RUN/joined   that it has;  RUN/joined.part   that it has, and its log is on the way into WAL
{% include "host/hashkv.sh" %}
{% include "host/log.sh" %}
program=$1 member=$2 wal=$3 staged_wal=$4 whose=$5 name=$6 peer_url=$7 address=$8 revision=$9
shift 9
others=$1 peer_ca=$2 peer_cert=$3 peer_key=$4 owner=${whose%% *}
shift 4
done=$STATE/$RUN/joined data=${member%/*}
socket=kr-$RUN:0 # in its folder: etcd takes nothing for an address but HOST:PORT (etcd 3.5, client/pkg/types/urls.go)
[ ! -e "$done" ] || exit 0
[ "$(cat "$STATE/hold" 2>/dev/null)" = "$RUN" ] || { echo "refused: this host is not held"; exit 3; }
[ -e "$STATE/$RUN/kept" ] || { echo "refused: the old data was not set aside"; exit 3; }
[ ! -e "$member/snap/db" ] || flock -n "$member/snap/db" true || { echo "refused: an etcd runs on $member"; exit 3; }

finish() {
    if [ -n "$wal" ]; then
        move_log "$staged_wal" "$wal" || exit
        rmdir "$staged_wal" 2>/dev/null
    fi
    mv "$done.part" "$done" && sync "$STATE/$RUN"
    exit
}
[ ! -s "$done.part" ] || finish

members() { # NAME=PEER_URL,... as the first of the others says that answers; a member that has not started has no name
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
cluster=$(members) || { echo "none of the others says who is a member"; exit 1; }
cluster=${cluster%,}
case ,$cluster, in *",$name=$peer_url,"*) ;; *) echo "the others do not list it at $peer_url: $cluster"; exit 1 ;; esac

set -- --name "$name" --data-dir "$data" --initial-cluster "$cluster" --initial-cluster-state existing \
    --initial-advertise-peer-urls "$peer_url" --listen-client-urls "unix://$socket" "$@"
[ -z "$wal" ] || set -- "$@" --wal-dir "$staged_wal"
[ -z "$peer_ca" ] || set -- "$@" --peer-trusted-ca-file "$peer_ca"
[ -z "$peer_cert" ] || set -- "$@" --peer-cert-file "$peer_cert" --peer-key-file "$peer_key"
umask 077
mkdir -p "$data" && cd "$data" || exit 1
[ -z "$wal" ] || give_log_folder "$wal" "$whose" || { echo "cannot give $wal to $owner"; exit 1; }
exec 8<"$program" || exit 1
set -- /proc/self/fd/8 "$@" # its own user may not be able to open the run's folder
[ "$owner" = "$(id -u):$(id -g)" ] || set -- setpriv --reuid "${owner%:*}" --regid "${owner#*:}" --clear-groups "$@"
timeout -k 10 6900 "$@" & # it ends, even where this script is killed
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
    kill -0 "$joining" 2>/dev/null || { stop; echo "that etcd has ended before it had joined: its own words are above"; exit 1; }
    answer=$(hashkv 0)
    case $answer in *'"hash":'*) came=${answer#*'"revision":'} && came=${came%%[!0-9]*} ;; esac
done
stop
for found in "${staged_wal:-$member/wal}"/*.wal; do
    [ -s "$found" ] || { echo "it has left no $found"; exit 1; }
done
echo "$came" >"$done.part" && sync "$done.part" "$STATE/$RUN" || exit 1
finish
