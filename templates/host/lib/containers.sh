# in_containers: a line PID START NAME for the first process of each running container of the control plane, as runtimes
# see them: its program may have any name. A runtime that is down is not asked, because a question would start it through
# its socket. Docker's own containerd has another socket. A runtime that hangs hides nothing that has its usual name.
in_containers() {
    for part in kube-apiserver kube-controller-manager kube-scheduler; do
        containers "$part" | while read -r pid; do
            start=$(start_of "$pid") && echo "$pid $start $part"
        done
    done
}
containers() { # NAME: ids of processes
    if is_up dockerd docker /run/docker.sock; then
        timeout 5 docker ps -q --filter "name=^/?k8s_${1}_[^_]*_kube-system_" 2>/dev/null | while read -r id; do
            timeout 5 docker top "$id" -o pid 2>/dev/null | { read -r _ && read -r pid && echo "$pid"; }
        done
    fi
    if is_up containerd ctr /run/containerd/containerd.sock; then
        timeout 5 ctr -n k8s.io containers list -q \
            "labels.\"io.kubernetes.container.name\"==$1,labels.\"io.kubernetes.pod.namespace\"==kube-system" 2>/dev/null |
            while read -r id; do
                timeout 5 ctr -n k8s.io tasks list 2>/dev/null | while read -r task pid state; do
                    [ "$task $state" != "$id RUNNING" ] || echo "$pid"
                done
            done
    fi
    if is_up crio crictl /run/crio/crio.sock; then
        cri="timeout 5 crictl -r unix:///run/crio/crio.sock"
        $cri ps -q --state Running --name "^$1\$" --label io.kubernetes.pod.namespace=kube-system 2>/dev/null | while read -r id; do
            $cri inspect "$id" 2>/dev/null | while read -r name pid; do [ "$name" != '"pid":' ] || echo "${pid%,}"; done
        done
    fi
}
is_up() { # PROGRAM CLIENT SOCKET
    [ -S "$3" ] && grep -qsx "$1" /proc/[0-9]*/comm && command -v "$2" >/dev/null
}
