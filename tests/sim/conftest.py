"""The real sshd of the contract's tests, for what is told of both kinds of host."""

from tests.contract.conftest import public_folder, sshd

__all__ = ["public_folder", "sshd"]
