#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Sets of addresses: real packets, changes while they flow, files, restarts, a million entries."""
import collections
import datetime
import http.client
import itertools
import json
import os
import threading
import time

from harness import SLOW, PepctlTest, allow, block, main, packets, per_mode, wait_until

NOBODY4, NOBODY6 = "10.77.0.99", "fd77::99"
TEXT = {"Content-Type": "text/plain"}
SECONDS = 15 if SLOW else 3
MILLION = 1000000


class Sets(PepctlTest):
    def put_set(self, name, *entries, status=(200, 201)):
        """Puts a set in its text form; the answer's JSON."""
        answer = self.daemon.request("PUT", "/sets/" + name, "\n".join(entries) + "\n", TEXT)
        self.assertIn(answer.status, status, answer)
        return answer.json

    def patch_set(self, name, **lists):
        return self.daemon.write("PATCH", "/sets/" + name, lists)

    def entries(self, name):
        return self.daemon.get("/sets/" + name)["entries"]

    def delete_sets(self):
        for entry in self.daemon.get("/sets")["sets"]:
            if entry["origin"] == "api":
                self.daemon.write("DELETE", "/sets/" + entry["name"])

    def setUp(self):
        super().setUp()
        if self.daemon.running():
            self.delete_sets()

    def assert_sources(self, *cases):
        """cases: (source, whether a packet from there shall arrive) each."""
        self.assert_ingress(*[self.expectation(*case) for case in cases])

    @staticmethod
    def expectation(source, wanted):
        target = NOBODY6 if ":" in source else NOBODY4
        return source, packets.udp(source, target, 1, 53, b"x"), wanted


