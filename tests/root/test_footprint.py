#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""With 10,000 policies: how fast they are in force, and what the daemon costs when idle."""
import glob
import ipaddress
import json
import os
import statistics
import sys
import time

from harness import SKIPPED, SLOW, PepctlTest, block, main, packets, wait_until

NOBODY4 = "10.77.0.99"
COUNT = 10000
PUT_SECONDS, RSS_KIB, IDLE = 0.5, 15 * 1024, 0.002
IDLE_SECONDS = 60 if SLOW else 20


def policies(round_number):
    """Sources and ports that differ from round to round."""
    base = int(ipaddress.ip_address("172.16.0.0"))
    return [block("p%05d" % n, src=str(ipaddress.ip_address(base + n * 7 + round_number)),
                  protocol="UDP" if n % 2 else "TCP", dport=1 + (n * 31 + round_number) % 65535)
            for n in range(COUNT)]


class Footprint(PepctlTest):
    def cpu_seconds(self):
        total = 0
        for path in glob.glob("/proc/%d/task/*/schedstat" % self.daemon.pid):
            with open(path) as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def anonymous_kib(self):
        with open("/proc/%d/status" % self.daemon.pid) as file:
            return int(next(line.split()[1] for line in file if line.startswith("RssAnon")))

    def test_put_of_10000_policies_within_half_a_second(self):
        """The median of five replacements of all by others."""
        times = []
        for number in range(5):
            body = json.dumps(policies(number))
            begin = time.monotonic()
            answer = self.daemon.write("PUT", "/policies", body)
            times.append(time.monotonic() - begin)
            self.assertEqual(COUNT, answer["policy_count"])
            self.assertTrue(answer["changed"])
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
        begin = time.monotonic()
        answer = self.daemon.write("PUT", "/policies", body)
        seconds = time.monotonic() - begin
        print("the first PUT of %d policies: %.3f s" % (COUNT, seconds))
        self.assertEqual(COUNT, answer["created"])
        self.assertLessEqual(seconds, PUT_SECONDS)

    def test_memory_and_idle_cpu(self):
        self.daemon.put(*policies(0))
        kib = self.anonymous_kib()
        # The first seconds may still release and tidy.
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 2, "time", 10)
        cpu, begin = self.cpu_seconds(), time.monotonic()
        wait_until(lambda: time.monotonic() - begin > IDLE_SECONDS, "time", IDLE_SECONDS + 10)
        used = (self.cpu_seconds() - cpu) / (time.monotonic() - begin)
        settled = self.anonymous_kib()
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


if __name__ == "__main__":
    if os.environ.get("SANITIZERS", "no") != "no":
        print("sanitizers need time and memory of their own")
        sys.exit(SKIPPED)
    main()
