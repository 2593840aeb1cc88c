#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
Hostile requests, by TCP and with an operator's token, so that each would do
harm if it were taken: all get their documented answer and change nothing.
And hostile numbers of them.
"""
import contextlib
import errno
import json
import os
import re
import resource
import select
import socket
import time

from harness import PepctlTest, block, main, packets, wait_until
from http_api import PORT, HttpTest, read_answer

PEER4, NOBODY4 = "10.77.0.2", "10.77.0.99"
GOOD = block("good", src="203.0.113.0/24")
EVIL = json.dumps(block("evil", src="198.51.100.0/24")).encode()


def post(*lines, body=EVIL, length=None, target=b"/policies", method=b"POST"):
    """Headers that are right but for @lines, which come first."""
    head = [method + b" " + target + b" HTTP/1.1", *lines, b"Authorization: Bearer TOKEN"]
    for name, value in ((b"Host", b"localhost"), (b"Content-Type", b"application/json")):
        if not any(line.lower().startswith(name.lower()) for line in lines):
            head.append(name + b": " + value)
    if length is not False:
        head.append(b"Content-Length: %d" % (len(body) if length is None else length))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def chunked(chunks, *lines):
    return post(b"Transfer-Encoding: chunked", *lines, body=chunks, length=False)


SECOND = (b"DELETE /policies/good HTTP/1.1\r\nHost: localhost\r\n"
          b"Authorization: Bearer TOKEN\r\n\r\n")

# (what, bytes, statuses). None: the connection ends without an answer.
HOSTILE = [
    # ---- where one request ends and the next begins
    ("length and chunks", post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SECOND), {400}),
    ("chunks and length", chunked(b"0\r\n\r\n" + SECOND, b"Content-Length: 5"), {400}),
    ("two lengths", post(b"Content-Length: 0", body=SECOND), {400}),
    ("a list of lengths", post(b"Content-Length: 2, 2", body=SECOND, length=False), {400}),
    ("length in hexadecimal", post(b"Content-Length: 0x10", body=SECOND, length=False), {400}),
    ("length with a sign", post(b"Content-Length: +5", body=SECOND, length=False), {400}),
    ("length with a space in it", post(b"Content-Length: 1 0", body=SECOND, length=False), {400}),
    ("length below zero", post(b"Content-Length: -1", body=SECOND, length=False), {400}),
    ("length beyond 64 bits",
     post(b"Content-Length: 18446744073709551617", body=SECOND, length=False), {400, 413}),
    ("space before the colon", post(b"Content-Length : 500", body=SECOND, length=False), {400}),
    ("tab before the colon", post(b"Transfer-Encoding\t: chunked", body=SECOND, length=0), {400}),
    ("codings that are alike", post(b"Transfer-Encoding: xchunked", body=SECOND, length=False),
     {400}),
    ("two codings", post(b"Transfer-Encoding: gzip, chunked", body=SECOND, length=False),
     {400, 413}),
    ("chunked twice", post(b"Transfer-Encoding: chunked, chunked", body=SECOND, length=False),
     {400}),
    ("coding in quotes", post(b'Transfer-Encoding: "chunked"', body=SECOND, length=False), {400}),
    ("chunk beyond 64 bits", chunked(b"10000000000000000\r\n" + SECOND), {400, 413}),
    ("chunk below zero", chunked(b"-1\r\n" + SECOND), {400, 413}),
    ("chunk in no number", chunked(b"zz\r\n" + SECOND), {400, 413}),
    ("GET with a body", post(method=b"GET", body=SECOND), {400}),
    ("DELETE with a body", post(method=b"DELETE", target=b"/policies?id=good", body=b"[]"), {400}),
    ("a header over two lines", post(b"X: a\r\n Content-Length: 0"), {400, 201, 200}),
    ("a header without a name", post(b": x"), {400}),
    ("a header with a NUL", post(b"X\0Y: z"), {400}),
    ("CONNECT", post(method=b"CONNECT", target=b"localhost:80", body=SECOND), {400, 501}),

    # ---- too large, too small
    ("headers too long", post(b"X: " + b"x" * 20000), {400}),
    ("ten thousand headers", post(*[b"X%d: y" % i for i in range(10000)]), {400, None}),
    ("target too long", post(target=b"/policies/" + b"x" * 20000), {400}),
    ("id too long", post(method=b"PUT", target=b"/policies/" + b"x" * 200), {422}),
    ("body too large", post(body=b" " * 1100000), {413}),
    ("body said to be too large", post(length=1 << 40, body=b""), {413}),
    ("chunks too large", chunked(b"110000\r\n" + b" " * 0x110000 + b"\r\n0\r\n\r\n"), {413}),
    ("half a request line", b"POST /pol", {None}),
    ("half of the headers", post()[:60], {None}),
    ("half of the body", post(length=len(EVIL) + 10), {None}),
    ("half of the chunks", chunked(b"%x\r\n%s" % (len(EVIL) + 10, EVIL)), {None}),
    ("no body", post(body=b""), {400}),

    # ---- what is no JSON, or more than that
    ("half of JSON", post(body=EVIL[:-1]), {400}),
    ("JSON and more", post(body=EVIL + EVIL), {400}),
    ("a comma too many", post(body=EVIL[:-1] + b",}"), {400}),
    ("a comment", post(body=b"/* x */" + EVIL), {400}),
    ("duplicate keys", post(body=EVIL[:-1] + b',"id":"other"}'), {400}),
    ("duplicate keys, one escaped", post(body=EVIL[:-1] + b',"\\u0069d":"other"}'), {400}),
    ("deep arrays", post(body=b"[" * 100000 + b"]" * 100000), {400}),
    ("deep objects", post(body=b'{"a":' * 50000 + b"1" + b"}" * 50000), {400}),
    ("UTF-16", post(body=EVIL.decode().encode("utf-16")), {400}),
    ("UTF-32", post(body=EVIL.decode().encode("utf-32")), {400}),
    ("Latin-1", post(body=EVIL[:-1] + b',"description":"\xe9"}'), {400}),
    ("overlong UTF-8", post(body=EVIL[:-1] + b',"description":"\xc0\xaf"}'), {400}),
    ("half a surrogate", post(body=EVIL[:-1] + b',"description":"\\ud800"}'), {400}),
    ("a NUL", post(body=EVIL[:-1] + b',"description":"a\\u0000b"}'), {400, 422}),
    ("a raw control character", post(body=EVIL[:-1] + b',"description":"a\nb"}'), {400}),
    ("no number", post(body=EVIL[:-1] + b',"priority":NaN}'), {400}),
    ("a number without end", post(body=EVIL[:-1] + b',"priority":1e400}'), {400, 422}),
    ("a number of a million digits", post(body=EVIL[:-1] + b',"priority":' + b"9" * 1000000 + b"}"),
     {400, 422}),
    ("packed", post(b"Content-Encoding: gzip", body=b"\x1f\x8b" + b"\0" * 20), {415}),
    ("__proto__", post(body=EVIL[:-1] + b',"__proto__":{"a":1}}'), {422}),

    # ---- paths
    ("dots", post(method=b"DELETE", target=b"/policies/x/../good", body=b"", length=0), {404}),
    ("encoded dots", post(method=b"DELETE", target=b"/policies/%2e%2e/policies/good", body=b"",
                          length=0), {404}),
    ("encoded slash", post(method=b"DELETE", target=b"/policies%2fgood", body=b"", length=0), {404}),
    ("two slashes", post(method=b"DELETE", target=b"/policies//good", body=b"", length=0), {404}),
    ("backslash", post(method=b"DELETE", target=b"/policies\\good", body=b"", length=0), {404, 400}),
    ("capitals", post(method=b"DELETE", target=b"/POLICIES/good", body=b"", length=0), {404}),
    ("parameters of a segment", post(method=b"DELETE", target=b"/policies;x/good", body=b"",
                                     length=0), {404}),
    ("a NUL in the path", post(method=b"DELETE", target=b"/policies/good%00x", body=b"", length=0),
     {400}),
    ("half an escape", post(method=b"DELETE", target=b"/policies/good%4", body=b"", length=0),
     {404, 400}),
    ("a file", post(method=b"GET", target=b"/../../etc/pepctl/tokens.json", body=b"", length=0),
     {404}),
    ("another scheme", post(method=b"GET", target=b"file:///etc/passwd", body=b"", length=0),
     {400, 404, 421}),
    ("an id that is a path", post(method=b"PUT", target=b"/policies/..%2f..%2fx"), {422}),
    ("a set that is a path", post(method=b"PUT", target=b"/sets/..%2f..%2fetc%2fx",
                                  body=b'{"entries":[]}'), {422}),
    ("a parameter twice", post(method=b"DELETE", target=b"/policies?id=good&dry_run=true&"
                               b"dry_run=false", body=b"", length=0), {400}),

    # ---- web pages
    ("another host", post(b"Host: evil.example"), {421}),
    ("two hosts", post(b"Host: localhost\r\nHost: evil.example"), {400}),
    ("a host with a user", post(b"Host: localhost@evil.example"), {421}),
    ("a form", post(b"Content-Type: application/x-www-form-urlencoded"), {415}),
    ("a form in parts", post(b"Content-Type: multipart/form-data; boundary=x"), {415}),
    ("a form as text", post(b"Content-Type: text/plain"), {415}),
    ("a type of two", post(b"Content-Type: text/plain, application/json"), {415}),
    ("no type", post(b"Content-Type: "), {415}),
    ("asking whether another site may", post(b"Origin: http://evil.example",
                                             b"Access-Control-Request-Method: DELETE",
                                             method=b"OPTIONS", body=b"", length=0), {405}),
    ("another method in a header", post(b"X-HTTP-Method-Override: DELETE", method=b"GET",
                                        target=b"/policies/good", body=b"", length=0), {200}),

    # ---- tokens
    ("two tokens", post(b"Authorization: Bearer TOKEN"), {400}),
    ("a token in the target", post(target=b"/policies?access_token=TOKEN").replace(
        b"Authorization: Bearer TOKEN\r\n", b""), {401}),
    ("a token as a cookie", post(b"Cookie: token=TOKEN").replace(
        b"Authorization: Bearer TOKEN\r\n", b""), {401}),
    ("a token as a password", post(b"Authorization: Basic dTpUT0tFTg==").replace(
        b"Authorization: Bearer TOKEN\r\n", b""), {401}),
    ("a forged token", post().replace(b"TOKEN", b"pepctl_" + b"0" * 64), {401}),
    ("a revoked token", post().replace(b"TOKEN", b"REVOKED"), {401}),
    ("a viewer's token", post().replace(b"TOKEN", b"VIEWER"), {403}),
    ("its hash in place of a token", post().replace(b"TOKEN", b"HASH"), {401}),
]


class Hostile(HttpTest):
    CONFIG = {"server": {"max_body_bytes": 1 << 20, "timeout_seconds": 5},
              "log": {"level": "info"}}

    @classmethod
    def start(cls):
        cls.tokens_path = os.path.join(cls.daemon.directory, "tokens.json")
        cls.daemon.config["server"]["tokens_file"] = cls.tokens_path
        super().start()
        cls.secrets = {}
        for name, role in (("TOKEN", "operator"), ("VIEWER", "viewer"), ("REVOKED", "operator")):
            made = cls.daemon.run_client("token", "create", name, role, "--file", cls.tokens_path)
            cls.secrets[name.encode()] = made.stdout.strip().encode()
        cls.daemon.run_client("token", "revoke", "REVOKED", "--file", cls.tokens_path)
        with open(cls.tokens_path) as file:
            cls.secrets[b"HASH"] = json.load(file)["tokens"][0]["sha256"].encode()

    def setUp(self):
        super().setUp()
        self.daemon.put(GOOD)

    def filled_in(self, data):
        for name, secret in self.secrets.items():
            data = data.replace(name, secret)
        return data

    def exchange(self, data):
        """The status, or None; whatever else comes before the end is a second answer."""
        with contextlib.closing(self.connect(tcp=True)) as connection:
            with contextlib.suppress(OSError):  # it may have had enough before the end
                connection.sendall(self.filled_in(data))
                connection.shutdown(socket.SHUT_WR)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while True:
                    more = connection.recv(65536)
                    if not more:
                        break
                    received += more
        return received

    def test_kinds(self):
        before = self.state()
        for what, data, statuses in HOSTILE:
            with self.subTest(what):
                received = self.exchange(data)
                found = re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)
                status = int(found[0]) if found else None
                self.assertIn(status, statuses, received[:500])
                self.assertLessEqual(len(found), 1, received[:2000])
                if status and status >= 400 and b"OPTIONS" not in data:
                    self.assertIn(b"application/problem+json", received)
                self.assertNotIn(b"Access-Control-Allow", received)
                if status not in (200, 201):
                    self.assertEqual(before, self.state())
                self.daemon.put(GOOD)
                before = self.state()
        self.assertGreaterEqual(len(HOSTILE), 50)

    def test_the_frame_of_the_kinds_is_right(self):
        """What they change is really what makes them fail."""
        self.assertIn(b" 200 ", self.exchange(post())[:20])
        self.assertEqual("evil", self.daemon.policy("evil")["id"])
        self.assertIn(b" 200 ", self.exchange(SECOND)[:20])
        self.assertEqual(404, self.daemon.request("GET", "/policies/good").status)
        body = chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(EVIL), EVIL))
        self.assertIn(b" 200 ", self.exchange(body)[:20])

    def test_each_refusal_is_in_the_audit_log(self):
        """But for those that are too many at once, which are counted."""
        def refusals():
            return sum(record.get("refusals_left_out", 0) + (record["result"] == "refused")
                       for record in self.daemon.audit())
        self.daemon.write("POST", "/reset")  # tells how many were left out before
        before = refusals()
        kinds = [data for _, data, statuses in HOSTILE
                 if None not in statuses and 200 not in statuses and data[:3] != b"GET" and
                 data[:7] != b"CONNECT"]  # behind which nothing can be read
        for data in kinds:
            self.exchange(data)
        self.daemon.write("POST", "/reset")
        self.assertEqual(len(kinds), refusals() - before)


class Load(PepctlTest):
    """Numbers that are hostile; the daemon guards its interface and its memory meanwhile."""
    POLICIES = [block("b", protocol="UDP", dport=53)]
    READERS, CONNECTIONS, SLOW = 1000, 10000, 1000
    MEMORY_KIB = 65536

    CONFIG = {"server": {"timeout_seconds": 2, "max_connections": 1100}, "log": {"level": "warn"}}

    @classmethod
    def start(cls):
        cls.daemon.config["server"]["listen"].append("127.0.0.1:%d" % PORT)
        cls.daemon.write_config()
        super().start()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = min(hard, cls.CONNECTIONS + 1000)
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    def memory(self):
        """(now, at most), of what is the process's own."""
        status = self.lab.host.read("/proc/%d/status" % self.daemon.pid)
        values = dict(line.split(":", 1) for line in status.splitlines())
        return tuple(int(values[key].split()[0]) for key in ("VmRSS", "VmHWM"))

    def connect(self, blocking=True):
        connection = self.lab.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(20)
        if not blocking:
            connection.setblocking(False)
        error = connection.connect_ex(("127.0.0.1", PORT))
        if error not in (0, errno.EINPROGRESS):
            connection.close()
            raise OSError(error, os.strerror(error))
        return connection

    def assert_guarded(self):
        """It enforces, and who has the socket is not delayed."""
        self.assert_ingress(("blocked", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), False),
                            ("allowed", packets.udp(PEER4, NOBODY4, 1, 54, b"x"), True))
        begin = time.monotonic()
        self.daemon.put(block("p", src="203.0.113.1"))
        self.daemon.put()
        took = time.monotonic() - begin
        self.assertLess(took, 2)
        return took

    def report(self, what, took):
        now, most = self.memory()
        print("%s: two changes take %.3f s, memory %d kB, at most %d" % (what, took, now, most))
        if os.environ.get("SANITIZERS", "no") == "no":
            self.assertLess(most, self.MEMORY_KIB)

    def test_keep_alive_readers(self):
        request = b"GET /policies HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with contextlib.ExitStack() as stack:
            readers = [stack.enter_context(contextlib.closing(self.connect()))
                       for _ in range(self.READERS)]
            began = time.monotonic()
            for _ in range(3):
                for connection in readers:
                    connection.sendall(request)
                for connection in readers:
                    self.assertEqual(200, read_answer(connection, request).status)
            seconds = time.monotonic() - began
            for connection in readers:
                connection.sendall(request)
            took = self.assert_guarded()
            self.report("%d readers, %.0f requests a second" %
                        (self.READERS, 3 * self.READERS / seconds), took)

    def test_connections_at_once(self):
        with contextlib.ExitStack() as stack:
            connections = []
            for _ in range(self.CONNECTIONS):
                connections.append(stack.enter_context(contextlib.closing(self.connect(False))))
            took = self.assert_guarded()
            accepted = len(os.listdir("/proc/%d/fd" % self.daemon.pid))
            self.assertLess(accepted, 1100 + 100)
            self.report("%d connections" % self.CONNECTIONS, took)
        def served():
            with contextlib.suppress(OSError), contextlib.closing(self.connect()) as connection:
                request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
                connection.sendall(request)
                return read_answer(connection, request).status == 200
            return False
        wait_until(served, "others are served again", 30)

    def test_slow_senders(self):
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(contextlib.closing(self.connect()))
                    for _ in range(self.SLOW)]
            for connection in slow:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
            took = self.assert_guarded()
            poll = select.poll()
            for connection in slow:
                poll.register(connection, select.POLLIN)
            ended = set()

            def all_ended():
                for connection in slow:
                    if connection.fileno() not in ended:
                        with contextlib.suppress(OSError):
                            connection.send(b"a")
                ended.update(fd for fd, _ in poll.poll(100))
                return len(ended) == len(slow)
            wait_until(all_ended, lambda: "%d of %d are ended" % (len(ended), len(slow)), 20)
            self.report("%d slow senders" % self.SLOW, took)


if __name__ == "__main__":
    main()
