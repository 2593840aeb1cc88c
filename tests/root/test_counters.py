#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Counters equal what was sent, to the packet and to the byte of IP."""
import contextlib
import json
import socket
import struct
import threading

from harness import PepctlTest, allow, block, main, packets, per_mode, policy
from network import PACKET_VNET_HDR, SO_RCVBUFFORCE, SOL_PACKET

PEER4, PEER6, NOBODY4, NOBODY6 = "10.77.0.2", "fd77::2", "10.77.0.99", "fd77::99"
TCP_PORT, TRANSFER = 4100, 8 << 20
SO_MAX_PACING_RATE, PACE = 47, 100 << 20


class WireCount:
    """
    What a sender's interface really put on the wire to a TCP port, as segments
    and as the buffers that they travelled in: a buffer of several segments says
    their size in the header of PACKET_VNET_HDR.
    """

    def __init__(self, namespace, interface, port):
        self.port = port
        self.socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.socket.bind((interface, 3))  # ETH_P_ALL: what leaves is seen too
        self.socket.settimeout(0.5)
        self.segments = self.segment_bytes = self.buffers = self.buffer_bytes = 0

    def add(self, data, kind):
        _, gso_type, _, gso_size = struct.unpack_from("=BBHH", data)
        packet = packets.network_layer(data[10:])
        header = 20 if packet[0] >> 4 == 4 else 40
        if kind != socket.PACKET_OUTGOING or len(packet) < header + 20 or \
                packet[6 if header == 40 else 9] != packets.TCP or \
                struct.unpack_from("!H", packet, header + 2)[0] != self.port:
            return
        headers = header + (packet[header + 12] >> 4) * 4
        payload = len(packet) - headers
        segments = -(-payload // gso_size) if gso_type and payload else 1
        self.buffers += 1
        self.buffer_bytes += len(packet)
        self.segments += segments
        self.segment_bytes += len(packet) + (segments - 1) * headers

    def count(self):
        """Takes in all that there is."""
        with contextlib.suppress(socket.timeout):
            while True:
                data, address = self.socket.recvfrom(200000)
                self.add(data, address[2])
        lost = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, 6, 8))[1]
        if lost:
            raise AssertionError("the capture lost %d packets" % lost)
        return self

    def close(self):
        self.socket.close()


class Counters(PepctlTest):
    def transfer(self, family):
        """Sends TRANSFER bytes by TCP from the peer to the host, to its very end."""
        address = self.lab.HOST6 if family == socket.AF_INET6 else self.lab.HOST4
        with contextlib.closing(self.lab.host.socket(family, socket.SOCK_STREAM)) as listener, \
                contextlib.closing(self.lab.peer.socket(family, socket.SOCK_STREAM)) as client:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, TCP_PORT))
            listener.listen()
            client.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, PACE)
            client.connect((address, TCP_PORT))
            server, _ = listener.accept()
            sender = threading.Thread(target=self.send_all, args=(client,))
            sender.start()
            received = 0
            while True:
                data = server.recv(1 << 20)
                if not data:
                    break
                received += len(data)
            server.close()
            sender.join()
            self.assertEqual(TRANSFER, received)

    @staticmethod
    def send_all(client):
        client.sendall(b"x" * TRANSFER)
        client.shutdown(socket.SHUT_WR)
        client.recv(1)

    def captured(self, family):
        """A transfer of which the veth itself lost nothing: the policy's id, and the count."""
        for attempt in range(5):
            identity = "tcp-%d-%d" % (family, attempt)
            self.daemon.put(allow(identity, protocol="TCP", dport=TCP_PORT))
            dropped = self.dropped_by_the_wire()
            capture = WireCount(self.lab.peer, self.lab.PEER_DEVICE, TCP_PORT)
            with contextlib.closing(capture):
                self.transfer(family)
                if self.dropped_by_the_wire() == dropped:
                    return identity, capture.count()
        raise AssertionError("the queue of the veth is full again and again: too busy a machine")

    def dropped_by_the_wire(self):
        """Packets of the peer that the ring in front of native XDP had no room for."""
        text = self.lab.peer.run("ip", "-json", "-stats", "link", "show", "dev",
                                 self.lab.PEER_DEVICE)
        return json.loads(text)[0]["stats64"]["tx"]["dropped"]


