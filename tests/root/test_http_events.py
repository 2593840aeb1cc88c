#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The stream of GET /events: its form, its filters, and readers that are slow or many."""
import contextlib
import json

from contract import contract
from harness import allow, block, main, packets, policy, wait_until
from http_api import HttpTest

PEER4, PEER6, NOBODY4, NOBODY6 = "10.77.0.2", "fd77::2", "10.77.0.99", "fd77::99"


class Reader:
    """The bytes of a stream as they come, and what they say."""

    def __init__(self, test, query=""):
        self.connection = test.connect()
        self.connection.sendall(b"GET /events%s HTTP/1.1\r\nHost: a\r\n\r\n" % query.encode())
        self.data = b""
        self.read_until(lambda: b": events of pepctl\n\n" in self.data)

    def read_until(self, enough):
        while not enough():
            more = self.connection.recv(65536)
            if not more:
                raise AssertionError("the stream has ended: %r" % self.data[-500:])
            self.data += more

    def text(self):
        """Without the chunks' lengths: a chunk ends with an event here."""
        body, result = self.data.split(b"\r\n\r\n", 1)[1], b""
        while b"\r\n" in body:
            length, rest = body.split(b"\r\n", 1)
            result += rest[:int(length, 16)]
            body = rest[int(length, 16) + 2:]
        return result.decode()

    def events(self):
        """(name, id, data) of each whole event."""
        result = []
        for part in self.text().split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in part.split("\n") if line[0] != ":")
            if "data" in fields:
                result.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
                contract.check_event(result[-1][2])
        return result

    def wait_events(self, count):
        self.read_until(lambda: len(self.events()) >= count)
        return self.events()

    def close(self):
        self.connection.close()


class Stream(HttpTest):
    CONFIG = {"server": {"timeout_seconds": 3}}

    def reading(self, query=""):
        return contextlib.closing(Reader(self, query))

    def send(self, port, count=1, protocol=packets.udp):
        self.lab.ingress.offer([protocol(PEER4, NOBODY4, 1111, port, b"x")] * count)

    def test_members_of_an_event(self):
        self.daemon.put(block("b", protocol="UDP", dport=53, log=True))
        with self.reading() as reader:
            self.send(53)
            name, _, event = reader.wait_events(1)[0]
        self.assertEqual("packet", name)
        for key, value in {"verdict": "drop", "reason": "policy", "policy": "b",
                           "action": "BLOCK", "interface": "d0", "direction": "ingress",
                           "src": PEER4, "dst": NOBODY4, "protocol": "udp", "sport": 1111,
                           "dport": 53, "length": 29}.items():
            self.assertEqual(value, event[key], key)
        self.assertRegex(event["time"], r"^20\d\d-\d\d-\d\dT[\d:.]+Z$")

    def test_members_of_other_protocols(self):
        self.daemon.put(policy("all", "LOG_ONLY"))
        with self.reading("?policy=all") as reader:
            self.lab.ingress.offer([packets.tcp(PEER6, NOBODY6, 1, 80)])
            event = reader.wait_events(1)[0][2]
            self.assertEqual(("log", "LOG_ONLY", "tcp", PEER6), (
                event["verdict"], event["action"], event["protocol"], event["src"]))
            self.assertIsInstance(event["tcp_flags"], list)

    def test_ids_rise(self):
        self.daemon.put(block("b", protocol="UDP", dport=53, log=True))
        with self.reading() as reader:
            self.send(53, 5)
            ids = [int(number) for _, number, _ in reader.wait_events(5)]
        self.assertEqual(sorted(set(ids)), ids)

    def test_filters(self):
        self.daemon.put(block("b", protocol="UDP", dport=53, log=True),
                        allow("a", protocol="UDP", dport=54, log=True))
        with self.reading("?policy=a") as by_policy, self.reading("?verdict=drop") as drops, \
                self.reading("?verdict=pass&policy=b") as neither, self.reading() as everything:
            for _ in range(3):
                self.send(53)
                self.send(54)
            everything.wait_events(6)
            self.assertEqual({"a"}, {data["policy"] for _, _, data in by_policy.wait_events(3)})
            self.assertEqual({"drop"}, {data["verdict"] for _, _, data in drops.wait_events(3)})
            self.assertEqual([], neither.events())

    def test_slow_reader_blocks_nobody_and_is_told(self):
        self.daemon.put(*[block("b-%03d" % i, protocol="UDP", dport=1000 + i, log=True)
                          for i in range(300)])
        self.daemon.config["server"]["timeout_seconds"] = 60
        self.daemon.write_config()
        self.daemon.write("POST", "/reload")
        with self.reading() as slow:
            def flood_until_lost():
                for i in range(300):
                    self.lab.ingress.offer(
                        [packets.udp(PEER4, NOBODY4, 1, 1000 + i, b"x")] * 5)
                self.assertEqual("ok", self.daemon.get("/health")["status"])
                return self.sent() > 4000
            wait_until(flood_until_lost, "enough events", 60)
            slow.read_until(lambda: b"event: lost\n" in slow.data or self.nudge())
            lost = [data["lost"] for name, _, data in slow.events() if name == "lost"]
            self.assertGreater(lost[0], 0)

    def sent(self):
        return self.daemon.get("/stats")["packets_blocked"]

    def nudge(self):
        """One more event, which says what was lost before it."""
        self.send(1000)
        return False

    def test_reader_that_never_reads_is_left(self):
        self.daemon.put(*[block("b-%03d" % i, protocol="UDP", dport=1000 + i, log=True)
                          for i in range(100)])
        with contextlib.closing(self.connect()) as stuck:
            stuck.sendall(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")

            def flood():
                for i in range(100):
                    self.lab.ingress.offer(
                        [packets.udp(PEER4, NOBODY4, 1, 1000 + i, b"x")] * 5)
                return not self.daemon.get("/stats")["events"]["readers"]
            wait_until(flood, "the reader is left", 60)

    def test_number_of_readers_is_bounded(self):
        with contextlib.ExitStack() as stack:
            for _ in range(16):
                stack.enter_context(self.reading())
            answer = self.daemon.request("GET", "/events")
            self.assert_problem(answer, 503, "16")
            self.assertTrue(answer.headers["Retry-After"])
        wait_until(lambda: self.daemon.get("/stats")["events"]["readers"] == 0, "they are gone")
        with self.reading():
            pass


if __name__ == "__main__":
    main()
