#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
expires_at follows the wall clock when somebody sets it, ttl_seconds does not.

The clock that is set is the machine's, by an hour either way for a moment
each, so this is only done when asked for: TEST_CLOCK=1. A process of its own
puts the clock right, whatever becomes of the test.
"""
import datetime
import os
import signal
import sys
import time
import unittest

from harness import SKIPPED, PepctlTest, block, main, packets, per_mode, wait_until

PEER4, NOBODY4 = "10.77.0.2", "10.77.0.99"
HOUR = 3600
SOON = 3  # seconds that the daemon has to notice


class Clock:
    """The wall clock, which goes right again when the writing end of a pipe is closed."""

    def __init__(self):
        self.right = time.time() - time.monotonic()
        reader, self.writer = os.pipe()
        if os.fork():
            os.close(reader)
            return
        os.close(self.writer)
        os.setsid()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        os.read(reader, 1)
        self.step(0)
        os._exit(0)

    def step(self, seconds):
        """So many seconds from the right time."""
        time.clock_settime(time.CLOCK_REALTIME, self.right + time.monotonic() + seconds)

    def close(self):
        os.close(self.writer)
        os.wait()


def iso(seconds):
    time_of = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return time_of.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@per_mode("native", "tc")
class SetClock(PepctlTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clock = Clock()
        cls.clock = clock
        cls.addClassCleanup(clock.close)

    def tearDown(self):
        self.clock.step(0)

    def blocked(self, port):
        return self.lab.ingress.offer([packets.udp(PEER4, NOBODY4, 1, port, b"x")]) == [False]

    def put(self, port, seconds):
        self.daemon.post(block("p%d" % port, protocol="UDP", dport=port,
                               expires_at=iso(time.time() + seconds)))
        self.assertTrue(self.blocked(port))

    def test_forward(self):
        """What would have ended within the hour ends, what would not stays."""
        self.put(1001, HOUR / 2)
        self.put(1002, HOUR * 2)
        self.daemon.post(block("ttl", protocol="UDP", dport=1003, ttl_seconds=HOUR // 2))
        self.clock.step(HOUR)
        wait_until(lambda: not self.blocked(1001), "a passed expires_at still applies", SOON)
        self.assertTrue(self.blocked(1002))
        self.assertTrue(self.blocked(1003), "a ttl is no wall time")

    def test_back(self):
        """What was about to end has an hour more; forth again, it ends."""
        self.put(1004, SOON)
        self.clock.step(-HOUR)
        end = time.monotonic() + 2 * SOON
        while time.monotonic() < end:
            self.assertTrue(self.blocked(1004), "it ended an hour too early")
        self.clock.step(0)
        wait_until(lambda: not self.blocked(1004), "it did not end when its time came", SOON)

    def test_to_and_fro(self):
        """Deadlines are as exact after the clock went and came back."""
        self.put(1005, 2 * SOON)
        begin = time.monotonic()
        self.clock.step(HOUR / -2)
        self.clock.step(0)
        wait_until(lambda: not self.blocked(1005), "it did not end", 3 * SOON)
        self.assertAlmostEqual(2 * SOON, time.monotonic() - begin, delta=0.5)


if __name__ == "__main__":
    if not os.environ.get("TEST_CLOCK"):
        print("sets the machine's clock for moments: only with TEST_CLOCK=1")
        sys.exit(SKIPPED)
    main()
