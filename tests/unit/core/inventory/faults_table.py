"""Documents with one fault each, and every line that they must produce: (line, column, rest of the line)."""

from typing import NamedTuple

from orchestrator.distros import DISTROS


class Case(NamedTuple):
    """``text`` replaces all of `GOOD` or, if ``line`` is given, that line of it (the first is 1)."""

    name: str
    text: str
    faults: tuple[str, ...]
    line: int = 0


GOOD = """\
format: 1
cluster: prod-1
distribution: kublr
policies: {volumes: none}
defaults: {user: ops}
masters:
  hosts:
    m1: {address: 10.0.0.1}
    m2: {address: 10.0.0.2}
workers:
  hosts:
    w1: {address: 10.0.0.9}
bastions:
  hosts:
    b1: {address: 192.0.2.1}
"""

_NAME = "is not a name: a letter or digit, then letters, digits and . _ -"
_PATH = "is not an absolute path without `.`, `..`, blanks or a trailing slash"
_PROGRAM = "is not a program (expected an absolute path, or the name of a program on the PATH)"
_MORE = "contains more than an address; set the port with `port:`, without brackets"
_SETTINGS = "port, user, key, jump, sudo, host_key, known_hosts, config, units, paths"

NUMBERS = (
    Case(
        "octal",
        "defaults: {port: 022}",
        ("5:18 defaults.port: 022 is an octal number (18) in YAML; write 22",),
        5,
    ),
    Case(
        "octal with an 8",
        "defaults: {port: 0890}",
        ("5:18 defaults.port: 0890 is text in YAML; write 890",),
        5,
    ),
    Case(
        "base 60",
        "defaults: {port: 22:22}",
        ("5:18 defaults.port: 22:22 is a number in base 60; expected a whole number",),
        5,
    ),
    Case(
        "underscore",
        "defaults: {port: 2_222}",
        ("5:18 defaults.port: 2_222 is not the same number to every YAML reader; write 2222",),
        5,
    ),
    Case(
        "hexadecimal",
        "defaults: {port: 0x16}",
        ("5:18 defaults.port: 0x16 is a number in another notation; expected a whole number",),
        5,
    ),
    Case(
        "fraction",
        "defaults: {port: 22.0}",
        ("5:18 defaults.port: 22.0 is a decimal fraction; expected a whole number",),
        5,
    ),
    Case(
        "truth value",
        "defaults: {port: yes}",
        ("5:18 defaults.port: yes is a truth value; expected a whole number",),
        5,
    ),
    Case("too large", "defaults: {port: 65536}", ("5:18 defaults.port: 65536 is above 65535",), 5),
    Case("too small", "defaults: {port: 0}", ("5:18 defaults.port: 0 is below 1",), 5),
    Case("list for a number", "defaults: {port: [22]}", ("5:18 defaults.port: expected a whole number",), 5),
    Case("later format", "format: 2", ("1:9 format: 2 is not one of 1",), 1),
    Case(
        "batch of none",
        "policies: {workers: {batch: 0}}",
        ("4:29 policies.workers.batch: 0 is neither a number of hosts (1 or more) nor 1% to 100%",),
        4,
    ),
    Case(
        "batch beyond all",
        "policies: {workers: {batch: 101%}}",
        ("4:29 policies.workers.batch: 101% is neither a number of hosts (1 or more) nor 1% to 100%",),
        4,
    ),
)

