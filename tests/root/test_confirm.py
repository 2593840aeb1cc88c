#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
Changes that go back by themselves. A connection as ssh's goes through the
interface; each of several ways to cut it is undone in its time by the kernel,
with the daemon alive, stopped and killed.
"""
import json
import os
import pty
import signal
import socket
import subprocess
import threading
import time

from harness import PepctlTest, allow, block, daemons, main, policy, wait_until

HOST4, PEER4 = "10.77.0.1", "10.77.0.2"
HOST6, PEER6 = "fd77::1", "fd77::2"
PORT = 22
SECONDS = 1
EARLY, LATE = 0.1, 1.0  # how far from its time a change may go back


class Server:
    """Says what is said to it, on as many lines as are opened."""

    def __init__(self, lab):
        self.lab = lab
        self.socket = lab.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((HOST4, PORT))
        self.socket.listen(1000)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        try:
            while True:
                line = self.socket.accept()[0]
                threading.Thread(target=self.answer, args=(line,), daemon=True).start()
        except OSError:
            pass

    @staticmethod
    def answer(line):
        with line:
            try:
                while data := line.recv(100):
                    line.sendall(data)
            except OSError:
                pass

    def open(self, seconds):
        """A line to it, or None."""
        line = self.lab.peer.socket(socket.AF_INET, socket.SOCK_STREAM)
        line.settimeout(seconds)
        try:
            line.connect((HOST4, PORT))
            return line
        except OSError:
            line.close()
            return None

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


def answers(line, seconds):
    """Whether it does within that time; answers to what was said before do not count."""
    word = os.urandom(8)
    deadline = time.monotonic() + seconds
    heard = b""
    try:
        line.sendall(word)
        while not heard.endswith(word):
            line.settimeout(max(deadline - time.monotonic(), 0.001))
            more = line.recv(100)
            if not more:
                return False
            heard += more
        return True
    except OSError:
        return False


class Pending(PepctlTest):
    CONFIG = {"datapath": {"pin": "always"}, "network": {"egress": True},
              "policy": {"failsafe": "off"}}

    @classmethod
    def tearDownClass(cls):
        cls.daemon.config["datapath"]["on_stop"] = "detach"
        cls.daemon.write_config()
        cls.daemon.kill()
        cls.daemon.start()
        super().tearDownClass()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(cls.lab)
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        for change in self.changes():
            self.daemon.request("DELETE", "/changes/" + change["id"])
        super().setUp()
        self.line = self.server.open(10)
        self.addCleanup(self.line.close)

    def changes(self):
        return self.daemon.get("/changes")["changes"]

    def state(self):
        """What is in force, without what moves by itself."""
        return [{key: value for key, value in entry.items() if key not in ("counters", "last_hit_at")}
                for entry in self.daemon.get("/policies")["policies"]]

    def wait_gone_back(self):
        wait_until(lambda: not self.changes(), "the daemon follows", 5)

    def is_open(self):
        """Whether somebody else gets through, twice: a limit lets the first packets pass."""
        line = self.server.open(0.1)
        if not line:
            return False
        with line:
            return answers(line, 0.1) and answers(line, 0.1)

    def assert_cut(self):
        self.assertFalse(answers(self.line, 0.1) and answers(self.line, 0.1), "it is not cut")
        self.assertFalse(self.is_open())

    def assert_back_in_time(self, name, began):
        wait_until(self.is_open, "it is open again", 10)
        late = time.monotonic() - began - SECONDS
        print("%s: %s: back %+.3f s of its time" % (self.id(), name, late))
        self.assertTrue(-EARLY < late < LATE, late)
        self.assertTrue(answers(self.line, 10), "the line has survived")


# Name, what is there before, and the write that cuts the connection.
WAYS = (
    ("a ban of the source", [],
     ("POST", "/policies", [block("ban", src=PEER4 + "/32")])),
    ("everything blocked", [allow("in", protocol="TCP", dport=PORT)],
     ("PUT", "/policies", [block("all", direction="both", protocol="TCP", dport=[PORT, 1])])),
    ("answers blocked", [],
     ("PUT", "/policies/out", block("out", direction="egress", src=HOST4, dst=PEER4))),
    ("an ALLOW turned to BLOCK", [allow("in", protocol="TCP", dport=PORT)],
     ("PATCH", "/policies/in", {"action": "BLOCK"})),
    ("a limit of nothing", [allow("in", protocol="TCP", dport=PORT, priority=1)],
     ("PATCH", "/policies/in", {"action": "RATE_LIMIT", "rate_limit_packets_per_second": 1,
                                "burst_packets": 1})),
    ("the exception deleted", [allow("in", protocol="TCP", dport=PORT, priority=1),
                               block("all", src="10.77.0.0/16", dst=HOST4, protocol="TCP")],
     ("DELETE", "/policies/in", None)),
    ("a set that grew", [block("banned", src="@banned")],
     ("PATCH", "/sets/banned", {"add": [PEER4]})),
)


class WaysOut(Pending):
    """Each way, three times."""

    def prepare(self, before):
        self.daemon.put()
        self.daemon.request("PUT", "/sets/banned", {"entries": ["192.0.2.1"]})
        self.daemon.put(*before)

    def cut(self, before, write):
        method, path, body = write
        self.prepare(before)
        self.assertTrue(answers(self.line, 10))
        state = self.state(), self.daemon.get("/sets/banned")
        answer = self.daemon.write(method, path + "?confirm_seconds=%d" % SECONDS, body)
        began = time.monotonic()
        self.assertEqual(answer["pending"]["confirm_seconds"], SECONDS)
        self.assertEqual([change["id"] for change in self.changes()], [answer["pending"]["id"]])
        return state, began

    def each(self, after):
        for name, before, write in WAYS:
            state, began = self.cut(before, write)
            after()
            self.assert_cut()
            self.assert_back_in_time(name, began)
            yield
            self.wait_gone_back()
            self.assertEqual((self.state(), self.daemon.get("/sets/banned")), state, name)
            self.assertNotIn("pending_change", self.daemon.get("/health"))
            self.daemon.put(block("later", src="192.0.2.7"))
            self.assertTrue(answers(self.line, 10))

    def test_alive(self):
        for _ in self.each(lambda: None):
            pass

    def test_stopped(self):
        for _ in self.each(lambda: os.kill(self.daemon.pid, signal.SIGSTOP)):
            os.kill(self.daemon.pid, signal.SIGCONT)

    def test_killed(self):
        for _ in self.each(self.daemon.kill):
            self.daemon.start()


class Prevented(Pending):
    """The guard: without time to go back what would cut the line is refused, and the line stays."""

    prepare = WaysOut.prepare

    def refuse(self, method, path, body):
        response = self.daemon.request(method, path, body)
        self.assertEqual(response.status, 409, response)
        return json.dumps(response.json)

    def test_ways_out(self):
        for name, before, (method, path, body) in WAYS:
            if name == "a limit of nothing":  # as long as it lets something through
                continue
            self.prepare(before)
            state = self.state()
            said = self.refuse(method, path, body)
            client = "%s:%d" % self.line.getsockname()
            for word in ("the connection of %s to port %d" % (client, PORT), "confirm_seconds",
                         "force=true"):
                self.assertIn(word, said, name)
            culprit = {"everything blocked": "all", "answers blocked": "out", "a set that grew":
                       "banned", "an ALLOW turned to BLOCK": "in", "the exception deleted":
                       "all"}.get(name, "ban")
            self.assertIn('policy \\\\\\"%s\\\\\\"' % culprit, json.dumps(said), name)
            self.assertEqual(self.state(), state, name)
            self.assertTrue(answers(self.line, 5), name)
            self.refuse(method, path + "?dry_run=true", body)

    def test_insisting(self):
        ban = block("ban", src=PEER4 + "/32")
        self.refuse("POST", "/policies", [ban])
        self.daemon.write("POST", "/policies?force=true", [ban])
        self.assert_cut()
        self.daemon.write("POST", "/policies", [block("more", src="192.0.2.1")])  # as cut as before
        self.daemon.put()
        self.assertTrue(answers(self.line, 10))

    def test_what_does_not_matter(self):
        self.daemon.put(block("others", src="192.0.2.0/24"), block("port", protocol="TCP", dport=23),
                        block("echo", protocol="ICMP", icmp_type=8))

    def test_nobody_is_connected(self):
        self.line.close()
        wait_until(lambda: b"ESTAB" not in self.lab.host.run("ss", "-Htn", "sport", "=", ":22")
                   .encode(), "nobody is connected", 10)
        self.daemon.put(block("ban", src=PEER4 + "/32"))

    def test_gateway(self):
        self.lab.host.ip("route add default via %s" % PEER4)
        self.addCleanup(self.lab.host.ip, "route del default via %s" % PEER4)
        self.line.close()
        said = self.refuse("POST", "/policies", [block("ban", src=PEER4 + "/32")])
        self.assertIn("the default gateway " + PEER4, said)
        self.daemon.put(block("ping", protocol="ICMP", icmp_type=8))

    def test_resolver(self):
        file = os.path.join(self.daemon.directory, "resolv.conf")
        with open(file, "w") as text:
            text.write("# ours\nsearch example\nnameserver %s\n" % PEER4)
        subprocess.run(["mount", "--bind", file, "/etc/resolv.conf"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/resolv.conf"], check=True)
        said = self.refuse("POST", "/policies", [block("dns", direction="both", protocol="UDP",
                                                       sport=53)])
        self.assertIn("the resolver " + PEER4, said)
        self.assertIn("ingress", said)
        said = self.refuse("POST", "/policies", [block("dns", direction="egress", protocol="UDP",
                                                       dport=53)])
        self.assertIn("egress", said)
        self.daemon.put(block("served", protocol="UDP", dport=53))

    def test_reload(self):
        self.daemon.write_policies([block("ban", src=PEER4 + "/32")])
        self.addCleanup(self.daemon.write_policies, [])
        self.assertIn("the connection of", self.refuse("POST", "/reload", None))
        self.assertTrue(answers(self.line, 5))
        os.kill(self.daemon.pid, signal.SIGHUP)
        wait_until(lambda: "reload: this would cut" in self.daemon.log(), "it is refused", 10)
        self.daemon.write("POST", "/reload?force=true")
        self.assert_cut()
        self.daemon.write_policies([])
        self.daemon.write("POST", "/reload")
        self.assertTrue(answers(self.line, 10))

    def test_other_ports_and_families(self):
        """What failsafe policies name is a way in, too; a socket of IPv6 may have a peer of IPv4."""
        with self.lab.host.socket(socket.AF_INET6, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.bind(("::", 2201))
            listener.listen()
            for address, wanted in ((HOST4, PEER4), (HOST6, "[%s]" % PEER6)):
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                with self.lab.peer.socket(family, socket.SOCK_STREAM) as line:
                    line.connect((address, 2201))
                    listener.accept()[0].close()
                    line.recv(1)
            ban = [block("ban", protocol="TCP", dport=2201, src=[PEER4, PEER6])]
            self.daemon.put(*ban)
            self.daemon.put()
            config = daemons.merged(self.daemon.config, {"policy": {"failsafe": [
                {"id": "way", "protocol": "tcp", "dst": {"port": 2201}}]}})
            self.daemon.write_config(json.dumps(config))
            self.addCleanup(self.daemon.request, "POST", "/reload")
            self.addCleanup(self.daemon.write_config)
            self.daemon.write("POST", "/reload")
            for address, wanted in ((HOST4, PEER4), (HOST6, "[%s]" % PEER6)):
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                with self.lab.peer.socket(family, socket.SOCK_STREAM) as line:
                    line.connect((address, 2201))
                    with listener.accept()[0]:
                        said = self.refuse("POST", "/policies", ban)
                        self.assertIn("the connection of %s:" % wanted, said)

    def test_many_at_once(self):
        """Each of a group has its own answer."""
        results = []

        def write(number):
            body = [block("ban", src=PEER4 + "/32")] if number == 3 else [block("n%d" % number,
                                                                              dport=number + 1000)]
            results.append((number, self.daemon.request("POST", "/policies", body).status))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(results), [(number, 409 if number == 3 else 200)
                                           for number in range(8)])


class FirstEgress(PepctlTest):
    """The first policy that needs the hook for what is sent, beside more than the maps hold."""
    CONFIG = {"policy": {"failsafe": "off", "capacity": 50000}}

    def test_is_looked_at_too(self):
        server = Server(self.lab)
        self.addCleanup(server.close)
        line = server.open(10)
        self.addCleanup(line.close)
        self.assertTrue(answers(line, 5))
        out = block("out", direction="egress", src=HOST4, dst=PEER4)
        many = [block("p%d" % n, src="11.%d.%d.%d" % (n >> 16, n >> 8 & 255, n & 255),
                      protocol="UDP", dport=1 + n) for n in range(30000)]
        answer = self.daemon.request("PUT", "/policies", [out] + many, timeout=100)
        self.assertEqual(409, answer.status, answer)
        self.assertIn('the policy \\"out\\"', answer.body.decode())
        self.assertTrue(answers(line, 5))


class Ends(Pending):
    """Confirmed, taken back, left alone; and what is refused meanwhile."""

    def begin(self, seconds=60):
        """A ban, pending; its id."""
        answer = self.daemon.write("POST", "/policies?confirm_seconds=%d" % seconds,
                                   [block("ban", src=PEER4 + "/32")])
        self.assertEqual((answer["changed"], answer["created"]), (True, 1))
        pending = answer["pending"]
        self.assertEqual(pending["confirm"], "POST /changes/%s/confirm" % pending["id"])
        self.assertEqual(pending["rollback"], "DELETE /changes/%s" % pending["id"])
        self.assert_cut()
        return pending["id"]

    def end(self, method, path, status=200):
        response = self.daemon.request(method, path)
        self.assertEqual(response.status, status, response)
        return response.json

    def ids(self):
        return [entry["id"] for entry in self.daemon.get("/policies")["policies"]]

    def restart(self):
        self.daemon.kill()
        self.daemon.start()

    def test_confirmed(self):
        identity = self.begin(2)
        answer = self.end("POST", "/changes/%s/confirm" % identity)
        self.assertEqual(answer["created"], 1)
        self.assertEqual(self.changes(), [])
        deadline = time.monotonic() + 2.5
        wait_until(lambda: time.monotonic() > deadline, "its time is over", 5)
        self.assert_cut()
        self.restart()
        self.assertEqual(self.ids(), ["ban"])
        self.assert_cut()
        self.end("DELETE", "/changes/" + identity, 404)

    def test_taken_back(self):
        self.daemon.put(allow("before", dport=1))
        tag = self.daemon.request("GET", "/policies").headers["ETag"]
        identity = self.begin()
        self.assertNotEqual(self.daemon.request("GET", "/policies").headers["ETag"], tag)
        self.end("DELETE", "/changes/" + identity)
        self.assertTrue(self.is_open())
        self.assertEqual(self.ids(), ["before"])
        self.assertEqual(self.daemon.request("GET", "/policies").headers["ETag"], tag)
        self.restart()
        self.assertEqual((self.ids(), self.changes()), (["before"], []))
        self.assertTrue(self.is_open())

    def test_one_at_a_time(self):
        identity = self.begin()
        generation = self.daemon.get("/health")["generation"]
        for method, path, body in (("POST", "/policies", [block("x")]),
                                   ("POST", "/policies?confirm_seconds=5", [block("x")]),
                                   ("POST", "/policies?dry_run=true", [block("x")]),
                                   ("PUT", "/policies", []),
                                   ("DELETE", "/policies/ban", None),
                                   ("PUT", "/sets/s", {"entries": []}),
                                   ("POST", "/reload", None)):
            response = self.daemon.request(method, path, body)
            self.assertEqual(response.status, 409, (method, path, response))
            for word in (identity, "pepctl confirm", "pepctl rollback", " s:"):
                self.assertIn(word, response.json["detail"])
        health = self.daemon.get("/health")
        self.assertEqual(health["generation"], generation)
        self.assertEqual(health["pending_change"]["id"], identity)
        self.assertTrue(59 <= health["pending_change"]["seconds_left"] <= 60)
        self.end("POST", "/changes/0000/confirm", 404)
        self.end("DELETE", "/changes/0000", 404)
        self.end("POST", "/changes/%s0/confirm" % identity, 404)
        self.daemon.write("POST", "/reset")
        self.end("DELETE", "/changes/" + identity)
        self.daemon.write("POST", "/reload")

    def test_bad_times(self):
        for seconds in ("0", "-1", "86401", "1.5", "x", ""):
            response = self.daemon.request("POST", "/policies?confirm_seconds=" + seconds, [])
            self.assertEqual(response.status, 400, seconds)
        answer = self.daemon.write("PUT", "/policies?confirm_seconds=5", [])
        self.assertNotIn("pending", answer, "nothing was changed")
        answer = self.daemon.write("POST", "/policies?confirm_seconds=5&dry_run=true", [block("x")])
        self.assertNotIn("pending", answer)
        self.assertEqual((self.ids(), self.changes()), ([], []))

    def test_restart_in_its_time(self):
        self.daemon.put(block("other", src="192.0.2.0/24"), allow("goes", dport=1))
        self.daemon.write("PUT", "/policies?confirm_seconds=60",
                          [block("ban", src=PEER4 + "/32"), block("other", src="192.0.2.1")])
        before = self.changes()[0]
        self.assert_cut()
        for end in ("kill", "stop"):
            getattr(self.daemon, end)()
            self.assert_cut()
            self.daemon.start()
            self.assert_cut()
            change = self.changes()[0]
            self.assertLessEqual(change.pop("seconds_left"), before.get("seconds_left"))
            self.assertEqual({**before, **change, "goes_back_at": ""},
                             {**before, "goes_back_at": ""})
            self.assertEqual(self.ids(), ["ban", "other"])
        self.end("DELETE", "/changes/" + before["id"])
        self.assertEqual(sorted(self.ids()), ["goes", "other"])
        self.assertTrue(self.is_open())

    def test_restart_then_confirmed(self):
        identity = self.begin()
        self.restart()
        self.end("POST", "/changes/%s/confirm" % identity)
        self.restart()
        self.assertEqual((self.ids(), self.changes()), (["ban"], []))

    def test_restart_then_a_removal_is_confirmed(self):
        name = "a-name-that-is-too-long-to-be-found-by-chance"
        self.daemon.put(block("other", src="192.0.2.0/24"), allow(name, dport=1))
        self.daemon.write("DELETE", "/policies/%s?confirm_seconds=60" % name)
        self.restart()
        self.end("POST", "/changes/%s/confirm" % self.changes()[0]["id"])
        self.restart()
        self.assertEqual(self.ids(), ["other"])
        self.assertEqual("ok", self.daemon.get("/health")["status"])

    def test_restart_then_left_alone(self):
        began = time.monotonic()
        self.begin(8)
        self.restart()
        self.assert_cut()
        wait_until(self.is_open, "it is open again", 10)
        self.assertTrue(7.9 < time.monotonic() - began < 9.0)
        self.wait_gone_back()
        self.assertEqual(self.ids(), [])

    def test_restart_of_a_set(self):
        self.daemon.write("PUT", "/sets/banned", {"entries": ["192.0.2.1"]})
        self.daemon.put(block("banned", src="@banned"))
        self.daemon.write("PATCH", "/sets/banned?confirm_seconds=60", {"add": [PEER4]})
        self.restart()
        self.assert_cut()
        self.assertEqual(self.daemon.get("/sets/banned")["entry_count"], 2)
        self.end("POST", "/changes/%s/confirm" % self.changes()[0]["id"])
        self.restart()
        self.assert_cut()
        self.daemon.put()
        self.daemon.write("DELETE", "/sets/banned?confirm_seconds=60")
        self.restart()
        self.assertEqual(self.daemon.request("GET", "/sets/banned").status, 404)
        self.end("DELETE", "/changes/" + self.changes()[0]["id"])
        self.assertEqual(self.daemon.get("/sets/banned")["entry_count"], 2)

    def test_damaged_file(self):
        self.begin()
        self.daemon.kill()
        with open(os.path.join(self.daemon.state_dir, "pending.json"), "r+") as file:
            file.seek(60)
            file.write("#")
        self.daemon.start()
        self.assertEqual((self.ids(), self.changes()), ([], []))
        self.assertIn("pending", self.daemon.log())
        self.assertTrue(self.is_open())

    def test_what_ends_meanwhile(self):
        """A policy that expires does so on its own; it is removed when nothing is pending any more."""
        self.daemon.put(policy("soon", "BLOCK", src="192.0.2.1", ttl_seconds=1))
        identity = self.begin()
        deadline = time.monotonic() + 2
        wait_until(lambda: time.monotonic() > deadline, "its time is over", 5)
        self.end("DELETE", "/changes/" + identity)
        wait_until(lambda: self.ids() == [], lambda: self.ids(), 5)


class Terminal:
    """The client on a terminal of its own."""

    def __init__(self, test, *arguments):
        self.master, terminal = pty.openpty()
        self.said = b""
        variables = dict(os.environ, PEPCTL_SOCKET=test.daemon.socket_path)
        self.process = subprocess.Popen([daemons.program()] + list(arguments), stdin=terminal,
                                        stdout=terminal, stderr=terminal, env=variables,
                                        start_new_session=True)
        os.close(terminal)

    def wait_said(self, word):
        while word not in self.said:
            try:
                self.said += os.read(self.master, 1000)
            except OSError:
                raise AssertionError("it said %r" % self.said) from None

    def end(self):
        try:
            while more := os.read(self.master, 1000):
                self.said += more
        except OSError:
            pass
        os.close(self.master)
        return self.process.wait(10)


class Client(Pending):
    """`pepctl --confirm`, with and without a terminal."""

    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.daemon.directory, "new.json")
        with open(self.file, "w") as file:
            file.write('[{"id": "ban", "action": "BLOCK", "src": {"ip": "%s/32"}}]' % PEER4)

    def client(self, *arguments, status=0):
        result = self.daemon.run_client(*arguments, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, status, result)
        return result.stdout + result.stderr

    def test_without_a_terminal(self):
        said = self.client("apply", self.file, "--confirm", "60")
        identity = self.changes()[0]["id"]
        self.assertIn("pepctl confirm " + identity, said)
        self.assert_cut()
        self.assertIn(identity, self.client("status"))
        said = self.client("add", "x", "block", "in", "from", "192.0.2.1", status=1)
        self.assertIn("pepctl rollback " + identity, said)
        self.assertIn("taken back", self.client("rollback"))
        self.assertTrue(self.is_open())
        self.assertIn("no change is pending", self.client("confirm", status=1))
        self.assertIn("no change 123 is pending", self.client("confirm", "123", status=1))

    def test_all_writes(self):
        self.daemon.write("PUT", "/sets/s", {"entries": ["192.0.2.1"]})
        self.daemon.put(allow("a", dport=1))
        for words in (("add", "b", "block", "in", "from", "192.0.2.1"),
                      ("modify", "a", '{"priority": 7}'), ("delete", "a"), ("flush",),
                      ("apply", self.file, "--replace"), ("set", "add", "s", "192.0.2.2")):
            self.client(*words, "--confirm", "60")
            self.client("confirm" if words[0] == "modify" else "rollback", self.changes()[0]["id"])
        entries = self.daemon.get("/policies")["policies"]
        self.assertEqual([(entry["id"], entry["priority"]) for entry in entries], [("a", 7)])
        self.assertEqual(self.daemon.get("/sets/s")["entry_count"], 1)
        self.assertIn("86400", self.client("flush", "--confirm", "x", status=1))

    def test_enter_confirms(self):
        self.client("delete", "ban", status=1)
        terminal = Terminal(self, "apply", self.file, "--confirm", "60")
        terminal.wait_said(b"goes back in 59 s")
        os.write(terminal.master, b"\n")
        self.assertEqual(terminal.end(), 0, terminal.said)
        self.assertIn(b"is confirmed", terminal.said)
        self.assertEqual(self.changes(), [])
        self.assert_cut()

    def test_what_was_typed_ahead_is_no_answer(self):
        terminal = Terminal(self, "apply", self.file, "--confirm", "60")
        os.write(terminal.master, b"pepctl list\n")
        terminal.wait_said(b"goes back in")
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.end(), 0, terminal.said)
        self.assertTrue(self.is_open())

    def test_interrupt_takes_back(self):
        terminal = Terminal(self, "apply", self.file, "--confirm", "60")
        terminal.wait_said(b"goes back in")
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.end(), 0, terminal.said)
        self.assertTrue(self.is_open())

    def test_nobody_does_anything(self):
        terminal = Terminal(self, "apply", self.file, "--confirm", "1")
        self.assertEqual(terminal.end(), 1, terminal.said)
        self.assertIn(b"was not confirmed", terminal.said)
        wait_until(self.is_open, "it is open again", 1)

    def test_the_terminal_is_lost(self):
        """As with the line that it came by."""
        terminal = Terminal(self, "apply", self.file, "--confirm", "2")
        terminal.wait_said(b"goes back in")
        terminal.process.send_signal(signal.SIGHUP)
        terminal.end()
        self.assertEqual(len(self.changes()), 1)
        wait_until(self.is_open, "it is open again", 10)


if __name__ == "__main__":
    main()