@per_mode()
class Packets(Counters):
    def test_udp_to_the_packet_and_byte(self):
        self.daemon.put(block("drop", protocol="UDP", dport=53),
                        allow("pass", protocol="UDP", dport=54))
        sizes = [0, 1, 18, 100, 1000, 1472]
        for src, dst, header in ((PEER4, NOBODY4, 28), (PEER6, NOBODY6, 48)):
            for port in (53, 54):
                offered = [packets.udp(src, dst, 1, port, b"x" * min(size, 1500 - header))
                           for size in sizes] * 100
                self.assertEqual([port == 54] * len(offered), self.lab.ingress.offer(offered))
        size = sum(sizes) * 100 * 2 + 600 * (28 + 48) - 20 * 100
        self.assert_counters("drop", packets=1200, dropped_packets=1200, bytes=size,
                             dropped_bytes=size)
        self.assert_counters("pass", packets=1200, dropped_packets=0, bytes=size)

    def test_padding_is_not_counted(self):
        """Ethernet pads to 60 bytes; the bytes of IP are those that IP says."""
        self.daemon.put(block("drop", protocol="UDP"))
        frame = self.lab.ingress.frame(packets.udp(PEER4, NOBODY4, 1, 2)) + b"\0" * 18
        self.lab.ingress.offer([(frame,)])
        self.assert_counters("drop", packets=1, bytes=28)

    def test_ping(self):
        self.daemon.put(allow("echo", protocol="ICMP", icmp_type=8),
                        allow("echo6", protocol="ICMPv6", icmp_type=128))
        for address in (self.lab.HOST4, self.lab.HOST6):
            self.lab.peer.run("ping", "-q", "-c", "50", "-i", "0.002", "-s", "100", address)
        self.assert_counters("echo", packets=50, bytes=50 * 128)
        self.assert_counters("echo6", packets=50, bytes=50 * 148)

    def test_both_cpus_at_once(self):
        """No count is lost between CPUs."""
        self.daemon.put(block("drop", protocol="UDP", dport=53))
        packet = packets.udp(PEER4, NOBODY4, 1, 53, b"x")
        wire = self.lab.ingress
        threads = [threading.Thread(target=lambda: [wire.send(wire.frame(packet))
                                                    for _ in range(5000)]) for _ in range(4)]
        dropped = self.dropped_by_the_wire()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wire.settle()
        count = 20000 - (self.dropped_by_the_wire() - dropped)
        self.assertGreater(count, 10000)
        self.assert_counters("drop", packets=count, dropped_packets=count, bytes=count * 29)

    def test_counters_survive_the_replacement_of_all_policies(self):
        self.daemon.put(block("drop", protocol="UDP", dport=53), allow("other", protocol="TCP"))
        packet = packets.udp(PEER4, NOBODY4, 1, 53, b"x")
        self.lab.ingress.offer([packet] * 10)
        self.daemon.put(block("drop", protocol="UDP", dport=[53, 54], description="changed"))
        self.lab.ingress.offer([packet] * 10)
        self.assert_counters("drop", packets=20, dropped_packets=20)

    def test_a_new_policy_does_not_inherit_counters(self):
        packet = packets.udp(PEER4, NOBODY4, 1, 53, b"x")
        for number in range(8):
            self.daemon.put(block("round-%d" % number, protocol="UDP", dport=53))
            self.assert_counters("round-%d" % number, packets=0, bytes=0)
            self.lab.ingress.offer([packet] * 3)
            self.assert_counters("round-%d" % number, packets=3, bytes=87)

    def test_reset_is_exact_and_stays(self):
        """The original's reset was undone by its kernel counters within ten seconds."""
        self.daemon.put(block("drop", protocol="UDP", dport=53))
        packet = packets.udp(PEER4, NOBODY4, 1, 53, b"x")
        self.lab.ingress.offer([packet] * 10)
        self.daemon.write("POST", "/reset")
        self.assert_counters("drop", packets=0, bytes=0, dropped_packets=0)
        self.lab.ingress.offer([packet] * 7)
        self.assert_counters("drop", packets=7, dropped_packets=7)

    def test_totals_are_exact_integers(self):
        """The original printed six significant digits."""
        self.daemon.put(block("drop", protocol="UDP", dport=53))
        frame = self.lab.ingress.frame(packets.udp(PEER4, NOBODY4, 1, 53, b"x" * 1400))
        for _ in range(3001):
            self.lab.ingress.send(frame)
        self.lab.ingress.settle()
        self.assert_counters("drop", packets=3001, bytes=3001 * 1428)
        text = self.daemon.request("GET", "/metrics").body.decode()
        self.assertRegex(text, r'pepctl_policy_bytes_total\{policy="drop"\} %d\n' % (3001 * 1428))
        self.assertNotRegex(text, r"(?m)^pepctl_[a-z_]*(packets|bytes)_total[^#]* \S*e\+")

    def test_interface_counts_every_packet_once(self):
        """By verdict and reason, ingress alone; those of the wire's own frames as well."""
        self.daemon.put(block("drop", protocol="UDP", dport=53), allow("pass", protocol="TCP"))
        self.lab.ingress.settle()
        self.daemon.write("POST", "/reset")
        self.lab.ingress.offer([packets.udp(PEER4, NOBODY4, 1, 53, b"x"),
                                packets.tcp(PEER6, NOBODY6, 1, 2),
                                packets.udp(PEER4, NOBODY4, 1, 54)])
        counters = self.daemon.interfaces()["d0"]["counters"]["ingress"]
        self.assertEqual({"packets": 1, "bytes": 29,
                          "reasons": {"policy": {"packets": 1, "bytes": 29}}}, counters["drop"])
        self.assertEqual({"packets": 4, "bytes": 60 + 28 + 2 * 46,
                          "reasons": {"policy": {"packets": 1, "bytes": 60},
                                      "default": {"packets": 1, "bytes": 28},
                                      "non_ip": {"packets": 2, "bytes": 92}}}, counters["pass"])

    def test_policies_of_a_chain_each_count(self):
        self.daemon.put(policy("watch", "LOG_ONLY", protocol="UDP", priority=1),
                        block("drop", protocol="UDP", dport=53))
        self.lab.ingress.offer([packets.udp(PEER4, NOBODY4, 1, 53, b"x")] * 10)
        self.assert_counters("watch", packets=10, dropped_packets=0, bytes=290)
        self.assert_counters("drop", packets=10, dropped_packets=10, bytes=290)


