#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
Every kind of request that is refused is answered by a problem document that
says why, and nothing has changed afterwards.
"""
import random
import shlex
import socket

from harness import block, main
from http_api import HttpTest, read_answer

GOOD = block("good", src="10.0.0.0/8")

# (what, bytes, status, a word of the answer)
MALFORMED = [
    ("no HTTP", b"hello\r\n\r\n", 400, "HTTP"),
    ("half a request line", b"GET /health\r\n\r\n", 400, "HTTP"),
    ("version 9", b"GET /health HTTP/9.9\r\n\r\n", 400, "HTTP"),
    ("binary", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n", 400, "HTTP"),
    ("header without a colon", b"GET /health HTTP/1.1\r\nHost localhost\r\n\r\n", 400, "header"),
    ("headers too long", b"GET /health HTTP/1.1\r\nA: " + b"a" * 40000 + b"\r\n\r\n", 400,
     "longer"),
    ("target too long", b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400, "longer"),
    ("no host", b"GET /health HTTP/1.1\r\n\r\n", 400, "Host"),
    ("two hosts", b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "Host"),
    ("two lengths", b"POST /policies HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
     b"Content-Length: 2\r\n\r\n[]", 400, "length"),
    ("space before the colon", b"POST /policies HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n"
     b"\r\n[]", 400, "right behind"),
    ("no name", b"GET /health HTTP/1.1\r\nHost: a\r\n: 2\r\n\r\n", 400, "right behind"),
    ("length with a sign", b"POST /policies HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n[]",
     400, "plain number"),
    ("length and chunks", b"POST /policies HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", 400, "contradict"),
    ("negative length", b"POST /policies HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400,
     ""),
    ("length that is no number", b"POST /policies HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
     400, ""),
    ("bad chunk", b"POST /policies HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"zz\r\n[]\r\n0\r\n\r\n", 413, "chunks"),
    ("unknown coding", b"POST /reset HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400,
     "chunked"),
    ("GET with a body", b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", 400,
     "body"),
    ("DELETE with a body", b"DELETE /policies HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
     400, "body"),
    ("method unknown", b"BREW /health HTTP/1.1\r\nHost: a\r\n\r\n", 501, "method"),
    ("no proxy", b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501, "method"),
    ("expectation", b"POST /policies HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n"
     b"Content-Length: 2\r\n\r\n[]", 417, "100-continue"),
    ("body too large", b"POST /policies HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n" +
     b" " * 1048577, 413, "server.max_body_bytes"),
    ("chunks too large", b"POST /policies HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"110000\r\n" + b" " * 0x110000 + b"\r\n0\r\n\r\n", 413, "server.max_body_bytes"),
    ("path with a NUL", b"GET /policies/a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "path"),
    ("query with half an escape", b"GET /policies?limit=%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400,
     "query"),
]

# (method, path, body, headers, status, words)
REFUSED = [
    ("GET", "/nothing", None, {}, 404, ["/nothing"]),
    ("GET", "/", None, {}, 404, []),
    ("GET", "/policies/", None, {}, 404, []),
    ("GET", "//policies", None, {}, 404, ["no //policies here"]),
    ("GET", "/policies?limit=1&limit=2", None, {}, 400, ["limit", "more than once"]),
    ("GET", "/policies/none", None, {}, 404, ["none"]),
    ("GET", "/policies/a/b", None, {}, 404, []),
    ("DELETE", "/policies/none", None, {}, 404, ["none"]),
    ("PATCH", "/policies/none", {}, {}, 404, ["none"]),
    ("DELETE", "/policies?id=good&id=none", None, {}, 404, ["none"]),
    ("DELETE", "/policies", None, {}, 400, ["id=ID"]),
    ("DELETE", "/policies?ids=good", None, {}, 400, ["'ids'", "id"]),
    ("GET", "/health?verbose=1", None, {}, 400, ["verbose"]),
    ("GET", "/policies?limit=0", None, {}, 400, ["limit"]),
    ("GET", "/policies?limit=", None, {}, 400, ["limit"]),
    ("GET", "/policies?limit=-1", None, {}, 400, ["limit"]),
    ("GET", "/policies?limit=1x", None, {}, 400, ["limit"]),
    ("GET", "/policies?cursor=x", None, {}, 400, ["cursor"]),
    ("GET", "/policies?cursor=5.good", None, {}, 400, ["cursor"]),
    ("GET", "/policies?origin=moon", None, {}, 400, ["origin", "file or api"]),
    ("GET", "/policies?fields=some", None, {}, 400, ["definition"]),
    ("GET", "/events?verdict=maybe", None, {}, 400, ["verdict"]),
    ("POST", "/policies?dry_run=1", [GOOD], {}, 400, ["true or false"]),
    ("POST", "/policies", "", {}, 400, ["body"]),
    ("POST", "/policies", "{", {}, 400, []),
    ("POST", "/policies", "[1,]", {}, 400, []),
    ("POST", "/policies", b"\xff\xfe", {}, 400, []),
    ("POST", "/policies", '{"id":"a","id":"b","action":"BLOCK"}', {}, 400, ["twice", "/id"]),
    ("POST", "/policies", "[" * 1000, {}, 400, []),
    ("POST", "/policies", "7", {}, 422, []),
    ("POST", "/policies", {"policies": 7}, {}, 422, ["/policies"]),
    ("POST", "/policies", {"action": "BLOCK"}, {}, 422, ["id"]),
    ("POST", "/policies", {"id": "a", "action": "NOPE"}, {}, 422, ["/action", "BLOCK"]),
    ("POST", "/policies", [GOOD, {"id": "a", "action": "REJECT"}], {}, 422, ["/1/action"]),
    ("POST", "/policies", [{"id": "a", "action": "BLOCK"}] * 2, {}, 422, ["a"]),
    ("PUT", "/policies", {"policies": [GOOD], "next_cursor": "1.a"}, {}, 422, ["one page"]),
    ("PUT", "/policies", {"policies": [GOOD], "count": 1, "policy_count": 2}, {}, 422,
     ["one page"]),
    ("PUT", "/policies/x", {"id": "y", "action": "BLOCK"}, {}, 422, ["/id"]),
    ("PATCH", "/policies/good", {"action": None}, {}, 422, ["action"]),
    ("PATCH", "/policies/good", [], {}, 422, ["object"]),
    ("PATCH", "/policies/good", {"id": "other"}, {}, 422, ["/id"]),
    ("PUT", "/policies/from-file", {"action": "ALLOW"}, {}, 409, ["from-file", "file"]),
    ("DELETE", "/policies/from-file", None, {}, 409, ["from-file", "reload"]),
    ("DELETE", "/policies?id=good&id=from-file", None, {}, 409, ["from-file"]),
    ("PUT", "/policies/good", {"action": "ALLOW"}, {"If-Match": '"old"'}, 412, ["If-Match"]),
    ("PUT", "/policies/good", {"action": "ALLOW"}, {"If-None-Match": "*"}, 412, ["exists"]),
    ("PUT", "/policies/new", {"action": "ALLOW"}, {"If-Match": "*"}, 412, ["not exist"]),
    ("PATCH", "/policies/good", {"priority": 1}, {"If-Match": 'W/"1"'}, 412, ["If-Match"]),
    ("DELETE", "/policies/good", None, {"If-Match": '"old"'}, 412, ["If-Match"]),
    ("PUT", "/policies", [], {"If-Match": '"0"'}, 412, ["If-Match"]),
    ("POST", "/policies", [GOOD], {"Content-Encoding": "gzip"}, 415, ["gzip"]),
    ("POST", "/policies", [block("p%d" % i) for i in range(101)], {}, 409, ["100", "102"]),
]

# (path, method that it does not take, its Allow header)
NOT_TAKEN = [
    ("/health", "POST", "GET, HEAD"),
    ("/metrics", "DELETE", "GET, HEAD"),
    ("/reset", "GET", "POST"),
    ("/reload", "PUT", "POST"),
    ("/policies", "PATCH", "GET, HEAD, POST, PUT, DELETE"),
    ("/policies/good", "POST", "GET, HEAD, PUT, PATCH, DELETE"),
    ("/events", "OPTIONS", "GET, HEAD"),
    ("/policies", "TRACE", "GET, HEAD, POST, PUT, DELETE"),
]


class Refusals(HttpTest):
    POLICIES = [block("from-file", protocol="TCP", dport=23)]
    CONFIG = dict(HttpTest.CONFIG, policy={"capacity": 100})

    def setUp(self):
        self.daemon.put(GOOD)
        self.before = self.state()

    def tearDown(self):
        self.assertEqual(self.before, self.state())

    def test_malformed_requests(self):
        for what, data, status, word in MALFORMED:
            with self.subTest(what):
                self.assert_problem(self.raw(data), status, word)

    def test_malformed_requests_by_tcp(self):
        for what, data, status, _ in MALFORMED:
            with self.subTest(what):
                answer = self.raw(data.replace(b": a\r\n", b": localhost\r\n"), tcp=True)
                # A body of any length is refused: nothing is written by TCP.
                allowed = (status, 403, 413) if b"POST" in data[:5] else (status,)
                self.assertIn(answer.status, allowed)
                self.assert_problem(answer, answer.status)

    def test_malformed_request_on_a_connection_that_was_good(self):
        """evhttp's own page is not seen then either, and the connection ends."""
        good = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
        for what, data, status, word in MALFORMED[:6]:
            with self.subTest(what), self.connect() as connection:
                connection.sendall(good)
                self.assertEqual(200, read_answer(connection, good).status)
                connection.sendall(data)
                self.assert_problem(read_answer(connection, data), status, word)

    def test_nothing_is_read_behind_a_connect(self):
        with self.connect() as connection:
            data = b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"
            connection.sendall(data)
            self.assert_problem(read_answer(connection, data), 501, "method")
            self.assertEqual(b"", connection.recv(100))

    def test_refused_requests(self):
        for method, path, body, headers, status, words in REFUSED:
            with self.subTest("%s %s %.60s" % (method, path, body)):
                answer = self.daemon.request(method, path, body, headers)
                self.assert_problem(answer, status, *words)

    def test_every_bad_policy_of_a_batch_is_named(self):
        bad = [{"id": "bad-%d" % i, "action": "BLOCK", "dst": {"port": 70000 + i}}
               for i in range(20)]
        answer = self.daemon.request("POST", "/policies", [GOOD] + bad + [block("fine")])
        document = self.assert_problem(answer, 422)
        self.assertEqual(["/%d/dst/port" % i for i in range(1, 21)],
                         [error["pointer"] for error in document["errors"]])

    def test_methods_that_a_path_does_not_take(self):
        for path, method, allow in NOT_TAKEN:
            with self.subTest("%s %s" % (method, path)):
                answer = self.daemon.request(method, path)
                self.assert_problem(answer, 405)
                self.assertEqual(allow, answer.headers["Allow"])

    def test_tcp_is_read_only_and_says_what_to_do(self):
        for method, path in (("POST", "/policies"), ("PUT", "/policies"),
                             ("PUT", "/policies/x"), ("PATCH", "/policies/good"),
                             ("DELETE", "/policies/good"), ("DELETE", "/policies?id=good"),
                             ("POST", "/reset"), ("POST", "/reload"), ("GET", "/events")):
            with self.subTest("%s %s" % (method, path)):
                body = [GOOD] if method in ("POST", "PUT", "PATCH") else None
                document = self.assert_problem(self.tcp(method, path, body), 403, "read-only")
                self.assertIn("-X %s http://localhost%s" % (method, path), document["detail"])
                self.assertIn("--unix-socket " + self.daemon.socket_path, document["detail"])

    def test_the_curl_line_of_a_refusal_works(self):
        detail = self.tcp("POST", "/reset").json["detail"]
        line = detail[detail.index("curl "):]
        self.assertIn("success", self.lab.host.run(*shlex.split(line), "-sS"))

    def test_host_over_tcp(self):
        for host, status in (("localhost", 200), ("LOCALHOST:8080", 200), ("127.0.0.1", 200),
                             ("127.0.0.1:8080", 200), ("[::1]:8080", 200), ("[::1]", 200),
                             ("10.1.2.3:1", 200), ("evil.example", 421), ("localhost.evil", 421),
                             ("evil.example:8080", 421), ("::1", 421), ("[::1", 421),
                             ("localhost:80:80", 421), ("127.0.0.1.evil", 421),
                             ("user@localhost", 421), ("1" * 400, 421), ("", 421)):
            with self.subTest(host):
                answer = self.tcp("GET", "/health", headers={"Host": host})
                self.assertEqual(status, answer.status, answer)
                if status != 200:
                    self.assert_problem(answer, status)

    def test_absolute_target_over_tcp(self):
        for target, status in (("http://localhost/health", 200), ("http://evil/health", 421),
                               ("//evil", 421)):
            with self.subTest(target):
                answer = self.tcp("GET", target)
                self.assertEqual(status, answer.status)
                if status == 421:
                    self.assertIn("'evil'", answer.json["detail"])

    def test_no_answer_says_that_another_site_may_read_it(self):
        answer = self.tcp("GET", "/policies", headers={"Origin": "http://evil.example"})
        self.assertEqual(200, answer.status)
        self.assertFalse([name for name in answer.headers if name.startswith("Access-Control")])

    def test_random_bytes_and_mutations(self):
        """Nothing of it is answered by anything but HTTP, and the daemon lives."""
        chance = random.Random(4711)
        seeds = [data for _, data, _, _ in MALFORMED if len(data) < 500]
        for _ in range(400):
            data = bytearray(chance.choice(seeds))
            for _ in range(chance.randrange(1, 8)):
                place = chance.randrange(len(data))
                data[place:place + chance.randrange(2)] = bytes(
                    chance.randrange(256) for _ in range(chance.randrange(3)))
            with self.connect() as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(65536)
                self.assertTrue(not answer or answer.startswith(b"HTTP/1."), (data, answer))
        self.assertTrue(self.daemon.running())


if __name__ == "__main__":
    main()