@per_mode("native", "tc")
class Packets(Sets):
    def test_block_by_a_set_of_both_families(self):
        self.put_set("bad", "192.0.2.0/25", "192.0.2.200-192.0.2.203", "198.51.100.7",
                     "2001:db8::/48", "2001:db8:1::5")
        self.daemon.put(block("bans", src="@bad"))
        self.assert_sources(
            ("192.0.2.1", False), ("192.0.2.127", False), ("192.0.2.128", True),
            ("192.0.2.199", True), ("192.0.2.200", False), ("192.0.2.203", False),
            ("192.0.2.204", True), ("198.51.100.7", False), ("198.51.100.8", True),
            ("2001:db8::99", False), ("2001:db8:1::5", False), ("2001:db8:1::6", True))
        # One slot for all of them.
        self.assert_counters("bans", packets=7, dropped_packets=7)
        self.assertEqual("@bad", self.daemon.policy("bans")["src"]["ip"])

    def test_exclusions_and_lists(self):
        self.put_set("net", "10.0.0.0/8", "2001:db8::/32")
        self.put_set("good", "10.9.0.0/16", "2001:db8:9::/48")
        members = ["@net", "192.0.2.9", "!10.1.2.3", "!@good"]
        self.daemon.put(block("bans", src=members))
        self.assert_sources(
            ("10.1.2.2", False), ("10.1.2.3", True), ("10.9.1.1", True), ("10.10.1.1", False),
            ("192.0.2.9", False), ("192.0.2.8", True), ("2001:db8::1", False),
            ("2001:db8:9::1", True))
        self.assertEqual(members, self.daemon.policy("bans")["src"]["ip"])

    def test_everything_but_a_set(self):
        self.put_set("friends", "10.0.0.0/8", "fd77::/16")
        self.daemon.put(block("strangers", protocol="UDP", src="!@friends"))
        self.assert_sources(("10.1.1.1", True), ("192.0.2.1", False), ("fd77::5", True),
                            ("2001:db8::1", False))

    def test_a_set_comes_after_a_prefix(self):
        self.put_set("bad", "192.0.2.7", "2001:db8::7")
        self.daemon.put(block("bans", src="@bad"), allow("net", src=["192.0.2.0/24"]))
        self.assert_sources(("192.0.2.7", True), ("2001:db8::7", False))
        self.daemon.put(block("bans", src="@bad", priority=10), allow("net", src="192.0.2.0/24"))
        self.assert_sources(("192.0.2.7", False))

    def test_destination(self):
        self.put_set("servers", NOBODY4)
        self.daemon.put(block("shut", dst="@servers"))
        self.assert_sources(("192.0.2.7", False), ("2001:db8::7", True))

    def test_an_empty_set_matches_nothing(self):
        self.daemon.write("PUT", "/sets/none", {"entries": []})
        self.daemon.put(block("bans", src="@none"))
        self.assert_sources(("192.0.2.7", True), ("2001:db8::7", True))

    def test_a_change_is_in_force_when_answered(self):
        self.put_set("bad", "192.0.2.7")
        self.daemon.put(block("bans", src="@bad"))
        answer = self.patch_set("bad", add=["192.0.2.8", "2001:db8::8"], remove=["192.0.2.7"])
        self.assertEqual((2, 1, 2), (answer["entries_added"], answer["entries_removed"],
                                     answer["entry_count"]))
        self.assert_sources(("192.0.2.7", True), ("192.0.2.8", False), ("2001:db8::8", False))
        again = self.patch_set("bad", add=["192.0.2.8"])
        self.assertEqual((False, answer["generation"]), (again["changed"], again["generation"]))

    def test_entry_ends(self):
        self.put_set("bad", "192.0.2.7 ttl=1", "192.0.2.8", "2001:db8::7 ttl=1",
                     "192.0.2.9 ttl=1000")
        self.daemon.put(block("bans", src="@bad"))
        self.assert_sources(("192.0.2.7", False), ("2001:db8::7", False), ("192.0.2.8", False))
        wait_until(lambda: len(self.entries("bad")) == 2, "entries do not end", 10)
        self.assert_sources(("192.0.2.7", True), ("2001:db8::7", True), ("192.0.2.8", False),
                            ("192.0.2.9", False))

    def test_replaced_while_packets_flow(self):
        """What is in the old and the new set is never let through."""
        always = ["203.0.113.1", "2001:db8:ffff::1"]
        odd = [["192.0.2.0/25", "2001:db8::/64"] + always,
               ["192.0.2.128/25", "2001:db8:1::/64"] + always]
        self.put_set("bad", *odd[0])
        self.daemon.put(block("bans", src="@bad"))
        wire = self.lab.ingress
        frames = [wire.frame(packets.udp(source, NOBODY6 if ":" in source else NOBODY4, 1, 53))
                  for source in always]
        sent, stop = collections.Counter(), threading.Event()

        def send():
            while not stop.is_set():
                for index, frame in enumerate(frames):
                    wire.send(frame)
                    sent[index] += 1
        wire.settle()
        wire.tap.drain()
        sender = threading.Thread(target=send)
        sender.start()
        arrived = 0
        try:
            end = time.monotonic() + SECONDS
            for number in itertools.count(1):
                self.put_set("bad", *odd[number % 2])
                arrived += len(wire.tap.drain())
                if time.monotonic() > end:
                    break
        finally:
            stop.set()
            sender.join()
        wire.settle()
        arrived += len(wire.tap.drain())
        print("%d changes, %d packets" % (number, sum(sent.values())))
        self.assertEqual(0, arrived)
        self.assertGreater(number, 10)
        self.assertGreater(min(sent.values()), 10 * number)

    def test_sets_change_while_policies_are_folded(self):
        """An image made of the sets before is not one of the sets in force."""
        self.put_set("bad", "192.0.2.7")
        self.daemon.put(block("bans", src="@bad"))
        for number in range(8):
            self.daemon.post(*[block("%d-%d" % (number, n), src="@bad", dst="10.9.%d.%d" % (number, n))
                               for n in range(100)])
            source = "192.0.2.%d" % (number + 8)
            self.put_set("bad", source)
            self.assert_sources(("192.0.2.%d" % (number + 7), True), (source, False))

    def test_failsafe_does_not_undo_a_ban_of_a_set(self):
        self.put_set("bad", "192.0.2.7", "2001:db8::7")
        self.daemon.put(block("bans", src="@bad", priority=10), block("all", protocol="TCP"))

        def ssh(source):
            return packets.tcp(source, NOBODY6 if ":" in source else NOBODY4, 40000, 22)
        self.assert_ingress(("banned v4", ssh("192.0.2.7"), False),
                            ("banned v6", ssh("2001:db8::7"), False),
                            ("others v4", ssh("192.0.2.8"), True),
                            ("others v6", ssh("2001:db8::8"), True))


