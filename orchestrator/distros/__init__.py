"""The distributions that can be restored, by the name an inventory gives."""

from orchestrator.core.hosts.distro import Distro
from orchestrator.distros.kubeadm import Kubeadm
from orchestrator.distros.kublr import Kublr
from orchestrator.distros.systemd import Systemd

DISTROS: dict[str, Distro] = {
    "kublr": Kublr(),
    "kubeadm": Kubeadm(),
    "systemd": Systemd(),
}
