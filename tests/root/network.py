# SPDX-License-Identifier: Apache-2.0
"""
Network namespaces, the veth pair between two of them, and taps at its ends.

The namespaces have no name: they live as long as a file descriptor of this
process, so that nothing is left behind however the test ends.
"""
import collections
import contextlib
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import subprocess
import time

import packets

CLONE_NEWNET = 0x40000000
SO_RCVBUFFORCE = 33
SIOCETHTOOL = 0x8946
ETHTOOL_SGRO, ETHTOOL_STSO, ETHTOOL_SGSO = 0x2C, 0x1F, 0x24
SOL_PACKET, PACKET_VNET_HDR = 263, 15

libc = ctypes.CDLL(None, use_errno=True)


def call(function, *arguments):
    """A function of the C library that answers -1 and errno."""
    result = function(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (function.__name__, os.strerror(number)))
    return result


def wait_until(predicate, what, seconds=10.0):
    """Polls until predicate() is true, and returns what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            said = what() if callable(what) else what
            raise AssertionError("waited %g s in vain: %s" % (seconds, said))
        select.select([], [], [], 0.005)


class Namespace:
    """A network namespace. `with namespace:` puts the calling thread into it."""

    def __init__(self):
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            call(libc.unshare, CLONE_NEWNET)
            self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        finally:
            call(libc.setns, own, CLONE_NEWNET)
            os.close(own)
        self.outside = []
        self.ip("link set lo up")

    def __enter__(self):
        self.outside.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        call(libc.setns, self.fd, CLONE_NEWNET)
        return self

    def __exit__(self, *exception):
        fd = self.outside.pop()
        call(libc.setns, fd, CLONE_NEWNET)
        os.close(fd)

    @property
    def path(self):
        """What `ip link ... netns` takes."""
        return "/proc/%d/fd/%d" % (os.getpid(), self.fd)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def run(self, *argv, **options):
        """Runs a command inside, to its end; its output is the result."""
        with self:
            done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=60, **options)
        if done.returncode:
            raise AssertionError("%s: exit %d\n%s" % (" ".join(argv), done.returncode, done.stdout))
        return done.stdout

    def popen(self, argv, **options):
        with self:
            return subprocess.Popen(argv, **options)

    def ip(self, *lines):
        """Commands of ip(8), each without the word ip."""
        return self.run("ip", "-batch", "-", input="\n".join(lines) + "\n")

    def socket(self, *arguments):
        with self:
            return socket.socket(*arguments)

    def read(self, path):
        """A file of /proc/sys/net or /proc/thread-self/net as seen inside."""
        with self, open(path) as file:
            return file.read()

    def write(self, path, text):
        with self, open(path, "w") as file:
            file.write(text)

    def index(self, interface):
        with self:
            return socket.if_nametoindex(interface)

    def offload(self, interface, command, value):
        """An ETHTOOL_S... of one value."""
        data = ctypes.create_string_buffer(struct.pack("II", command, value))
        request = struct.pack("16sP", interface.encode(), ctypes.addressof(data))
        with contextlib.closing(self.socket(socket.AF_INET, socket.SOCK_DGRAM)) as control:
            fcntl.ioctl(control, SIOCETHTOOL, request.ljust(40, b"\0"))

    def network_bytes(self, ipv6=False):
        """IP bytes that this namespace's stack has received, and its packets."""
        if ipv6:
            rows = dict(line.split() for line in
                        self.read("/proc/thread-self/net/snmp6").splitlines())
            return int(rows["Ip6InOctets"]), int(rows["Ip6InReceives"])
        text = (self.read("/proc/thread-self/net/netstat") +
                self.read("/proc/thread-self/net/snmp")).splitlines()
        rows = {}
        for names, values in zip(text[::2], text[1::2]):
            kind = names.split(":")[0]
            rows.update(zip((kind + name for name in names.split()[1:]), values.split()[1:]))
        return int(rows["IpExtInOctets"]), int(rows["IpInReceives"])


