#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
A policy stops applying when it says so, decided in the kernel.

That expires_at follows the wall clock when it is set is not shown here: a
test may not set the clock of the machine that it runs on.
"""
import datetime
import os
import signal
import struct
import time

from harness import PepctlTest, allow, block, main, packets, per_mode, wait_until

PEER4, NOBODY4 = "10.77.0.2", "10.77.0.99"
LATE_SECONDS = 0.020


def iso(seconds):
    time_of = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return time_of.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@per_mode()
class Expiry(PepctlTest):
    def stream(self, until):
        """A packet every ms until then (monotonic), each with the time of its sending.
        Returns (time sent, whether it arrived) of each."""
        wire, sent, arrived = self.lab.ingress, [], set()
        wire.tap.drain()
        while time.monotonic() < until:
            now = time.monotonic()
            sent.append(now)
            wire.send(wire.frame(packets.udp(PEER4, NOBODY4, 1, 53, struct.pack("d", now))))
            time.sleep(0.001)  # the distance of the packets, not a wait for anything
            for frame in wire.tap.drain():
                arrived.add(frame[-8:])
        wire.settle()
        arrived.update(frame[-8:] for frame in wire.tap.drain())
        return [(at, struct.pack("d", at) in arrived) for at in sent]

    def assert_turns(self, stream, earliest, latest, before):
        """All packets up to earliest are as `before` says, all from latest on are the opposite."""
        first = [passed for at, passed in stream if at < earliest]
        last = [passed for at, passed in stream if at > latest]
        self.assertGreater(len(first), 100)
        self.assertGreater(len(last), 100)
        self.assertEqual({before}, set(first), "it ended too early")
        turned = [at for at, passed in stream if passed != before]
        self.assertEqual({not before}, set(last), "it ended %.1f ms late" %
                         (1e3 * (turned[0] - earliest) if turned else float("inf")))

    def ttl(self, make, before):
        begin = time.monotonic()
        self.daemon.post(make("brief", protocol="UDP", dport=53, ttl_seconds=2))
        end = time.monotonic()
        os.kill(self.daemon.pid, signal.SIGSTOP)
        try:
            stream = self.stream(end + 2.4)
        finally:
            os.kill(self.daemon.pid, signal.SIGCONT)
        self.assert_turns(stream, begin + 2, end + 2 + LATE_SECONDS, before)

    def test_block_with_ttl_ends_in_time_with_the_daemon_stopped(self):
        self.ttl(block, False)
        wait_until(lambda: self.daemon.request("GET", "/policies/brief").status == 404,
                   "the expired policy is still listed")

    def test_expires_at(self):
        now, clock = time.time(), time.monotonic()
        self.daemon.post(block("dated", protocol="UDP", dport=53, expires_at=iso(now + 1.5)))
        stream = self.stream(clock + 1.9)
        self.assert_turns(stream, clock + 1.5 - 0.001, clock + 1.5 + LATE_SECONDS, False)

    def test_next_policy_takes_over(self):
        """Behind the expired one its runner-up decides, also for flows in the cache."""
        self.daemon.put(allow("brief", protocol="UDP", dport=53, priority=1, ttl_seconds=1),
                        block("behind", protocol="UDP"))
        stream = self.stream(time.monotonic() + 1.5)
        self.assertTrue(stream[0][1])
        self.assertFalse(stream[-1][1])
        dropped = sum(not passed for _, passed in stream)
        self.assert_counters("behind", packets=dropped, dropped_packets=dropped)

    def test_ttl_counts_from_a_change_anew(self):
        self.daemon.post(block("brief", protocol="UDP", dport=53, ttl_seconds=1))
        begin = time.monotonic()
        self.daemon.post(block("brief", protocol="UDP", dport=53, ttl_seconds=2))
        end = time.monotonic()
        self.assert_turns(self.stream(end + 2.3), begin + 2, end + 2 + LATE_SECONDS, False)


@per_mode("native", "tc")
class ExpiryUnderDefaultBlock(PepctlTest):
    CONFIG = {"policy": {"default_action": "BLOCK", "failsafe": "off"}}

    def test_allow_with_ttl_ends(self):
        """The original kept expired policies in the kernel for ever."""
        self.daemon.post(allow("brief", protocol="UDP", dport=53, ttl_seconds=1))
        packet = packets.udp(PEER4, NOBODY4, 1, 53, b"x")
        self.assertEqual([True], self.lab.ingress.offer([packet]))
        wait_until(lambda: self.lab.ingress.offer([packet]) == [False], "it never ends", 3)

    def test_expired_at_restart_is_not_revived(self):
        self.daemon.post(allow("brief", protocol="UDP", dport=53, ttl_seconds=1))
        self.daemon.kill()
        until = time.monotonic() + 1.1
        wait_until(lambda: time.monotonic() > until, "time does not pass")
        self.daemon.start()
        self.daemon.wait_attached(self.lab.DEVICE)
        self.assertEqual([False],
                         self.lab.ingress.offer([packets.udp(PEER4, NOBODY4, 1, 53, b"x")]))
        wait_until(lambda: self.daemon.request("GET", "/policies/brief").status == 404,
                   "it stays in the list")

    def test_ttl_goes_on_over_a_restart(self):
        self.daemon.post(allow("brief", protocol="UDP", dport=53, ttl_seconds=4))
        end = time.monotonic() + 4
        self.daemon.kill()
        self.daemon.start()
        self.daemon.wait_attached(self.lab.DEVICE)
        packet = packets.udp(PEER4, NOBODY4, 1, 53, b"x")
        self.assertEqual([True], self.lab.ingress.offer([packet]))
        wait_until(lambda: self.lab.ingress.offer([packet]) == [False], "it never ends", 6)
        self.assertLess(abs(time.monotonic() - end), 0.2)


if __name__ == "__main__":
    main()
