"""Persistent volumes and claims in a snapshot: their data is stored elsewhere, under a driver's own handle.

Source: kubernetes/kubernetes staging/src/k8s.io/api/core/v1/generated.proto (PersistentVolumeSpec,
PersistentVolumeSource and its sources, PersistentVolumeClaimSpec, ObjectReference).
"""

from orchestrator.etcd.frozen import Frozen
from orchestrator.etcd.objects import METADATA, NAME, SPEC, Field, Part, open_object, part, text

_NAMESPACE = Field(3, "namespace")  # of ObjectMeta
_SOURCE, _CLAIM_REF, _CLASS = Field(2, ""), Field(4, "claimRef"), Field(6, "storageClassName")
_REF_NAMESPACE, _REF_NAME = Field(2, "namespace"), Field(3, "name")
_VOLUME_NAME, _CLAIMED_CLASS = Field(3, "volumeName"), Field(5, "storageClassName")
_CSI, _CSI_DRIVER, _CSI_HANDLE = Field(22, "csi"), Field(1, "driver"), Field(2, "volumeHandle")

_IN_TREE: tuple[tuple[Field, tuple[Field, ...]], ...] = (
    (Field(1, "gcePersistentDisk"), (Field(1, "pdName"),)),
    (Field(2, "awsElasticBlockStore"), (Field(1, "volumeID"),)),
    (Field(3, "hostPath"), (Field(1, "path"),)),
    (Field(4, "glusterfs"), (Field(1, "endpoints"), Field(2, "path"))),
    (Field(5, "nfs"), (Field(1, "server"), Field(2, "path"))),
    (Field(6, "rbd"), (Field(4, "pool"), Field(2, "image"))),
    (Field(7, "iscsi"), (Field(1, "targetPortal"), Field(2, "iqn"))),
    (Field(8, "cinder"), (Field(1, "volumeID"),)),
    (Field(9, "cephfs"), (Field(2, "path"),)),
    (Field(13, "azureFile"), (Field(2, "shareName"),)),
    (Field(14, "vsphereVolume"), (Field(1, "volumePath"),)),
    (Field(16, "azureDisk"), (Field(2, "diskURI"),)),
    (Field(18, "portworxVolume"), (Field(1, "volumeID"),)),
    (Field(20, "local"), (Field(1, "path"),)),
)
"""Sources without a driver of their own, with the fields that identify a volume."""


class Volume(Frozen):
    """A PersistentVolume.

    ``driver`` is a CSI driver or the name of an in-tree source, `unknown` for any other; ``handle`` is the driver's
    id for the volume. ``claim`` is `NAMESPACE/NAME`, or empty.
    """

    name: str
    storage_class: str
    driver: str
    handle: str
    claim: str


class VolumeClaim(Frozen):
    """A PersistentVolumeClaim. ``volume`` is empty until the claim is bound."""

    namespace: str
    name: str
    storage_class: str
    volume: str


def read_volume(value: bytes) -> Volume:
    """Read a PersistentVolume. Raises ``ObjectError``."""
    found = open_object(value)
    spec = part(found, SPEC)
    driver, handle = _source(part(spec, _SOURCE))
    claim = part(spec, _CLAIM_REF)
    return Volume(
        name=text(found, METADATA, NAME),
        storage_class=text(spec, _CLASS),
        driver=driver,
        handle=handle,
        claim=f"{text(claim, _REF_NAMESPACE)}/{text(claim, _REF_NAME)}" if claim else "",
    )


def read_claim(value: bytes) -> VolumeClaim:
    """Read a PersistentVolumeClaim. Raises ``ObjectError``."""
    found = open_object(value)
    return VolumeClaim(
        namespace=text(found, METADATA, _NAMESPACE),
        name=text(found, METADATA, NAME),
        storage_class=text(found, SPEC, _CLAIMED_CLASS),
        volume=text(found, SPEC, _VOLUME_NAME),
    )


def _source(source: Part) -> tuple[str, str]:
    """Return driver and handle."""
    if csi := part(source, _CSI):
        return text(csi, _CSI_DRIVER), text(csi, _CSI_HANDLE)
    for kind, names in _IN_TREE:
        if below := part(source, kind):
            return kind.name, ":".join(text(below, name) for name in names)
    return "unknown", ""
