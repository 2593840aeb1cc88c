#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Tokens: who may do what by TCP, from the command that makes one to the one that revokes it."""
import contextlib
import os
import shlex
import stat
import threading

from harness import block, daemons, main, wait_until
from http_api import PORT, HttpTest, read_answer

GOOD = block("good", src="10.0.0.0/8")


class WithTokens(HttpTest):
    CONFIG = {"server": {"max_body_bytes": 1 << 20, "max_connections": 32, "anonymous": "metrics"}}

    @classmethod
    def start(cls):
        cls.path = os.path.join(cls.daemon.directory, "tokens.json")
        cls.daemon.config["server"]["tokens_file"] = cls.path
        super().start()

    def tearDown(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.daemon.write("POST", "/reload?only=credentials")

    def token_command(self, *arguments):
        return self.daemon.run_client("token", *arguments, "--file", self.path)

    def create(self, *arguments):
        made = self.token_command("create", *arguments)
        self.assertEqual(0, made.returncode, made)
        return made.stdout.strip()

    def bearer(self, token):
        return {"Authorization": "Bearer " + token}


class Tokens(WithTokens):
    def client(self, token, *arguments):
        """`pepctl --url` as on another machine: in the daemon's namespace, with no socket."""
        file = os.path.join(self.daemon.directory, "token")
        with open(file, "w") as out:
            out.write(token + "\n")
        command = ["--url", "http://127.0.0.1:%d" % PORT, "--token-file", file]
        return self.lab.host.popen([daemons.program(), *arguments, *command],
                                   stdout=-1, stderr=-1, text=True)

    # ---- roles

    def test_roles(self):
        viewer, operator = self.create("watcher"), self.create("ci", "operator")
        for method, path, nobody, by_viewer, by_operator in (
                ("GET", "/health", 200, 200, 200), ("GET", "/metrics", 200, 200, 200),
                ("GET", "/stats", 401, 200, 200), ("GET", "/policies", 401, 200, 200),
                ("GET", "/events?verdict=no", 401, 400, 400),
                ("POST", "/policies", 401, 403, 200), ("PUT", "/policies/p", 401, 403, 201),
                ("DELETE", "/policies/p", 401, 403, 200), ("POST", "/reset", 401, 403, 200),
                ("POST", "/reload", 401, 403, 200), ("GET", "/nothing", 404, 404, 404),
                ("PATCH", "/policies", 405, 405, 405)):
            body = {"action": "BLOCK", "dst": {"port": 23}, "protocol": "TCP"}
            if method == "POST":
                body = [GOOD]
            if method in ("GET", "DELETE"):
                body = None
            for headers, status in (({}, nobody), (self.bearer(viewer), by_viewer),
                                    (self.bearer(operator), by_operator)):
                with self.subTest("%s %s %d" % (method, path, status)):
                    before = self.state()
                    answer = self.tcp(method, path, body, headers)
                    self.assertEqual(status, answer.status, answer)
                    if status in (401, 403):
                        self.assert_problem(answer, status)
                        self.assertEqual(before, self.state())
                        self.assertTrue(answer.headers["Www-Authenticate"].startswith(
                            'Bearer realm="pepctl"'), answer.headers)

    def test_what_is_shown_and_not_valid(self):
        """Also where nothing would have had to be shown; nobody learns why."""
        token = self.create("ci", "operator")
        for value in (token[:-1], token + "0", token.upper(), token + " " + token,
                      "pepctl_" + "0" * 64, "", "x" * 4000, "\x7f", token.replace("_", "%5f")):
            for path in ("/health", "/stats"):
                with self.subTest(value[:80]):
                    answer = self.tcp("GET", path, headers=self.bearer(value))
                    self.assert_problem(answer, 401, "pepctl token")
                    self.assertIn("invalid_token", answer.headers["Www-Authenticate"])
        for value in ("Basic " + token, token, "Bearer" + token, "Bearer\t" + token, "Bearer",
                      "Digest username=a"):
            with self.subTest(value[:40]):
                self.assert_problem(self.tcp("GET", "/health", headers={"Authorization": value}),
                                    401)
        for value in ("bearer " + token, "BEARER   " + token):
            with self.subTest(value[:40]):
                answer = self.tcp("POST", "/reset", {}, {"Authorization": value})
                self.assertEqual(200, answer.status, answer)
        two = {"Authorization": "Bearer %s\r\nAuthorization: Bearer %s" % (token, token)}
        self.assert_problem(self.tcp("POST", "/reset", {}, two), 400, "Authorization")

    def test_other_checks_hold_with_a_token_too(self):
        operator = self.bearer(self.create("ci", "operator"))
        before = self.state()
        for method, path, headers, status in (
                ("POST", "/policies", {"Host": "evil.example"}, 421),
                ("POST", "/policies", {"Content-Type": "text/plain"}, 415),
                ("POST", "/policies", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
                ("POST", "/policies", {"Content-Type": None}, 415),
                ("PATCH", "/policies/good", {"Content-Type": "application/json"}, 415)):
            with self.subTest("%s %s" % (method, headers)):
                answer = self.tcp(method, path, [GOOD], {**operator, **headers})
                self.assert_problem(answer, status)
        self.assertEqual(before, self.state())

    def test_without_tokens_the_listener_is_read_only(self):
        answer = self.tcp("POST", "/reset", {})
        self.assert_problem(answer, 403, "read-only", "curl --unix-socket")
        self.assertNotIn("Www-Authenticate", answer.headers)

    def test_the_curl_line_of_a_refusal_works(self):
        self.create("ci", "operator")
        detail = self.tcp("POST", "/reset", {}).json["detail"]
        line = detail[detail.index("curl "):]
        self.assertIn("success", self.lab.host.run(*shlex.split(line), "-sS"))

    def test_who_did_it_is_in_the_log(self):
        operator = self.bearer(self.create("ci", "operator"))
        self.assertEqual(200, self.tcp("POST", "/policies", [GOOD], operator).status)
        self.assertRegex(self.daemon.log(), r"POST /policies by the token ci from 127\.0\.0\.1:\d+")

    def test_readers_of_events_leave_room_for_the_socket(self):
        request = (b"GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n" %
                   self.create("watcher").encode())
        with contextlib.ExitStack() as stack:
            for number in range(9):
                connection = stack.enter_context(contextlib.closing(self.connect(tcp=True)))
                connection.sendall(request)
                self.assertIn(b" 200 " if number < 8 else b" 503 ", connection.recv(100)[:20])
            events = [self.daemon.events() for _ in range(8)]
            for reader in events:
                stack.callback(reader.close)
            self.assertEqual(503, self.daemon.request("GET", "/events").status)

    # ---- bodies

    def test_only_an_operator_sends_a_long_body(self):
        """Whoever else does is refused before it is in memory."""
        viewer, operator = self.create("watcher"), self.create("ci", "operator")
        many = [block("p%04d" % i, description="x" * 200) for i in range(1500)]
        for headers in ({}, self.bearer(viewer), self.bearer(operator[:-1])):
            self.assert_problem(self.tcp("PUT", "/policies", many, headers), 413, "operator's token")
        answer = self.tcp("PUT", "/policies", many, self.bearer(operator))
        self.assertEqual((200, 1500), (answer.status, answer.json["created"]), answer)

    def test_a_token_that_comes_bit_by_bit(self):
        operator = self.create("ci", "operator")
        body = b"[" + b" " * 100000 + b"]"
        head = ("PUT /policies HTTP/1.1\r\nHost: localhost\r\nauthorization:  bearer %s\r\n"
                "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" %
                (operator, len(body))).encode()
        with contextlib.closing(self.connect(tcp=True)) as connection:
            connection.setsockopt(6, 1, 1)  # TCP_NODELAY
            for start in range(0, len(head), 7):
                connection.sendall(head[start:start + 7])
            connection.sendall(body)
            self.assertEqual(200, read_answer(connection, head + body).status)

    def test_a_token_in_a_body_is_none(self):
        operator = self.create("ci", "operator")
        text = "[]\r\nAuthorization: Bearer %s\r\n" % operator
        answer = self.raw(("PUT /policies HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
                           "Content-Type: application/json\r\n\r\n%s" %
                           (len(text), text)).encode(), tcp=True)
        self.assert_problem(answer, 401)

    # ---- the command

    def test_a_life(self):
        token = self.create("ci", "operator")
        self.assertRegex(token, "^pepctl_[0-9a-f]{64}$")
        status = os.stat(self.path)
        self.assertEqual(0o640, stat.S_IMODE(status.st_mode))
        with open(self.path) as file:
            self.assertNotIn(token[7:], file.read())
        self.assertIn("ci ", self.token_command("list").stdout)
        reset = {"method": "POST", "path": "/reset", "body": {}, "headers": self.bearer(token)}
        self.assertEqual(200, self.tcp(**reset).status)
        again = self.token_command("create", "ci")
        self.assertEqual(1, again.returncode)
        self.assertIn("revoke ci", again.stderr)
        revoked = self.token_command("revoke", "ci")
        self.assertEqual(0, revoked.returncode, revoked)
        self.assert_problem(self.tcp(**reset), 401)
        self.assertNotIn("ci", self.token_command("list").stdout)
        self.assertEqual(1, self.token_command("revoke", "ci").returncode)

    def test_revoking_waits_for_no_other_file(self):
        token = self.create("ci", "operator")
        self.addCleanup(self.daemon.write_policies, [])
        with open(self.daemon.policies_path, "w") as file:
            file.write("unfinished")
        self.assertEqual(0, self.token_command("revoke", "ci").returncode)
        self.assert_problem(self.tcp("GET", "/health", headers=self.bearer(token)), 401)

    def test_dry_runs_change_nothing(self):
        self.create("ci")
        with open(self.path) as file:
            before = file.read()
        self.assertIn("would be", self.token_command("create", "b", "--dry-run").stdout)
        self.assertIn("would be", self.token_command("revoke", "ci", "--dry-run").stdout)
        with open(self.path) as file:
            self.assertEqual(before, file.read())

    def test_another_file_than_the_daemons(self):
        other = os.path.join(self.daemon.directory, "other.json")
        made = self.daemon.run_client("token", "create", "x", "--file", other)
        self.assertEqual(0, made.returncode)
        self.assertIn("the daemon reads " + self.path, made.stderr)

    def test_a_bad_file(self):
        """A reload refuses it and keeps the tokens; so does the command; a check says so."""
        token = self.create("ci", "operator")
        with open(self.path, "a") as file:
            file.write("x")
        for path in ("/reload", "/reload?only=credentials"):
            self.assert_problem(self.daemon.request("POST", path), 422, self.path)
        self.assertEqual(1, self.token_command("create", "b").returncode)
        self.assertEqual(1, self.token_command("list").returncode)
        self.assertEqual(200, self.tcp("GET", "/stats", headers=self.bearer(token)).status)
        self.daemon.stop()
        self.daemon.start()  # enforcement does not wait for it: nobody is known
        self.daemon.wait_attached(self.lab.DEVICE)
        self.assertIn("nobody is known", str(self.daemon.get("/health")["warnings"]))
        self.assert_problem(self.tcp("GET", "/stats", headers=self.bearer(token)), 401)
        check = self.lab.host.popen([daemons.program(), "--config", self.daemon.config_path,
                                     "--check"], stdout=-1, stderr=-1, text=True)
        said = check.communicate()[1]
        self.assertEqual(78, check.returncode, said)
        self.assertIn(self.path, said)

    # ---- the client

    def test_the_client_with_a_token(self):
        viewer, operator = self.create("watcher"), self.create("ci", "operator")
        for token, arguments, status, words in (
                (operator, ["add", "far", "block", "in", "proto", "tcp", "to", "any", "port", "23"],
                 0, "added far"),
                (viewer, ["list"], 0, "far"),
                (viewer, ["delete", "far"], 4, "operator's"),
                ("pepctl_forged", ["list"], 4, "no token that is valid"),
                (operator, ["delete", "far"], 0, "--token-file")):
            with self.subTest(arguments):
                process = self.client(token, *arguments)
                out, err = process.communicate()
                self.assertEqual(status, process.returncode, out + err)
                self.assertIn(words, out + err)


class Large(WithTokens):
    """With so many policies that a reload takes a while."""
    CONFIG = dict(WithTokens.CONFIG, policy={"capacity": 100000})

    def processor_time(self):
        with open("/proc/%d/stat" % self.daemon.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_revoked_while_policies_are_compiled(self):
        """A reload under way brings back no token that it has read before."""
        token = self.create("late", "operator")
        self.daemon.write_policies([block("p%d" % n, src="10.0.%d.%d" % divmod(n, 256),
                                          dst="192.%d.0.0/16" % (n % 200))
                                    for n in range(30000)])
        began = self.processor_time()
        thread = threading.Thread(target=self.daemon.request, args=("POST", "/reload"))
        thread.start()
        wait_until(lambda: self.processor_time() > began + 0.5, "the reload is under way")
        revoked = self.token_command("revoke", "late")
        thread.join()
        self.assertEqual(0, revoked.returncode, revoked)
        self.assertEqual(401, self.tcp("GET", "/stats", headers=self.bearer(token)).status)


if __name__ == "__main__":
    main()
