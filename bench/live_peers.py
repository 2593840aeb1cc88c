# SPDX-License-Identifier: Apache-2.0
"""What bench/live compares: each is a context in which it decides about what DEVICE receives."""
import contextlib
import ipaddress
import os
import random
import shutil
import subprocess
import tempfile

from daemon import Daemon
from meter import built, wait_idle
from network import Lab

PORTS = {"drop": 53, "pass": 9}
SETUP_SECONDS = 60
LAST = ("10.128.0.0/9", PORTS["drop"])  # what the traffic's sources are in
BLOCK_BITS = 26  # of 10.0.0.0/9, one for each policy: sets refuse what overlaps
DEVICE = Lab.DEVICE
XDP_FILTER = "/sys/fs/bpf/xdp-filter/filter_ipv4"
XDP_FILTER_MOST = 10000  # entries of that map
XDP_FILTER_SOURCE = "01" + 7 * " 00"


class Skip(Exception):
    """Not here, or not so many."""


def prefixes(count):
    """(prefix, port) of each policy, the one that matters last."""
    draw = random.Random(count)
    blocks = draw.sample(range(1 << BLOCK_BITS - 9), count - 1)
    base = int(ipaddress.ip_address("10.0.0.0"))
    for block in blocks:
        bits = draw.randint(BLOCK_BITS, 32)
        address = base + (block << 32 - BLOCK_BITS)
        yield "%s/%d" % (ipaddress.ip_address(address), bits), draw.randint(1024, 65535)
    yield LAST


def tool(name):
    if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
        raise Skip(name + " is not installed")
    return name


def command(lab, *argv):
    """What a tool says, or why it is left out."""
    tool(argv[0])
    try:
        return lab.host.run(*argv)
    except AssertionError as error:
        raise Skip(str(error).strip().splitlines()[-1]) from None


