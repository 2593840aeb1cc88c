#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
With 10,000 policies: how fast they are in force, and what the daemon costs when idle.
It runs alone.
"""
import glob
import ipaddress
import json
import os
import statistics
import sys
import threading
import time

from harness import SKIPPED, SLOW, PepctlTest, block, main, packets, wait_until

NOBODY4 = "10.77.0.99"
COUNT = 10000
PUT_SECONDS, RSS_KIB, IDLE = 0.5, 15 * 1024, 0.002
IDLE_SECONDS = 60 if SLOW else 20


def policies(round_number, count=COUNT):
    """Sources and ports that differ from round to round."""
    base = int(ipaddress.ip_address("172.16.0.0"))
    return [block("p%05d" % n, src=str(ipaddress.ip_address(base + n * 7 + round_number)),
                  protocol="UDP" if n % 2 else "TCP", dport=1 + (n * 31 + round_number) % 65535)
            for n in range(count)]


def anonymous_kib(daemon):
    with open("/proc/%d/status" % daemon.pid) as file:
        return int(next(line.split()[1] for line in file if line.startswith("RssAnon")))


class Footprint(PepctlTest):
    def cpu_seconds(self):
        total = 0
        for path in glob.glob("/proc/%d/task/*/schedstat" % self.daemon.pid):
            with open(path) as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def test_put_of_10000_policies_within_half_a_second(self):
        """The median of five replacements of all by others."""
        times = []
        for number in range(5):
            body = json.dumps(policies(number))
            answer = self.daemon.request("PUT", "/policies", body)
            times.append(answer.seconds)
            self.assertEqual(COUNT, answer.json["policy_count"])
            self.assertTrue(answer.json["changed"])
        print("PUT of %d policies: %s s" % (COUNT, ", ".join("%.3f" % t for t in times)))
        last = policies(4)[5001]
        packet = packets.udp(last["src"]["ip"], NOBODY4, 1, last["dst"]["port"])
        self.assert_ingress(("the last set holds", packet, False))
        self.assertLessEqual(statistics.median(times), PUT_SECONDS)

    def test_the_first_put_is_no_slower(self):
        """A daemon that has just been started makes room in the kernel for all of them."""
        self.daemon.stop()
        self.daemon.start()
        body = json.dumps(policies(0))
        answer = self.daemon.request("PUT", "/policies", body)
        print("the first PUT of %d policies: %.3f s" % (COUNT, answer.seconds))
        self.assertEqual(COUNT, answer.json["created"])
        self.assertLessEqual(answer.seconds, PUT_SECONDS)

    def test_memory_and_idle_cpu(self):
        self.daemon.put(*policies(0))
        kib = anonymous_kib(self.daemon)
        # The first seconds may still release and tidy.
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 2, "time", 10)
        cpu, begin = self.cpu_seconds(), time.monotonic()
        wait_until(lambda: time.monotonic() - begin > IDLE_SECONDS, "time", IDLE_SECONDS + 10)
        used = (self.cpu_seconds() - cpu) / (time.monotonic() - begin)
        settled = anonymous_kib(self.daemon)
        print("anonymous RSS %d KiB after the PUT, %d KiB later; idle CPU %.3f %%" %
              (kib, settled, 100 * used))
        self.assertLessEqual(settled, RSS_KIB)
        self.assertLessEqual(used, IDLE)

    def test_capacity_is_a_clear_refusal_with_figures(self):
        """Others fail with a bare errno, or forget the entry in silence."""
        response = self.daemon.request("POST", "/policies",
                                       policies(0) + [block("one-more", src="10.1.1.1")])
        self.assertEqual(409, response.status)
        self.assertIn("10000", response.body.decode())
        self.assertEqual([], self.daemon.get("/policies")["policies"])

    def test_file_descriptors_do_not_leak(self):
        def descriptors():
            return len(os.listdir("/proc/%d/fd" % self.daemon.pid))
        self.daemon.put(*policies(0)[:100])
        before = descriptors()
        for number in range(20):
            self.daemon.put(*policies(number)[:100])
            self.daemon.get("/interfaces")
            self.daemon.events().close()
        wait_until(lambda: descriptors() <= before, lambda: "%d file descriptors, %d before" %
                   (descriptors(), before))


class PeakMemory:
    """The most anonymous memory that a daemon had within a block."""

    def __init__(self, daemon):
        self.daemon, self.kib, self.ended = daemon, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        while not self.ended.wait(0.01):
            self.kib = max(self.kib, anonymous_kib(self.daemon))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


class Large(PepctlTest):
    """What 100,000 policies cost, by API and from a file."""
    COUNT = 100000
    CONFIG = {"policy": {"capacity": COUNT}}
    MOST_KIB = 15 * 1024 + 400 * COUNT // 1024

    def assert_settles_below(self, most_kib, what):
        """Memory that a change took is given back a little later."""
        wait_until(lambda: anonymous_kib(self.daemon) <= most_kib,
                   lambda: "%s: %d KiB, not %d" % (what, anonymous_kib(self.daemon), most_kib), 20)
        print("%s: %d KiB of %d" % (what, anonymous_kib(self.daemon), most_kib))

    def test_memory_by_api(self):
        empty = anonymous_kib(self.daemon)
        for number in range(2):
            body = json.dumps(policies(number, self.COUNT))
            with PeakMemory(self.daemon) as peak:
                answer = self.daemon.write("PUT", "/policies", body)
            self.assertEqual(self.COUNT, answer["policy_count"])
            self.assert_settles_below(self.MOST_KIB, "with %d policies" % self.COUNT)
            print("at most %d KiB during the change" % peak.kib)
            self.assertLessEqual(peak.kib, 2 * self.MOST_KIB)
        self.daemon.put()
        self.assert_settles_below(empty + self.MOST_KIB // 5, "with none again")

    def test_a_large_file_at_start(self):
        many = policies(0, self.COUNT)
        self.daemon.stop()
        self.daemon.write_policies(many)
        self.addCleanup(self.daemon.write_policies, [])
        begin = time.monotonic()
        self.daemon.start()
        print("started with %d policies in %.2f s" % (self.COUNT, time.monotonic() - begin))
        self.assertEqual(self.COUNT, self.daemon.get("/health")["policy_count"])
        self.assert_settles_below(self.MOST_KIB, "with %d policies of a file" % self.COUNT)
        one = many[self.COUNT - 2]
        packet = packets.tcp(one["src"]["ip"], NOBODY4, 1, one["dst"]["port"])
        self.assert_ingress(("the last but one of the file", packet, False))
        self.daemon.write_policies([])
        self.daemon.stop()
        self.daemon.start()

    def test_capacity_with_figures(self):
        response = self.daemon.request("PUT", "/policies", policies(0, self.COUNT + 1))
        self.assertEqual(409, response.status)
        for word in (str(self.COUNT), str(self.COUNT + 1), "policy.capacity"):
            self.assertIn(word, response.body.decode())


if __name__ == "__main__":
    if os.environ.get("SANITIZERS", "no") != "no":
        print("sanitizers need time and memory of their own")
        sys.exit(SKIPPED)
    main()
