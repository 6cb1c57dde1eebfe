# What static pods' manifests in the folder MANIFESTS say.
etcd_pod() { # UNIT...
    etcd=$manifests/$etcd_file
    for withdrawn in "$manifests".kr-*/"$etcd_file"; do # by a run that is open
        [ -e "$etcd" ] || [ ! -e "$withdrawn" ] || etcd=$withdrawn
    done
    [ -e "$etcd" ] || return 0 # not a master
    fact manifest <"$etcd"
    sha256sum <"$etcd" | fact manifest_sha256
    [ -z "$agent" ] || agent_facts "$@"
    peer_names "$etcd"
}
agent_facts() { # UNIT...: the last one is the runtime. It is asked only while it is up, because a question would start it
    for runtime; do :; done
    {
        grep -hs '"live-restore" *: *true' /etc/docker/daemon.json
        systemctl show --property=ExecStart -- "$runtime" 2>/dev/null | grep -o -e --live-restore
        ! systemctl is-active --quiet -- "$runtime" 2>/dev/null ||
            timeout 10 docker info 2>/dev/null | grep 'Live Restore Enabled: true'
    } | fact live_restore
    timeout 20 "$agent" validate 2>/dev/null | fact kublr_validate
}
api_pod() {
    grep -ls -e '--data-dir' -e 'ETCD_DATA_DIR' -e '--etcd-servers' "$manifests"/* | fact pods
    api=$(grep -ls kube-apiserver "$manifests"/* "$manifests".kr-*/* | head -n 1)
    [ -z "$api" ] || fact api_manifest <"$api"
    grep -hos -e '--secure-port=[0-9]*' "${api:-"$manifests"}" "$manifests"/* | head -n 1 | fact api_port
}
