"""Supported distributions, by their name in the inventory. Each is a pair of parts with its defaults."""

from types import MappingProxyType

from orchestrator.core.hosts.distro import Distro
from orchestrator.distros.control_kublr import ControlKublr
from orchestrator.distros.control_pods import ControlPods
from orchestrator.distros.control_units import ControlUnits
from orchestrator.distros.etcd_kublr import EtcdKublr
from orchestrator.distros.etcd_pod import EtcdPod
from orchestrator.distros.etcd_unit import EtcdUnit
from orchestrator.distros.pair import Pair

KUBLR = Pair(
    EtcdKublr(),
    ControlKublr(),
    rejoin="write `reinitialize` to the file `command` in the root of its data volume",
    default_units=MappingProxyType({"kubelet": "kublr-kubelet", "runtime": "docker"}),
)
KUBEADM = Pair(EtcdPod(), ControlPods(), rejoin="join it with `kubeadm join --control-plane`")
SYSTEMD = Pair(
    EtcdUnit(),
    ControlUnits(),
    rejoin="add it with `etcdctl member add`, and start it with `initial-cluster-state: existing`",
)
DISTROS: dict[str, Distro] = {"kublr": KUBLR, "kubeadm": KUBEADM, "systemd": SYSTEMD}
