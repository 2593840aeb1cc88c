#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every command of the client against a daemon: what it says, its exit status, its undo."""
import json
import os
import re
import select
import signal
import subprocess
import tempfile
import time

from harness import PepctlTest, allow, block, daemons, main, packets, per_mode, wait_until

DONE, REFUSED, USAGE, NO_DAEMON, NOT_PERMITTED = range(5)
PEER4, NOBODY4 = "10.77.0.2", "10.77.0.99"
URL = "http://127.0.0.1:8080"
PORT = "127.0.0.1:8080"


@per_mode("tc")
class Client(PepctlTest):
    POLICIES = [block("of-file", src="203.0.113.1")]

    @classmethod
    def start(cls):
        cls.daemon.config["server"]["listen"].append(PORT)
        cls.daemon.write_config()
        cls.directory = tempfile.mkdtemp(dir=cls.daemon.directory)
        super().start()

    def setUp(self):
        super().setUp()
        self.environment = dict(os.environ, PEPCTL_SOCKET=self.daemon.socket_path,
                                TMPDIR=self.directory)

    # ---- running

    def run_client(self, *arguments, **options):
        with self.lab.host:
            return subprocess.run([daemons.program(), *arguments], env=self.environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                                  **options)

    def pepctl(self, *arguments, status=DONE, **options):
        """What it prints: on its output, or on stderr when it shall fail."""
        done = self.run_client(*arguments, **options)
        self.assertEqual(status, done.returncode, "%s: %s%s" % (arguments, done.stdout, done.stderr))
        return done.stderr if status else done.stdout

    def undo(self, text):
        """Runs the undo of a line through a shell, as one would paste it."""
        found = re.search(r"\(undo: (.*)\)$", text.strip())
        self.assertTrue(found, text)
        path = os.path.dirname(daemons.program()) + ":" + self.environment["PATH"]
        subprocess.run(["sh", "-c", found.group(1)], check=True, timeout=60,
                       env=dict(self.environment, PATH=path), stdout=subprocess.DEVNULL)

    def file(self, content, name="policies.json"):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def definitions(self, origin="api"):
        answer = self.daemon.get("/policies?fields=definition&origin=" + origin)
        return {policy["id"]: policy for policy in answer["policies"]}

    # ---- writes

    def test_add_enforces_and_its_undo(self):
        said = self.pepctl(*"add no-dns block in proto udp from any to any port 53".split())
        self.assertEqual("added no-dns (undo: pepctl delete no-dns)\n", said)
        self.assert_ingress(("dns", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), False),
                            ("other", packets.udp(PEER4, NOBODY4, 1, 54, b"x"), True))
        self.undo(said)
        self.assert_ingress(("dns again", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), True))
        self.assertEqual({}, self.definitions())

    def test_add_twice(self):
        self.pepctl("add", "a", "block", "in")
        self.assertEqual("a is there already\n", self.pepctl("add", "a", "block", "in"))
        said = self.pepctl("add", "a", "allow", "in", status=REFUSED)
        self.assertIn("there is a policy a already, with another content", said)
        self.assertEqual("BLOCK", self.definitions()["a"]["action"])

    def test_add_without_an_id_is_stable(self):
        first = self.pepctl(*"add block in from 192.0.2.1 for 1h".split())
        self.assertRegex(first, r"^added p-[0-9a-f]{12} ")
        self.undo(first)
        self.assertEqual(first, self.pepctl(*"add block in from 192.0.2.1 for 2h".split()))

    def test_add_once_more_renews(self):
        words = "add block from 192.0.2.1 for 1h".split()
        identity = self.pepctl(*words).split()[1]
        said = self.pepctl(*words[:-1], "3h")
        self.assertTrue(said.startswith("renewed %s (undo: pepctl modify " % identity), said)
        self.assertGreater(self.daemon.policy(identity)["expires_in_seconds"], 7200)
        self.undo(said)
        self.assertLess(self.daemon.policy(identity)["expires_in_seconds"], 3700)
        self.pepctl(*words[:-2])
        self.assertNotIn("expires_at", self.definitions()[identity])

    def test_add_json_from_argument_input_and_file(self):
        self.pepctl("add", json.dumps(block("a")))
        self.pepctl("add", "-", input=json.dumps([block("b"), block("c")]))
        self.pepctl("add", "--file", self.file("/* comment */" + json.dumps(block("d"))))
        self.assertEqual(set("abcd"), set(self.definitions()))

    def test_add_is_all_or_nothing(self):
        self.pepctl("add", json.dumps([block("a"), {"id": "b", "action": "FROB"}]), status=REFUSED)
        self.pepctl("add", json.dumps([block("a"), block("of-file", dport=5, protocol="TCP")]),
                    status=REFUSED)
        self.assertEqual({}, self.definitions())

    def test_a_policy_of_a_file_is_not_touched(self):
        self.assertIn("reload", self.pepctl("add", "of-file", "allow", "in", status=REFUSED))
        self.assertIn("origin file", self.pepctl("delete", "of-file", status=REFUSED))
        self.assertIn("origin file", self.pepctl("modify", "of-file", "allow", "in",
                                                 status=REFUSED))

    def test_dry_runs_change_nothing(self):
        self.daemon.put(block("a"))
        path = self.file([allow("b")])
        for command in ("add c allow in", "modify a allow in", 'modify a {"log":true}', "delete a",
                        "apply " + path, "apply --replace " + path, "flush"):
            said = self.pepctl(*command.split(), "--dry-run")
            self.assertIn("dry run", said)
            self.assertNotIn("undo", said)
        self.assertEqual({"a": block("a")}, self.definitions())

    def test_modify_and_its_undo(self):
        policy = block("a", protocol="tcp", dport=23, description="it's \"quoted\" $HOME",
                       labels={"team": "x"}, priority=7)
        self.daemon.put(policy)
        before = self.definitions()
        for change in (["allow", "out", "to", "10.0.0.0/8"],
                       ['{"labels":{"team":null,"new":"y"},"dst":{"ip":"10.1.1.1"},"priority":8}'],
                       ['{"description":null,"log":true,"dst":null,"protocol":null}']):
            said = self.pepctl("modify", "a", *change)
            self.assertTrue(said.startswith("modified a (undo: pepctl modify a "), said)
            self.assertNotEqual(before, self.definitions())
            self.undo(said)
            self.assertEqual(before, self.definitions())
        self.assertEqual("nothing to change in a\n", self.pepctl("modify", "a", '{"priority":7}'))
        said = self.pepctl("modify", "a", '{"priority":-1,"frob":1}', status=REFUSED)
        self.assertIn("/priority: ", said)
        self.assertIn("/frob: ", said)
        self.assertIn("no policy", self.pepctl("modify", "nope", "allow", "in", status=REFUSED))

    def test_delete_and_its_undo(self):
        self.daemon.put(block("a", description="it's", src=["10.0.0.0/8", "!10.1.0.0/16"]),
                        allow("b"), allow("c"))
        before = self.definitions()
        said = self.pepctl("delete", "a", "b")
        self.assertEqual({"c"}, set(self.definitions()))
        for line in said.splitlines():
            self.undo(line)
        self.assertEqual(before, self.definitions())
        self.assertIn("no policy 'nope'", self.pepctl("delete", "a", "nope", status=REFUSED))
        self.assertEqual(before, self.definitions())

    def test_apply_and_its_undo(self):
        self.daemon.put(block("a"), block("b"))
        before = self.definitions()
        path = self.file([allow("a"), block("c")])
        said = self.pepctl("apply", path)
        self.assertIn("1 created, 1 updated, 0 unchanged, 0 deleted", said)
        self.assertEqual({"a", "b", "c"}, set(self.definitions()))
        self.undo(said)
        self.assertEqual(before, self.definitions())
        said = self.pepctl("apply", "--replace", path)
        self.assertIn("1 created, 1 updated, 0 unchanged, 1 deleted", said)
        self.undo(said)
        self.assertEqual(before, self.definitions())
        said = self.pepctl("apply", self.file([block("a"), block("new-one")]))
        self.assertIn("(undo: pepctl delete new-one)", said)
        self.assertNotIn("undo", self.pepctl("apply", path))

    def test_apply_reports_every_mistake(self):
        said = self.pepctl("apply", self.file({"policies": [
            {"id": "a", "action": "FROB"}, allow("ok"), {"action": "ALLOW"}]}), status=REFUSED)
        self.assertIn("/policies/0/action: ", said)
        self.assertIn("/policies/2/id: ", said)
        self.assertIn("line 1", self.pepctl("apply", self.file("[,]"), status=REFUSED))
        self.assertEqual({}, self.definitions())

    def test_export_flush_and_back(self):
        self.daemon.put(block("a", labels={"x": "y"}), allow("b", priority=3))
        before = self.definitions()
        exported = self.pepctl("export")
        self.assertNotIn("of-file", exported)
        self.assertIn("of-file", self.pepctl("export", "--origin", "file"))
        said = self.pepctl("flush")
        self.assertIn("2 deleted; 1 in force, 1 of another origin", said)
        self.assertEqual({}, self.definitions())
        self.pepctl("apply", "--replace", "-", input=exported)
        self.assertEqual(before, self.definitions())
        said = self.pepctl("flush")
        self.undo(said)
        self.assertEqual(before, self.definitions())

    # ---- offline

    def test_check(self):
        path = self.file([block("a"), allow("b", src="10.0.0.1"), {"id": "c"}])
        said = self.run_client("check", path)
        self.assertEqual(REFUSED, said.returncode)
        self.assertIn(path + ": /2/action: ", said.stdout)
        path = self.file([block("a"), allow("b", src="10.0.0.1")])
        self.assertIn(": /1: warning: ", self.pepctl("check", path))
        self.assertEqual(REFUSED, self.run_client("check", "--strict", path).returncode)
        self.assertIn("configuration", self.pepctl("check", self.daemon.config_path))

    def test_diff(self):
        self.daemon.put(block("a"), block("b"))
        path = self.file([block("a"), allow("b"), allow("c")])
        said = self.run_client("diff", path)
        self.assertEqual(REFUSED, said.returncode)
        self.assertEqual(["~ b", "-    action: \"BLOCK\"", "+    action: \"ALLOW\"",
                          "+ c: allow in from any to any"], said.stdout.splitlines())
        self.pepctl("apply", "--replace", path)
        self.assertEqual("", self.pepctl("diff", path))
        self.assertEqual("", self.pepctl("diff", "--origin", "file", self.daemon.policies_path))

    # ---- looking

    def test_a_choice_does_not_replace_all(self):
        self.daemon.put(allow("a"), block("b"))
        for option in (["--limit", "1"], ["--match", "action=allow"]):
            listed = self.pepctl("list", "--json", "--origin", "api", *option)
            said = self.pepctl("apply", "--replace", self.file(listed), status=REFUSED)
            self.assertIn("would be deleted", said)
            self.pepctl("apply", self.file(listed))
        self.pepctl("apply", "--replace", self.file(self.pepctl("list", "--json", "--origin", "api")))
        self.assertEqual({"a", "b"}, set(self.definitions()))

    def test_list_and_show(self):
        self.daemon.put(block("a", protocol="udp", dport=53), allow("b", src="192.0.2.0/24"))
        self.lab.ingress.offer([packets.udp(PEER4, NOBODY4, 1, 53, b"x")] * 3)
        self.assert_counters("a", packets=3)
        rows = self.pepctl("list").splitlines()
        self.assertEqual("POS ID ORIGIN PACKETS BYTES DROPPED LAST HIT POLICY".split(),
                         rows[0].split())
        self.assertEqual(["of-file", "b", "a"], [row.split()[1] for row in rows[1:]])
        self.assertRegex(rows[3], r"^ *3  a +api +3 +87 B +3 .*block in proto udp .* port 53$")
        self.assertEqual(2, len(self.pepctl("list", "--match", "port 53").splitlines()))
        self.assertEqual("no policies\n", self.pepctl("list", "--match", "action=log_only"))
        listed = json.loads(self.pepctl("list", "--json", "--origin", "api", "--limit", "1"))
        self.assertEqual(["b"], [policy["id"] for policy in listed["policies"]])
        self.assertIn("counters.packets             3", self.pepctl("show", "a"))
        self.assertEqual(3, json.loads(self.pepctl("show", "a", "--json"))["position"])
        self.pepctl("show", "nope", status=REFUSED)

    def test_status_stats_interfaces(self):
        self.daemon.put(block("drops", protocol="udp", dport=53))
        self.lab.ingress.offer([packets.udp(PEER4, NOBODY4, 1, 53, b"x")] * 5)
        said = self.pepctl("status")
        self.assertIn("status:     ok", said)
        self.assertIn("interfaces: d0 (tc)", said)
        self.assertIn("policies:   2 (1 file, 1 api)", said)
        self.assertIn(self.daemon.socket_path, said)
        wait_until(lambda: re.search(r"^ +\d+  drops$", self.pepctl("status"), re.M),
                   "status does not name the policy that dropped")
        self.assertRegex(self.pepctl("stats"), r"(?m)^d0 +ingress +drop +policy +\d+ ")
        self.assertRegex(self.pepctl("interfaces"), r"(?m)^d0 +tc +")
        for command in ("status", "stats", "interfaces"):
            self.assertIsInstance(json.loads(self.pepctl(command, "--json")), dict)

    def test_events(self):
        self.daemon.put(block("seen", protocol="udp", dport=53, log=True))
        with self.lab.host:
            reader = subprocess.Popen([daemons.program(), "events", "--policy", "seen"],
                                      env=self.environment, text=True, stdout=subprocess.PIPE)
        try:
            deadline = time.monotonic() + 10
            while not select.select([reader.stdout], [], [], 0.1)[0]:
                self.assertLess(time.monotonic(), deadline, "no event within 10 s")
                self.lab.ingress.offer([packets.udp(PEER4, NOBODY4, 7, 53, b"x")])
            self.assertRegex(reader.stdout.readline(),
                             r"^\d\d:\d\d:\d\d\.\d{3} drop udp %s:7 > %s:53, 29 bytes, "
                             r"ingress d0: policy seen$" % (PEER4, NOBODY4))
            reader.send_signal(signal.SIGINT)
            self.assertEqual(-signal.SIGINT, reader.wait(10))
        finally:
            reader.kill()
            reader.wait()
            reader.stdout.close()
        self.assertIn("verdict", self.pepctl("events", "--verdict", "frob", status=REFUSED))

    def test_reload(self):
        self.addCleanup(self.daemon.write_policies, self.POLICIES)
        self.assertIn("0 created, 0 updated, 1 unchanged", self.pepctl("reload"))
        self.daemon.write_policies(self.POLICIES + [allow("another")])
        self.assertIn("1 created", self.pepctl("reload"))
        self.daemon.write_policies([{"id": "bad"}])
        said = self.pepctl("reload", status=REFUSED)
        self.assertIn(self.daemon.policies_path, said)
        self.assertEqual({"of-file", "another"}, set(self.definitions("file")))
        self.daemon.write_policies(self.POLICIES)
        self.assertIn("1 deleted", self.pepctl("reload"))

    # ---- ways to fail

    def test_over_tcp_one_may_only_read(self):
        self.daemon.put(block("a"))
        self.assertIn("block in", self.pepctl("list", "--url", URL))
        self.assertIn("--unix-socket", self.pepctl("flush", "--url", URL, status=NOT_PERMITTED))
        self.assertEqual({"a"}, set(self.definitions()))
        self.pepctl("list", "--url", "http://127.0.0.1:9", status=NO_DAEMON)

    def test_nobody_is_not_permitted(self):
        os.chmod(self.daemon.directory, 0o755)
        outer = os.path.dirname(self.daemon.directory)
        readable = os.stat(outer).st_mode & 0o7777
        os.chmod(outer, readable | 0o711)
        self.addCleanup(os.chmod, outer, readable)
        done = self.run_client("list", user=65534, group=65534, extra_groups=[])
        self.assertEqual(NOT_PERMITTED, done.returncode, done.stderr)
        self.assertIn("root or a member of the group pepctl", done.stderr)

    def test_no_daemon(self):
        said = self.pepctl("list", "--socket", self.directory + "/none", status=NO_DAEMON)
        self.assertRegex(said, "start it with: (systemctl start pepctl|pepctl --config /)")

    def test_output_that_cannot_be_written(self):
        self.daemon.put(*[block("policy-%d" % i, src="10.%d.0.0/16" % (i % 250), priority=i)
                          for i in range(2000)])
        with open("/dev/full", "w") as full:
            done = subprocess.run([daemons.program(), "list"], env=self.environment, stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(REFUSED, done.returncode)
        self.assertIn("No space left", done.stderr)
        for restore in (True, False):  # with SIGPIPE's default action, and ignored
            with subprocess.Popen([daemons.program(), "list"], env=self.environment,
                                  restore_signals=restore, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as closed:
                closed.stdout.close()
                self.assertEqual(b"", closed.stderr.read())
                self.assertNotEqual(0, closed.wait(60))

    def test_ten_thousand(self):
        many = [block("p-%d" % i, src="10.%d.%d.0/24" % (i // 256, i % 256)) for i in range(9990)]
        path = self.file(many)
        self.assertIn("9990 created", self.pepctl("apply", "--replace", path))
        self.assertEqual("", self.pepctl("diff", path))
        self.assertEqual(9990, len(json.loads(self.pepctl("export"))["policies"]))
        self.assertEqual(9992, len(self.pepctl("list").splitlines()))


if __name__ == "__main__":
    main()
