#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What is logged or dropped is told to who reads /events."""
import contextlib
import datetime

from harness import PepctlTest, allow, block, main, packets, per_mode, policy, wait_until

PEER4, PEER6, NOBODY4, NOBODY6 = "10.77.0.2", "fd77::2", "10.77.0.99", "fd77::99"


@per_mode()
class Events(PepctlTest):
    @contextlib.contextmanager
    def reading(self):
        events = self.daemon.events()
        try:
            yield events
        finally:
            events.close()

    def assert_event(self, event, **expected):
        self.assertEqual(expected, {key: event.get(key) for key in expected})

    def of(self, identity):
        return lambda event: event.get("policy") == identity

    def test_log_of_a_block(self):
        self.daemon.put(block("noisy", protocol="UDP", dport=53, log=True))
        with self.reading() as events:
            self.assert_ingress(("v4", packets.udp(PEER4, NOBODY4, 1111, 53, b"x"), False))
            event = events.wait(self.of("noisy"), "of noisy")
        self.assert_event(event, src=PEER4, dst=NOBODY4, protocol="udp", sport=1111, dport=53,
                          length=29, verdict="drop", action="BLOCK", reason="policy",
                          interface="d0", direction="ingress", sample=False)
        time = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
        now = datetime.datetime.now(datetime.timezone.utc)
        self.assertLess(abs((now - time).total_seconds()), 5)

    def test_log_of_an_allow_in_ipv6(self):
        self.daemon.put(allow("seen", protocol="TCP", dport=80, log=True))
        with self.reading() as events:
            self.assert_ingress(("v6", packets.tcp(PEER6, NOBODY6, 2222, 80), True))
            event = events.wait(self.of("seen"), "of seen")
        self.assert_event(event, src=PEER6, dst=NOBODY6, protocol="tcp", sport=2222, dport=80,
                          length=60, verdict="pass", action="ALLOW")

    def test_log_only_goes_on_to_the_next_match(self):
        """Watching traffic must not open a hole."""
        self.daemon.put(policy("watch", "LOG_ONLY", protocol="UDP", priority=1),
                        block("port", protocol="UDP", dport=53))
        with self.reading() as events:
            self.assert_ingress(("to 53", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), False),
                                ("to 54", packets.udp(PEER4, NOBODY4, 1, 54, b"x"), True))
            events.wait(self.of("watch"), "of watch")
        self.assert_counters("watch", packets=2, dropped_packets=0)
        self.assert_counters("port", packets=1, dropped_packets=1)

    def test_a_sample_of_drops_while_someone_reads(self):
        """"What is blocked?" always has an answer, also for policies that do not ask."""
        self.daemon.put(block("quiet", protocol="UDP", dport=53))
        with self.reading() as events:
            def drop_and_look():
                self.assert_ingress(("dropped", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), False))
                return any(map(self.of("quiet"), events.received))
            wait_until(drop_and_look, "no event of a sampled drop")

    def test_policy_is_named_right_after_it_was_replaced(self):
        """Slots are used again: an event never carries another policy's name."""
        with self.reading() as events:
            for number in range(5):
                self.daemon.put(block("round-%d" % number, protocol="UDP", dport=100 + number,
                                      log=True))
                packet = packets.udp(PEER4, NOBODY4, 1, 100 + number, b"x")
                self.assert_ingress(("dropped", packet, False))
                event = events.wait(self.of("round-%d" % number), "of round %d" % number)
                self.assertEqual(100 + number, event["dport"])

    def test_a_flood_of_events_is_limited_and_counted(self):
        """Ten a second of a policy; the original pushed every packet to user space."""
        self.daemon.put(block("noisy", protocol="UDP", dport=53))
        with self.reading() as events:
            flood = [packets.udp(PEER4, NOBODY4, 1, 53, b"x")] * 2000
            self.lab.ingress.offer(flood)
            events.wait(self.of("noisy"), "of noisy")
            self.assertLess(sum(map(self.of("noisy"), events.received)), 100)
        self.assert_counters("noisy", packets=2000, dropped_packets=2000)

    def test_reader_that_leaves_does_no_harm(self):
        for _ in range(20):
            with self.reading():
                self.assert_ingress(("passes", packets.udp(PEER4, NOBODY4, 1, 54, b"x"), True))
        self.assertEqual("ok", self.daemon.get("/health")["status"])


if __name__ == "__main__":
    main()