TEXTS = (
    Case(
        "truth value as a name",
        "cluster: on",
        ('2:10 cluster: on without quotes is a truth value in YAML; as text, write "on"',),
        2,
    ),
    Case(
        "truth value as a host's name",
        "    no: {address: 10.0.0.1}",
        ('8:5 masters.hosts.no: no without quotes is a truth value in YAML; as text, write "no"',),
        8,
    ),
    Case(
        "date",
        "cluster: 2026-11-22",
        ('2:10 cluster: 2026-11-22 without quotes is a date in YAML; as text, write "2026-11-22"',),
        2,
    ),
    Case(
        "fraction as a name",
        "cluster: 1.10",
        ('2:10 cluster: 1.10 without quotes is a decimal fraction in YAML; as text, write "1.10"',),
        2,
    ),
    Case(
        "octal as a name",
        "cluster: 007",
        ('2:10 cluster: 007 without quotes is an octal number (7) in YAML; as text, write "007"',),
        2,
    ),
    Case(
        "empty value",
        "cluster:",
        ("2:9 cluster: is empty; set a value or delete the line",),
        2,
    ),
    Case("blank in a name", "cluster: prod 1", (f"2:10 cluster: 'prod 1' {_NAME}",), 2),
    Case("option as a name", "cluster: -rf", (f"2:10 cluster: '-rf' {_NAME}",), 2),
    Case("line break in a name", 'cluster: "prod\\n"', (f"2:10 cluster: 'prod\\n' {_NAME}",), 2),
    Case("option as a login", "defaults: {user: -oX}", ("5:18 defaults.user: '-oX' is not a login name",), 5),
    Case(
        "truth value as a choice",
        "policies: {volumes: no}",
        ('4:21 policies.volumes: no is not one of pause, none; did you mean "none"?',),
        4,
    ),
    Case(
        "a hook with nothing to run",
        "policies: {volumes: {hook: [], on: laptop}}",
        ("4:28 policies.volumes.hook: is empty; at least one entry is required",),
        4,
    ),
    Case(
        "a hook for a shell",
        "policies: {volumes: {hook: put -a, on: laptop}}",
        ("4:28 policies.volumes.hook: expected a list ([one, two] or lines that start with a dash)",),
        4,
    ),
    Case(
        "a hook beside the file",
        "policies: {volumes: {hook: [./put], on: laptop}}",
        (f"4:28 policies.volumes.hook: './put' {_PROGRAM}",),
        4,
    ),
    Case(
        "a hook that is an assignment",
        "policies: {volumes: {hook: [/a=b], on: laptop}}",
        (f"4:28 policies.volumes.hook: '/a=b' {_PROGRAM}",),
        4,
    ),
    Case(
        "a truth value as an argument",
        "policies: {volumes: {hook: [put, no], on: laptop}}",
        ('4:34 policies.volumes.hook[1]: no without quotes is a truth value in YAML; as text, write "no"',),
        4,
    ),
    Case(
        "a hook nowhere",
        "policies: {volumes: {hook: [put], on: host}}",
        ("4:39 policies.volumes.on: host is not one of laptop, masters",),
        4,
    ),
    Case(
        "a misspelt key of a hook",
        "policies: {volumes: {hook: [put], on: laptop, rerun: true}}",
        ('4:47 policies.volumes.rerun: unknown key; did you mean "rerunnable"?',),
        4,
    ),
    Case(
        "neither true nor false",
        "policies: {volumes: {hook: [put], on: laptop, rerunnable: yes}}",
        ("4:59 policies.volumes.rerunnable: yes is neither true nor false",),
        4,
    ),
    Case(
        "unknown distribution",
        "distribution: kubler",
        (f'3:15 distribution: kubler is not one of {", ".join(DISTROS)}; did you mean "kublr"?',),
        3,
    ),
    Case(
        "relative path",
        "defaults: {paths: {data: mnt/etcd}}",
        (f"5:26 defaults.paths.data: 'mnt/etcd' {_PATH}; did you mean \"/mnt/etcd\"?",),
        5,
    ),
    Case(
        "path not normalised",
        "defaults: {paths: {state: /var/../srv//x/}}",
        (f"5:27 defaults.paths.state: '/var/../srv//x/' {_PATH}; did you mean \"/srv/x\"?",),
        5,
    ),
    Case("root as a path", "defaults: {paths: {state: /}}", (f"5:27 defaults.paths.state: '/' {_PATH}",), 5),
    Case(
        "blank in a path",
        "defaults: {paths: {state: /a b}}",
        (f"5:27 defaults.paths.state: '/a b' {_PATH}",),
        5,
    ),
    Case(
        "unit with a blank",
        "defaults: {units: {kublr: kublr agent}}",
        ("5:27 defaults.units.kublr: 'kublr agent' is not a systemd unit name",),
        5,
    ),
    Case(
        "host key cut off",
        "defaults: {host_key: ['SHA256:abc']}",
        ("5:23 defaults.host_key[0]: 'SHA256:abc' is not a host key: SHA256: and 43 characters, or a public key line",),
        5,
    ),
    Case(
        "text for a list",
        "defaults: {known_hosts: hosts}",
        ("5:25 defaults.known_hosts: expected a list ([one, two] or lines that start with a dash)",),
        5,
    ),
    Case(
        "private key where its file belongs",
        "defaults:\n  key: |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    c2VjcmV0",
        ("6:8 defaults.key: '-----BEGIN OPENSSH PRIVATE KEY-----\\nc...' is not a file name",),
        5,
    ),
    Case("list for text", "defaults: {user: [ops]}", ("5:18 defaults.user: expected text",), 5),
    Case(
        "text for a mapping",
        "defaults: ops",
        ("5:11 defaults: expected a mapping (key: value lines)",),
        5,
    ),
)

