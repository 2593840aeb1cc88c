#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""VLAN tags in the frame: parsed, matched, and no way around a policy."""
from harness import PepctlTest, block, foreign, main, packets, per_mode

PEER4, PEER6, NOBODY4, NOBODY6 = "10.77.0.2", "fd77::2", "10.77.0.99", "fd77::99"


class Vlan(PepctlTest):
    serial = 0

    def frames(self, port, vlans, outer=packets.ETH_VLAN):
        """Of each family, with one byte that tells them from all others of a test."""
        self.serial += 1
        data = bytes([self.serial])
        return [self.lab.ingress.frame(packets.udp(src, dst, 1, port, data), vlans=vlans,
                                       outer=outer)
                for src, dst in ((PEER4, NOBODY4), (PEER6, NOBODY6))]

    @classmethod
    def leave_tags_in_the_frame(cls):
        """What the refusal of a policy says to do."""
        cls.lab.host.run("ethtool", "-K", "d0", "rxvlan", "off", "rx-vlan-stag-hw-parse", "off")
        cls.lab.peer.run("ethtool", "-K", "p0", "txvlan", "off", "tx-vlan-stag-hw-insert", "off")

    def assert_tagged(self, *cases):
        """cases: (port, vlans, outer EtherType, whether it shall arrive) each, in both families."""
        expectations = []
        for port, vlans, outer, wanted in cases:
            for frame in self.frames(port, vlans, outer):
                expectations.append(("port %d vlans %r" % (port, vlans), (frame,), wanted))
        self.assert_ingress(*expectations)


@per_mode()
class Tagged(Vlan):
    @classmethod
    def start(cls):
        if cls.MODE != "tc":
            cls.leave_tags_in_the_frame()
        super().start()

    def test_port_policy_holds_behind_tags(self):
        """Other firewalls pass what has a tag."""
        self.daemon.put(block("port", protocol="UDP", dport=53))
        q, ad = packets.ETH_VLAN, packets.ETH_QINQ
        self.assert_tagged((53, (), q, False), (53, (5,), q, False), (54, (5,), q, True),
                           (53, (5,), ad, False), (53, (5, 6), q, False), (53, (5, 6), ad, False),
                           (54, (5, 6), ad, True), (53, (0,), q, False))
        self.assert_counters("port", packets=12, dropped_packets=12)

    def test_vlan_field(self):
        """Overlapping networks: the same addresses in another VLAN are other hosts."""
        self.daemon.put(block("five", vlan=5, protocol="UDP"))
        q, ad = packets.ETH_VLAN, packets.ETH_QINQ
        self.assert_tagged((1, (), q, True), (1, (5,), q, False), (1, (6,), q, True),
                           (1, (5, 6), ad, False), (1, (6, 5), ad, True))

    def test_cache_tells_vlans_apart(self):
        """The same five-tuple in another VLAN, in both orders."""
        self.daemon.put(block("five", vlan=5, protocol="UDP"))
        q = packets.ETH_VLAN
        self.assert_tagged((1, (6,), q, True), (1, (5,), q, False), (1, (6,), q, True),
                           (1, (5,), q, False), (1, (), q, True))

    def test_priority_bits_are_not_part_of_the_id(self):
        self.daemon.put(block("five", vlan=5, protocol="UDP"))
        self.assert_tagged((1, (5 | 7 << 13,), packets.ETH_VLAN, False))

    def test_three_tags_are_dropped(self):
        self.daemon.put(block("port", protocol="UDP", dport=53))
        self.daemon.write("POST", "/reset")
        for frame in self.frames(54, (5, 6, 7)):
            self.assert_ingress(("three tags", (frame,), False))
        text = self.daemon.request("GET", "/metrics").body.decode()
        self.assertRegex(text, r'pepctl_dropped_packets_total\{[^}]*reason="vlan_depth"[^}]*\} 2\n')

    def test_bytes_are_those_of_ip(self):
        self.daemon.put(block("port", protocol="UDP", dport=53))
        self.assert_tagged((53, (5, 6), packets.ETH_QINQ, False))
        self.assert_counters("port", packets=2, bytes=29 + 49)


@per_mode()
class Beside(Vlan):
    """The tag is not in the frame but beside it, where hardware and the kernel put it."""

    def setUp(self):
        super().setUp()
        tagger = foreign.Tagger(self.lab.peer, self.lab.PEER_DEVICE, 5)
        self.addCleanup(tagger.close)

    def test_port_policy_holds(self):
        self.daemon.put(block("port", protocol="UDP", dport=53))
        q = packets.ETH_VLAN
        self.assert_tagged((53, (), q, False), (54, (), q, True), (53, (6,), q, False),
                           (54, (6,), q, True))
        self.assert_counters("port", packets=4, dropped_packets=4)

    def test_vlan_policy_holds_in_tc(self):
        if self.MODE != "tc":
            self.skipTest("refused: XDP does not see such tags")
        self.daemon.put(block("five", vlan=5, protocol="UDP"))
        q = packets.ETH_VLAN
        self.assert_tagged((1, (), q, False), (1, (6,), q, False))
        self.daemon.put(block("six", vlan=6, protocol="UDP"))
        self.assert_tagged((1, (), q, True), (1, (6,), q, True))


@per_mode("native", "generic")
class Stripped(Vlan):
    """Where hardware may take tags off before XDP sees the frame, as on a veth by default."""

    def test_vlan_policy_is_refused_with_the_cure(self):
        """It never silently fails to match: what other XDP firewalls do."""
        policy = block("five", vlan=5, protocol="UDP")
        response = self.daemon.request("PUT", "/policies", [policy])
        self.assertEqual(422, response.status)
        self.assertIn("ethtool -K d0 rxvlan off", response.body.decode())
        self.assertIn("match: five", response.body.decode())
        self.daemon.put(dict(policy, interface="d1"))
        self.daemon.put()
        self.assertEqual([], self.daemon.get("/policies")["policies"])
        self.leave_tags_in_the_frame()
        self.daemon.put(policy)
        q = packets.ETH_VLAN
        self.assert_tagged((1, (5,), q, False), (1, (6,), q, True), (1, (), q, True))


class StrippedAuto(Vlan):
    MODE = "auto"

    @classmethod
    def start(cls):
        cls.daemon.start()
        cls.daemon.wait_attached(cls.lab.DEVICE)

    def test_vlan_policy_moves_the_interface_to_tc(self):
        self.assertEqual("native", self.daemon.interfaces()["d0"]["mode"])
        self.daemon.put(block("five", vlan=5, protocol="UDP"))
        self.assertEqual("tc", self.daemon.interfaces()["d0"]["mode"])
        q = packets.ETH_VLAN
        self.assert_tagged((1, (5,), q, False), (1, (6,), q, True), (1, (), q, True))


if __name__ == "__main__":
    main()