def iso(seconds):
    end = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


class Api(Sets):
    def test_in_use_is_not_deleted(self):
        self.put_set("bad", "192.0.2.7")
        self.daemon.put(block("a", src="@bad"), block("b", dst=["@bad", "10.0.0.1"]))
        self.assertEqual(["a", "b"], self.daemon.get("/sets/bad")["used_by"])
        answer = self.daemon.request("DELETE", "/sets/bad")
        self.assertEqual(409, answer.status, answer)
        for identity in ("a", "b"):
            self.assertIn('"%s"' % identity, answer.body.decode().replace("\\", ""))
        self.daemon.put()
        self.assertEqual(1, self.daemon.write("DELETE", "/sets/bad")["deleted"])
        self.assertEqual(404, self.daemon.request("GET", "/sets/bad").status)
        self.assertEqual(404, self.daemon.request("DELETE", "/sets/bad").status)

    def test_unknown_set_in_a_policy(self):
        answer = self.daemon.request("PUT", "/policies/p", block("p", src=["10.0.0.1", "@none"]))
        self.assertEqual((422, "/src/ip/1"), (answer.status, answer.json["pointer"]), answer)
        answer = self.daemon.request("POST", "/policies", [block("p", dst="@none")])
        self.assertEqual((422, "/0/dst/ip"), (answer.status, answer.json["pointer"]), answer)

    def test_text_and_json(self):
        created = self.daemon.request("PUT", "/sets/n", {"entries": [
            "192.0.2.9", {"address": "192.0.2.0/28", "expires_at": "2099-01-01T00:00:00Z"},
            "192.0.2.9", "2001:db8::1-2001:db8::3"]})
        self.assertEqual((201, "/sets/n"), (created.status, created.headers["Location"]))
        shown = self.daemon.request("GET", "/sets/n")
        self.assertEqual(["192.0.2.9", "2001:db8::1-2001:db8::3"],
                         [entry for entry in shown.json["entries"] if isinstance(entry, str)])
        self.assertEqual((3, "api", []), (shown.json["entry_count"], shown.json["origin"],
                                          shown.json["used_by"]))
        again = self.daemon.request("PUT", "/sets/n", shown.json)
        self.assertEqual((200, False), (again.status, again.json["changed"]), again)
        text = self.daemon.request("GET", "/sets/n", headers={"Accept": "text/plain"})
        self.assertIn(b"192.0.2.0/28 expires=2099-01-01T00:00:00Z\n", text.body)
        again = self.daemon.request("PUT", "/sets/n", text.body, TEXT)
        self.assertEqual((200, False), (again.status, again.json["changed"]), again)

    def test_bad_lines_are_named(self):
        answer = self.daemon.request("PUT", "/sets/n", "192.0.2.1\n192.0.2.300\n\n!192.0.2.1\n",
                                     TEXT)
        self.assertEqual(422, answer.status, answer)
        self.assertEqual(["line 2:", "line 4:"],
                         [error["detail"][:7] for error in answer.json["errors"]])
        many = self.daemon.request("PUT", "/sets/n", "x\n" * 5000, TEXT)
        self.assertEqual(101, len(many.json["errors"]))
        self.assertIn("4900 more", many.json["errors"][-1]["detail"])
        answer = self.daemon.request("PUT", "/sets/n", {"entries": ["192.0.2.1", 7]})
        self.assertEqual((422, "/entries/1"), (answer.status, answer.json["pointer"]))
        self.assertEqual(404, self.daemon.request("GET", "/sets/n").status)
        self.assertEqual(422, self.daemon.request("PUT", "/sets/.n", "192.0.2.1", TEXT).status)

    def test_conditions_and_dry_run(self):
        self.put_set("n", "192.0.2.1")
        tag = self.daemon.request("GET", "/sets/n").headers["ETag"]
        dry = self.daemon.request("PUT", "/sets/n?dry_run=true", "192.0.2.2\n", TEXT)
        self.assertEqual((200, True, True), (dry.status, dry.json["dry_run"], dry.json["changed"]))
        self.assertEqual(["192.0.2.1"], self.entries("n"))
        done = self.daemon.request("PUT", "/sets/n", "192.0.2.2\n", dict(TEXT, **{"If-Match": tag}))
        self.assertEqual(200, done.status, done)
        self.assertNotEqual(tag, done.headers["ETag"])
        late = self.daemon.request("PATCH", "/sets/n", {"add": ["192.0.2.3"]}, {"If-Match": tag})
        self.assertEqual(412, late.status)
        self.assertEqual(412, self.daemon.request("PUT", "/sets/n", "192.0.2.3\n", dict(
            TEXT, **{"If-None-Match": "*"})).status)
        self.daemon.write("DELETE", "/sets/n?dry_run=true")
        self.assertEqual(["192.0.2.2"], self.entries("n"))

    def test_patch_of_none_is_404(self):
        self.assertEqual(404, self.daemon.request("PATCH", "/sets/none", {"add": []}).status)


