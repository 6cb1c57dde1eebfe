# Copies a program of etcd to COPY, one of NAMES if it is in an image, and checks that it runs here.
# From a running container it is copied through its process: the image may have neither a shell nor `cp`.
{% include "host/lib/etcd_tools.sh" %}
rm -rf "$copy.part" "$copy.image"
paths_in_image() {
    for name in $names; do echo "/usr/local/bin/$name" "/usr/bin/$name"; done
}
from_docker() { # by a container that is never started
    made=$(docker create "$path" etcd) || return 1
    for inside in $(paths_in_image); do
        docker cp "$made:$inside" "$copy.part" >/dev/null 2>&1 && break
    done
    docker rm "$made" >/dev/null
    [ -s "$copy.part" ]
}
from_containerd() { # mounted read-only, then unmounted
    mkdir "$copy.image" && ctr --namespace k8s.io images mount "$path" "$copy.image" >/dev/null || return 1
    for inside in $(paths_in_image); do
        [ -e "$copy.image$inside" ] && cp "$copy.image$inside" "$copy.part" && break
    done
    ctr --namespace k8s.io images unmount --rm "$copy.image" >/dev/null 2>&1 || umount "$copy.image"
    rmdir "$copy.image" 2>/dev/null
    [ -s "$copy.part" ]
}
case $place in
host) cp "$path" "$copy.part" ;;
running) pid=$(etcd_pid "$member") && cp "/proc/$pid/root$path" "$copy.part" ;;
image) from_docker 2>/dev/null || from_containerd ;;
esac || { echo "$path cannot be copied: is etcd's container still the one that the plan has seen?"; exit 1; }
chmod 700 "$copy.part"
now=$(tool_version "$copy.part") || { echo "$path does not run here: bring one with --etcdutl FILE"; exit 1; }
[ "${version:-$now}" = "$now" ] || { echo "$path is now $now, but the plan says $version"; exit 1; }
sync "$copy.part" && mv "$copy.part" "$copy" && sync "${copy%/*}"
