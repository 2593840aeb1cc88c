#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Interfaces of every kind, that come, go and change their names while the daemon runs."""
import contextlib
import datetime
import os
import random
import re
import socket
import statistics
import struct
import time

from harness import (PepctlTest, allow, block, foreign, main, network, packets, per_mode,
                     wait_until)

PEER4, PEER6, NOBODY4, NOBODY6 = "10.77.0.2", "fd77::2", "10.77.0.99", "fd77::99"


class Devices(PepctlTest):
    @contextlib.contextmanager
    def pair(self, device, peer_device):
        """Another veth pair, and the wire from the peer to the host over it."""
        self.lab.add_pair(device, peer_device)
        wire = network.Wire(self.lab.peer, peer_device, self.lab.host, device)
        try:
            yield wire
        finally:
            wire.close()
            self.lab.peer.ip("link del " + peer_device)

    def rename(self, wire, name, new_name):
        self.lab.host.ip("link set %s down" % name, "link set %s name %s" % (name, new_name),
                         "link set %s up" % new_name)
        self.lab.wait_carrier(new_name)
        wire.tap.forget_errors()

    def dropped_by(self, wire):
        return wire.offer([packets.udp(PEER4, NOBODY4, 1, 53, b"x")]) == [False]


@per_mode()
class Hotplug(Devices):
    CONFIG = {"network": {"interfaces": ["d0", "late*", "exact0"]}}

    def setUp(self):
        super().setUp()
        self.daemon.put(block("port", protocol="UDP", dport=53))

    def test_interface_that_appears_later(self):
        with self.pair("late0", "q0") as wire:
            self.assertEqual(self.MODE, self.daemon.wait_attached("late0")["mode"])
            self.assertTrue(self.dropped_by(wire))
            self.assert_counters("port", packets=1, dropped_packets=1)
        wait_until(lambda: not self.daemon.interfaces().get("late0", {}).get("mode"),
                   "late0 is still shown as attached")

    def test_new_interface_is_guarded_within_50_ms(self):
        """The median of seven, from when ip(8) has made it to when it is attached."""
        windows = []
        for number in range(7):
            name = "late2%d" % number
            self.lab.host.ip("link add %s type veth peer name peer%d" % (name, number))
            made = time.time()
            self.daemon.wait_attached(name)
            said = re.search(r"(\S+)Z info attached to %s:" % name, self.daemon.log()).group(1)
            attached = datetime.datetime.fromisoformat(said + "+00:00").timestamp()
            windows.append(attached - made)
        for number in range(7):
            self.lab.host.ip("link del late2%d" % number)
        print("ms to be guarded: " + ", ".join("%.0f" % (1e3 * window) for window in windows))
        self.assertLess(statistics.median(windows), 0.050)

    def test_what_came_and_went_between_two_requests_is_counted(self):
        self.daemon.write("POST", "/reset")
        seen = len(self.daemon.log())
        with self.pair("late8", "q8") as wire:
            wait_until(lambda: "attached to late8" in self.daemon.log()[seen:], "not attached")
            wire.offer([packets.udp(PEER4, NOBODY4, 1, 53, b"x")] * 3)
        wait_until(lambda: "late8 is not attached to any more" in self.daemon.log()[seen:],
                   "late8 is still there")
        counts = {entry["name"]: entry for entry in self.daemon.get("/stats")["interfaces"]}
        self.assertEqual(3, counts["late8"]["ingress"]["drop"]["packets"])
        self.assertRegex(self.daemon.request("GET", "/metrics").body.decode(),
                         r'pepctl_dropped_packets_total\{[^}]*"late8"[^}]*\} 3\n')

    def test_interface_that_is_deleted_and_comes_back(self):
        for _ in range(5):
            with self.pair("late1", "q1") as wire:
                self.daemon.wait_attached("late1")
                self.assertTrue(self.dropped_by(wire))

    def test_rename_into_the_list(self):
        with self.pair("other", "q2") as wire:
            self.assertFalse(self.dropped_by(wire))
            self.rename(wire, "other", "late2")
            self.daemon.wait_attached("late2")
            self.assertTrue(self.dropped_by(wire))

    def test_rename_out_of_the_list(self):
        with self.pair("late3", "q3") as wire:
            self.daemon.wait_attached("late3")
            self.assertTrue(self.dropped_by(wire))
            self.rename(wire, "late3", "other3")
            wait_until(lambda: not self.dropped_by(wire), "other3 is still guarded")
        self.assertIn("late3 is not attached to any more: it is called other3 now",
                      self.daemon.log())

    def test_rename_within_the_list_follows_policies_of_names(self):
        """A policy on a name holds for whichever interface has that name now."""
        self.daemon.put(block("named", protocol="UDP", dport=53, interface="late5"))
        with self.pair("late4", "q4") as wire:
            self.daemon.wait_attached("late4")
            self.assertFalse(self.dropped_by(wire))
            self.rename(wire, "late4", "late5")
            self.daemon.wait_attached("late5")
            wait_until(lambda: self.dropped_by(wire), "the policy on late5 does not hold")

    def test_policy_on_an_interface_that_is_not_there_yet(self):
        self.daemon.put(block("named", protocol="UDP", dport=53, interface="exact0"))
        with self.pair("exact0", "q5") as wire:
            self.daemon.wait_attached("exact0")
            self.assertTrue(self.dropped_by(wire))
        self.assertEqual([True],
                         self.lab.ingress.offer([packets.udp(PEER4, NOBODY4, 1, 53, b"x")]))

    def test_many_interfaces_at_once(self):
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(self.pair("late1%d" % n, "r%d" % n)) for n in range(10)]
            for number, wire in enumerate(wires):
                self.daemon.wait_attached("late1%d" % number)
                self.assertTrue(self.dropped_by(wire))
        self.assert_counters("port", packets=10, dropped_packets=10)

    def test_counters_of_interfaces_do_not_mix(self):
        self.daemon.write("POST", "/reset")
        with self.pair("late6", "q6") as wire:
            self.daemon.wait_attached("late6")
            wire.offer([packets.udp(PEER4, NOBODY4, 1, 53, b"x")] * 3)
            self.lab.ingress.offer([packets.udp(PEER4, NOBODY4, 1, 53, b"x")] * 5)
            text = self.daemon.request("GET", "/metrics").body.decode()
        for name, count in (("late6", 3), ("d0", 5)):
            self.assertRegex(text, r'pepctl_dropped_packets_total\{(?=[^}]*interface="%s")'
                             r'(?=[^}]*reason="policy")[^}]*\} %d\n' % (name, count))