class Files(Sets):
    """Of sets.d, and what lasts over a restart."""

    def setUp(self):
        self.directory = os.path.join(self.daemon.directory, "sets.d")
        os.makedirs(self.directory, exist_ok=True)
        for name in os.listdir(self.directory):
            os.unlink(os.path.join(self.directory, name))
        self.daemon.write_policies([])
        if not self.daemon.running():
            self.daemon.start()
        self.daemon.put()
        self.reload()
        super().setUp()

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w") as file:
            file.write(text)

    def reload(self, status=200):
        answer = self.daemon.request("POST", "/reload")
        self.assertEqual(status, answer.status, answer)
        return answer

    def restart(self):
        self.daemon.start()
        self.daemon.wait_attached(self.lab.DEVICE)

    def test_reload(self):
        self.write("feed.txt", "# a feed\n192.0.2.7\n2001:db8::7 # one\n")
        self.write("more.json", json.dumps({"entries": ["192.0.2.8"]}))
        self.daemon.write_policies([block("bans", src=["@feed", "@more"])])
        self.reload()
        self.assert_sources(("192.0.2.7", False), ("2001:db8::7", False), ("192.0.2.8", False))
        generation = self.reload().json["generation"]
        self.assertEqual(generation, self.reload().json["generation"])
        self.write("feed.txt", "192.0.2.9\n")
        answer = self.reload().json
        self.assertTrue(answer["changed"])
        self.assert_sources(("192.0.2.7", True), ("192.0.2.9", False), ("192.0.2.8", False))
        self.assertEqual(409, self.daemon.request("PUT", "/sets/feed", "192.0.2.1", TEXT).status)

    def test_bad_files_change_nothing(self):
        self.write("feed.txt", "192.0.2.7\n")
        self.daemon.write_policies([block("bans", src="@feed")])
        self.reload()
        for name, text, place in (("feed.txt", "192.0.2.8\n192.0.2.300\n", "feed.txt:2"),
                                  ("feed.txt", "192.0.2.8 ttl=5\n", "feed.txt:1"),
                                  ("b.json", '{"entries": ["x"]}', "b.json/entries/0"),
                                  (".hidden.txt", "x\n", None), ("b ad.txt", "", "b ad.txt")):
            with self.subTest(name):
                self.write(name, text)
                answer = self.reload(200 if place is None else 422)
                if place:
                    self.assertIn(place, answer.body.decode().replace("\\/", "/"))
                self.assert_sources(("192.0.2.7", False), ("192.0.2.8", True))
                os.unlink(os.path.join(self.directory, name))
                self.write("feed.txt", "192.0.2.7\n")
        os.unlink(os.path.join(self.directory, "feed.txt"))
        answer = self.reload(422)  # a policy names it still
        self.assertIn("@feed", answer.body.decode())
        self.assert_sources(("192.0.2.7", False))

    def test_a_name_is_of_one_origin(self):
        self.put_set("both", "192.0.2.7")
        self.write("both.txt", "192.0.2.8\n")
        answer = self.reload(422)
        self.assertIn("both", answer.body.decode())
        self.assertEqual(["192.0.2.7"], self.entries("both"))

    def test_an_entry_of_a_file_ends(self):
        self.write("feed.txt", "192.0.2.7 expires=%s\n192.0.2.8\n" % iso(time.time() + 3))
        self.daemon.write_policies([block("bans", src="@feed")])
        self.reload()
        self.assert_sources(("192.0.2.7", False))
        wait_until(lambda: len(self.entries("feed")) == 1, "the entry does not end", 10)
        self.assert_sources(("192.0.2.7", True), ("192.0.2.8", False))
        generation = self.reload().json["generation"]
        self.assertEqual(generation, self.reload().json["generation"])

    def test_the_apis_sets_last(self):
        self.write("feed.txt", "198.51.100.0/24\n")
        self.put_set("bad", "192.0.2.7", "2001:db8::7", "192.0.2.8 ttl=1000", "192.0.2.9 ttl=1")
        self.put_set("gone", "192.0.2.66")
        self.reload()
        self.daemon.put(block("bans", src=["@bad", "@feed"]))
        self.daemon.write("DELETE", "/sets/gone")
        wait_until(lambda: len(self.entries("bad")) == 3, "the entry does not end", 10)
        before = self.daemon.get("/sets/bad")
        for end in (self.daemon.stop, self.daemon.kill):
            end()
            self.restart()
            self.assertEqual(before, self.daemon.get("/sets/bad"))
            self.assertEqual(404, self.daemon.request("GET", "/sets/gone").status)
            self.assert_sources(("192.0.2.7", False), ("2001:db8::7", False),
                                ("192.0.2.8", False), ("198.51.100.1", False),
                                ("192.0.2.66", True))

    def test_kill_in_the_middle_of_changes(self):
        """What was acknowledged last, or what came after it, is there."""
        self.put_set("bad", "192.0.2.0")
        self.daemon.put(block("bans", src="@bad"))
        killer = threading.Timer(0.7, self.daemon.process.kill)
        killer.start()
        done = 0
        try:
            for number in itertools.count(1):
                self.put_set("bad", "192.0.2.%d" % (number % 250), "203.0.113.5")
                done = number
        except (OSError, ValueError, http.client.HTTPException) as error:
            print("ended by %r after %d changes" % (error, done))
        killer.join()
        self.daemon.kill()
        self.restart()
        self.assertIn(self.entries("bad")[0], ["192.0.2.%d" % (n % 250) for n in (done, done + 1)])
        self.assertGreater(done, 3)
        self.assert_sources((self.entries("bad")[0], False), ("203.0.113.5", False))

    def test_a_damaged_set_is_reported_and_kept(self):
        self.put_set("bad", "192.0.2.7")
        self.put_set("fine", "192.0.2.8")
        self.daemon.put(block("bans", src=["@bad", "@fine"]))
        self.daemon.stop()
        path = os.path.join(self.daemon.state_dir, "sets", "bad.set")
        with open(path, "r+") as file:
            text = file.read()
            file.seek(0)
            file.write(text.replace("192.0.2.7", "192.0.2.6"))
        self.restart()
        self.assertEqual("degraded", self.daemon.request("GET", "/health").json["status"])
        self.assertEqual([], self.entries("bad"))
        self.assert_sources(("192.0.2.7", True), ("192.0.2.8", False))
        with open(path + ".bad-1") as file:
            self.assertIn("192.0.2.6", file.read())
        self.daemon.stop()
        self.restart()  # what was said once is not said again
        self.assertNotEqual("degraded", self.daemon.request("GET", "/health").json["status"])
        os.unlink(path + ".bad-1")

    def test_last_good_has_the_sets_of_files(self):
        self.write("feed.txt", "192.0.2.7\n")
        self.daemon.write_policies([block("bans", src="@feed")])
        self.reload()
        self.write("feed.txt", "what is this\n")
        self.daemon.stop()
        self.restart()
        self.assertEqual("degraded", self.daemon.request("GET", "/health").json["status"])
        self.assert_sources(("192.0.2.7", False), ("192.0.2.8", True))


    def test_a_bad_set_without_a_last_good_state(self):
        """The policies of the API are enforced; what names the bad set waits for it."""
        self.write("feed.txt", "192.0.2.7\n")
        self.put_set("bad", "192.0.2.8")
        self.reload()
        self.daemon.put(block("bans", src=["@bad", "@feed"]))
        self.daemon.stop()
        os.unlink(os.path.join(self.daemon.state_dir, "last-good.json"))
        self.write("feed.txt", "what is this\n")
        self.restart()
        self.assertEqual("degraded", self.daemon.request("GET", "/health").json["status"])
        self.assert_sources(("192.0.2.7", True), ("192.0.2.8", False))
        self.write("feed.txt", "192.0.2.7\n")
        self.reload()
        self.assert_sources(("192.0.2.7", False), ("192.0.2.8", False))
        self.assertNotEqual("degraded", self.daemon.request("GET", "/health").json["status"])