@contextlib.contextmanager
def script(lab, argv, lines, undo):
    """A tool that reads its commands from a file."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.writelines(line + "\n" for line in lines)
        file.flush()
        with lab.host:
            try:
                done = subprocess.run([tool(argv[0])] + argv[1:] + [file.name], text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      timeout=SETUP_SECONDS)
            except subprocess.TimeoutExpired:
                raise Skip("not set up within %d s" % SETUP_SECONDS) from None
        if done.returncode:
            raise Skip("%s: %s" % (argv[0], done.stdout.strip()[-200:]))
    try:
        yield
    finally:
        for words in undo:
            lab.host.run(*words)


# ---- each yields what says how many packets it dropped by its own count, or None

@contextlib.contextmanager
def nothing(_lab, _count):
    yield None


def hold(mode):
    """A program of bench/generate."""
    @contextlib.contextmanager
    def attach(lab, _count):
        with lab.host.popen([built("generate"), "--" + mode, DEVICE], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE) as process:
            if process.stdout.readline() != b"attached\n":
                raise Skip("XDP is refused")
            yield None
            process.stdin.close()
    return attach


def pepctl(mode, only=None):
    @contextlib.contextmanager
    def enforce(lab, count):
        daemon = Daemon(lab.host, {
            "log": {"level": "warn"},
            "network": {"interfaces": [DEVICE], "mode": mode},
            "policy": {"capacity": 200000, "default_action": "ALLOW"},
            "server": {"max_body_bytes": 1 << 30},
        })
        try:
            daemon.start()
            if daemon.wait_attached(DEVICE)["mode"] != mode:
                raise Skip("mode %s is refused" % mode)
            body = [{"id": "p%06d" % number, "action": "BLOCK", "protocol": "UDP",
                     "src": {"ip": prefix}, "dst": {"port": port}}
                    for number, (prefix, port) in enumerate(prefixes(only or count))]
            answer = daemon.request("PUT", "/policies", body, timeout=600)
            if answer.status != 200:
                raise SystemExit(str(answer))
            wait_idle(daemon)
            yield lambda: int(daemon.counters(body[-1]["id"])["packets"])
            daemon.stop()
        finally:
            daemon.close()
    return enforce


NFT_HOOKS = {"netdev": "ingress device " + DEVICE, "inet": "input"}


def nft_rules(policies):
    if len(policies) > 10000:
        raise Skip("nobody waits for so many rules")
    return [], ["ip saddr %s udp dport %d drop" % pair for pair in policies]


def nft_set(policies):
    elements = ", ".join("%s . %d" % pair for pair in policies)
    return (["set s { type ipv4_addr . inet_service; flags interval;",
             "elements = { %s } }" % elements], ["ip saddr . udp dport @s drop"])


def nft_map(policies):
    """A chain for each port, found by a hash."""
    chains = {}
    for prefix, port in policies:
        chains.setdefault(port, []).append("ip saddr %s drop" % prefix)
    lines = []
    for port, rules in chains.items():
        lines += ["chain p%d {" % port] + rules + ["}"]
    elements = ", ".join("%d : jump p%d" % (port, port) for port in chains)
    return (lines + ["map m { type inet_service : verdict; elements = { %s } }" % elements],
            ["udp dport vmap @m"])


def nft(family, form):
    @contextlib.contextmanager
    def enforce(lab, count):
        before, rules = form(list(prefixes(count)))
        lines = (["table %s bench {" % family] + before +
                 ["chain c { type filter hook %s priority 0; policy accept;" % NFT_HOOKS[family]] +
                 rules + ["}", "}"])
        with script(lab, ["nft", "-f"], lines, [["nft", "delete", "table", family, "bench"]]):
            yield None
    return enforce


@contextlib.contextmanager
def ipset(lab, count):
    tool("iptables")
    lines = ["create bench hash:net,port maxelem %d hashsize %d" % (count + 1, max(64, count))]
    lines += ["add bench %s,udp:%d" % pair for pair in prefixes(count)]
    rule = ["PREROUTING", "-i", DEVICE, "-m", "set", "--match-set", "bench", "src,dst",
            "-j", "DROP"]

    def dropped():
        listed = command(lab, "iptables", "-t", "raw", "-nvxL", "PREROUTING")
        return int(next(line.split()[0] for line in listed.splitlines() if "DROP" in line))
    with script(lab, ["ipset", "restore", "-file"], lines, [["ipset", "destroy", "bench"]]):
        command(lab, "iptables", "-t", "raw", "-A", *rule)
        yield dropped
        lab.host.run("iptables", "-t", "raw", "-D", *rule)


@contextlib.contextmanager
def xdp_filter(lab, count):
    """It takes single addresses; its tool does one at a time, its map many."""
    if count > XDP_FILTER_MOST:
        raise Skip("it has room for %d addresses" % XDP_FILTER_MOST)
    command(lab, "xdp-filter", "load", "--mode", "native", "--features", "udp,ipv4", DEVICE)
    try:
        lines = ["map update pinned %s key hex %s value hex %s" %
                 (XDP_FILTER, ipaddress.ip_address(prefix.partition("/")[0]).packed.hex(" "),
                  XDP_FILTER_SOURCE) for prefix, _ in prefixes(count) if prefix != LAST[0]]
        with script(lab, ["bpftool", "batch", "file"], lines, []):
            command(lab, "xdp-filter", "port", "--mode", "dst", "--proto", "udp", str(LAST[1]))
            yield lambda: int(next(
                line.split()[2] for line in command(lab, "xdp-filter", "status").splitlines()
                if line.split()[:2] == [str(LAST[1]), "dst,udp"]))
    finally:
        lab.host.run("xdp-filter", "unload", DEVICE)


# Name, which way it is for (None: both), and how it is set up.
PEERS = (
    ("none", "pass", nothing),
    ("xdp-empty", "drop", hold("drop")),
    ("xdp-empty", "pass", hold("pass")),
    ("pepctl-one", None, pepctl("native", 1)),
    ("pepctl-native", None, pepctl("native")),
    ("pepctl-tc", None, pepctl("tc")),
    ("pepctl-generic", None, pepctl("generic")),
    ("nft-netdev-rules", None, nft("netdev", nft_rules)),
    ("nft-netdev-set", None, nft("netdev", nft_set)),
    ("nft-netdev-map", None, nft("netdev", nft_map)),
    ("nft-inet-rules", None, nft("inet", nft_rules)),
    ("nft-inet-set", None, nft("inet", nft_set)),
    ("nft-inet-map", None, nft("inet", nft_map)),
    ("ipset", None, ipset),
    ("xdp-filter", None, xdp_filter),
)