@per_mode()
class Jumbo(Devices):
    """Frames of 9000 bytes; a program that takes one buffer alone could not be attached."""
    MTU = 9000

    @classmethod
    def start(cls):
        cls.lab.host.ip("link set d0 mtu %d" % cls.MTU)
        cls.lab.peer.ip("link set p0 mtu %d" % cls.MTU)
        super().start()

    def test_large_packets(self):
        self.daemon.put(block("port", protocol="UDP", dport=53))
        for src, dst, header in ((PEER4, NOBODY4, 28), (PEER6, NOBODY6, 48)):
            data = b"x" * (self.MTU - header)
            self.assert_ingress(("to 53", packets.udp(src, dst, 1, 53, data), False),
                                ("to 54", packets.udp(src, dst, 1, 54, data), True))
        self.assert_counters("port", packets=2, bytes=2 * self.MTU, dropped_packets=2)

    def test_headers_outside_the_linear_part_of_a_buffer(self):
        """TC and generic XDP see 14 bytes at once, the rest lies in fragments of the buffer."""
        self.daemon.put(block("port", protocol="UDP", dport=53))
        wire = self.lab.ingress
        sender = self.lab.peer.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        with contextlib.closing(sender):
            sender.setsockopt(network.SOL_PACKET, network.PACKET_VNET_HDR, 1)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            sender.bind(("p0", 0))
            chain = [(packets.IPV6_DESTINATION, packets.PAD_OPTION)]
            options = b"\x94\x04\0\0"
            for port, wanted in ((53, False), (54, True)):
                data = b"x" * 8000
                for packet in (packets.udp(PEER4, NOBODY4, 1, port, data),
                               packets.udp(PEER4, NOBODY4, 1, port, data, options=options),
                               packets.udp(PEER6, NOBODY6, 1, port, data),
                               packets.udp(PEER6, NOBODY6, 1, port, data, extensions=chain)):
                    wire.settle()
                    wire.tap.drain()
                    linear = struct.pack("=BBHHHH", 0, 0, 14, 0, 0, 0)
                    sender.send(linear + wire.frame(packet))
                    wire.settle()
                    arrived = list(map(packets.network_layer, wire.tap.drain()))
                    self.assertEqual(wanted, packet in arrived)
        self.assert_counters("port", packets=4, dropped_packets=4)


