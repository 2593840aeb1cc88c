#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
No packet is decided by a mixture of two states. Everything changes as fast as
it can, by API, file and time, in a way that every state treats each of a few
packets alike and a mixture of two states would not, while these packets cross
two interfaces in both directions.
"""
import collections
import itertools
import threading
import time

from harness import PepctlTest, SLOW, allow, block, main, network, packets, per_mode, policy

ADDRESSES = (("10.77.0.2", "10.77.0.99"), ("fd77::2", "fd77::99"))
SECONDS, ROUNDS = 20 if SLOW else 4, 10  # at least
OUTGROWS = {4: 30000}  # policies of a round: more than the maps hold that were made at the start
# By port, whether the packet passes in every state.
SWAPPED_DROPS, SWAPPED_PASSES, REPLACED, DISABLED, EXPIRING, BY_FILE, PATCHED = range(2001, 2008)
PASSES = {SWAPPED_PASSES: True}
PORTS = (SWAPPED_DROPS, SWAPPED_PASSES, REPLACED, DISABLED, EXPIRING, BY_FILE, PATCHED)


def both(make, identity, port, priority, **fields):
    return make(identity, protocol="UDP", dport=port, direction="both", priority=priority, **fields)


def log_only(identity, **fields):
    return policy(identity, "LOG_ONLY", **fields)


def swap(identity, port, first, second):
    """Two policies, of which the first decides unless it lets go on."""
    return [both(first, identity + "-1", port, 10), both(second, identity + "-2", port, 20)]


def api_state(number):
    """
    What PUT /policies replaces: of these, one that is even and one that is odd. Most of the
    others match something else each time, which is more than an overlay keeps for long.
    """
    odd = number % 2
    others = [both(block, "other-%d" % n, 3000 + (n + number) % 600, 500) for n in range(300)]
    others += [block("many-%d" % n, protocol="TCP", dport=1 + n, src="172.16.%d.%d" % divmod(n, 256))
               for n in range(OUTGROWS.get(number, 0))]
    expiring = [both(log_only, "expiring-%d" % (number % 7), EXPIRING, 10, ttl_seconds=1)]
    return (swap("drops", SWAPPED_DROPS, *((block, allow), (log_only, block))[odd]) +
            swap("passes", SWAPPED_PASSES, *((allow, block), (log_only, allow))[odd]) +
            [both(block, "replaced-%d" % odd, REPLACED, 10)] +
            [both(block, "enabled-%d" % n, DISABLED, 10 + n, enabled=n == odd) for n in (0, 1)] +
            [both(block, "expiring", EXPIRING, 20)] + (expiring if number % 5 == 0 else []) +
            [both(block, "patched", PATCHED, 20)] + others)


def file_state(number):
    return swap("file", BY_FILE, *((block, allow), (log_only, block))[number % 2])


@per_mode()
class States(PepctlTest):
    CONFIG = {"network": {"interfaces": ["d0", "d1"]}, "policy": {"capacity": 100000}}
    POLICIES = file_state(0)

    @classmethod
    def start(cls):
        cls.lab.add_pair("d1", "p1")
        cls.wires = [cls.lab.ingress, cls.lab.egress,
                     network.Wire(cls.lab.peer, "p1", cls.lab.host, "d1"),
                     network.Wire(cls.lab.host, "d1", cls.lab.peer, "p1")]
        for wire in cls.wires[2:]:
            cls.addClassCleanup(wire.close)
        super().start()
        cls.daemon.wait_attached("d1")

    def setUp(self):
        self.daemon.put(*api_state(0))
        self.sent = collections.Counter()
        self.arrived = collections.Counter()
        self.stop = threading.Event()

    def send(self):
        """Until it is stopped: every packet over every wire, in turn."""
        udp = [(port, packets.udp(src, dst, 1, port, b"x"))
               for port in PORTS for src, dst in ADDRESSES]
        frames = [(number, port, wire, wire.frame(packet))
                  for port, packet in udp for number, wire in enumerate(self.wires)]
        while not self.stop.is_set():
            for number, port, wire, frame in frames:
                wire.send(frame)
                self.sent[number, port] += 1

    def drain(self):
        for number, wire in enumerate(self.wires):
            for frame in wire.tap.drain():
                packet = packets.network_layer(frame)
                header = 20 if packet[0] >> 4 == 4 else 40
                self.arrived[number, int.from_bytes(packet[header + 2:header + 4], "big")] += 1

    def change(self, number):
        """One step each of what can change a state."""
        self.daemon.put(*api_state(number))
        self.daemon.post(both(block, "patched-too", PATCHED, 10))
        self.daemon.request("PATCH", "/policies/patched", {"priority": 30 + number % 9},
                            headers={"Content-Type": "application/merge-patch+json"})
        self.daemon.delete("patched-too")
        self.daemon.write_policies(file_state(number))
        self.assertEqual(200, self.daemon.request("POST", "/reload").status)

    def programs(self):
        return sorted(str(interface["program_id"])
                      for interface in self.daemon.get("/interfaces")["interfaces"])

    def test_no_packet_sees_a_mixture(self):
        programs = self.programs()
        for wire in self.wires:
            wire.settle()
            wire.tap.drain()
        sender = threading.Thread(target=self.send)
        sender.start()
        try:
            end = time.monotonic() + SECONDS
            for number in itertools.count(1):
                self.change(number)
                self.drain()
                if time.monotonic() > end and number > ROUNDS:
                    break
        finally:
            self.stop.set()
            sender.join()
        for wire in self.wires:
            wire.settle()
        self.drain()
        folds = self.daemon.log().count("the overlay is folded")
        print("%d rounds of changes, %d folds, %d packets" %
              (number, folds, sum(self.sent.values())))
        self.assertGreater(folds, 0)
        self.assertFalse(set(programs) & set(self.programs()), "no program was replaced")
        wanted = {key: count for key, count in self.sent.items() if PASSES.get(key[1])}
        self.assertEqual(wanted, dict(self.arrived))
        self.assertGreater(min(self.sent.values()), 10 * number)


if __name__ == "__main__":
    main()
