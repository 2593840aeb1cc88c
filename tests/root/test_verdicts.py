#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Block, allow, default BLOCK and failsafe decide real packets, in both families."""
import contextlib
import socket
import subprocess

from harness import PepctlTest, allow, block, main, packets, per_mode, policy, wait_until

PEER4, PEER6, NOBODY4, NOBODY6 = "10.77.0.2", "fd77::2", "10.77.0.99", "fd77::99"
HOST4, HOST6 = "10.77.0.1", "fd77::1"


def both(make, *arguments, **fields):
    """A packet of each family."""
    return [("IPv4", make(PEER4, NOBODY4, *arguments, **fields)),
            ("IPv6", make(PEER6, NOBODY6, *arguments, **fields))]


class Verdicts(PepctlTest):
    def assert_both(self, *cases):
        """cases: (whether it shall arrive, make, arguments...) each."""
        expectations = []
        for wanted, make, *arguments in cases:
            for family, packet in both(make, *arguments):
                expectations.append(("%s %s%r" % (family, make.__name__, tuple(arguments)),
                                     packet, wanted))
        self.assert_ingress(*expectations)

    def can_connect(self, address, port=4000):
        """Whether the peer's TCP socket reaches one that listens on the host."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with contextlib.closing(self.lab.host.socket(family, socket.SOCK_STREAM)) as listener, \
                contextlib.closing(self.lab.peer.socket(family, socket.SOCK_STREAM)) as client:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen()
            client.settimeout(0.4)
            try:
                client.connect((address, port))
                return True
            except socket.timeout:
                return False

    def can_ping(self, address):
        with self.lab.peer:
            return subprocess.run(["ping", "-c", "2", "-i", "0.02", "-W", "1", address],
                                  stdout=subprocess.DEVNULL, timeout=20).returncode == 0


@per_mode()
class BlockAndAllow(Verdicts):
    def test_no_policy_is_transparent(self):
        """With default ALLOW and no policy even malformed packets pass."""
        self.assert_both((True, packets.udp, 1, 2, b"x"), (True, packets.tcp, 1, 2))
        self.assert_ingress(
            ("ihl of 1", packets.ipv4(PEER4, NOBODY4, 17, b"x" * 20, header_words=1), True))

    def test_block_of_a_port_in_both_families(self):
        self.daemon.put(block("no-telnet", protocol="TCP", dport=23))
        self.assert_both((False, packets.tcp, 40000, 23), (True, packets.tcp, 40000, 24),
                         (True, packets.tcp, 23, 40000), (True, packets.udp, 40000, 23, b"x"))
        self.assert_counters("no-telnet", packets=2, dropped_packets=2)

    def test_block_stops_a_real_connection(self):
        self.assertTrue(self.can_connect(HOST4) and self.can_connect(HOST6))
        self.daemon.put(block("closed", protocol="TCP", dport=4000))
        self.assertFalse(self.can_connect(HOST4) or self.can_connect(HOST6))
        self.daemon.delete("closed")
        self.assertTrue(self.can_connect(HOST4) and self.can_connect(HOST6))

    def test_block_stops_a_real_ping(self):
        self.assertTrue(self.can_ping(HOST4) and self.can_ping(HOST6))
        self.daemon.put(block("no-echo4", protocol="ICMP", icmp_type=8))
        self.assertFalse(self.can_ping(HOST4))
        self.assertTrue(self.can_ping(HOST6))
        self.daemon.put(block("no-echo6", protocol="ICMPv6", icmp_type=128))
        self.assertTrue(self.can_ping(HOST4))
        self.assertFalse(self.can_ping(HOST6))

    def test_allow_before_a_wider_block(self):
        self.daemon.put(block("all-udp", protocol="UDP"),
                        allow("one-source", src=[PEER4, PEER6], protocol="UDP", priority=10))
        self.assert_both((True, packets.udp, 1, 2, b"x"))
        self.assert_ingress(
            ("another v4", packets.udp("10.77.0.3", NOBODY4, 1, 2, b"x"), False),
            ("another v6", packets.udp("fd77::3", NOBODY6, 1, 2, b"x"), False))
        self.assert_counters("one-source", packets=2, dropped_packets=0)
        self.assert_counters("all-udp", packets=2, dropped_packets=2)

    def test_more_specific_source_wins_at_equal_priority(self):
        self.daemon.put(block("net", src="10.77.0.0/24", protocol="UDP"),
                        allow("host", src="10.77.0.2", protocol="UDP"))
        self.assert_ingress(
            ("the host", packets.udp(PEER4, NOBODY4, 1, 2, b"x"), True),
            ("the network", packets.udp("10.77.0.3", NOBODY4, 1, 2, b"x"), False))

    def test_block_of_a_range_and_a_list_of_ports(self):
        self.daemon.put(block("ports", protocol="UDP", dport=["1000-1010", 2000]))
        self.assert_both((True, packets.udp, 1, 999, b"x"), (False, packets.udp, 1, 1000, b"x"),
                         (False, packets.udp, 1, 1010, b"x"), (True, packets.udp, 1, 1011, b"x"),
                         (False, packets.udp, 1, 2000, b"x"), (True, packets.udp, 1, 2001, b"x"))

    def test_exclusion_from_a_prefix(self):
        self.daemon.put(block("all-but", src=["10.77.0.0/24", "!10.77.0.2"], protocol="UDP"))
        self.assert_ingress(
            ("excluded", packets.udp(PEER4, NOBODY4, 1, 2, b"x"), True),
            ("included", packets.udp("10.77.0.3", NOBODY4, 1, 2, b"x"), False))

    def test_every_byte_of_an_ipv6_address_counts(self):
        self.daemon.put(block("one", src="fd77::2", protocol="UDP"))
        cases = [("itself", packets.udp(PEER6, NOBODY6, 1, 2, b"x"), False)]
        for source in ("fd78::2", "fd77:1::2", "fd77:0:0:1::2", "fd77::1:0:0:2", "fd77::1:2",
                       "fd77::102", "fd77::3"):
            cases.append((source, packets.udp(source, NOBODY6, 1, 2, b"x"), True))
        self.assert_ingress(*cases)

    def test_tcp_flags(self):
        self.daemon.put(block("syn", protocol="TCP", tcp_flags=["syn", "!ack"], dport=80))
        self.assert_both((False, packets.tcp, 1, 80, b"", packets.SYN),
                         (True, packets.tcp, 1, 80, b"", packets.SYN | packets.ACK),
                         (True, packets.tcp, 1, 80, b"", packets.ACK))

    def test_dscp_length_and_ttl(self):
        self.daemon.put(block("dscp", protocol="UDP", dscp=46),
                        block("long", protocol="UDP", length="1000-1500"),
                        block("far", protocol="UDP", ttl="0-4"))
        def udp(data=b"x", **fields):
            return packets.udp(PEER4, NOBODY4, 1, 2, data, **fields)
        self.assert_ingress(
            ("dscp 46", udp(dscp=46), False), ("dscp 45", udp(dscp=45), True),
            ("999 bytes", udp(b"x" * 971), True), ("1000 bytes", udp(b"x" * 972), False),
            ("ttl 4", udp(ttl=4), False), ("ttl 5", udp(ttl=5), True),
            ("hop limit 4", packets.udp(PEER6, NOBODY6, 1, 2, b"x", hop_limit=4), False))

    def test_protocol_numbers_without_ports(self):
        self.daemon.put(block("gre", protocol=packets.GRE), block("sctp", protocol="SCTP", dport=7))
        self.assert_both((False, packets.ip, packets.GRE, b"\0" * 24),
                         (True, packets.ip, packets.ESP, b"\0" * 24),
                         (False, packets.sctp, 1, 7), (True, packets.sctp, 1, 8))

    def test_disabled_policy_does_nothing(self):
        self.daemon.put(block("off", protocol="UDP", enabled=False))
        self.assert_both((True, packets.udp, 1, 2, b"x"))
        self.daemon.write("PATCH", "/policies/off", {"enabled": True})
        self.assert_both((False, packets.udp, 1, 2, b"x"))

    def test_interface_of_a_policy(self):
        self.daemon.put(block("elsewhere", protocol="UDP", interface="other0"))
        self.assert_both((True, packets.udp, 1, 2, b"x"))
        self.daemon.put(block("here", protocol="UDP", interface=self.lab.DEVICE))
        self.assert_both((False, packets.udp, 1, 2, b"x"))


@per_mode()
class DefaultBlock(Verdicts):
    CONFIG = {"policy": {"default_action": "BLOCK", "failsafe": "off"}}

    def test_only_what_is_allowed_passes(self):
        self.daemon.put(allow("dns", protocol="UDP", dport=53))
        self.assert_both((True, packets.udp, 1, 53, b"x"), (False, packets.udp, 1, 54, b"x"),
                         (False, packets.tcp, 1, 53), (False, packets.echo_request, 1),
                         (False, packets.ip, packets.GRE, b"\0" * 24))
        self.assert_counters("dns", packets=2, dropped_packets=0)

    def test_arp_passes(self):
        """ARP is not IP: a host under default BLOCK does not die when its neighbours expire."""
        frame = self.lab.ingress.frame(
            packets.arp_request(self.lab.ingress.source_mac, PEER4, HOST4),
            dst=packets.BROADCAST, ethertype=packets.ETH_ARP)
        self.assert_ingress(("ARP", (frame,), True))

    def test_malformed_is_dropped_without_any_policy(self):
        self.assert_ingress(
            ("ihl of 1", packets.ipv4(PEER4, NOBODY4, 17, b"x" * 20, header_words=1), False))

    def test_default_is_counted_by_its_reason(self):
        def dropped():
            return self.daemon.interfaces()[self.lab.DEVICE]
        self.daemon.write("POST", "/reset")
        self.assert_both(*[(False, packets.udp, 1, 2, b"x")] * 5)
        self.assertIn("default", str(dropped()))
        text = self.daemon.request("GET", "/metrics").body.decode()
        self.assertRegex(text, r'pepctl_dropped_packets_total\{[^}]*reason="default"[^}]*\} 10\n')


@per_mode()
class Failsafe(Verdicts):
    CONFIG = {"policy": {"default_action": "BLOCK"}}

    def test_default_failsafe_keeps_ssh_and_neighbour_discovery(self):
        nd = packets.neighbour_solicitation(PEER6, HOST6, HOST6, self.lab.ingress.source_mac)
        self.assert_both((True, packets.tcp, 40000, 22), (False, packets.tcp, 40000, 23))
        self.assert_ingress(("neighbour solicitation", nd, True))

    def test_broad_block_is_overruled_and_narrow_is_not(self):
        """fail2ban must work on ssh: a ban of one source is never undone."""
        self.daemon.put(block("no-ssh", protocol="TCP", dport=22))
        self.assert_both((True, packets.tcp, 40000, 22))
        self.daemon.put(block("banned", src=[PEER4, PEER6]))
        self.assert_both((False, packets.tcp, 40000, 22))

    def test_overruled_policy_is_warned_of(self):
        answer = self.daemon.put(block("no-ssh", protocol="TCP", dport=22))
        self.assertIn("overridden-by-failsafe", str(answer["warnings"]))


@per_mode()
class OwnFailsafe(Verdicts):
    CONFIG = {"policy": {"default_action": "BLOCK",
                         "failsafe": [{"id": "console", "protocol": "TCP",
                                       "dst": {"port": 2222}}]}}

    def test_configured_failsafe_replaces_the_default(self):
        self.assert_both((True, packets.tcp, 40000, 2222), (False, packets.tcp, 40000, 22))


@per_mode()
class NonIpDrop(Verdicts):
    CONFIG = {"datapath": {"non_ip": "drop"}}

    def test_non_ip_is_dropped_when_configured_and_arp_is_not(self):
        """Without wire.offer(), whose last frame would be dropped too."""
        wire = self.lab.ingress
        self.daemon.write("POST", "/reset")
        for kind in (packets.ETH_LLDP, packets.ETH_PTP, packets.ETH_BARRIER):
            wire.send(wire.frame(b"\x01" * 46, ethertype=kind))
        arp = packets.arp_request(wire.source_mac, PEER4, HOST4)
        wire.send(wire.frame(arp, dst=packets.BROADCAST, ethertype=packets.ETH_ARP))
        arrived = []
        def arp_came():
            # Only what is not IP: the peer's stack reports its multicast groups when it likes.
            arrived.extend(p for p in map(packets.network_layer, wire.tap.drain())
                           if p[0] >> 4 not in (4, 6))
            return arp in arrived
        wait_until(arp_came, "ARP was dropped")
        self.assertEqual([arp], arrived)
        drops = self.daemon.interfaces()["d0"]["counters"]["ingress"]["drop"]["reasons"]
        self.assertEqual({"non_ip": {"packets": 3, "bytes": 138}}, drops)


@per_mode()
class MalformedPass(Verdicts):
    CONFIG = {"datapath": {"malformed": "pass"}}

    def test_malformed_passes_when_configured_and_is_counted(self):
        self.daemon.put(block("all"))
        self.daemon.write("POST", "/reset")
        self.assert_ingress(
            ("ihl of 1", packets.ipv4(PEER4, NOBODY4, 17, b"x" * 20, header_words=1), True),
            ("well-formed", packets.udp(PEER4, NOBODY4, 1, 2), False))
        passed = self.daemon.interfaces()["d0"]["counters"]["ingress"]["pass"]["reasons"]
        self.assertEqual(1, passed["malformed"]["packets"])


@per_mode()
class ForeignAndMalformed(Verdicts):
    """Holes of other firewalls: what they did not parse, they let through or misread."""

    def test_ipv4_options_do_not_hide_the_port(self):
        """Other firewalls read the port at 20 bytes whatever the header's length is."""
        self.daemon.put(block("port", protocol="UDP", dport=53))
        # Where the ports of an option-less packet would be, the options say 53 and 54.
        says_53 = bytes([0x94, 8, 0, 53, 0, 53, 0, 0])
        for options in (b"\x94\x04\0\0", b"\x01" * 40, says_53):
            self.assert_ingress(
                ("to 53", packets.udp(PEER4, NOBODY4, 1, 53, b"x", options=options), False),
                ("to 54", packets.udp(PEER4, NOBODY4, 1, 54, b"x", options=options), True))

    def test_source_ban_holds_for_every_protocol(self):
        """GRE, ESP, AH, SCTP and unheard-of protocols of a banned source."""
        self.daemon.put(block("ban", src=[PEER4, PEER6]))
        for number in (packets.GRE, packets.ESP, packets.SCTP, 2, 89, 112, 253):
            data = b"\0" * 32
            self.assert_ingress(
                ("v4 %d" % number, packets.ip(PEER4, NOBODY4, number, data), False),
                ("v6 %d" % number, packets.ip(PEER6, NOBODY6, number, data), False))

    def test_extension_headers_do_not_hide_the_port(self):
        self.daemon.put(block("port", protocol="UDP", dport=53))
        pad = packets.PAD_OPTION
        routing = b"\x04\0\0\0\0\0"
        chains = [[(packets.IPV6_HOP_BY_HOP, pad)], [(packets.IPV6_DESTINATION, pad)],
                  [(packets.IPV6_ROUTING, routing)], [(packets.IPV6_DESTINATION, b"\x01\x0c" +
                                                       b"\0" * 12)],
                  [(packets.IPV6_HOP_BY_HOP, pad), (packets.IPV6_ROUTING, routing),
                   (packets.IPV6_DESTINATION, pad)],
                  [(packets.AH, b"\0" * 22)]]
        for chain in chains:
            kinds = [kind for kind, _ in chain]
            self.assert_ingress(
                ("to 53 %s" % kinds, packets.udp(PEER6, NOBODY6, 1, 53, b"x", extensions=chain),
                 False),
                ("to 54 %s" % kinds, packets.udp(PEER6, NOBODY6, 1, 54, b"x", extensions=chain),
                 True))

    def test_protocols_that_look_like_extension_headers(self):
        """Mobility, HIP and shim6 are protocols to Linux: no way for them to pass as UDP."""
        for number in (135, 139, 140):
            disguised = packets.ipv6(PEER6, NOBODY6, number, packets.extension(
                number, packets.UDP, b"\0" * 6) + packets.udp_segment(PEER6, NOBODY6, 1, 54, b"x"))
            self.daemon.put(allow("dns", protocol="UDP", dport=54, priority=1), block("all"))
            self.assert_ingress(("%d as UDP" % number, disguised, False))
            self.daemon.put(block("it", protocol=number))
            self.assert_ingress(("block of %d" % number, disguised, False))

    def test_endless_extension_headers_are_dropped(self):
        self.daemon.put(block("port", protocol="UDP", dport=53))
        chain = [(packets.IPV6_DESTINATION, packets.PAD_OPTION)] * 40
        self.assert_ingress(
            ("40 headers", packets.udp(PEER6, NOBODY6, 1, 54, b"x", extensions=chain), False))

    def test_malformed_is_dropped_by_reason(self):
        """A parse error never is an allow, once there is a policy."""
        self.daemon.put(allow("all"))
        short = packets.udp(PEER4, NOBODY4, 1, 2, b"x")
        cases = {
            "ip_header": packets.ipv4(PEER4, NOBODY4, 17, b"\0" * 20, header_words=4),
            "ip_version": packets.ipv4(PEER4, NOBODY4, 17, b"\0" * 20, version=5),
            "ip_length": packets.ipv4(PEER4, NOBODY4, 17, b"\0" * 20, total_length=2000),
            "truncated": short[:12],
            "tcp_header": packets.ip(PEER4, NOBODY4, packets.TCP, packets.tcp_segment(
                PEER4, NOBODY4, 1, 2, header_words=4)),
            "udp_length": packets.ip(PEER4, NOBODY4, packets.UDP, packets.udp_segment(
                PEER4, NOBODY4, 1, 2, b"x", length=7)),
        }
        for reason, packet in cases.items():
            with self.subTest(reason):
                self.daemon.write("POST", "/reset")
                frame = self.lab.ingress.frame(packet, ethertype=packets.ETH_IP)
                self.assert_ingress((reason, (frame,), False))
                text = self.daemon.request("GET", "/metrics").body.decode()
                self.assertRegex(text, r'pepctl_dropped_packets_total\{[^}]*reason="%s"[^}]*\} 1\n'
                                 % reason)

    def test_non_ip_passes_by_default(self):
        """ARP, LLDP, LACP, EAPOL and PTP stay alive whatever is blocked."""
        self.daemon.put(block("all"))
        wire = self.lab.ingress
        for kind in (packets.ETH_LLDP, packets.ETH_SLOW, packets.ETH_EAPOL, packets.ETH_PTP):
            frame = wire.frame(b"\x01" * 46, ethertype=kind)
            self.assert_ingress(("%#x" % kind, (frame,), True))

    def test_any_to_any_port_matches(self):
        """The original's own examples, any -> any:23, never matched in its kernel part."""
        self.daemon.put(policy("original", "BLOCK", src="0.0.0.0", sport=0, dst="0.0.0.0",
                               dport=23, protocol="TCP"))
        self.assert_ingress(("telnet", packets.tcp(PEER4, NOBODY4, 40000, 23), False),
                            ("other", packets.tcp(PEER4, NOBODY4, 40000, 24), True))

    def test_every_combination_of_wildcards_matches(self):
        """The original tried 8 of the 16 combinations of wild addresses and ports."""
        full = {"src": PEER4, "dst": NOBODY4, "sport": 1000, "dport": 2000}
        for mask in range(16):
            fields = {key: value for bit, (key, value) in enumerate(full.items())
                      if mask >> bit & 1}
            self.daemon.put(block("wild", protocol="UDP", **fields))
            other = {"src": "10.77.0.3", "dst": "10.77.0.98", "sport": 1001, "dport": 2001}
            cases = [("mask %d" % mask, packets.udp(data=b"x", **full), False)]
            for key in fields:
                cases.append(("mask %d, other %s" % (mask, key),
                              packets.udp(data=b"x", **dict(full, **{key: other[key]})), True))
            self.assert_ingress(*cases)

    def test_protocol_any_matches(self):
        """The original's ANY was the number 255 and matched nothing."""
        self.daemon.put(block("any", src=PEER4, protocol="ANY"))
        self.assert_ingress(("udp", packets.udp(PEER4, NOBODY4, 1, 2), False),
                            ("tcp", packets.tcp(PEER4, NOBODY4, 1, 2), False),
                            ("gre", packets.ip(PEER4, NOBODY4, packets.GRE, b"\0" * 8), False))

    def test_protocol_in_dst_counts(self):
        """The original ignored dst.protocol."""
        self.daemon.put({"id": "dst", "action": "BLOCK", "dst": {"port": 53, "protocol": "UDP"}})
        self.assert_ingress(("udp", packets.udp(PEER4, NOBODY4, 1, 53), False),
                            ("tcp", packets.tcp(PEER4, NOBODY4, 1, 53), True))


if __name__ == "__main__":
    main()