ADDRESSES = tuple(
    Case(address, f"    m1: {{address: {address}}}", (f"8:19 masters.hosts.m1.address: {text}",), 8)
    for address, text in (
        ("10.0.0.256", "'10.0.0.256' is not an IP address"),
        ("10.0.0", "'10.0.0' is not an IP address"),
        ("010.0.0.1", "'010.0.0.1' is not an IP address"),
        ("'fe80:::1'", "'fe80:::1' is not an IP address"),
        ("10.0.0.1:22", f"'10.0.0.1:22' {_MORE}"),
        ("'[::1]'", f"'[::1]' {_MORE}"),
        ("root@m1", "'root@m1' contains a login name; set it with `user:`"),
        ("-m1", "'-m1' is neither an IP address nor a DNS name"),
        ("m1;id", "'m1;id' is neither an IP address nor a DNS name"),
    )
)

KEYS = (
    Case("near", "defaults: {prot: 22}", ('5:12 defaults.prot: unknown key; did you mean "port"?',), 5),
    Case("far", "defaults: {vault: 22}", (f"5:12 defaults.vault: unknown key; known: {_SETTINGS}",), 5),
    Case(
        "of another tool",
        "defaults: {ansible_user: ops}",
        ('5:12 defaults.ansible_user: unknown key; did you mean "user"?',),
        5,
    ),
    Case(
        "password",
        "defaults: {sudo_password: x}",
        ("5:12 defaults.sudo_password: passwords are not allowed in the file; you are asked when one is needed",),
        5,
    ),
    Case(
        "in a host, and what it was meant for is missing",
        "    m1: {adress: 10.0.0.1}",
        (
            "8:5 masters.hosts.m1.address: missing: IP address or DNS name that the laptop (or bastion) connects to.",
            '8:10 masters.hosts.m1.adress: unknown key; did you mean "address"?',
        ),
        8,
    ),
    Case(
        "missing at the top",
        "# none",
        ("1:1 cluster: missing: Name of the cluster. You type it to confirm a restore.",),
        2,
    ),
    Case(
        "duplicate",
        "cluster: prod-1\ncluster: prod-2",
        ("3:1 cluster: duplicate key; the first is at 2:1",),
        2,
    ),
    Case(
        "duplicate host",
        "    m1: {address: 10.0.0.1}\n    m1: {address: 10.0.0.3}",
        ("9:5 masters.hosts.m1: duplicate key; the first is at 8:5",),
        8,
    ),
    Case("a list", "? [a, b]\n: 1", ("5:3 a key must be a plain word",), 5),
    Case(
        "merge of text",
        "defaults: {<<: ops}",
        ("5:16 defaults: << expects the alias of a mapping",),
        5,
    ),
    Case(
        "tag",
        "cluster: !vault prod-1",
        (
            "2:10 cluster: is empty; set a value or delete the line",
            "2:10 cluster: the tag !vault is not supported; write the plain value",
        ),
        2,
    ),
)

