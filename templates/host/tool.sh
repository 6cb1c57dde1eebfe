# tool.sh PLACE PATH VERSION MEMBER COPY [NAME]   Copies etcd's restore tool, or its program NAME, into the run's folder, and sees
# that it runs here.
# Out of a running container through its process, so that the image needs neither a shell nor `cp`.
{% include "host/tools.sh" %}
place=$1 path=$2 version=$3 member=$4 copy=$5 names=${6-"etcdutl etcdctl"}
rm -rf "$copy.part" "$copy.image"
insides() { # where images have it
    for name in $names; do echo "/usr/local/bin/$name" "/usr/bin/$name"; done
}
from_docker() { # a container that is never started
    made=$(docker create "$path" etcd) || return 1
    for inside in $(insides); do
        docker cp "$made:$inside" "$copy.part" >/dev/null 2>&1 && break
    done
    docker rm "$made" >/dev/null
    [ -s "$copy.part" ]
}
from_containerd() { # mounted for reading, and unmounted
    mkdir "$copy.image" && ctr --namespace k8s.io images mount "$path" "$copy.image" >/dev/null || return 1
    for inside in $(insides); do
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
[ "${version:-$now}" = "$now" ] || { echo "$path is $now by now, the plan says $version"; exit 1; }
sync "$copy.part" && mv "$copy.part" "$copy" && sync "${copy%/*}"
