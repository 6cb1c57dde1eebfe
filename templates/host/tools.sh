# restore_tools MEMBER IMAGE: etcd's tools that can restore a snapshot, `PLACE VERSION PATH` a line, the best place first: on
# the host; in the container of the etcd that has MEMBER open; in IMAGE, of which nothing more is known. Changes nothing.
restore_tools() {
    exe=
    ! pid=$(etcd_pid "$1") || exe=$(readlink "/proc/$pid/exe")
    for name in etcdutl etcdctl; do
        for path in $(command -v "$name") "/usr/local/bin/$name" "/opt/bin/$name" "${exe%/*}/$name"; do
            told=$(tool_version "$path") && echo "host $told $path" && break
        done
    done
    if [ -n "$exe" ] && [ ! "/proc/$pid/root/." -ef / ]; then
        for name in etcdutl etcdctl; do
            for path in "${exe%/*}/$name" "/usr/local/bin/$name"; do
                told=$(tool_version "/proc/$pid/root$path") && echo "running $told $path" && break
            done
        done
    fi
    [ -z "$2" ] || ! image_is_here "$2" || echo "image - $2"
}

tool_version() { # of the program at PATH, if it runs here: `etcdutl version: 3.5.1` or `etcd Version: 3.5.1` is its first line
    ask=version
    case ${1##*/} in etcd | etcd.part) ask=--version ;; esac
    [ -x "$1" ] && first=$(ETCDCTL_API=3 timeout 10 "$1" "$ask" 2>/dev/null | head -n 1) || return 1
    case $first in *' '[vV]'ersion: '*) echo "${first##* }" ;; *) return 1 ;; esac
}

etcd_pid() { # MEMBER: the process that holds the lock on its database. A container's paths are its own, the inode is not.
    inode=$(stat -c %i "$1/snap/db" 2>/dev/null) || return 1
    while read -r _ kind _ _ pid place _; do
        [ "$kind" = FLOCK ] && [ "${place##*:}" = "$inode" ] && [ -e "/proc/$pid/exe" ] || continue
        echo "$pid"
        return
    done </proc/locks
    return 1
}

image_is_here() { # only a runtime that is up is asked: a question would start it
    if systemctl is-active --quiet docker.service 2>/dev/null && command -v docker >/dev/null; then
        docker image inspect "$1" >/dev/null 2>&1 && return
    fi
    systemctl is-active --quiet containerd.service 2>/dev/null && command -v ctr >/dev/null &&
        [ -n "$(ctr --namespace k8s.io images ls --quiet "name==$1" 2>/dev/null)" ]
}
