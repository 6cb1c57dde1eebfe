# services.sh KUBLR KUBELET RUNTIME...   Restarts a worker's services in the vendor's order, without a reboot.
kublr=$1
systemctl stop "$1" && shift && systemctl stop "$1" && shift && systemctl stop "$@" && systemctl start "$kublr"