BETWEEN_KEYS = (
    Case(
        "name in two groups",
        "    m1: {address: 10.0.0.9}",
        ("12:5 workers.hosts.m1: the name m1 is already used by masters.hosts.m1",),
        12,
    ),
    Case(
        "same address",
        "    m2: {address: 10.0.0.1, port: 22}",
        ("9:19 masters.hosts.m2.address: 10.0.0.1 port 22 is already the address of m1",),
        9,
    ),
    Case(
        "same address in two groups",
        "    w1: {address: 10.0.0.2}",
        ("12:19 workers.hosts.w1.address: 10.0.0.2 port 22 is already the address of m2",),
        12,
    ),
    Case(
        "same address, spelt otherwise",
        "    m1: {address: 'fd00:0::1'}\n    m2: {address: 'FD00::1'}\n"
        "    m3: {address: M.}\n    m4: {address: m}\n"
        "    m5: {address: m, port: 2222}",
        (
            "9:19 masters.hosts.m2.address: FD00::1 port 22 is already the address of m1",
            "11:19 masters.hosts.m4.address: m port 22 is already the address of m3",
            "13:5 masters.hosts.m2: duplicate key; the first is at 9:5",
        ),
        8,
    ),
    Case(
        "same Node",
        "    w1: {address: 10.0.0.9, node: m1}",
        ("12:35 workers.hosts.w1.node: m1 is already the Node of m1",),
        12,
    ),
    Case(
        "jump to nobody",
        "    m1: {address: 10.0.0.1, jump: b2}",
        ("8:35 masters.hosts.m1.jump: b2 is not a bastion; known: b1",),
        8,
    ),
    Case(
        "jump over a master",
        "    m1: {address: 10.0.0.1, jump: m2}",
        ("8:35 masters.hosts.m1.jump: m2 is in masters; a jump must be in bastions",),
        8,
    ),
    Case(
        "jump of the defaults, told once",
        "defaults: {jump: b2}",
        ("5:18 defaults.jump: b2 is not a bastion; known: b1",),
        5,
    ),
    Case(
        "bastion through itself",
        "defaults: {jump: b1}",
        ("5:18 defaults.jump: the jumps form a circle: b1 -> b1; set `jump: none` on one of them",),
        5,
    ),
    Case(
        "circle of bastions, told once",
        "    b1: {address: b1, jump: b3}\n    b2: {address: b2, jump: b1}\n    b3: {address: b3, jump: b2}",
        (
            "15:29 bastions.hosts.b1.jump: the jumps form a circle: b1 -> b3 -> b2 -> b1; "
            "set `jump: none` on one of them",
        ),
        15,
    ),
    Case(
        "API servers of kublr",
        "api_servers: {hosts: {a1: {address: 10.0.0.7}}}",
        ("5:1 api_servers: with kublr every API server runs on a master: list these hosts under masters",),
        5,
    ),
    Case(
        "faults of every kind at once",
        "defaults: {port: 022, jump: b7, prot: 1}\nbastion: {}",
        (
            "5:18 defaults.port: 022 is an octal number (18) in YAML; write 22",
            "5:29 defaults.jump: b7 is not a bastion; known: b1",
            '5:33 defaults.prot: unknown key; did you mean "port"?',
            '6:1 bastion: unknown key; did you mean "bastions"?',
        ),
        5,
    ),
)

WHOLE = (
    Case("empty", "# nothing\n", ("1:1 the file is empty; start with a copy of inventories/kublr-minimal.yml",)),
    Case("null", "~\n", ("1:1 is empty; set a value or delete the line",)),
    Case("a list", "- a\n", ("1:1 expected a mapping (key: value lines)",)),
    Case(
        "two documents",
        "--- {}\n--- {}\n",
        ("2:1 second document: an inventory must be one document",),
    ),
    Case(
        "tab",
        "a:\n\tb: 1\n",
        ("2:1 not YAML: while scanning for the next token, found character '\\t' that cannot start any token",),
    ),
    Case("two colons", "a: b: c\n", ("1:5 not YAML: mapping values are not allowed here",)),
    Case("no such anchor", "a: *b\n", ("1:4 not YAML: found undefined alias 'b'",)),
    Case("control character", "a: 1\nb: \x01\n", ("2:4 character U+0001 is not allowed in YAML",)),
    Case("too deep", "[" * 5000, ("1:1 nested too deep; an alias may be inside its own anchor",)),
    Case("alias in its anchor", "&a {x: *a}\n", ("1:1 nested too deep; an alias may be inside its own anchor",)),
    Case("merge of itself", "&a {<<: *a}\n", ("1:1 nested too deep; an alias may be inside its own anchor",)),
    Case(
        "aliases that unfold to ten billion",
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 11)),
        ("1:1 nested too deep; an alias may be inside its own anchor",),
    ),
    Case(
        "no masters",
        "format: 1\ncluster: c\ndistribution: kublr\nmasters: {hosts: {}}\n",
        ("4:18 masters.hosts: is empty; at least one entry is required",),
    ),
)

CASES = {
    f"{table}: {case.name}": case
    for table, cases in (
        ("numbers", NUMBERS),
        ("texts", TEXTS),
        ("addresses", ADDRESSES),
        ("keys", KEYS),
        ("between keys", BETWEEN_KEYS),
        ("whole", WHOLE),
    )
    for case in cases
}
