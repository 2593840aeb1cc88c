#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Reading and writing policies over HTTP, as pepctl-api(7) says."""
import contextlib
import json
import os
import stat
import subprocess

from harness import allow, block, daemons, main, policy
from http_api import HttpTest, read_answer

FILE = [block("from-file", protocol="TCP", dport=23)]


class Policies(HttpTest):
    POLICIES = FILE

    def ids(self, query=""):
        return [entry["id"] for entry in self.daemon.get("/policies" + query)["policies"]]

    # ---- writing

    def test_one_an_array_and_an_object(self):
        one = self.daemon.write("POST", "/policies", block("a"))
        self.assertEqual((True, 1, 2, 1), (one["changed"], one["created"], one["policy_count"],
                                           one["others"]))
        several = self.daemon.write("POST", "/policies", [block("a", priority=1), block("b")])
        self.assertEqual((1, 1, 0), (several["created"], several["updated"], several["unchanged"]))
        again = self.daemon.write("POST", "/policies", {"policies": [block("b")]})
        self.assertEqual((False, 0, 0, 1), (again["changed"], again["created"], again["updated"],
                                            again["unchanged"]))
        self.assertEqual(several["generation"], again["generation"])
        self.assertEqual("success", again["status"])

    def test_put_creates_with_a_location_and_replaces_without(self):
        created = self.daemon.request("PUT", "/policies/new", {"action": "BLOCK"})
        self.assertEqual((201, "/policies/new"), (created.status, created.headers["Location"]))
        self.assertEqual("new", self.daemon.get(created.headers["Location"])["id"])
        replaced = self.daemon.request("PUT", "/policies/new", {"id": "new", "action": "ALLOW"})
        self.assertEqual((200, None), (replaced.status, replaced.headers["Location"]))
        self.assertEqual("ALLOW", self.daemon.policy("new")["action"])

    def test_put_of_all_replaces_the_apis_and_tells_of_the_others(self):
        self.daemon.put(block("a"), block("b"))
        answer = self.daemon.write("PUT", "/policies", [block("b"), block("c")])
        self.assertEqual((1, 0, 1, 1, 1), tuple(answer[key] for key in (
            "created", "updated", "unchanged", "deleted", "others")))
        self.assertEqual({"b", "c", "from-file"}, set(self.ids()))

    def test_patch_merges(self):
        self.daemon.put(policy("p", "BLOCK", src="10.0.0.0/8", labels={"a": "1", "b": "2"},
                               description="x"))
        self.daemon.write("PATCH", "/policies/p", {"labels": {"a": None, "c": "3"},
                                                   "description": None, "priority": 7})
        now = self.daemon.policy("p")
        self.assertEqual(({"b": "2", "c": "3"}, 7, "10.0.0.0/8"),
                         (now["labels"], now["priority"], now["src"]["ip"]))
        self.assertNotIn("description", now)

    def test_patch_of_when_it_expires(self):
        self.daemon.put(policy("p", "BLOCK", expires_at="2099-01-01T00:00:00Z"))
        self.daemon.write("PATCH", "/policies/p", {"ttl_seconds": 1000})
        self.assertLessEqual(self.daemon.policy("p")["expires_in_seconds"], 1000)
        self.daemon.write("PATCH", "/policies/p", {"expires_at": "2099-01-01T00:00:00Z"})
        self.assertEqual("2099-01-01T00:00:00Z", self.daemon.policy("p")["expires_at"])
        self.daemon.write("PATCH", "/policies/p", {"expires_at": None})
        self.assertNotIn("expires_in_seconds", self.daemon.policy("p"))

    def test_delete_by_path_and_by_query(self):
        self.daemon.put(block("a"), block("b"), block("c"))
        self.assertEqual(1, self.daemon.write("DELETE", "/policies/a")["deleted"])
        self.assertEqual(2, self.daemon.write("DELETE", "/policies?id=b&id=c")["deleted"])
        self.assertEqual(["from-file"], self.ids())

    def test_ids_with_every_character(self):
        identity = "A9._:@-z"
        self.daemon.write("PUT", "/policies/A9._%3a%40-z", {"action": "BLOCK"})
        self.assertEqual(identity, self.daemon.get("/policies/" + identity)["id"])
        self.daemon.write("DELETE", "/policies?id=A9._%3A%40-z")

    def test_dry_run_changes_nothing(self):
        before = self.state()
        for method, path, body, expected in (
                ("POST", "/policies", [block("a"), block("b")], {"created": 2}),
                ("PUT", "/policies/x", {"action": "ALLOW"}, {"created": 1}),
                ("PUT", "/policies", [], {"deleted": 0}),
                ("DELETE", "/policies/from-file", None, None)):
            with self.subTest("%s %s" % (method, path)):
                answer = self.daemon.request(method, path + "?dry_run=true", body)
                if expected is None:
                    self.assert_problem(answer, 409)
                    continue
                self.assertEqual(200, answer.status, answer)
                self.assertTrue(answer.json["dry_run"])
                for key, value in expected.items():
                    self.assertEqual(value, answer.json[key])
        self.assertEqual(before, self.state())

    def test_conditions(self):
        self.daemon.put(block("a"))
        tag = self.daemon.request("GET", "/policies/a").headers["ETag"]
        self.assertTrue(tag.startswith('"'))
        first = self.daemon.request("PUT", "/policies/a", {"action": "ALLOW"},
                                    {"If-Match": '"x", ' + tag})
        self.assertEqual(200, first.status, first)
        self.assertNotEqual(tag, first.headers["ETag"])
        again = self.daemon.request("GET", "/policies/a").headers["ETag"]
        self.assertEqual(again, first.headers["ETag"])
        self.assert_problem(self.daemon.request("PATCH", "/policies/a", {"priority": 3},
                                                {"If-Match": tag}), 412, again.strip('"'))
        every = self.daemon.request("GET", "/policies").headers["ETag"]
        self.assertEqual(200, self.daemon.request("PUT", "/policies", [block("b")],
                                                  {"If-Match": every}).status)
        self.assert_problem(self.daemon.request("PUT", "/policies", [], {"If-Match": every}), 412)
        created = self.daemon.request("PUT", "/policies/n", {"action": "BLOCK"},
                                      {"If-None-Match": "*"})
        self.assertEqual(201, created.status)

    def test_a_tag_of_before_a_restart_is_refused(self):
        self.daemon.put(block("a"))
        generation = self.daemon.get("/policies")["generation"]
        tag = self.daemon.request("GET", "/policies").headers["ETag"]
        self.daemon.stop()
        self.daemon.start()
        while self.daemon.get("/policies")["generation"] < generation:
            self.daemon.write("PUT", "/policies/n",
                              block("n", priority=self.daemon.get("/policies")["generation"]))
        self.assertEqual(generation, self.daemon.get("/policies")["generation"])
        self.assert_problem(self.daemon.request("PUT", "/policies", [], {"If-Match": tag}), 412)

    def test_counters_do_not_change_the_tag(self):
        self.daemon.put(block("a"))
        tags = {self.daemon.request("GET", "/policies/a").headers["ETag"] for _ in range(3)}
        self.assertEqual(1, len(tags))

    def test_large_body_in_chunks_with_an_expectation(self):
        policies = [block("p-%04d" % i, src="10.0.%d.%d" % (i // 256, i % 256))
                    for i in range(2000)]
        text = json.dumps(policies).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(text[i:i + 5000]), text[i:i + 5000])
                          for i in range(0, len(text), 5000)) + b"0\r\n\r\n"
        begin = (b"PUT /policies HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.closing(self.connect()) as connection:
            connection.sendall(begin)
            self.assertIn(b"100 Continue", connection.recv(1000))
            connection.sendall(chunks)
            answer = read_answer(connection, begin)
        self.assertEqual((200, 2000), (answer.status, answer.json["created"]))

    def test_requests_in_a_row_on_one_connection(self):
        request = b"GET /policies/from-file HTTP/1.1\r\nHost: a\r\n\r\n"
        with contextlib.closing(self.connect()) as connection:
            for _ in range(50):
                connection.sendall(request)
                self.assertEqual(200, read_answer(connection, request).status)

    # ---- reading

    def test_order_positions_and_members(self):
        self.daemon.put(block("late", priority=2000), allow("early", priority=1),
                        block("six", src="fd00::/8", priority=0))
        listed = self.daemon.get("/policies")["policies"]
        # Those of IPv4 first, then those that IPv6 alone can match.
        self.assertEqual(["early", "from-file", "late", "six"], [one["id"] for one in listed])
        self.assertEqual([1, 2, 3, 4], [one["position"] for one in listed])
        for one in listed:
            self.assertEqual(one["position"], self.daemon.policy(one["id"])["position"])
            self.assertEqual("file" if one["id"] == "from-file" else "api", one["origin"])
            self.assertEqual({"packets": 0, "bytes": 0, "dropped_packets": 0, "dropped_bytes": 0},
                             one["counters"])
            self.assertIsNone(one["last_hit_at"])

    def test_pages(self):
        self.daemon.put(*[block("p-%02d" % i, priority=i) for i in range(25)])
        whole = self.ids()
        for limit in (1, 7, 25, 26, 100):
            paged, query = [], "?limit=%d" % limit
            while query:
                page = self.daemon.get("/policies" + query)
                self.assertEqual(26, page["policy_count"])
                self.assertEqual(len(page["policies"]), page["count"])
                paged += [one["id"] for one in page["policies"]]
                query = "?limit=%d&cursor=%s" % (limit, page["next_cursor"]) \
                    if "next_cursor" in page else None
            self.assertEqual(whole, paged)

    def test_no_page_replaces_all(self):
        self.daemon.put(*[block("p-%d" % i, priority=i) for i in range(5)])
        query = "?origin=api&limit=2"
        for _ in range(3):
            page = self.daemon.request("GET", "/policies" + query)
            self.assert_problem(self.daemon.request("PUT", "/policies", page.body), 422, "page")
            query = "?origin=api&limit=2&cursor=" + page.json.get("next_cursor", "")
        self.assertEqual(6, len(self.ids()))

    def test_pages_while_policies_come_and_go(self):
        for gone in (["p-04"], ["p-00", "p-04"], ["p-00", "p-01", "p-06"], []):
            self.daemon.put(*[block("p-%02d" % i, priority=i) for i in range(20)])
            page = self.daemon.get("/policies?origin=api&limit=5")
            for identity in gone:
                self.daemon.delete(identity)
            self.daemon.post(block("late", priority=50), block("early", priority=0),
                             *([] if gone else [block("p-04", priority=60)]))
            rest = self.daemon.get("/policies?origin=api&cursor=" + page["next_cursor"])
            wanted = ["p-%02d" % i for i in range(5, 20) if "p-%02d" % i not in gone] + ["late"]
            self.assertEqual(wanted + ([] if gone else ["p-04"]),
                             [one["id"] for one in rest["policies"]])
            self.assertLess(rest["count"], rest["policy_count"])

    def test_what_is_exported_can_be_put_back(self):
        self.daemon.put(block("a", src="10.0.0.0/8", dport=[80, "443-444"], labels={"k": "v"}),
                        policy("b", "RATE_LIMIT", rate_limit_bytes_per_second="10MB/s"),
                        allow("c", protocol="ICMP", expires_at="2099-01-01T00:00:00Z"))
        for query in ("?origin=api", "?origin=api&fields=definition"):
            with self.subTest(query):
                text = self.daemon.request("GET", "/policies" + query).body
                answer = self.daemon.write("PUT", "/policies", text)
                self.assertEqual((False, 3), (answer["changed"], answer["unchanged"]))

    def test_definitions_alone(self):
        self.daemon.put(block("a"))
        self.assertEqual({"id": "a", "action": "BLOCK"},
                         self.daemon.get("/policies/a?fields=definition"))
        for one in self.daemon.get("/policies?fields=definition")["policies"]:
            self.assertFalse({"counters", "position", "origin", "created_at"} & set(one))

    def test_origin(self):
        self.daemon.put(block("a"))
        self.assertEqual(["from-file"], self.ids("?origin=file"))
        self.assertEqual(["a"], self.ids("?origin=api"))

    def test_head_is_get_without_the_body(self):
        for path in ("/health", "/policies", "/policies/from-file", "/stats", "/interfaces",
                     "/none"):
            with self.subTest(path):
                head = self.raw(b"HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode())
                get = self.daemon.request("GET", path)
                self.assertEqual((get.status, b""), (head.status, head.body))
                for name in ("Content-Type", "ETag"):
                    self.assertEqual(get.headers[name], head.headers.get(name.title().replace(
                        "Etag", "Etag")))

    def test_large_listing_in_parts(self):
        """Other requests are served while it is sent, and a client may leave."""
        self.daemon.put(*[block("p-%04d" % i, priority=i, description="x" * 200)
                          for i in range(3000)])
        with contextlib.closing(self.connect()) as slow:
            slow.sendall(b"GET /policies HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual("ok", self.daemon.get("/health")["status"])
            self.daemon.put(block("only"))
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                more = slow.recv(65536)
                self.assertTrue(more)
                answer += more
            self.assertIn(b"p-2999", answer)
            self.assertIn(b'"policy_count":3001', answer)
        for _ in range(20):
            with contextlib.closing(self.connect()) as leaving:
                leaving.sendall(b"GET /policies HTTP/1.1\r\nHost: a\r\n\r\n")
                leaving.recv(100)
        self.assertEqual(["from-file", "only"], sorted(self.ids()))

    def test_http_1_0(self):
        answer = self.raw(b"GET /policies HTTP/1.0\r\n\r\n")
        self.assertEqual(200, answer.status)
        self.assertEqual(1, answer.json["count"])

    # ---- the rest of the API

    def test_reload_tells_what_changed_and_what_needs_a_restart(self):
        self.daemon.write_policies(FILE + [block("more", dport=25)])
        self.daemon.config["policy"]["state_dir"] += "-other"
        self.daemon.write_config()
        answer = self.daemon.write("POST", "/reload")
        self.assertEqual((True, 1), (answer["changed"], answer["created"]))
        self.assertIn("state_dir", str(answer["warnings"]))
        self.daemon.config["policy"]["state_dir"] = self.daemon.state_dir
        self.daemon.write_config()
        self.daemon.write_policies(FILE)
        self.assertEqual(1, self.daemon.write("POST", "/reload")["deleted"])

    def test_reload_of_bad_files_names_every_mistake(self):
        self.daemon.write_policies([block("a", dport=70000), {"id": "b", "action": "NO"}])
        before = self.state()
        answer = self.daemon.request("POST", "/reload")
        self.assert_problem(answer, 422, "70000", "action")
        self.assertEqual(before, self.state())
        metrics = self.daemon.request("GET", "/metrics").body.decode()
        self.assertIn("pepctl_config_last_reload_successful 0\n", metrics)
        self.daemon.write_policies(FILE)
        self.daemon.write("POST", "/reload")

    def test_what_anonymous_may_read(self):
        reads = {"/health": 1, "/metrics": 1, "/stats": 2, "/policies": 2, "/interfaces": 2,
                 "/policies/from-file": 2}
        for level, word in enumerate(("none", "metrics", "read")):
            self.daemon.config["server"]["anonymous"] = word
            self.daemon.write_config()
            self.daemon.write("POST", "/reload")
            for path, needed in reads.items():
                with self.subTest("%s %s" % (word, path)):
                    answer = self.tcp("GET", path)
                    if level >= needed:
                        self.assertEqual(200, answer.status, answer)
                    else:
                        self.assert_problem(answer, 403, "server.anonymous")

    def test_ipv6_listener(self):
        self.assertEqual(200, self.tcp("GET", "/health", host="::1").status)

    def test_stats_keep_the_originals_members(self):
        stats = self.daemon.get("/stats")
        for key in ("uptime_seconds", "policies_count", "packets_processed", "bytes_processed",
                    "packets_allowed", "packets_blocked", "packets_logged",
                    "packets_rate_limited"):
            self.assertIsInstance(stats[key], int, key)

    def test_who_may_open_the_socket(self):
        os.chmod(self.daemon.directory, 0o755)
        status = os.stat(self.daemon.socket_path)
        self.assertEqual(0o660, stat.S_IMODE(status.st_mode))
        answer = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3",
             "-c", "import socket; socket.socket(socket.AF_UNIX).connect('%s')" %
             self.daemon.socket_path], stderr=subprocess.PIPE, text=True, timeout=30)
        self.assertIn("PermissionError", answer.stderr)


class Storage(HttpTest):
    """What cannot be stored is not in force."""

    def test_a_full_disk(self):
        small = daemons.Daemon(self.lab.host)
        os.mkdir(small.state_dir)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small.state_dir],
                       check=True)
        self.addCleanup(small.close)
        self.addCleanup(subprocess.run, ["umount", "-l", small.state_dir])
        small.start()
        many = [block("p-%04d" % i, description="x" * 250) for i in range(500)]
        answer = small.request("PUT", "/policies", many)
        self.assert_problem(answer, 507, "state")
        self.assertEqual([], small.get("/policies")["policies"])
        self.assertEqual(1, small.put(block("one"))["created"])


if __name__ == "__main__":
    main()
