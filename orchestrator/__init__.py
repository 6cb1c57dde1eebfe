"""Restore etcd on every master of a Kubernetes cluster from one snapshot."""

__version__ = "0.1.0"
