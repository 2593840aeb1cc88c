#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Fragments share the fate of their first one, and cannot be used to get past a port."""
import contextlib
import socket

from harness import PepctlTest, allow, block, main, packets, per_mode

PEER4, PEER6, NOBODY4, NOBODY6 = "10.77.0.2", "fd77::2", "10.77.0.99", "fd77::99"
FAMILIES = ((PEER4, NOBODY4), (PEER6, NOBODY6))
EVIL, GOOD = 53, 54


class Fragments(PepctlTest):
    def assert_fragments(self, pieces, *wanted):
        arrived = self.lab.ingress.offer(pieces)
        self.assertEqual(list(wanted), arrived)

    def assert_reason(self, reason, count):
        text = self.daemon.request("GET", "/metrics").body.decode()
        self.assertRegex(text, r'pepctl_dropped_packets_total\{[^}]*reason="%s"[^}]*\} %d\n' %
                         (reason, count))


@per_mode()
class Datagrams(Fragments):
    def arrives(self, address, port, data):
        """Whether a real socket on the host gets it, cut by the peer's own stack."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with contextlib.closing(self.lab.host.socket(family, socket.SOCK_DGRAM)) as receiver, \
                contextlib.closing(self.lab.peer.socket(family, socket.SOCK_DGRAM)) as sender:
            receiver.bind((address, port))
            receiver.setblocking(False)
            sender.sendto(data, (address, port))
            self.lab.ingress.settle()
            try:
                return receiver.recv(65536) == data
            except BlockingIOError:
                return False

    def test_4000_bytes_are_blocked_by_port_and_pass_when_allowed(self):
        """In both families; other firewalls drop IPv6 fragments on ALLOW, or pass on BLOCK."""
        data = bytes(range(250)) * 16
        for address in (self.lab.HOST4, self.lab.HOST6):
            with self.subTest(address):
                identity = "port-of-" + address
                self.daemon.put(block(identity, protocol="UDP", dport=EVIL))
                self.assertFalse(self.arrives(address, EVIL, data))
                self.assertTrue(self.arrives(address, GOOD, data))
                self.assert_counters(identity, packets=3, dropped_packets=3)

    def test_4000_bytes_pass_an_allowed_port_under_a_wider_block(self):
        data = bytes(range(250)) * 16
        self.daemon.put(allow("port", protocol="UDP", dport=GOOD, priority=1),
                        block("rest", protocol="UDP"))
        for address in (self.lab.HOST4, self.lab.HOST6):
            with self.subTest(address):
                self.assertTrue(self.arrives(address, GOOD, data))
                self.assertFalse(self.arrives(address, EVIL, data))
        self.assert_counters("port", packets=6, dropped_packets=0)
        self.assert_counters("rest", packets=6, dropped_packets=6)

    def test_bytes_of_fragments_are_counted_as_on_the_wire(self):
        self.daemon.put(block("port", protocol="UDP", dport=EVIL))
        pieces = packets.fragments(packets.udp(PEER4, NOBODY4, 1, EVIL, b"x" * 4000), 1480)
        self.assert_fragments(pieces, *[False] * len(pieces))
        size = sum(map(len, pieces))
        self.assert_counters("port", packets=len(pieces), bytes=size, dropped_bytes=size)


@per_mode()
class Crafted(Fragments):
    def setUp(self):
        super().setUp()
        self.daemon.put(block("port", protocol="UDP", dport=EVIL),
                        block("tcp", protocol="TCP", dport=EVIL), allow("all", priority=2000))
        self.daemon.write("POST", "/reset")

    def test_later_fragment_is_not_read_as_a_transport_header(self):
        """A later fragment whose payload looks like an allowed port does not pass a block."""
        for src, dst in FAMILIES:
            looks_good = packets.udp_segment(src, dst, 1, GOOD, b"x" * 8)
            whole = packets.udp(src, dst, 1, EVIL, looks_good * 2)
            first, *rest = packets.fragments(whole, 16)
            self.assert_fragments([first] + rest, False, *[False] * len(rest))
            looks_evil = packets.udp_segment(src, dst, 1, EVIL, b"x" * 8)
            whole = packets.udp(src, dst, 1, GOOD, looks_evil * 2)
            first, *rest = packets.fragments(whole, 16)
            self.assert_fragments([first] + rest, True, *[True] * len(rest))

    def test_later_fragment_without_a_first_one_is_dropped(self):
        """Before any ALLOW that looks at addresses alone."""
        for src, dst in FAMILIES:
            pieces = packets.fragments(packets.udp(src, dst, 1, GOOD, b"x" * 64), 32)
            self.assert_fragments(pieces[1:], *[False] * len(pieces[1:]))
        self.assert_reason("untracked_fragment", 4)

    def test_out_of_order(self):
        """What overtakes the first fragment is dropped, what follows shares its fate."""
        for src, dst in FAMILIES:
            a, b, c = packets.fragments(packets.udp(src, dst, 1, GOOD, b"x" * 88), 32)
            self.assert_fragments([c, a, b], False, True, True)
            a, b, c = packets.fragments(packets.udp(src, dst, 1, EVIL, b"x" * 88), 32)
            self.assert_fragments([a, c, b], False, False, False)

    def test_datagrams_do_not_mix(self):
        """Interleaved fragments of datagrams that differ in the identification alone."""
        for src, dst in FAMILIES:
            good = packets.fragments(packets.udp(src, dst, 1, GOOD, b"g" * 56), 32, ident=1000)
            evil = packets.fragments(packets.udp(src, dst, 1, EVIL, b"e" * 56), 32, ident=1001)
            self.assert_fragments([good[0], evil[0], good[1], evil[1]], True, False, True, False)

    def test_tiny_first_fragment(self):
        """8 bytes hold UDP's header and not TCP's: flags could hide in the second fragment."""
        for src, dst in FAMILIES:
            udp = packets.fragments(packets.udp(src, dst, 1, GOOD, b"x" * 16), 8)
            self.assert_fragments(udp, *[True] * len(udp))
            tcp = packets.fragments(packets.tcp(src, dst, 1, GOOD, b"x" * 16), 8)
            self.assert_fragments(tcp, *[False] * len(tcp))
        self.assert_reason("fragment_first", 2)

    def test_overlap_of_the_transport_header(self):
        """A later fragment at offset 8 may not rewrite TCP's flags."""
        for src, dst in FAMILIES:
            whole = packets.tcp(src, dst, 1, GOOD, b"x" * 28)
            first = packets.fragment(whole, 0, True, packets.network_payload(whole)[:24], 7)
            overlap = packets.fragment(whole, 8, True, b"\xff" * 16, 7)
            last = packets.fragment(whole, 24, False, packets.network_payload(whole)[24:], 7)
            self.assert_fragments([first, overlap, last], True, False, True)
        self.assert_reason("fragment_overlap", 2)

    def test_beyond_65535_bytes(self):
        """The ping of death."""
        for src, dst in FAMILIES:
            whole = packets.udp(src, dst, 1, GOOD, b"x" * 56)
            first = packets.fragment(whole, 0, True, packets.network_payload(whole)[:32], 8)
            last = packets.fragment(whole, 65528, False, b"x" * 64, 8)
            self.assert_fragments([first, last], True, False)
        self.assert_reason("fragment_overlap", 2)

    def test_second_first_fragment_with_other_ports(self):
        """The first writer wins, and a contradiction drops what follows."""
        for src, dst in FAMILIES:
            good = packets.fragments(packets.udp(src, dst, 1, GOOD, b"x" * 56), 32, ident=9)
            evil = packets.fragments(packets.udp(src, dst, 1, EVIL, b"x" * 56), 32, ident=9)
            self.assert_fragments([good[0], evil[0], good[1]], True, False, False)
        self.assert_reason("fragment_conflict", 4)

    def test_without_a_policy_fragments_pass_whatever_they_are(self):
        """An identification that comes again is no reason to drop for a set that is empty."""
        self.daemon.put()
        for src, dst in FAMILIES:
            one = packets.fragments(packets.udp(src, dst, 1, GOOD, b"x" * 56), 32, ident=19)
            other = packets.fragments(packets.udp(src, dst, 1, EVIL, b"x" * 56), 32, ident=19)
            self.assert_fragments([one[0], other[0], other[1]], True, True, True)

    def test_repeated_first_fragment_is_no_conflict(self):
        for src, dst in FAMILIES:
            good = packets.fragments(packets.udp(src, dst, 1, GOOD, b"x" * 56), 32, ident=10)
            self.assert_fragments([good[0], good[0], good[1]], True, True, True)

    def test_atomic_fragment_is_an_ordinary_packet(self):
        for port, wanted in ((EVIL, False), (GOOD, True)):
            segment = packets.udp_segment(PEER6, NOBODY6, 1, port, b"x")
            atomic = packets.ipv6(PEER6, NOBODY6, packets.UDP, segment, [
                (packets.IPV6_FRAGMENT, packets.ipv6_fragment_header(0, False, 5))])
            self.assert_fragments([atomic], wanted)

    def test_fragment_behind_extension_headers(self):
        for port, wanted in ((EVIL, False), (GOOD, True)):
            segment = packets.udp_segment(PEER6, NOBODY6, 1, port, b"x" * 56)
            chain = [(packets.IPV6_HOP_BY_HOP, packets.PAD_OPTION)]
            pieces = [packets.ipv6(PEER6, NOBODY6, packets.UDP, segment[at:at + 32], chain + [
                (packets.IPV6_FRAGMENT, packets.ipv6_fragment_header(at, at == 0, 40 + port))])
                for at in (0, 32)]
            self.assert_fragments(pieces, wanted, wanted)

    def test_extension_headers_behind_the_fragment_header(self):
        """Later fragments say "destination options" and belong to UDP all the same."""
        for port, wanted in ((EVIL, False), (GOOD, True)):
            segment = packets.udp_segment(PEER6, NOBODY6, 1, port, b"x" * 48)
            part = packets.extension(packets.IPV6_DESTINATION, packets.UDP,
                                     packets.PAD_OPTION) + segment
            pieces = [packets.ipv6(PEER6, NOBODY6, packets.IPV6_DESTINATION, part[at:at + 32], [
                (packets.IPV6_FRAGMENT, packets.ipv6_fragment_header(at, at == 0, 80 + port))])
                for at in (0, 32)]
            self.assert_fragments(pieces, wanted, wanted)

    def test_flood_of_first_fragments_opens_nothing(self):
        """It may cost others their entries; what is without one is dropped."""
        first, rest = packets.fragments(packets.udp(PEER4, NOBODY4, 1, EVIL, b"x" * 56), 32)
        self.assert_fragments([first], False)
        whole = packets.udp(PEER6, NOBODY6, 1, GOOD, b"x" * 56)
        flood = [packets.fragments(whole, 32, ident=n)[0] for n in range(1 << 20, (1 << 20) + 5000)]
        self.assertTrue(all(self.lab.ingress.offer(flood)))
        self.assert_fragments([rest], False)

    def test_a_change_of_policy_between_fragments_is_obeyed(self):
        """A later fragment is matched again with the ports of the first one."""
        for src, dst in FAMILIES:
            self.daemon.put(allow("all"))
            first, rest = packets.fragments(packets.udp(src, dst, 1, EVIL, b"x" * 56), 32)
            self.assert_fragments([first], True)
            self.daemon.put(block("port", protocol="UDP", dport=EVIL))
            self.assert_fragments([rest], False)

    def test_fragment_field(self):
        self.daemon.put(block("no-fragments", fragment=True))
        for src, dst in FAMILIES:
            pieces = packets.fragments(packets.udp(src, dst, 1, GOOD, b"x" * 56), 32)
            self.assert_fragments(pieces + [packets.udp(src, dst, 1, GOOD)], False, False, True)


@per_mode()
class UntrackedPass(Fragments):
    CONFIG = {"datapath": {"untracked_fragment": "pass"}}

    def test_untracked_fragments_pass_when_configured(self):
        self.daemon.put(block("port", protocol="UDP", dport=EVIL))
        for src, dst in FAMILIES:
            pieces = packets.fragments(packets.udp(src, dst, 1, GOOD, b"x" * 64), 32)
            self.assert_fragments(pieces[1:], *[True] * len(pieces[1:]))

    def test_tracked_ones_are_dropped_all_the_same(self):
        self.daemon.put(block("port", protocol="UDP", dport=EVIL))
        for src, dst in FAMILIES:
            pieces = packets.fragments(packets.udp(src, dst, 1, EVIL, b"x" * 64), 32)
            self.assert_fragments(pieces, *[False] * len(pieces))


if __name__ == "__main__":
    main()
