# Asks the API server on this host what it serves. Numbers, names of Nodes and the leases of the control plane leave the
# host, never the content of another object. Changes nothing: the client's key is below RUN while this runs.
# values: state run port addresses kubeconfig seconds resources...
#   addresses    where the API server listens on this host, with blanks between
#   kubeconfig   a file on this host with a client certificate
#   seconds      how long to wait for lease renewals
#   resources    GROUP/RESOURCE to count; the core group is empty
{% include "host/lib/facts.sh" %}
{% include "host/lib/readyz.sh" %}
ready=
for address in $addresses; do
    answer=$(readyz "$port" "$address")
    ready=${answer:-$ready}
    [ "$ready" != ok ] || break
done
printf %s "$ready" | fact readyz
[ "$ready" = ok ] || exit 0

umask 077
folder=$state/$run/api.$$
watcher=
leave() {
    [ -z "$watcher" ] || kill "$watcher" 2>/dev/null
    rm -rf -- "$folder"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

setting() { # NAME: its values in the kubeconfig, one a line
    sed -n "s/^[ -]*$1:[[:space:]]*//p" "$kubeconfig" | tr -d "\"'\r"
}
piece() { # NAME: the file that the kubeconfig names, or has in base64, as the file NAME. Builtins have no argv to read.
    data=$(setting "$1-data")
    path=$(setting "$1")
    case $path in '' | /*) ;; *) path=${kubeconfig%/*}/$path ;; esac
    if [ -n "$data" ]; then printf '%s\n' "$data" | base64 -d; else cat -- "$path"; fi 2>/dev/null >"$folder/$1"
    [ -s "$folder/$1" ]
}
access() { # what is missing to ask more; nothing if all is there
    command -v curl >/dev/null || { echo "curl is not installed" && return; }
    [ -r "$kubeconfig" ] || { echo "there is no $kubeconfig" && return; }
    [ "$({ setting client-key-data && setting client-key; } | wc -l)" -le 1 ] ||
        { echo "$kubeconfig has more than one user" && return; }
    mkdir -m 0700 -- "$folder" || { echo "cannot write to $state/$run" && return; }
    piece certificate-authority && piece client-certificate && piece client-key ||
        echo "$kubeconfig has no client certificate"
}
# The server's certificate is valid for the name in the kubeconfig; the connection goes to this host.
server=$(setting server 2>/dev/null | head -n 1)
server=${server#*://}
case $server in \[*) server=${server%%]*}] ;; *) server=${server%%[:/]*} ;; esac
ask() { # PATH [OPTION...]: its answer
    path=$1
    shift
    curl --silent --globoff --noproxy '*' --user-agent orchestrator --max-time 10 \
        --cacert "$folder/certificate-authority" --cert "$folder/client-certificate" --key "$folder/client-key" \
        --connect-to "::$address:$port" "$@" "https://$server:$port$path"
}
table='Accept: application/json;as=Table;g=meta.k8s.io;v=v1'
rows() { # PATH: a list as the table that kubectl shows, without the objects; the last line is the status
    ask "$1" --header "$table" --write-out '\n%{http_code}'
}
unasked=$(access)
if [ -z "$unasked" ]; then
    rows '/api/v1/nodes?includeObject=None' >"$folder/nodes"
    case $?/$(tail -n 1 "$folder/nodes") in
    0/401 | 0/403) unasked="the user of $kubeconfig may not list nodes" ;;
    35/* | 5[89]/* | 60/* | 77/*) unasked="$kubeconfig does not fit the API server's certificate" ;;
    esac
fi
[ -z "$unasked" ] || { printf %s "$unasked" | fact unasked && exit 0; }

# A watch from the newest revision brings only what is written from now on.
leases=/apis/coordination.k8s.io/v1/namespaces
from=$(rows "$leases/kube-node-lease/leases?limit=1&includeObject=None" |
    grep -o '"resourceVersion": *"[0-9]*"' | head -n 1 | tr -dc 0-9)
: >"$folder/events"
ask "$leases/kube-node-lease/leases?watch=1&timeoutSeconds=$seconds&resourceVersion=$from" \
    --no-buffer --max-time "$((seconds + 5))" >"$folder/events" &
watcher=$!
group=/
for resource; do
    if [ "${resource%/*}" != "$group" ]; then
        group=${resource%/*} base=/api/v1
        [ -z "$group" ] || base=/apis/$(ask "/apis/$group" | tr -d ' \n' |
            sed -n 's/.*"preferredVersion":{"groupVersion":"\([^"]*\)".*/\1/p')
    fi
    rows "$base/${resource##*/}?limit=1&includeObject=None" >"$folder/list"
    first=$(grep -c '"cells":' "$folder/list") # with limit=1 there is at most one
    rest=$(grep -o '"remainingItemCount": *[0-9]*' "$folder/list" | tr -dc 0-9)
    echo "$resource $(tail -n 1 "$folder/list") $((first + ${rest:-0}))"
done | fact counts
expected=$(grep -o '"cells":' "$folder/nodes" | wc -l)
renewed() { # the names of the leases in the events
    sed -n 's/^{"type":"MODIFIED".*"metadata":{"name":"\([^"]*\)".*/\1/p' "$folder/events" | sort -u
}
waited=0
while kill -0 "$watcher" 2>/dev/null && [ "$waited" -lt "$seconds" ] && [ "$(renewed | wc -l)" -lt "$expected" ]; do
    sleep 1
    waited=$((waited + 1))
done
renewed | fact renewed
ask "$leases/kube-system/leases/kube-controller-manager" | fact controller_manager
ask "$leases/kube-system/leases/kube-scheduler" | fact scheduler
fact nodes <"$folder/nodes"
