#!/bin/sh
# Debian packages that the tests need besides the lab's engine (tests/lab/engine.sh): a real sshd and a real sudo for the
# contract, a second shell for the hosts' scripts, curl for the demo. Says what is missing where it cannot install.
set -eu
missing=
for pair in sshd:openssh-server sudo:sudo curl:curl openssl:openssl busybox:busybox-static zstd:zstd shellcheck:shellcheck ssh-keygen:openssh-client; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -d /usr/lib/python3/dist-packages/swift ] || missing="$missing python3-swift" # an object store: tests/contract/swift.py
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "error: these packages are missing:$missing; only root on Debian can install them here" >&2
    echo "next: install them, then: make test" >&2
    exit 1
fi
apt-get update -qq
# shellcheck disable=SC2086 - a list of package names
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
