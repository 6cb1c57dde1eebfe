{% include "host/lib/containers.sh" %}
# Which processes of the control plane are alive, whatever their ports, units and containers say.
# A control plane of another cluster that runs here in pods has a network of its own; this cluster's uses the host's.

start_of() { # PID: its start time in ticks since boot, which tells it from a later process with the same id
    read -r stat 2>/dev/null <"/proc/$1/stat" && set -- ${stat##*) } && echo "${20}"
}
alive_as() { # PATTERN: the ids of the processes on the host's network whose name, cut after 15 characters, matches
    network=$(readlink /proc/self/ns/net)
    grep -lsE "^($1)" /proc/[0-9]*/comm | while IFS=/ read -r _ _ pid _; do
        [ "$(readlink "/proc/$pid/ns/net" 2>/dev/null)" != "$network" ] || echo "$pid"
    done
}
program_of() { # PID: the name of its program. hyperkube, until Kubernetes 1.18, is one program for all parts
    file=$(readlink "/proc/$1/exe" 2>/dev/null)
    tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | {
        read -r first
        read -r second
        for name in "${file% (deleted)}" "$first"; do
            name=${name##*/}
            [ "$name" != hyperkube ] || name=kube-${second#kube-}
            case $name in kube-apiserver | kube-controller-manager | kube-scheduler) echo "$name" && return ;; esac
        done
    }
}
# Cut to 15 characters, kube-controllers of Calico has the name of kube-controller-manager: the program decides.
control_plane() { # a line PID START NAME for each API server, controller-manager and scheduler
    found=$(by_name)
    if [ -n "$found" ]; then echo "$found"; else in_containers; fi
}
by_name() {
    alive_as 'kube-apiserver|kube-controller|kube-scheduler|hyperkube' | while read -r pid; do
        name=$(program_of "$pid") && [ -n "$name" ] && start=$(start_of "$pid") && echo "$pid $start $name"
    done
}
etcds_with() { # DATABASE: a line PID START etcd for each process that has it open; by inode, for a container has other paths
    alive_as etcd | while read -r pid; do
        for file in "/proc/$pid/fd"/*; do
            [ "$file" -ef "$1" ] || continue
            start=$(start_of "$pid") && echo "$pid $start etcd"
            break
        done
    done
}
