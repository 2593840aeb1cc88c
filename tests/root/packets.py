# SPDX-License-Identifier: Apache-2.0
"""
Packets made by hand: what the kernel's sockets would never send.

A packet here is bytes that begin with the IP header; ethernet() makes a frame
of it.  Checksums are right unless a keyword of the same name says otherwise,
so that a packet which should pass is one that the stack takes.
"""
import ipaddress
import random
import socket
import struct

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
IPV6_HOP_BY_HOP, IPV6_ROUTING, IPV6_FRAGMENT, IPV6_DESTINATION = 0, 43, 44, 60
GRE, ESP, AH, SCTP = 47, 50, 51, 132

ETH_IP, ETH_ARP, ETH_IPV6 = 0x0800, 0x0806, 0x86DD
ETH_VLAN, ETH_QINQ = 0x8100, 0x88A8
ETH_LLDP, ETH_SLOW, ETH_EAPOL, ETH_PTP = 0x88CC, 0x8809, 0x888E, 0x88F7
ETH_BARRIER = 0x88B5  # local experiments: IEEE 802, clause 9.2

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def is_ipv6(address):
    return ":" in address


def packed(address):
    return ipaddress.ip_address(address).packed


def transport_checksum(src, dst, protocol, segment):
    if is_ipv6(src):
        pseudo = packed(src) + packed(dst) + struct.pack("!IHBB", len(segment), 0, 0, protocol)
    else:
        pseudo = packed(src) + packed(dst) + struct.pack("!BBH", 0, protocol, len(segment))
    return checksum(pseudo + segment)


# ---- network layer

def ipv4(src, dst, protocol, payload, options=b"", ident=None, offset=0, more=False,
         ttl=64, dscp=0, dont_fragment=False, total_length=None, header_words=None, version=4):
    """offset counts bytes; header_words and total_length lie when given."""
    options += b"\0" * (-len(options) % 4)
    words = (20 + len(options)) // 4 if header_words is None else header_words
    length = 20 + len(options) + len(payload) if total_length is None else total_length
    ident = random.getrandbits(16) if ident is None else ident
    flags = (dont_fragment << 14) | (more << 13) | (offset // 8)
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | words, dscp << 2, length, ident, flags,
                       ttl, protocol, 0, packed(src), packed(dst)) + options
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return head + payload


def ipv6(src, dst, protocol, payload, extensions=(), hop_limit=64, dscp=0, payload_length=None,
         version=6):
    """extensions: (type, body) each, the body without next header and length."""
    chain = b""
    following = protocol
    for kind, body in reversed(list(extensions)):
        chain = extension(kind, following, body) + chain
        following = kind
    length = len(chain) + len(payload) if payload_length is None else payload_length
    word = version << 28 | dscp << 22
    return struct.pack("!IHBB16s16s", word, length, following, hop_limit, packed(src),
                       packed(dst)) + chain + payload


def extension(kind, following, body):
    if kind == IPV6_FRAGMENT:
        return struct.pack("!BB", following, 0) + body
    size = 2 + len(body)
    body += b"\0" * (-size % 8)
    units = (2 + len(body)) // 4 - 2 if kind == AH else (2 + len(body)) // 8 - 1
    return struct.pack("!BB", following, units) + body


def ipv6_fragment_header(offset, more, ident):
    """The body of an extension of the kind IPV6_FRAGMENT; offset in bytes."""
    return struct.pack("!HI", offset & ~7 | more, ident)


PAD_OPTION = b"\x01\x04\0\0\0\0"  # PadN: what a hop-by-hop or destination header may hold


def ip(src, dst, protocol, payload, **fields):
    """Of the family of the addresses."""
    return (ipv6 if is_ipv6(src) else ipv4)(src, dst, protocol, payload, **fields)


# ---- transport layer: segments, then whole packets

def udp_segment(src, dst, sport, dport, data, length=None):
    length = 8 + len(data) if length is None else length
    head = struct.pack("!HHHH", sport, dport, length, 0)
    total = transport_checksum(src, dst, UDP, head + data) or 0xFFFF
    return head[:6] + struct.pack("!H", total) + data


