#!/bin/sh
# Makes a container into what kubelet takes for a machine, before containerd and kubelet start. Nothing of the real
# machine changes: values that kubelet wants in /proc/sys are files bound over it.
set -eu
mount --make-rshared /
[ -e /dev/kmsg ] || ln -s /dev/console /dev/kmsg

# /sys/fs/cgroup is the machine's (cgroup v1). This container's own group is a root for kubelet's pods, so that they
# are frozen and removed with it, and no other host's kubelet sees them. Docker made that group in every controller
# that the machine has mounted; those that systemd mounted in here besides would have to be kept apart by hand.
own=$(sed -n 's/^[0-9]*:memory://p' /proc/1/cgroup | sed 's,/init.scope$,,')
if [ -n "$own" ] && [ "$own" != / ]; then
    for controller in $(awk '$3 == "cgroup" { print $2 }' /proc/mounts); do
        [ -d "$controller$own" ] || umount "$controller"
    done
    echo "KUBELET_EXTRA_ARGS=--cgroup-root=$own" >/etc/default/kubelet
fi

bind() { # VALUE FILE
    [ "$(cat "/proc/sys/$2")" != "$1" ] || return 0
    file=/run/real-sys/$2
    mkdir -p "${file%/*}"
    echo "$1" >"$file"
    mount --bind "$file" "/proc/sys/$2"
}
bind 1 vm/overcommit_memory
bind 0 vm/panic_on_oom
bind 10 kernel/panic
bind 1 kernel/panic_on_oops
bind 1000000 kernel/keys/root_maxkeys
bind 25000000 kernel/keys/root_maxbytes