class Tap:
    """
    What of IP, ARP and the barrier's frames the stack gets from an interface.
    Sockets bound to a protocol come behind XDP and behind TC, unlike those
    that take all.
    """
    PROTOCOLS = (packets.ETH_IP, packets.ETH_IPV6, packets.ETH_ARP, packets.ETH_LLDP,
                 packets.ETH_EAPOL, packets.ETH_PTP, packets.ETH_SLOW,
                 packets.ETH_VLAN, packets.ETH_QINQ)

    def __init__(self, namespace, interface, protocols=PROTOCOLS, kind=socket.SOCK_RAW):
        self.sockets = []
        self.barrier = self.open(namespace, interface, packets.ETH_BARRIER, kind)
        for protocol in protocols:
            self.sockets.append(self.open(namespace, interface, protocol, kind))

    @staticmethod
    def open(namespace, interface, protocol, kind):
        # Protocol 0 first: bound to nothing it must not see other interfaces.
        tap = namespace.socket(socket.AF_PACKET, kind, 0)
        tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        tap.bind((interface, protocol))
        tap.setblocking(False)
        return tap

    def drain(self):
        """All that has arrived so far."""
        frames = []
        for tap in self.sockets:
            while True:
                try:
                    frames.append(tap.recv(70000))
                except BlockingIOError:
                    break
        return frames

    def wait_barrier(self, number, seconds=10.0):
        wanted = struct.pack("!Q", number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self.barrier], [], [], 0.1)
            if ready and self.barrier.recv(2048)[14:22] == wanted:
                return
        raise AssertionError("a frame that is not IP did not pass within %g s" % seconds)

    def forget_errors(self):
        """After the interface was down, which its sockets report once."""
        for tap in self.sockets + [self.barrier]:
            tap.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def close(self):
        for tap in self.sockets + [self.barrier]:
            tap.close()


class Wire:
    """From an interface of one namespace to its peer in the other."""

    def __init__(self, source, source_interface, target, target_interface):
        self.source_mac = hardware_address(source, source_interface)
        self.target_mac = hardware_address(target, target_interface)
        self.sender = source.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.sender.bind((source_interface, 0))
        self.tap = Tap(target, target_interface)
        self.barriers = 0

    def frame(self, packet, **fields):
        """The Ethernet frame of a packet from here to there."""
        return packets.ethernet(packet, self.source_mac, fields.pop("dst", self.target_mac),
                                **fields)

    def send(self, frame):
        try:
            self.sender.send(frame)
        except OSError as error:
            # What TC drops on its way out is told to the sender so.
            if error.errno != errno.ENOBUFS:
                raise

    def settle(self):
        """Returns when all that was sent before has been decided."""
        self.barriers += 1
        data = struct.pack("!Q", self.barriers).ljust(46, b"\0")
        self.send(self.frame(data, ethertype=packets.ETH_BARRIER))
        self.tap.wait_barrier(self.barriers)

    def arrived(self, packet):
        """How many of a packet have arrived since the tap was drained."""
        return sum(packets.network_layer(frame) == packet for frame in self.tap.drain())

    def offer(self, items):
        """
        Sends packets (which begin with their IP header) or, in a tuple of one,
        whole frames; tells for each whether it arrived.
        """
        frames = [item[0] if isinstance(item, tuple) else self.frame(item) for item in items]
        self.settle()
        self.tap.drain()
        for frame in frames:
            self.send(frame)
        self.settle()
        arrived = collections.Counter(packets.network_layer(f) for f in self.tap.drain())
        result = []
        for frame in frames:
            content = packets.network_layer(frame)
            result.append(arrived[content] > 0)
            arrived[content] -= 1
        return result

    def close(self):
        self.sender.close()
        self.tap.close()


def hardware_address(namespace, interface):
    with contextlib.closing(namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)) as probe:
        probe.bind((interface, 0))
        return probe.getsockname()[4].hex(":")


