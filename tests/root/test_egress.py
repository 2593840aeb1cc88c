#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Egress policies hold what the host sends, and only that."""
import contextlib
import socket

from harness import PepctlTest, allow, block, main, packets, per_mode

HOST4, HOST6, PEER4, PEER6 = "10.77.0.1", "fd77::1", "10.77.0.2", "fd77::2"
NOBODY4, NOBODY6 = "10.77.0.99", "fd77::99"


@per_mode()
class Egress(PepctlTest):
    """network.egress is not set: the policies ask for it themselves."""

    def test_block_of_what_leaves_in_both_families(self):
        self.daemon.put(block("out", direction="egress", protocol="UDP", dport=53))
        self.assert_egress(("v4", packets.udp(HOST4, NOBODY4, 1, 53, b"x"), False),
                           ("v4, another port", packets.udp(HOST4, NOBODY4, 1, 54, b"x"), True),
                           ("v6", packets.udp(HOST6, NOBODY6, 1, 53, b"x"), False),
                           ("v6, another port", packets.udp(HOST6, NOBODY6, 1, 54, b"x"), True))
        self.assert_counters("out", packets=2, dropped_packets=2, bytes=29 + 49)

    def test_directions_do_not_mix(self):
        arriving = packets.udp(PEER4, NOBODY4, 1, 53, b"x")
        leaving = packets.udp(HOST4, NOBODY4, 1, 53, b"x")
        for direction, comes, goes in (("ingress", False, True), ("egress", True, False),
                                       ("both", False, False)):
            with self.subTest(direction):
                self.daemon.put(block("x", direction=direction, protocol="UDP", dport=53))
                self.assert_ingress(("arriving", arriving, comes))
                self.assert_egress(("leaving", leaving, goes))

    def test_cache_tells_directions_apart(self):
        """One five-tuple in both directions, one after the other."""
        self.daemon.put(block("out", direction="egress", protocol="UDP", dport=53))
        packet = packets.udp(HOST4, NOBODY4, 1, 53, b"x")
        for _ in range(2):
            self.assert_ingress(("arriving", packet, True))
            self.assert_egress(("leaving", packet, False))

    def test_real_socket_cannot_send(self):
        self.daemon.put(block("out", direction="egress", protocol="UDP", dport=5353))
        with contextlib.closing(self.lab.peer.socket(socket.AF_INET, socket.SOCK_DGRAM)) as there, \
                contextlib.closing(self.lab.host.socket(socket.AF_INET, socket.SOCK_DGRAM)) as here:
            there.bind((PEER4, 5353))
            there.settimeout(5)
            for data, blocked in ((b"no", True), (b"yes", False)):
                if not blocked:
                    self.daemon.delete("out")
                with contextlib.suppress(PermissionError, OSError):
                    here.sendto(data, (PEER4, 5353))
            self.assertEqual(b"yes", there.recv(100))

    def test_fragments_and_vlan_on_egress(self):
        self.daemon.put(block("out", direction="egress", protocol="UDP", dport=53))
        for src, dst in ((HOST4, NOBODY4), (HOST6, NOBODY6)):
            for port, wanted in ((53, False), (54, True)):
                pieces = packets.fragments(packets.udp(src, dst, 1, port, b"x" * 3000), 1024)
                self.assert_egress(*[("port %d" % port, piece, wanted) for piece in pieces])
                frame = self.lab.egress.frame(packets.udp(src, dst, 1, port, b"x"), vlans=(5,))
                self.assert_egress(("port %d in a VLAN" % port, (frame,), wanted))

    def test_status_says_that_egress_is_in_force(self):
        self.daemon.put(block("out", direction="egress", protocol="UDP", dport=53))
        self.assertTrue(self.daemon.interfaces()[self.lab.DEVICE]["egress"])


@per_mode("native", "tc")
class EgressDefaultBlock(PepctlTest):
    EGRESS = True
    CONFIG = {"policy": {"default_action": "BLOCK", "failsafe": "off"}}

    def test_default_block_holds_egress_too(self):
        self.daemon.put(allow("dns", direction="egress", protocol="UDP", dport=53))
        self.assert_egress(("allowed", packets.udp(HOST4, NOBODY4, 1, 53, b"x"), True),
                           ("not allowed", packets.udp(HOST4, NOBODY4, 1, 54, b"x"), False))


if __name__ == "__main__":
    main()
