"""Which API serves a resource that is found in etcd: the way from a key back to a request.

A built-in resource's key has no group, so the group comes from this table. A custom resource's key has it.

Source: kubernetes/kubernetes v1.34 pkg/kubeapiserver/default_storage_factory_builder.go
(SpecialDefaultResourcePrefixes) and the storage providers in pkg/registry/*/rest/storage_*.go.
"""

_BUILT_IN = {
    "": "configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims persistentvolumes pods "
    "podtemplates replicationcontrollers resourcequotas secrets serviceaccounts services",
    "admissionregistration.k8s.io": "mutatingwebhookconfigurations validatingadmissionpolicies "
    "validatingadmissionpolicybindings validatingwebhookconfigurations",
    "apps": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "certificates.k8s.io": "certificatesigningrequests",
    "coordination.k8s.io": "leases",
    "discovery.k8s.io": "endpointslices",
    "flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
    "networking.k8s.io": "ingressclasses ingresses ipaddresses networkpolicies servicecidrs",
    "node.k8s.io": "runtimeclasses",
    "policy": "poddisruptionbudgets",
    "rbac.authorization.k8s.io": "clusterrolebindings clusterroles rolebindings roles",
    "resource.k8s.io": "deviceclasses resourceclaims resourceclaimtemplates resourceslices",
    "scheduling.k8s.io": "priorityclasses",
    "storage.k8s.io": "csidrivers csinodes csistoragecapacities storageclasses volumeattachments "
    "volumeattributesclasses",
}
_GROUPS = {resource: group for group, resources in _BUILT_IN.items() for resource in resources.split()}
_STORED_AS = {"controllers": "replicationcontrollers", "ingress": "ingresses"}
"""Folders of etcd whose name differs from the resource's; `etcd.registry` renames nodes, services and endpoints."""


def served_as(resource: str) -> str:
    """`GROUP/RESOURCE` for a resource as `etcd.registry` names it; the core group is empty. Empty if no API serves it,
    or none that is known: address ranges, leases of API servers, other keys."""
    name, _, group = resource.partition(".")
    if group:
        return f"{group}/{name}"
    name = _STORED_AS.get(name, name)
    return f"{_GROUPS[name]}/{name}" if name in _GROUPS else ""