def tcp_segment(src, dst, sport, dport, data=b"", flags=SYN, header_words=5, seq=1, ack=0):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, header_words << 4, flags, 65535, 0, 0)
    total = transport_checksum(src, dst, TCP, head + data)
    return head[:16] + struct.pack("!H", total) + head[18:] + data


def udp(src, dst, sport, dport, data=b"", **fields):
    return ip(src, dst, UDP, udp_segment(src, dst, sport, dport, data), **fields)


def tcp(src, dst, sport, dport, data=b"", flags=SYN, **fields):
    return ip(src, dst, TCP, tcp_segment(src, dst, sport, dport, data, flags), **fields)


def icmp(src, dst, kind, code=0, body=b"\0\0\0\0"):
    """ICMP or ICMPv6, by the addresses."""
    head = struct.pack("!BBH", kind, code, 0)
    if is_ipv6(src):
        total = transport_checksum(src, dst, ICMPV6, head + body)
    else:
        total = checksum(head + body)
    return ip(src, dst, ICMPV6 if is_ipv6(src) else ICMP,
              struct.pack("!BBH", kind, code, total) + body)


def echo_request(src, dst, number=1, data=b"pepctl"):
    return icmp(src, dst, 128 if is_ipv6(src) else 8,
                body=struct.pack("!HH", 0x7065, number) + data)


def neighbour_solicitation(src, dst, target, source_mac):
    body = b"\0\0\0\0" + packed(target) + b"\x01\x01" + mac(source_mac)
    packet = icmp(src, dst, 135, body=body)
    return packet[:7] + b"\xff" + packet[8:]  # hop limit 255, or nobody listens


def sctp(src, dst, sport, dport, data=b"\0" * 20):
    return ip(src, dst, SCTP, struct.pack("!HHII", sport, dport, 0, 0) + data)


# ---- fragments

def fragments(packet, size, ident=None):
    """Cuts a whole packet without options or extensions; size is of the
    payload of each but the last, a multiple of 8."""
    ident = random.getrandbits(16) if ident is None else ident
    payload = network_payload(packet)
    pieces = []
    for offset in range(0, len(payload), size):
        piece = payload[offset:offset + size]
        more = offset + size < len(payload)
        pieces.append(fragment(packet, offset, more, piece, ident))
    return pieces


def fragment(packet, offset, more, payload, ident):
    """One fragment with the addresses and protocol of packet."""
    if packet[0] >> 4 == 4:
        src, dst = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        return ipv4(src, dst, packet[9], payload, ident=ident & 0xFFFF, offset=offset, more=more)
    src = socket.inet_ntop(socket.AF_INET6, packet[8:24])
    dst = socket.inet_ntop(socket.AF_INET6, packet[24:40])
    return ipv6(src, dst, packet[6], payload,
                [(IPV6_FRAGMENT, ipv6_fragment_header(offset, more, ident))])


# ---- link layer

def ethernet(packet, src, dst, vlans=(), ethertype=None, outer=ETH_VLAN):
    """vlans: ids, outermost first; two of them are QinQ when outer is ETH_QINQ."""
    if ethertype is None:
        ethertype = ETH_IPV6 if packet and packet[0] >> 4 == 6 else ETH_IP
    tags = b""
    for index, vlan in enumerate(vlans):
        kind = outer if index == 0 else ETH_VLAN
        tags += struct.pack("!HH", kind, vlan)
    return mac(dst) + mac(src) + tags + struct.pack("!H", ethertype) + packet


def arp_request(source_mac, source, target):
    return (struct.pack("!HHBBH", 1, ETH_IP, 6, 4, 1) + mac(source_mac) + packed(source) +
            b"\0" * 6 + packed(target))


def network_layer(frame):
    """What of a frame lies behind Ethernet and its VLAN tags."""
    at = 12
    while struct.unpack_from("!H", frame, at)[0] in (ETH_VLAN, ETH_QINQ):
        at += 4
    return frame[at + 2:]


def network_payload(packet):
    """What lies behind an IP header without options or extensions."""
    return packet[20 if packet[0] >> 4 == 4 else 40:]
