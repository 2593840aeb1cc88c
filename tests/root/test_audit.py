#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The audit log: every change and every refused attempt, who, what, when, and what became of it."""
import json
import os
import re
import signal
import stat

from harness import block, main, wait_until
from http_api import HttpTest

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
GOOD = block("good", src="203.0.113.0/24")


class Audit(HttpTest):
    POLICIES = [block("from-file", protocol="TCP", dport=23)]

    @classmethod
    def start(cls):
        cls.tokens_path = os.path.join(cls.daemon.directory, "tokens.json")
        cls.daemon.config["server"]["tokens_file"] = cls.tokens_path
        super().start()
        made = cls.daemon.run_client("token", "create", "ci", "operator", "--file",
                                     cls.tokens_path)
        cls.token = {"Authorization": "Bearer " + made.stdout.strip()}

    def setUp(self):
        super().setUp()
        self.seen = len(self.daemon.audit())

    def new(self, count=1):
        """What is new since the test began: so many records."""
        records = self.daemon.audit()[self.seen:]
        self.assertEqual(count, len(records), records)
        self.seen += count
        for record in records:
            self.assertRegex(record["time"], TIME)
        return records if count != 1 else records[0]

    def values(self, *keys):
        """Of one new record."""
        record = self.new()
        return tuple(record[key] for key in keys)

    def test_changes_with_what_was_and_is(self):
        self.daemon.write("PUT", "/policies/a", {"action": "BLOCK", "src": {"ip": "203.0.113.1"}})
        record = self.new()
        self.assertEqual(("done", "socket", "PUT", "/policies/a", os.getuid(), 1, 0),
                         tuple(record[key] for key in ("result", "caller", "method", "path", "uid",
                                                       "created", "updated")))
        self.assertEqual(1, len(record["changes"]))
        change = record["changes"][0]
        self.assertEqual(("a", None, "BLOCK"),
                         (change["id"], change["before"], change["after"]["action"]))
        self.assertEqual(self.daemon.get("/health")["generation"], record["generation"])
        self.daemon.write("PUT", "/policies/a", {"action": "ALLOW", "src": {"ip": "203.0.113.1"}})
        change = self.new()["changes"][0]
        self.assertEqual(("BLOCK", "ALLOW"), (change["before"]["action"], change["after"]["action"]))
        self.daemon.delete("a")
        change = self.new()["changes"][0]
        self.assertEqual(("ALLOW", None), (change["before"]["action"], change["after"]))

    def test_what_changes_nothing(self):
        self.daemon.put(GOOD)
        self.new()
        self.daemon.put(GOOD)
        self.assertEqual([], self.new()["changes"])
        self.daemon.write("PUT", "/policies?dry_run=true", [])
        self.daemon.request("GET", "/policies")
        self.daemon.request("GET", "/nothing")
        self.daemon.request("GET", "/policies?limit=x")
        self.new(0)

    def test_many_changes_at_once(self):
        self.daemon.put(*[block("p%04d" % i, src="203.0.113.1") for i in range(300)])
        record = self.new()
        self.assertEqual((300, 100, 200), (record["created"], len(record["changes"]),
                                           record["changes_left_out"]))

    def test_sets_reset_reload(self):
        self.daemon.write("PUT", "/sets/s", {"entries": ["203.0.113.1"]})
        self.assertEqual((1, 1), self.values("created", "entry_count"))
        self.daemon.request("PATCH", "/sets/s", {"add": ["203.0.113.2"]},
                            {"Content-Type": "application/merge-patch+json"})
        self.assertEqual(1, self.new()["entries_added"])
        self.daemon.write("DELETE", "/sets/s")
        self.assertEqual(1, self.new()["deleted"])
        self.daemon.write("POST", "/reset")
        self.assertEqual("/reset", self.new()["path"])
        self.daemon.write("POST", "/reload?only=credentials")
        self.assertEqual("/reload?only=credentials", self.new()["path"])
        self.addCleanup(self.daemon.write_policies, self.POLICIES)
        self.daemon.write_policies([block("other", protocol="TCP", dport=79)])
        self.daemon.write("POST", "/reload")
        self.assertEqual({"from-file": "-", "other": "+"},
                         {change["id"]: "+" if change["after"] else "-"
                          for change in self.new()["changes"]})
        self.daemon.write_policies(self.POLICIES)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.daemon.audit()) > self.seen, "the reload is in the log")
        record = self.new()
        self.assertEqual(("signal", "reload", "done", 2),
                         (record["caller"], record["what"], record["result"],
                          len(record["changes"])))

    def test_a_reload_that_fails(self):
        self.addCleanup(self.daemon.write_policies, self.POLICIES)
        with open(self.daemon.policies_path, "w") as file:
            file.write("nothing")
        self.daemon.request("POST", "/reload")
        self.assertEqual(("refused", 422), self.values("result", "status"))
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.daemon.audit()) > self.seen, "the reload is in the log")
        record = self.new()
        self.assertEqual(("signal", "failed"), (record["caller"], record["result"]))
        self.assertTrue(record["errors"])

    def test_what_expires(self):
        self.daemon.write("PUT", "/policies/short", {"action": "BLOCK", "src": {"ip": "203.0.113.1"},
                                                     "ttl_seconds": 1})
        self.new()
        wait_until(lambda: len(self.daemon.audit()) > self.seen, "the end is in the log", 15)
        record = self.new()
        self.assertEqual(("daemon", "expired", "short"),
                         (record["caller"], record["what"], record["changes"][0]["id"]))

    def test_changes_that_go_back(self):
        answer = self.daemon.write("PUT", "/policies/a?confirm_seconds=1",
                                   {"action": "BLOCK", "src": {"ip": "203.0.113.1"}})
        self.assertEqual(answer["pending"]["id"], self.new()["pending"])
        wait_until(lambda: len(self.daemon.audit()) > self.seen, "its end is in the log", 10)
        self.assertEqual(("daemon", "not confirmed", 1), self.values("caller", "what", "created"))
        answer = self.daemon.write("PUT", "/policies/a?confirm_seconds=60",
                                   {"action": "BLOCK", "src": {"ip": "203.0.113.1"}})
        path = "/changes/%s/confirm" % answer["pending"]["id"]
        self.daemon.write("POST", path)
        self.assertEqual(path, self.new(2)[1]["path"])

    def test_by_token(self):
        self.assertEqual(200, self.tcp("POST", "/policies", [GOOD], self.token).status)
        record = self.new()
        self.assertEqual(("token", "ci"), (record["caller"], record["name"]))
        self.assertRegex(record["address"], r"^127\.0\.0\.1:\d+$")
        self.assertNotIn("uid", record)

    def test_refusals(self):
        def refused(status, **expected):
            record = self.new()
            self.assertEqual(("refused", status), (record["result"], record["status"]), record)
            for key, value in expected.items():
                self.assertEqual(value, record[key])
            self.assertTrue(record["error"] or record["errors"])
        self.tcp("POST", "/policies", [GOOD])
        refused(401, caller="nobody", method="POST", path="/policies")
        self.tcp("GET", "/events")
        refused(401, method="GET")
        self.tcp("GET", "/health", headers={"Authorization": "Bearer forged"})
        refused(401)
        self.tcp("GET", "/health", headers={"Host": "evil.example"})
        refused(421)
        self.tcp("DELETE", "/policies", headers=dict(self.token))
        refused(400, caller="token", name="ci")
        self.daemon.request("POST", "/policies", "{")
        refused(400, caller="socket")
        self.daemon.request("POST", "/policies", [{"id": "a", "action": "NOPE"}])
        refused(422)
        self.daemon.request("DELETE", "/policies/from-file")
        refused(409)
        self.daemon.request("DELETE", "/policies/none")
        refused(404)
        self.daemon.request("PUT", "/nothing", "{}")
        refused(404)
        self.daemon.request("DELETE", "/health")
        refused(405)
        self.raw(b"hello\r\n\r\n", tcp=True)
        record = self.new()
        self.assertEqual((400, "nobody"), (record["status"], record["caller"]))
        self.assertRegex(record["address"], r"^127\.0\.0\.1:\d+$")
        self.assertIn("refused with 401: POST /policies by nobody known from 127.0.0.1:",
                      self.daemon.log())

    def test_no_secret_is_in_it(self):
        self.tcp("POST", "/reset", {}, self.token)
        self.tcp("POST", "/reset", {}, {"Authorization": "Bearer secret-of-somebody"})
        self.new(2)
        with open(self.daemon.audit_path) as file:
            text = file.read()
        self.assertNotIn("secret-of-somebody", text)
        self.assertNotIn(self.token["Authorization"].split("_")[1], text)

    # ---- the file

    def test_the_file(self):
        self.daemon.put(GOOD)
        self.assertEqual(0o640, stat.S_IMODE(os.stat(self.daemon.audit_path).st_mode))

    def test_rotation(self):
        self.daemon.put(GOOD)
        os.rename(self.daemon.audit_path, self.daemon.audit_path + ".1")
        self.daemon.process.send_signal(signal.SIGUSR1)
        self.daemon.put()
        wait_until(lambda: os.path.exists(self.daemon.audit_path) or self.daemon.put(GOOD) or
                   self.daemon.put(), "a new file")
        with open(self.daemon.audit_path + ".1") as old, open(self.daemon.audit_path) as new:
            lines = old.read() + new.read()
        with open(self.daemon.audit_path, "w") as file:
            file.write(lines)

    def test_a_file_that_cannot_be_written(self):
        """Changes go on, and it is told."""
        config = json.loads(json.dumps(self.daemon.config))
        config["log"]["audit_file"] = "/dev/full"
        self.daemon.write_config(json.dumps(config))
        self.daemon.write("POST", "/reload")
        self.daemon.put(GOOD)
        self.assertIn("/log/audit_file", str(self.daemon.get("/health")["warnings"]))
        self.assertIn("the audit log /dev/full cannot be written: No space left",
                      self.daemon.log())
        self.daemon.write_config()
        self.daemon.write("POST", "/reload")
        self.assertNotIn("/log/audit_file", str(self.daemon.get("/health")["warnings"]))

    # ---- looking

    def test_get_audit(self):
        for i in range(5):
            self.daemon.put(block("p%d" % i, src="203.0.113.1"))
        answer = self.daemon.get("/audit?limit=3")
        self.assertEqual((3, self.daemon.audit()[-3:]), (answer["count"], answer["records"]))
        self.assertEqual(self.daemon.audit()[-100:], self.daemon.get("/audit")["records"])
        for limit in ("0", "-1", "x", "1001", ""):
            self.assert_problem(self.daemon.request("GET", "/audit?limit=" + limit), 400, "limit")

    def test_who_may_look(self):
        self.assertEqual(401, self.tcp("GET", "/audit").status)
        made = self.daemon.run_client("token", "create", "v", "--file", self.tokens_path)
        viewer = {"Authorization": "Bearer " + made.stdout.strip()}
        self.assertEqual(403, self.tcp("GET", "/audit", headers=viewer).status)
        self.assertEqual(200, self.tcp("GET", "/audit", headers=self.token).status)
        self.daemon.run_client("token", "revoke", "v", "--file", self.tokens_path)

    def test_a_line_that_was_cut_off(self):
        self.daemon.put(GOOD)
        with open(self.daemon.audit_path, "a") as file:
            file.write('{"time": "2026-\n')
        self.daemon.put()
        self.assertEqual("done", self.daemon.get("/audit")["records"][-1]["result"])
        self.addCleanup(self.drop_cut_lines)

    def drop_cut_lines(self):
        with open(self.daemon.audit_path) as file:
            lines = [line for line in file if line.rstrip().endswith("}")]
        with open(self.daemon.audit_path, "w") as file:
            file.writelines(lines)

    def test_the_command(self):
        self.daemon.put()
        self.daemon.post(dict(GOOD, id="seen"))
        self.tcp("DELETE", "/policies/seen")
        said = self.daemon.run_client("audit", "--limit", "2")
        self.assertEqual(0, said.returncode, said)
        lines = said.stdout.splitlines()
        self.assertRegex(lines[0], r"Z done POST /policies by uid \d+, pid \d+$")
        self.assertEqual("  + seen: block in from 203.0.113.0/24 to any", lines[1])
        self.assertRegex(lines[2], r"Z refused DELETE /policies/seen by nobody from 127\.0\.0\.1:\d+"
                                   r": 401 this needs a token")
        said = self.daemon.run_client("audit", "--limit", "2", "--json")
        self.assertEqual(self.daemon.audit()[-2:],
                         [json.loads(line) for line in said.stdout.splitlines()])


class Flood(HttpTest):
    def test_a_flood_of_refusals_does_not_fill_the_disk(self):
        before, seen = os.path.getsize(self.daemon.audit_path), len(self.daemon.audit())
        for _ in range(400):
            self.tcp("POST", "/policies", [GOOD])
        self.assertLess(os.path.getsize(self.daemon.audit_path) - before, 100 * 600)
        self.daemon.put(GOOD)
        records = self.daemon.audit()[seen:]
        left_out = sum(record.get("refusals_left_out", 0) for record in records)
        refusals = sum(record["result"] == "refused" for record in records)
        self.assertEqual(400, left_out + refusals)
        self.assertEqual("done", records[-1]["result"])
        wait_until(lambda: self.tcp("DELETE", "/health").status == 405 and
                   len(self.daemon.audit()) > seen + len(records), "others are admitted")


if __name__ == "__main__":
    main()
