"""The distributions that can be restored, by the name an inventory gives."""

from orchestrator.core.distro import Distro
from orchestrator.core.inventory import Distribution
from orchestrator.distros.kubeadm import Kubeadm
from orchestrator.distros.kublr import Kublr
from orchestrator.distros.systemd import Systemd

DISTROS: dict[Distribution, Distro] = {
    Distribution.KUBLR: Kublr(),
    Distribution.KUBEADM: Kubeadm(),
    Distribution.SYSTEMD: Systemd(),
}
