# restore_tools MEMBER IMAGE: etcd's tools that can restore a snapshot, a line `PLACE VERSION PATH` each, the best place
# first: on the host; in the container of the etcd that has MEMBER open; in IMAGE, of unknown version. Changes nothing.
restore_tools() {
    exe=
    ! pid=$(etcd_pid "$1") || exe=$(readlink "/proc/$pid/exe")
    for name in etcdutl etcdctl; do
        for path in $(command -v "$name") "/usr/local/bin/$name" "/opt/bin/$name" "${exe%/*}/$name"; do
            found=$(tool_version "$path") && echo "host $found $path" && break
        done
    done
    if [ -n "$exe" ] && [ ! "/proc/$pid/root/." -ef / ]; then
        for name in etcdutl etcdctl; do
            for path in "${exe%/*}/$name" "/usr/local/bin/$name"; do
                found=$(tool_version "/proc/$pid/root$path") && echo "running $found $path" && break
            done
        done
    fi
    [ -z "$2" ] || ! image_is_here "$2" || echo "image - $2"
}

etcdctls() { # MEMBER: every etcdctl that runs here, on the host or in the container of the etcd that has MEMBER open
    pid=$(etcd_pid "$1") && exe=$(readlink "/proc/$pid/exe")
    for path in $(command -v etcdctl) /usr/local/bin/etcdctl "/proc/${pid:-self}/root${exe%/*}/etcdctl"; do
        ! tool_version "$path" >/dev/null || echo "$path"
    done
}

tool_version() { # PROGRAM: if it runs here. Its first line is `etcdutl version: 3.5.1` or `etcd Version: 3.5.1`.
    ask=version
    case ${1##*/} in etcd | etcd.part) ask=--version ;; esac
    [ -x "$1" ] && first=$(ETCDCTL_API=3 timeout 10 "$1" "$ask" 2>/dev/null | head -n 1) || return 1
    case $first in *' '[vV]'ersion: '*) echo "${first##* }" ;; *) return 1 ;; esac
}

etcd_pid() { # MEMBER: the process that locks its database. A container's paths are its own, the inode is not.
    inode=$(stat -c %i "$1/snap/db" 2>/dev/null) || return 1
    while read -r _ kind _ _ pid place _; do
        [ "$kind" = FLOCK ] && [ "${place##*:}" = "$inode" ] && [ -e "/proc/$pid/exe" ] || continue
        echo "$pid"
        return
    done </proc/locks
    return 1
}

image_is_here() { # IMAGE. Only a runtime that is up is asked: a question would start it.
    if systemctl is-active --quiet docker.service 2>/dev/null && command -v docker >/dev/null; then
        docker image inspect "$1" >/dev/null 2>&1 && return
    fi
    systemctl is-active --quiet containerd.service 2>/dev/null && command -v ctr >/dev/null &&
        [ -n "$(ctr --namespace k8s.io images ls --quiet "name==$1" 2>/dev/null)" ]
}