class Glob(Devices):
    """A glob never matches lo."""
    CONFIG = {"network": {"interfaces": ["*"]}}

    def test_star_is_everything_but_loopback(self):
        self.assertFalse(self.daemon.interfaces().get("lo", {}).get("mode"))
        self.daemon.put(block("all"))
        self.lab.host.run("ping", "-c", "1", "-W", "2", "127.0.0.1")


class Loopback(Devices):
    """Named exactly, lo is guarded; it has no native XDP."""
    CONFIG = {"network": {"interfaces": ["lo"]}}

    @classmethod
    def start(cls):
        cls.daemon.start()
        cls.daemon.wait_attached("lo")

    def test_loopback_by_its_name(self):
        self.assertEqual("tc", self.daemon.interfaces()["lo"]["mode"])
        self.daemon.put(block("echo", protocol="ICMP", icmp_type=8, dst="127.0.0.1"))
        with self.assertRaises(AssertionError):
            self.lab.host.run("ping", "-c", "1", "-W", "0.2", "127.0.0.1")
        self.lab.host.run("ping", "-c", "1", "-W", "2", "127.0.0.2")
        self.assert_counters("echo", packets=1, dropped_packets=1)


class Churn(Devices):
    CONFIG = {"network": {"interfaces": ["d0", "late*"]}}

    def test_interfaces_that_come_and_go_at_random(self):
        """Names and numbers are used again; what stays is guarded and nothing leaks."""
        seed = random.randrange(1 << 32)
        print("seed %d" % seed)
        rng, names = random.Random(seed), set()
        self.daemon.put(block("port", protocol="UDP", dport=53))
        descriptors = "/proc/%d/fd" % self.daemon.pid
        before = len(os.listdir(descriptors))
        for number in range(150):
            name = rng.choice(("late%d", "other%d")) % rng.randrange(6)
            if name in names and rng.random() < 0.5:
                new_name = rng.choice(("late%d", "other%d")) % rng.randrange(6)
                if new_name not in names:
                    self.lab.host.ip("link set %s down" % name,
                                     "link set %s name %s" % (name, new_name))
                    names.symmetric_difference_update((name, new_name))
            elif name in names:
                self.lab.host.ip("link del " + name)
                names.remove(name)
            else:
                self.lab.host.ip("link add %s type veth peer name end%d" % (name, number))
                names.add(name)
        guarded = {"d0"} | {name for name in names if name.startswith("late")}
        wait_until(lambda: guarded == {name for name, entry in self.daemon.interfaces().items()
                                       if entry.get("mode")},
                   lambda: "guarded are %s, not %s" % (self.daemon.interfaces(), guarded))
        for name in names:
            wanted = 1 if name in guarded else 0
            self.assertEqual(wanted, sum(map(len, foreign.programs(self.lab.host, name).values())))
            self.lab.host.ip("link del " + name)
        wait_until(lambda: len(os.listdir(descriptors)) <= before, "file descriptors leak")
        self.assertEqual("ok", self.daemon.get("/health")["status"])
        self.assert_ingress(("still held", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), False))


class Same(Devices):
    """Interfaces that see the same packet twice."""
    CONFIG = {"network": {"interfaces": ["d0", "br*", "po*"]}}

    def test_bridge_and_port_are_not_both_attached_by_globs(self):
        self.daemon.put(block("port", protocol="UDP", dport=53))
        with self.pair("port0", "q7") as wire:
            self.lab.host.ip("link add br0 type bridge", "link set br0 up",
                             "link set port0 master br0")
            try:
                def settled():
                    entries = self.daemon.interfaces()
                    both = [entries.get(name, {}).get("mode") for name in ("br0", "port0")]
                    return both.count(None) == 1 and entries
                entries = wait_until(settled, lambda: "both or none of br0 and port0: %s" %
                                     self.daemon.interfaces())
                self.assertIn("br0", str(entries) + self.daemon.log())
                # Not wire.offer(): a bridge takes all that its ports get.
                for count in (1, 2):
                    wire.send(wire.frame(packets.udp(PEER4, NOBODY4, 1, 53, b"x")))
                    self.assert_counters("port", packets=count, dropped_packets=count)
            finally:
                self.lab.host.ip("link del br0")


