#!/bin/sh
# What dockerd does when it is stopped: SIGTERM for every container, SIGKILL after 10 s for those that still run.
set -u
running() { ctr --namespace k8s.io tasks ls | awk 'NR > 1 && $3 == "RUNNING" { print $1 }'; }
signal_all() {
    for task in $(running); do ctr --namespace k8s.io tasks kill --signal "$1" "$task" 2>/dev/null & done
    wait
}
signal_all SIGTERM
tries=50
while [ "$tries" -gt 0 ] && [ -n "$(running)" ]; do
    sleep 0.2
    tries=$((tries - 1))
done
signal_all SIGKILL
