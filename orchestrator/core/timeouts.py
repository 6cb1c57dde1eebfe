"""The longest time that anything may take, in seconds, with the reason. Every timeout is defined here."""

LOOK_S = 60.0
"""A look reads small files and queries local ports; the slowest part is curl with 8 s, up to four times in sequence."""

KEYS_S = 90.0
"""A page of live keys from a member under load, over a slow line: asked with each of two certificates, 30 s each."""

HOLDS_S = 90.0
"""Four questions to one member, each with a second certificate if necessary; a hash takes a second per GB."""

HASH_S = 1800.0
"""sha256 of a file of up to about 100 GB on a slow disk: 60 MB/s."""

MARK_S = 60.0
"""Writing a few small files with fsync, on a busy disk."""

STOP_UNIT_S = 300.0
"""systemd sends SIGKILL 90 s after SIGTERM (DefaultTimeoutStopSec); Docker stops its containers within that."""

COPY_S = 7200.0
"""Copying old data of up to about 100 GB on a slow disk: 15 MB/s."""

BACKUP_S = 1800.0
"""A snapshot of a live member: etcd limits its database to 8 GiB; read at 5 MB/s."""

START_UNIT_S = 120.0
"""`systemctl start` of the agent alone; a look waits for what the agent then starts."""

SETTLE_WAIT_S = 600.0
"""How long an act of an older attempt may hold a host before a new attempt gives up: the longest acts copy data."""

FENCE_LOOK_S = 10.0
"""After a failure: asking each master whether a later attempt has taken over. Silent masters are not waited for."""

FAREWELL_S = 10.0
"""Informing each master that an attempt has ended, so that the next one need not wait for silence."""

STOPPED_WAIT_S = 180.0
"""Containers that ignore SIGTERM die by SIGKILL after their grace period, 30 s by default in Kubernetes."""

MEMBER_GRACE_S = 30
"""How long etcd has to end: kubelet's own grace period (Kubernetes, `terminationGracePeriodSeconds`)."""

STOPPED_DWELL_S = 2.0
"""Supervisors restart a stopped process after about a second; two quiet seconds on all hosts show that none does."""

RESOLVE_WAIT_S = 10.0
"""A name in the hosts file resolves at once; a caching resolver may take a few seconds."""

PROVEN_WAIT_S = 600.0
"""Runtime, kubelet and the pod's restore of up to 8 GiB, until the member answers on its peer port."""

STAGGER_S = 20.0
"""How long a member may take to answer before the next one starts: kubelet starts a pod within a few seconds."""

WORKER_POLL_S = 2.0
"""A worker takes a minute to come back, and each question goes to it and to every master."""

WORKER_POLL_EACH_S = 0.1
"""The least interval per worker of a large batch: a master answers at most ten questions a second."""

READY_WAIT_S = 600.0
"""An API server waits for etcd, with kubelet's back-off of up to 300 s if it crashed meanwhile."""

SERVED_LOOK_S = 180.0
"""Asking an API server for the number of objects of some hundred resources, one after another."""

RENEWAL_S = 15.0
"""How long a watch may take to deliver a renewal of every node's lease. A kubelet renews each 10 s: a quarter of 40 s,
jittered by 4 % (Kubernetes 1.34, pkg/kubelet/kubelet.go, nodeLeaseRenewIntervalFraction)."""

SERVED_WAIT_S = 60.0
"""Until controllers lead and Nodes are Ready. A controller awaits the end of the lease that the snapshot brought back:
15 s from when it sees it (client-go, tools/leaderelection). A Node that was Unknown needs two more kubelet rounds."""

SERVED_POLL_S = 2.0
"""Between two rounds of these questions."""

# --- the connection -------------------------------------------------------------------------------------

CONNECT_S = 10.0
"""One login attempt of three. A host behind two bastions on a bad line answers within a few seconds.
"""

UNANSWERED_S = 30.0
"""Reconnecting to a host that has answered before: a switch or an sshd that restarts is back by then."""

BEAT_S = 15.0
"""The interval of heartbeats and keep-alives: a holder counts as silent after four missed ones."""

JOIN_S = 20
"""How long one request for the end of an act stays open; then it is repeated."""

GRACE_S = 60.0
"""How much longer than its own timeout an act is waited for: it may have had to wait for the lock."""

SLACK_S = 30.0
"""How much longer than its own limit a function may take on a host under load."""

LOGIN_S = 30.0
"""Finding out how a login becomes root: sudo may query a slow directory service."""

GOODBYE_S = 3.0
"""Closing a connection cleanly. After that it is cut."""