@per_mode("auto", "tc", "generic")
class TunDevice(Devices):
    """A device without Ethernet header. Native XDP does not run on tun: auto must find TC."""
    CONFIG = {"network": {"interfaces": ["tun0"]}}
    HOST4, HOST6, FAR4, FAR6 = "10.88.0.1", "fd88::1", "10.88.0.2", "fd88::2"

    @classmethod
    def start(cls):
        cls.tun = network.Tun(cls.lab.host, "tun0", cls.HOST4 + "/24", cls.HOST6 + "/64")
        cls.addClassCleanup(cls.tun.close)
        cls.daemon.start()
        entry = cls.daemon.wait_attached("tun0")
        if cls.MODE != "auto" and entry["mode"] != cls.MODE:
            raise AssertionError("%s is asked for, %s is in force" % (cls.MODE, entry["mode"]))

    def answered(self, packet, answer):
        """Whether the host answers a packet by one that begins as answer does behind IP."""
        self.tun.drain()
        self.tun.send(packet)
        def found():
            return [got for got in self.tun.drain()
                    if packets.network_payload(got)[:len(answer)] == answer]
        try:
            return bool(wait_until(found, "no answer", 0.3))
        except AssertionError:
            return False

    def test_block_by_address_and_kind_in_both_families(self):
        echo4 = packets.echo_request(self.FAR4, self.HOST4)
        echo6 = packets.echo_request(self.FAR6, self.HOST6)
        self.assertTrue(self.answered(echo4, b"\0"))
        self.assertTrue(self.answered(echo6, b"\x81"))
        self.daemon.put(block("four", protocol="ICMP", icmp_type=8),
                        block("six", protocol="ICMPv6", icmp_type=128))
        self.assertFalse(self.answered(echo4, b"\0"))
        self.assertFalse(self.answered(echo6, b"\x81"))
        self.assert_counters("four", packets=1, bytes=len(echo4), dropped_packets=1)
        self.assert_counters("six", packets=1, bytes=len(echo6), dropped_packets=1)
        self.daemon.put(allow("all"))
        self.assertTrue(self.answered(echo4, b"\0"))

    def test_block_of_a_port(self):
        """A closed port answers with a reset, a blocked one with nothing."""
        self.daemon.put(block("port", protocol="TCP", dport=81))
        for src, dst in ((self.FAR4, self.HOST4), (self.FAR6, self.HOST6)):
            self.assertTrue(self.answered(packets.tcp(src, dst, 1000, 80), b"\0\x50"))
            self.assertFalse(self.answered(packets.tcp(src, dst, 1000, 81), b"\0\x51"))
        self.assert_counters("port", packets=2, dropped_packets=2)

    def test_fragments(self):
        self.daemon.put(block("port", protocol="UDP", dport=53))
        for src, dst in ((self.FAR4, self.HOST4), (self.FAR6, self.HOST6)):
            for piece in packets.fragments(packets.udp(src, dst, 1, 53, b"x" * 3000), 1024):
                self.tun.send(piece)
        self.assert_counters("port", packets=6, dropped_packets=6)

    def test_egress(self):
        if self.MODE == "generic":
            self.skipTest("egress is TC in every mode; shown by the others")
        self.daemon.put(block("out", protocol="ICMP", icmp_type=0, direction="egress"))
        wait_until(lambda: self.daemon.interfaces()["tun0"]["egress"], "no egress on tun0")
        self.assertFalse(self.answered(packets.echo_request(self.FAR4, self.HOST4), b"\0"))
        self.assert_counters("out", packets=1, dropped_packets=1)


class TunNative(Devices):
    """Native XDP attaches to a tun device and never runs: it must not be taken for enforcement."""
    CONFIG = {"network": {"interfaces": ["tun0"], "mode": "native"}}

    @classmethod
    def start(cls):
        cls.tun = network.Tun(cls.lab.host, "tun0", "10.88.0.1/24", "fd88::1/64")
        cls.addClassCleanup(cls.tun.close)
        cls.daemon.start()

    def test_native_on_tun_is_not_claimed_without_enforcing(self):
        self.daemon.put(block("all"))
        self.tun.drain()
        self.tun.send(packets.echo_request("10.88.0.2", "10.88.0.1"))
        entry = self.daemon.interfaces()["tun0"]
        if entry.get("mode"):
            self.assert_counters("all", packets=1, dropped_packets=1)
        else:
            self.assertNotEqual("ok", self.daemon.request("GET", "/health").json["status"])


if __name__ == "__main__":
    main()