def memory(pid, key="VmRSS"):
    with open("/proc/%d/status" % pid) as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(key + ":"))


class Million(Sets):
    """A set of a million prefixes: taken, enforced, printed."""
    MODE = "tc"
    CONFIG = {"policy": {"max_rules": 2 * MILLION}}

    @staticmethod
    def addresses():
        """Distinct, none of them next to another one, so that nothing is merged."""
        return ["%d.%d.%d.%d" % (20 + (n >> 19), n >> 11 & 255, n >> 3 & 255, (n & 7) * 32 + 5)
                for n in range(MILLION)]

    def test_a_million_entries(self):
        addresses = self.addresses()
        body = "\n".join(addresses).encode()
        self.daemon.write("PUT", "/sets/big", {"entries": []})
        self.daemon.put(block("bans", src="@big"))
        began, idle = time.monotonic(), memory(self.daemon.pid)
        answer = self.daemon.request("PUT", "/sets/big", body, TEXT, timeout=120)
        self.assertEqual(200, answer.status, answer)
        took = time.monotonic() - began
        self.assertEqual(MILLION, answer.json["entry_count"])
        # What the change itself needed goes back to the system soon; sanitizers keep it.
        if os.environ.get("SANITIZERS", "no") == "no":
            wait_until(lambda: memory(self.daemon.pid) < idle + 200,
                       lambda: "%d MiB of memory" % memory(self.daemon.pid), 10)
        print("put in %.1f s, RSS %.0f MiB, %.0f at most, %.0f before" % (
            took, memory(self.daemon.pid), memory(self.daemon.pid, "VmHWM"), idle))
        self.assert_sources((addresses[0], False), (addresses[-1], False),
                            (addresses[MILLION // 2], False), ("20.0.0.6", True),
                            ("19.255.255.5", True))
        began = time.monotonic()
        text = self.daemon.request("GET", "/sets/big", headers={"Accept": "text/plain"},
                                   timeout=120).body.decode().splitlines()
        print("got in %.1f s" % (time.monotonic() - began))
        self.assertEqual(set(addresses), set(text[1:]))
        self.assertEqual(MILLION, len(text) - 1)
        began = time.monotonic()
        self.patch_set("big", remove=[addresses[0]])
        print("one removed in %.1f s" % (time.monotonic() - began))
        self.assert_sources((addresses[0], True), (addresses[1], False))
        self.daemon.stop()
        began = time.monotonic()
        self.daemon.start(seconds=120)
        self.daemon.wait_attached(self.lab.DEVICE)
        print("started in %.1f s" % (time.monotonic() - began))
        self.assert_sources((addresses[0], True), (addresses[1], False))

    def test_more_rules_than_allowed(self):
        self.put_set("two", "192.0.2.0", "192.0.2.2")
        self.daemon.put(block("many", src="@two", sport=list(range(1, 1000, 2)),
                              dport=list(range(1, 1000, 2)), protocol="TCP"))
        answer = self.daemon.request("PUT", "/sets/two", "\n".join(
            "192.0.2.%d" % n for n in range(0, 64, 2)), TEXT, timeout=60)
        self.assertEqual(409, answer.status, answer)
        self.assertIn("2000000", answer.body.decode())
        self.assertIn("many", answer.body.decode())
        self.assertEqual(2, len(self.entries("two")))


if __name__ == "__main__":
    main()
