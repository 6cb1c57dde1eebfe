"""How long anything may take, in seconds, and why. Every timeout comes from here."""

LOOK_S = 60.0
"""A look reads small files and asks local ports; the slowest part is curl's 8 s, up to four times in a row."""

KEYS_S = 90.0
"""A page of live keys from a member under load, over a thin line: asked with either certificate, 30 s each."""

HOLDS_S = 90.0
"""Four questions to one member, each asked with either certificate where need be; a hash takes a second for each GB."""

HASH_S = 1800.0
"""sha256 of a file of up to some 100 GB on a slow disk: 60 MB/s."""

MARK_S = 60.0
"""Writing a few small files with fsync, on a disk that others keep busy."""

STOP_UNIT_S = 300.0
"""systemd sends SIGKILL 90 s after SIGTERM (DefaultTimeoutStopSec); Docker stops its containers within that."""

COPY_S = 7200.0
"""Copying old data of up to some 100 GB on a slow disk: 15 MB/s."""

BACKUP_S = 1800.0
"""A snapshot of a live member: etcd's own limit is its 8 GiB database, read at 5 MB/s."""

START_UNIT_S = 120.0
"""`systemctl start` of the agent alone; what the agent then starts is waited for by looking."""

SETTLE_WAIT_S = 600.0
"""How long an act of an older attempt may hold a host before a new attempt gives up: the longest ones copy data."""

FENCE_LOOK_S = 10.0
"""After a failure: asking each master whether a later attempt has taken over. Silent ones are not waited for."""

FAREWELL_S = 10.0
"""Telling each master that an attempt has ended, so that the next need not wait for silence."""

STOPPED_WAIT_S = 180.0
"""Containers that ignore SIGTERM die by SIGKILL after their grace period, 30 s by default in Kubernetes."""

STOPPED_DWELL_S = 2.0
"""Supervisors restart what was stopped after about a second; two seconds of quiet on all hosts show that none does."""

RESOLVE_WAIT_S = 10.0
"""A name in the hosts file resolves at once; a caching resolver may take some seconds."""

PROVEN_WAIT_S = 600.0
"""Runtime, kubelet and the pod's restore of up to 8 GiB before the member answers on its peer port."""

WORKER_POLL_S = 2.0
"""A worker takes a minute to come back, and each question goes to it and to every master."""

WORKER_POLL_EACH_S = 0.1
"""In a large batch the questions come further apart: a master answers ten in a second at the most."""

READY_WAIT_S = 600.0
"""An API server waits for etcd, in kubelet's back-off of up to 300 s if it crashed meanwhile."""

# --- the connection -------------------------------------------------------------------------------------

CONNECT_S = 10.0
"""One try to log in. A host behind two bastions on a bad line answers within some seconds; three tries are made."""

UNANSWERED_S = 30.0
"""Trying to reach a host again that has answered before: a switch or an sshd that restarts is back by then."""

BEAT_S = 15.0
"""Between two heartbeats, and between two keep-alives: a holder counts as silent after four missed ones."""

JOIN_S = 20
"""One question for the end of an act stays open that long; then it is asked anew."""

GRACE_S = 60.0
"""How much longer than its own time an act is waited for: it may have had to wait for the lock."""

SLACK_S = 30.0
"""How much longer than it takes by its own account a function may take on a host under load."""

LOGIN_S = 30.0
"""Finding out how a login becomes root: sudo may ask a directory service that is slow."""

GOODBYE_S = 3.0
"""Closing a connection in good order. Then it is cut."""
