#!/bin/sh
# boot.sh FOLDER NAME SHOWN... -- PROGRAM ARG...
# Switches a demo host on: builds its own root, then becomes its first process, PROGRAM.
# The host's /etc, /mnt, /opt, /root and /var are folders in FOLDER and survive a reboot; /run and /tmp do not. Programs
# and libraries are this machine's, read-only, and so are the paths SHOWN.
# Runs as root in namespaces (user, mount, uts, pid) that its caller created.
set -eu

folder=$1 name=$2
shift 2
root=$folder/root-of-this-boot

see() { # PATH: mounts the machine's path read-only at the same place
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
    # Not always allowed: a user namespace may not change the flags of some mounts.
    mount -o remount,bind,ro "$root$1" 2>/dev/null || :
}

mkdir -p "$root"
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$root"
for top in /usr /bin /sbin /lib /lib32 /lib64 /libx32; do
    if [ -L "$top" ]; then
        cp -P "$top" "$root$top"
    elif [ -d "$top" ]; then
        see "$top"
    fi
done
for own in etc mnt opt root var; do
    mkdir -p "$root/$own"
    mount --bind "$folder/$own" "$root/$own"
done
while [ "$1" != -- ]; do
    see "$1"
    shift
done
shift

mkdir -p "$root/dev/shm" "$root/proc" "$root/run" "$root/old"
mkdir -p "$root/tmp" && chmod 1777 "$root/tmp" # it exists already if the checkout is in it
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mount -t proc proc "$root/proc"
hostname "$name"
cd "$root"
pivot_root . old
umount -l /old
rmdir /old
exec "$@"
