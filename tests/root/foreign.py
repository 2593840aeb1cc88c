# SPDX-License-Identifier: Apache-2.0
"""
Somebody else's programs on an interface: tiny ones that count what they see,
made with bpf(2) alone, and a look at all that is attached.
"""
import ctypes
import errno
import json
import os
import platform
import socket
import struct

from network import call

MAP_CREATE, MAP_LOOKUP_ELEM, PROG_LOAD, PROG_QUERY, OBJ_INFO, LINK_CREATE = 0, 1, 5, 16, 15, 28
TYPE_SCHED_CLS, TYPE_XDP = 3, 6
ATTACH_XDP, ATTACH_TCX_INGRESS, ATTACH_TCX_EGRESS = 37, 46, 47
XDP_PASS = 2
TCX_NEXT, TC_ACT_OK = -1, 0
XDP_FLAGS_SKB, XDP_FLAGS_DRV = 2, 4
BEFORE, AFTER = 1 << 3, 1 << 4

RTM_NEWQDISC, RTM_NEWTFILTER = 36, 44
CLSACT_QDISC, CLSACT_INGRESS, CLSACT_EGRESS = 0xFFFFFFF1, 0xFFFFFFF2, 0xFFFFFFF3

libc = ctypes.CDLL(None, use_errno=True)
NUMBER = {"x86_64": 321}.get(platform.machine(), 280)


def bpf(command, attributes):
    data = ctypes.create_string_buffer(attributes, max(len(attributes), 128))
    return call(libc.syscall, NUMBER, command, data, len(data)), data.raw


def instruction(code, dst=0, src=0, offset=0, immediate=0):
    return struct.pack("<BBhi", code, src << 4 | dst, offset, immediate)


def load(kind, code, name):
    """The fd of a program of these instructions."""
    program = ctypes.create_string_buffer(code)
    terms = ctypes.create_string_buffer(b"GPL")
    fd, _ = bpf(PROG_LOAD, struct.pack(
        "IIQQIIQII16s", kind, len(code) // 8, ctypes.addressof(program),
        ctypes.addressof(terms), 0, 0, 0, 0, 0, name))
    return fd


class Counter:
    """A program that counts the packets it sees and returns `verdict`."""

    def __init__(self, kind, verdict, name=b"foreign"):
        self.map, _ = bpf(MAP_CREATE, struct.pack("IIIII", 2, 4, 8, 1, 0))
        self.kind = kind
        code = (instruction(0x18, 1, 2, 0, self.map) + instruction(0) +  # r1 = &value
                instruction(0xB7, 2, 0, 0, 1) +
                instruction(0xDB, 1, 2, 0, 0) +  # lock *r1 += r2
                instruction(0xB7, 0, 0, 0, verdict) + instruction(0x95))
        self.fd = load(kind, code, name)
        self.link = -1

    @property
    def id(self):
        info = ctypes.create_string_buffer(256)
        bpf(OBJ_INFO, struct.pack("IIQ", self.fd, len(info), ctypes.addressof(info)))
        return struct.unpack_from("I", info.raw, 4)[0]

    @property
    def packets(self):
        key, value = ctypes.c_uint32(0), ctypes.c_uint64(0)
        bpf(MAP_LOOKUP_ELEM, struct.pack("IIQQ", self.map, 0, ctypes.addressof(key),
                                         ctypes.addressof(value)))
        return value.value

    def attach(self, namespace, interface, where, flags=0):
        """By a link, which ends with detach(). where: ATTACH_..."""
        with namespace:
            index = socket.if_nametoindex(interface)
            self.link, _ = bpf(LINK_CREATE, struct.pack("IIII", self.fd, index, where, flags))
        return self

    def add_filter(self, namespace, interface, parent=CLSACT_INGRESS, priority=100):
        """As `tc qdisc add ... clsact; tc filter add ... bpf direct-action`."""
        index = namespace.index(interface)
        options = attribute(6, struct.pack("I", self.fd)) + attribute(7, b"foreign\0") + \
            attribute(8, struct.pack("I", 1))
        with namespace:
            netlink(RTM_NEWQDISC, tcmsg(index, 0xFFFF0000, CLSACT_QDISC, 0) +
                    attribute(1, b"clsact\0"), ignore=errno.EEXIST)
            netlink(RTM_NEWTFILTER, tcmsg(index, 0, parent, priority << 16 | socket.htons(3)) +
                    attribute(1, b"bpf\0") + attribute(2, options))
        return self

    def detach(self):
        if self.link >= 0:
            os.close(self.link)
            self.link = -1

    def close(self):
        self.detach()
        os.close(self.fd)
        os.close(self.map)


class Tagger:
    """
    Puts a VLAN tag beside every packet that leaves an interface, as hardware
    does that takes tags off: a veth hands it to the other end like that.
    """

    def __init__(self, namespace, interface, vlan):
        code = (instruction(0xB7, 2, 0, 0, socket.htons(0x8100)) +
                instruction(0xB7, 3, 0, 0, vlan) +
                instruction(0x85, 0, 0, 0, 18) +  # bpf_skb_vlan_push(r1, r2, r3)
                instruction(0xB7, 0, 0, 0, TCX_NEXT) + instruction(0x95))
        self.fd = load(TYPE_SCHED_CLS, code, b"tagger")
        with namespace:
            index = socket.if_nametoindex(interface)
            self.link, _ = bpf(LINK_CREATE,
                               struct.pack("IIII", self.fd, index, ATTACH_TCX_EGRESS, 0))

    def close(self):
        os.close(self.link)
        os.close(self.fd)


def attribute(kind, data):
    return struct.pack("HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def tcmsg(index, handle, parent, info):
    return struct.pack("BxxxiIII", 0, index, handle, parent, info)


def netlink(kind, payload, ignore=0):
    """One request of rtnetlink with NLM_F_CREATE | NLM_F_EXCL, acknowledged."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as rtnetlink:
        rtnetlink.send(struct.pack("IHHII", 16 + len(payload), kind, 0x605, 1, 0) + payload)
        answer = rtnetlink.recv(65536)
        error = -struct.unpack_from("i", answer, 16)[0]
        if error and error != ignore:
            raise OSError(error, os.strerror(error))


def query(namespace, interface, where):
    """Ids of the programs at a TCX hook, in order."""
    ids = (ctypes.c_uint32 * 64)()
    with namespace:
        index = socket.if_nametoindex(interface)
        _, data = bpf(PROG_QUERY, struct.pack("IIIIQI", index, where, 0, 0,
                                              ctypes.addressof(ids), len(ids)))
    return list(ids[:struct.unpack_from("I", data, 24)[0]])


def filters(namespace, interface, parent):
    """Ids of the programs of the clsact filters at "ingress" or "egress", in order."""
    text = namespace.run("tc", "-json", "filter", "show", "dev", interface, parent).strip()
    found = json.loads(text) if text else []
    return [entry["options"]["prog"]["id"] for entry in found
            if entry.get("kind") == "bpf" and "prog" in entry.get("options", {})]


def programs(namespace, interface):
    """Every program attached to an interface, by hook."""
    link = json.loads(namespace.run("ip", "-json", "link", "show", "dev", interface))[0]
    xdp = link.get("xdp", {})
    return {
        "xdp": [xdp["prog"]["id"]] if xdp.get("prog") else [],
        "tcx/ingress": query(namespace, interface, ATTACH_TCX_INGRESS),
        "tcx/egress": query(namespace, interface, ATTACH_TCX_EGRESS),
        "clsact/ingress": filters(namespace, interface, "ingress"),
        "clsact/egress": filters(namespace, interface, "egress"),
    }
