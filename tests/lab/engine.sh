#!/bin/sh
# Makes sure that a Docker engine with compose answers here: installs Debian's packages and starts the engine where
# they are missing. Does nothing where an engine answers already. Needs root on Debian for the rest.
set -eu
LOG=/var/log/dockerd-lab.log
WAIT_S=60

fail() {
    echo "error: $1" >&2
    echo "next: $2" >&2
    exit 1
}

have_compose() {
    docker-compose version >/dev/null 2>&1 || docker compose version >/dev/null 2>&1
}

engine_answers() {
    docker info >/dev/null 2>&1
}

install_packages() {
    [ "$(id -u)" = 0 ] || fail "the lab needs Docker, compose and debootstrap, and only root can install them" \
        "install them, or run make demo, which needs none of them"
    command -v apt-get >/dev/null || fail "this is no Debian: the lab cannot install Docker by itself" \
        "install Docker, docker-compose and debootstrap, then run this again"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        docker.io docker-compose iptables debootstrap >/dev/null
}

# An engine that was killed leaves these files, and the next one refuses to start because of them.
remove_stale_pidfiles() {
    for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
        [ -f "$file" ] || continue
        pid=$(cat "$file")
        # A zombie has no program any more.
        readlink "/proc/$pid/exe" | grep -qE 'dockerd|containerd' || rm -f "$file"
    done
}

start_engine() {
    if [ -d /run/systemd/system ]; then
        systemctl start docker
    else
        remove_stale_pidfiles
        setsid nohup dockerd >"$LOG" 2>&1 </dev/null &
    fi
}

if ! have_compose || ! command -v docker >/dev/null || ! command -v debootstrap >/dev/null; then
    install_packages
fi
engine_answers && exit 0
[ "$(id -u)" = 0 ] || fail "no Docker engine answers, and only root can start one" "start it, then run this again"
start_engine
waited_s=0
until engine_answers; do
    [ "$waited_s" -lt "$WAIT_S" ] || fail "the Docker engine did not answer within $WAIT_S s" "read $LOG"
    sleep 1
    waited_s=$((waited_s + 1))
done
