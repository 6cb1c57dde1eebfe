# containers: a line for each running container of API server, controller-manager and scheduler, as runtimes see them. A
# runtime that is down is not asked, because a question would start it through its socket. Docker's own containerd has
# another socket. A runtime that hangs proves nothing: the processes do.
containers() {
    parts='kube-apiserver kube-controller-manager kube-scheduler'
    is_up() { [ -S "$3" ] && grep -qsx "$1" /proc/[0-9]*/comm && command -v "$2" >/dev/null; }
    if is_up dockerd docker /run/docker.sock; then
        timeout 5 docker ps -q \
            --filter "name=^/?k8s_(kube-apiserver|kube-controller-manager|kube-scheduler)_[^_]*_kube-system_" 2>/dev/null |
            while read -r id; do echo "Docker runs the container $id of the control plane"; done
    fi
    if is_up containerd ctr /run/containerd/containerd.sock && tasks=$(timeout 5 ctr -n k8s.io tasks list 2>/dev/null); then
        for part in $parts; do
            timeout 5 ctr -n k8s.io containers list -q \
                "labels.\"io.kubernetes.container.name\"==$part,labels.\"io.kubernetes.pod.namespace\"==kube-system" 2>/dev/null
        done | while read -r id; do
            echo "$tasks" | grep -q "^$id .* RUNNING" && echo "containerd runs the container $id of the control plane"
        done
    fi
    if is_up crio crictl /run/crio/crio.sock; then
        for part in $parts; do
            timeout 5 crictl -r unix:///run/crio/crio.sock ps -q --state Running --name "^$part\$" \
                --label io.kubernetes.pod.namespace=kube-system 2>/dev/null | while read -r id; do
                echo "CRI-O runs the container $id of $part"
            done
        done
    fi
}