class Lab:
    """
    Two namespaces: `host`, where the daemon guards DEVICE, and `peer`, which
    talks to it. Both have addresses of both families and know each other's
    hardware addresses, so that nothing but what a test sends is on the wire.
    """
    DEVICE, PEER_DEVICE = "d0", "p0"
    HOST4, PEER4, HOST6, PEER6 = "10.77.0.1", "10.77.0.2", "fd77::1", "fd77::2"
    # Addresses of the same networks that nobody has: packets to them get no answer.
    NOBODY4, NOBODY6 = "10.77.0.99", "fd77::99"

    def __init__(self, neighbours=True):
        self.host, self.peer = Namespace(), Namespace()
        for namespace in (self.host, self.peer):
            # No router solicitations or duplicate address detection on the wire, and
            # reports of multicast listeners at once instead of within seconds.
            for key, value in (("accept_ra", "0"), ("router_solicitations", "0"),
                               ("accept_dad", "0"), ("dad_transmits", "0"),
                               ("addr_gen_mode", "1"),
                               ("mldv1_unsolicited_report_interval", "1"),
                               ("mldv2_unsolicited_report_interval", "1")):
                for scope in ("default", "all"):
                    namespace.write("/proc/sys/net/ipv6/conf/%s/%s" % (scope, key), value)
            # A namespace begins as the machine is, which may be a router.
            namespace.write("/proc/sys/net/ipv4/ip_forward", "0")
            namespace.write("/proc/sys/net/ipv6/conf/all/forwarding", "0")
        self.add_pair(self.DEVICE, self.PEER_DEVICE)
        self.host.ip("addr add %s/24 dev d0" % self.HOST4,
                     "addr add %s/64 dev d0 nodad" % self.HOST6)
        self.peer.ip("addr add %s/24 dev p0" % self.PEER4,
                     "addr add %s/64 dev p0 nodad" % self.PEER6)
        if neighbours:
            host_mac = hardware_address(self.host, "d0")
            peer_mac = hardware_address(self.peer, "p0")
            self.host.ip("neigh add %s lladdr %s dev d0 nud permanent" % (self.PEER4, peer_mac),
                         "neigh add %s lladdr %s dev d0 nud permanent" % (self.PEER6, peer_mac))
            self.peer.ip("neigh add %s lladdr %s dev p0 nud permanent" % (self.HOST4, host_mac),
                         "neigh add %s lladdr %s dev p0 nud permanent" % (self.HOST6, host_mac))
        self.ingress = Wire(self.peer, "p0", self.host, "d0")
        self.egress = Wire(self.host, "d0", self.peer, "p0")

    def add_pair(self, device, peer_device):
        """Another veth pair between host and peer, up."""
        self.host.ip("link add %s type veth peer name %s netns %s" %
                     (device, peer_device, self.peer.path), "link set %s up" % device)
        self.peer.ip("link set %s up" % peer_device)
        self.wait_carrier(device)

    def wait_carrier(self, device):
        wait_until(lambda: "LOWER_UP" in self.host.run("ip", "link", "show", device),
                   device + " has no carrier")

    def close(self):
        self.ingress.close()
        self.egress.close()
        self.host.close()
        self.peer.close()


class Tun:
    """A tun device: packets written here are received by its namespace."""

    def __init__(self, namespace, name, address4, address6):
        with namespace:  # a device belongs to the namespace that its file was opened in
            self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))
        namespace.ip("addr add %s dev %s" % (address4, name),
                     "addr add %s dev %s nodad" % (address6, name), "link set %s up" % name)

    def send(self, packet):
        os.write(self.fd, packet)

    def drain(self):
        """Packets that the namespace sent."""
        arrived = []
        while True:
            try:
                arrived.append(os.read(self.fd, 70000))
            except BlockingIOError:
                return arrived

    def close(self):
        os.close(self.fd)