@per_mode("native", "tc")
class TcpSegments(Counters):
    def test_tcp_in_segments(self):
        """Of eight megabytes, with segmentation offload on the sender as it is by default."""
        for family in (socket.AF_INET, socket.AF_INET6):
            with self.subTest(family=family):
                identity, wire = self.captured(family)
                self.assertGreater(wire.segments, TRANSFER // 1500)
                self.assert_counters(identity, packets=wire.segments, bytes=wire.segment_bytes)


@per_mode("native", "tc")
class UdpSegments(Counters):
    UDP_SEGMENT = 103

    def test_udp_segmentation_offload_in_segments(self):
        """One send() of many datagrams is as many packets."""
        self.daemon.put(block("port", protocol="UDP", dport=53))
        for family, address, header in ((socket.AF_INET, NOBODY4, 28),
                                        (socket.AF_INET6, NOBODY6, 48)):
            with contextlib.closing(self.lab.peer.socket(family, socket.SOCK_DGRAM)) as sender:
                mac = self.lab.ingress.target_mac
                self.lab.peer.ip("neigh replace %s lladdr %s dev p0 nud permanent" %
                                 (address, mac))
                sender.setsockopt(socket.IPPROTO_UDP, self.UDP_SEGMENT, 1000)
                sender.sendto(b"x" * 30500, (address, 53))
        self.assert_counters("port", packets=62, bytes=61000 + 31 * (28 + 48),
                             dropped_packets=62)


@per_mode("generic")
class TcpBytes(Counters):
    def test_tcp_in_bytes_of_merged_buffers(self):
        for family in (socket.AF_INET, socket.AF_INET6):
            with self.subTest(family=family):
                identity, wire = self.captured(family)
                self.assertGreater(wire.segments, wire.buffers)
                self.assert_counters(identity, packets=wire.buffers, bytes=wire.buffer_bytes)

    def test_merged_packets_are_admitted(self):
        self.assertTrue(self.daemon.interfaces()[self.lab.DEVICE]["merged_packets"])


@per_mode("native", "tc")
class TcpEgress(Counters):
    EGRESS = True

    def test_egress_in_segments(self):
        self.daemon.put(allow("out", protocol="TCP", sport=TCP_PORT, direction="egress"))
        with contextlib.closing(self.lab.peer.socket(socket.AF_INET, socket.SOCK_STREAM)) as there:
            there.bind((self.lab.PEER4, 4200))
            there.listen()
            capture = WireCount(self.lab.host, self.lab.DEVICE, 4200)
            here = self.lab.host.socket(socket.AF_INET, socket.SOCK_STREAM)
            here.bind((self.lab.HOST4, TCP_PORT))
            here.connect((self.lab.PEER4, 4200))
            server, _ = there.accept()
            sender = threading.Thread(target=self.send_all, args=(here,))
            sender.start()
            while server.recv(1 << 20):
                pass
            server.close()
            sender.join()
            here.close()
            with contextlib.closing(capture):
                wire = capture.count()
        self.assert_counters("out", packets=wire.segments, bytes=wire.segment_bytes,
                             dropped_packets=0)


if __name__ == "__main__":
    main()
