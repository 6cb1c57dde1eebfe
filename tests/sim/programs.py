"""What a simulated host can be told to run. Each program does what the script or tool of its name does.

A program that is not here cannot be sent: if the simulator does not know it, the product may not use it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from tests.kubernetes_objects import lease_bytes, node_bytes
from tests.sim.acts import Call
from tests.sim.clock import EPOCH, VirtualClock
from tests.sim.history import History, to_file
from tests.sim.host import SimHost
from tests.sim.units import FOLDER, KUBELET
from tests.sim.world import World

REFUSED, ANOTHERS = 3, 11
T = TypeVar("T")
Program = Callable[["Place", Call], Awaitable[int]]
