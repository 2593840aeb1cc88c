#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Listeners that other machines can reach: TLS, and nobody there is anonymous."""
import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

from harness import SKIPPED, PepctlTest, block, daemons, main, network, wait_until
from http_api import read_answer

TLS_PORT = 8443
GOOD = block("good", src="203.0.113.0/24")


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.path = self.file(name, "pem")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", self.file(name, "key"), "-out", self.path, "-days", "2",
                     "-subj", "/CN=" + name)

    def file(self, name, ending):
        return os.path.join(self.directory, name + "." + ending)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def issue(self, name, subject=None, san=None, days=1):
        """Certificate and key, the paths of both."""
        request, extensions = self.file(name, "csr"), self.file(name, "ext")
        certificate, key = self.file(name, "pem"), self.file(name, "key")
        with open(extensions, "w") as file:
            file.write("subjectAltName=%s\n" % san if san else "basicConstraints=CA:FALSE\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", key, "-out", request, "-subj", subject or "/CN=" + name)
        self.openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey",
                     self.file(self.name, "key"), "-CAcreateserial", "-days", str(days),
                     "-extfile", extensions, "-out", certificate)
        os.chmod(key, 0o640)
        return certificate, key


class TlsTest(PepctlTest):
    CONFIG = {"server": {"max_body_bytes": 1 << 20, "max_connections": 32, "timeout_seconds": 2}}
    OPERATORS = ["boss"]

    @classmethod
    def start(cls):
        cls.ca = Authority(cls.daemon.directory, "authority")
        cls.certificate, cls.key = cls.ca.issue(
            "server", san="IP:%s,IP:%s,DNS:fw.example" % (cls.lab.HOST4, cls.lab.HOST6))
        cls.tokens_path = os.path.join(cls.daemon.directory, "tokens.json")
        server = cls.daemon.config["server"]
        server["tokens_file"] = cls.tokens_path
        server["tls"] = {"cert": cls.certificate, "key": cls.key, "client_ca": cls.ca.path,
                         "operators": cls.OPERATORS}
        server["allowed_hosts"] = ["fw.example"]
        server["listen"] += ["0.0.0.0:%d" % TLS_PORT, "[%s]:%d" % (cls.lab.HOST6, TLS_PORT)]
        cls.daemon.write_config()
        super().start()
        cls.operator, cls.viewer = cls.create("ci", "operator"), cls.create("watcher")

    @classmethod
    def create(cls, *arguments):
        made = cls.daemon.run_client("token", "create", *arguments, "--file", cls.tokens_path)
        if made.returncode:
            raise AssertionError(made.stderr)
        return made.stdout.strip()

    def context(self, *certificate):
        context = ssl.create_default_context(cafile=self.ca.path)
        if certificate:
            context.load_cert_chain(*certificate)
        return context

    def connect(self, host=None):
        host = host or self.lab.HOST4
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        connection = self.lab.peer.socket(family, socket.SOCK_STREAM)
        connection.settimeout(10)
        try:
            connection.connect((host, TLS_PORT))
        except OSError:
            connection.close()
            raise
        return connection

    def secure(self, context=None, host=None):
        context = context or self.context()
        return context.wrap_socket(self.connect(host), server_hostname=host or self.lab.HOST4)

    def ask(self, method, path, body=None, headers=None, **how):
        """From the other machine, over TLS."""
        text = json.dumps(body).encode() if body is not None else b""
        fields = {"Host": "fw.example", "Connection": "close"}
        if body is not None:
            fields.update({"Content-Type": "application/json", "Content-Length": len(text)})
        fields.update(headers or {})
        lines = ["%s %s HTTP/1.1" % (method, path)] + ["%s: %s" % field for field in fields.items()]
        with contextlib.closing(self.secure(**how)) as connection:
            data = "\r\n".join(lines).encode() + b"\r\n\r\n" + text
            connection.sendall(data)
            return read_answer(connection, data)

    def bearer(self, token):
        return {"Authorization": "Bearer " + token}


class Tls(TlsTest):
    def test_every_request_needs_something(self):
        """/health, too, and what does not exist."""
        before = self.daemon.get("/policies")["policies"]
        for method, path in (("GET", "/health"), ("GET", "/metrics"), ("GET", "/policies"),
                             ("GET", "/nothing"), ("OPTIONS", "/policies"), ("POST", "/policies"),
                             ("DELETE", "/policies?id=good"), ("GET", "/events")):
            with self.subTest("%s %s" % (method, path)):
                answer = self.ask(method, path, [GOOD] if method == "POST" else None)
                self.assertEqual(401, answer.status, answer)
                self.assertIn("Bearer", answer.headers["Www-Authenticate"])
        self.assertEqual(before, self.daemon.get("/policies")["policies"])

    def test_tokens(self):
        for host in (self.lab.HOST4, self.lab.HOST6):
            for token, read, write in ((self.operator, 200, 200), (self.viewer, 200, 403),
                                       ("pepctl_" + "0" * 64, 401, 401)):
                with self.subTest("%s %d" % (host, write)):
                    headers = self.bearer(token)
                    self.assertEqual(read, self.ask("GET", "/policies", headers=headers,
                                                    host=host).status)
                    answer = self.ask("POST", "/policies", [GOOD], headers, host=host)
                    self.assertEqual(write, answer.status, answer)

    def test_certificates(self):
        for name, read, write in (("boss", 200, 200), ("guest", 200, 403)):
            with self.subTest(name):
                context = self.context(*self.ca.issue(name))
                self.assertEqual(read, self.ask("GET", "/health", context=context).status)
                answer = self.ask("POST", "/policies", [GOOD], context=context)
                self.assertEqual(write, answer.status, answer)
        self.assertRegex(self.daemon.log(),
                         r"POST /policies by the certificate boss from 10\.77\.0\.2:\d+")
        # A token that is shown counts, and one that is not valid is refused.
        context = self.context(*self.ca.issue("boss"))
        for token, status in ((self.viewer, 403), ("x", 401)):
            answer = self.ask("POST", "/reset", {}, self.bearer(token), context=context)
            self.assertEqual(status, answer.status, answer)

    def test_a_certificate_with_two_names_is_nobodys(self):
        for subject in ("/CN=boss/CN=guest", "/CN=guest/CN=boss", "/O=boss"):
            with self.subTest(subject):
                context = self.context(*self.ca.issue("two", subject))
                self.assertEqual(401, self.ask("GET", "/health", context=context).status)

    def test_a_long_body_of_a_certificates_operator(self):
        many = [block("p%04d" % i, description="x" * 200, src="203.0.113.9") for i in range(1500)]
        for name, status in (("boss", 200), ("guest", 413)):
            context = self.context(*self.ca.issue(name))
            self.assertEqual(status, self.ask("PUT", "/policies", many, context=context).status)
        self.assertEqual(413, self.ask("PUT", "/policies", many).status)
        self.assertEqual(200, self.ask("PUT", "/policies", many, self.bearer(self.operator)).status)

    def test_certificates_of_others_are_refused_in_the_handshake(self):
        directory = tempfile.mkdtemp(dir=self.daemon.directory)
        other = Authority(directory, "other")
        expired = self.ca.issue("expired", days=-1)
        for certificate in (other.issue("boss"), expired):
            with self.subTest(certificate[0]):
                with self.assertRaises((ssl.SSLError, ConnectionError, AssertionError)):
                    self.ask("GET", "/health", context=self.context(*certificate))
        wait_until(lambda: "certificate has expired" in self.daemon.log(), "the log says why")
        records = [record for record in self.daemon.audit()
                   if "certificate is not valid" in record.get("error", "")]
        self.assertEqual(2, len(records), records)
        self.assertEqual({"10.77.0.2"}, {record["address"].split(":")[0] for record in records})
        self.assertEqual({("refused", "nobody")},
                         {(record["result"], record["caller"]) for record in records})

    def test_plain_http_is_not_spoken(self):
        with contextlib.closing(self.connect()) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                self.assertNotIn(b"pepctl", connection.recv(65536))

    def test_old_versions_are_refused(self):
        """By the system's policy; what the client allows does not matter."""
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = self.context()
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
            with self.subTest(version), self.assertRaises((ssl.SSLError, ConnectionError)):
                self.secure(context).close()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context()
            context.minimum_version = context.maximum_version = version
            with self.subTest(version), contextlib.closing(self.secure(context)) as connection:
                self.assertIn(connection.version(), ("TLSv1.2", "TLSv1.3"))

    def test_weak_ciphers_are_refused(self):
        context = self.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("aNULL:eNULL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.secure(context).close()

    def test_host_is_checked_too(self):
        headers = dict(self.bearer(self.operator), Host="evil.example")
        self.assertEqual(421, self.ask("GET", "/health", headers=headers).status)

    def test_keep_alive_and_a_proper_end(self):
        request = (b"GET /health HTTP/1.1\r\nHost: fw.example\r\n"
                   b"Authorization: Bearer %s\r\n" % self.viewer.encode())
        with contextlib.closing(self.secure()) as connection:
            for end in (b"\r\n", b"\r\n", b"\r\n", b"Connection: close\r\n\r\n"):
                connection.sendall(request + end)
                self.assertEqual(200, read_answer(connection, request + end).status)
            self.assertEqual(b"", connection.recv(1))  # else SSLEOFError: a truncated answer

    def test_a_malformed_request_gets_its_problem(self):
        with contextlib.closing(self.secure()) as connection:
            connection.sendall(b"hello\r\n\r\n")
            answer = read_answer(connection, b"hello\r\n\r\n")
            self.assertEqual((400, "application/problem+json"),
                             (answer.status, answer.headers["Content-Type"]))
            with contextlib.suppress(ssl.SSLError):
                self.assertEqual(b"", connection.recv(1))

    def test_half_a_handshake_and_silence_time_out(self):
        hello = ssl.MemoryBIO()
        half = self.context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="fw.example")
        with contextlib.suppress(ssl.SSLWantReadError):
            half.do_handshake()
        record = hello.read()
        for start in (b"", b"\x16", record[:50], record):
            with self.subTest(start[:8]), contextlib.closing(self.connect()) as connection:
                connection.sendall(start)
                begin = time.monotonic()
                with contextlib.suppress(ConnectionError):
                    while connection.recv(65536):
                        pass
                self.assertLess(time.monotonic() - begin, 9)
        self.assertEqual(200, self.ask("GET", "/health", headers=self.bearer(self.viewer)).status)

    def test_events_with_a_token_until_it_is_revoked(self):
        token = self.create("reader")
        with contextlib.closing(self.secure()) as connection:
            connection.sendall(b"GET /events HTTP/1.1\r\nHost: fw.example\r\n"
                               b"Authorization: Bearer %s\r\n\r\n" % token.encode())
            data = b""
            while b"events of pepctl" not in data:
                data += connection.recv(4096)
            # Longer than ten times the time that other answers may take.
            connection.settimeout(45)
            while b"still here" not in data:
                data += connection.recv(4096)
            revoked = self.daemon.run_client("token", "revoke", "reader", "--file",
                                             self.tokens_path)
            self.assertEqual(0, revoked.returncode, revoked)
            connection.settimeout(5)
            with contextlib.suppress(ssl.SSLError):
                while connection.recv(4096):
                    pass

    def test_the_client(self):
        file = os.path.join(self.daemon.directory, "token")
        with open(file, "w") as out:
            out.write(self.operator)
        boss, guest = self.ca.issue("boss"), self.ca.issue("guest")
        both = os.path.join(self.daemon.directory, "both.pem")
        with open(both, "w") as out:
            for path in boss:
                with open(path) as part:
                    out.write(part.read())
        url = ["--url", "https://%s:%d" % (self.lab.HOST4, TLS_PORT)]
        trusted = ["--cacert", self.ca.path]
        for arguments, options, status, words in (
                (["add", "far", "block", "in", "proto", "udp", "to", "any", "port", "9"],
                 url + trusted + ["--token-file", file], 0, "--cacert"),
                (["list"], url + trusted + ["--cert", guest[0], "--key", guest[1]], 0, "far"),
                (["delete", "far"], url + trusted + ["--cert", guest[0], "--key", guest[1]], 4,
                 "operator"),
                (["delete", "far"], url + trusted + ["--cert", both], 0, "deleted"),
                (["list"], url + trusted, 4, "every request here needs a token"),
                (["list"], url + ["--token-file", file], 1, "--cacert FILE names"),
                (["list"], url + ["--cacert", "/nonexistent"], 1, "No such file"),
                (["list"], ["--url", "https://[%s]:%d" % (self.lab.HOST6, TLS_PORT), *trusted,
                            "--token-file", file], 0, "no policies"),
                (["list"], ["--url", "https://127.0.0.1:%d" % TLS_PORT, *trusted], 3, "no daemon"),
                (["list"], ["--url", "http://%s:%d" % (self.lab.HOST4, TLS_PORT)], 1, "")):
            with self.subTest(" ".join(arguments + options)):
                process = self.lab.peer.popen([daemons.program(), *arguments, *options],
                                              stdout=-1, stderr=-1, text=True)
                out, err = process.communicate(timeout=30)
                self.assertEqual(status, process.returncode, out + err)
                self.assertIn(words, out + err)

    def test_the_client_does_not_take_another_machines_certificate(self):
        port = TLS_PORT + 1
        with self.lab.host:
            listener = socket.create_server((self.lab.HOST4, port))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.ca.issue("elsewhere", san="DNS:elsewhere.example"))
        seen = []

        def serve():
            with contextlib.suppress(ssl.SSLError, OSError):
                with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                    seen.append(connection.recv(100))
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        process = self.lab.peer.popen(
            [daemons.program(), "list", "--cacert", self.ca.path, "--url",
             "https://%s:%d" % (self.lab.HOST4, port)], stdout=-1, stderr=-1, text=True)
        err = process.communicate(timeout=30)[1]
        thread.join(10)
        listener.close()
        self.assertEqual(1, process.returncode)
        self.assertIn("mismatch", err)
        self.assertFalse([data for data in seen if data])


class Crowd(TlsTest):
    """Handshakes cost time and memory; they delay nobody on the socket."""
    CONFIG = {"server": {"max_connections": 600, "timeout_seconds": 5}, "log": {"level": "warn"}}

    def test_many_at_once(self):
        hello = ssl.MemoryBIO()
        half = self.context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="fw.example")
        with contextlib.suppress(ssl.SSLWantReadError):
            half.do_handshake()
        record = hello.read()
        context = self.context()
        with contextlib.ExitStack() as stack:
            for _ in range(250):
                stack.enter_context(contextlib.closing(self.secure(context)))
            half_open = [stack.enter_context(contextlib.closing(self.connect()))
                         for _ in range(300)]
            for connection in half_open:
                connection.sendall(record)
            begin = time.monotonic()
            self.daemon.put(GOOD)
            took = time.monotonic() - begin
            status = self.lab.host.read("/proc/%d/status" % self.daemon.pid)
            peak = int(next(line.split()[1] for line in status.splitlines()
                            if line.startswith("VmHWM")))
            print("250 connections and 300 handshakes: a change takes %.3f s, memory %d kB" %
                  (took, peak))
            self.assertLess(took, 1)
            if os.environ.get("SANITIZERS", "no") == "no":
                self.assertLess(peak, 65536)


class Reload(TlsTest):
    """Certificates change while the daemon runs."""

    def served(self):
        with contextlib.closing(self.secure()) as connection:
            return connection.getpeercert()["serialNumber"]

    def served_by_now(self):
        """A connection that begins just then is ended, too."""
        with contextlib.suppress(OSError):
            return self.served()
        return self.serial

    def replace(self, source, target):
        shutil.copy(source, target + ".new")
        os.rename(target + ".new", target)

    def test_reload_takes_new_certificates(self):
        before = self.serial = self.served()
        new = self.ca.issue("renewed", san="IP:" + self.lab.HOST4)
        for path, target in zip(new, (self.certificate, self.key)):
            self.replace(path, target)
        self.assertEqual(before, self.served())
        with contextlib.closing(self.secure()) as idle:
            self.daemon.process.send_signal(1)  # SIGHUP
            wait_until(lambda: self.served_by_now() != before, "the new certificate is shown")
            idle.settimeout(1)  # before its time is over
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                self.assertEqual(b"", idle.recv(1))  # what it has been let in by may be void

    def test_a_reload_with_bad_files_changes_nothing(self):
        before = self.served()
        self.replace(self.key, self.key + ".kept")
        self.replace(self.certificate, self.certificate + ".kept")
        self.addCleanup(self.replace, self.key + ".kept", self.key)
        self.addCleanup(self.replace, self.certificate + ".kept", self.certificate)
        with open(self.ca.issue("unrelated")[1], "rb") as file:
            other = file.read()
        for path, content, pointer in ((self.key, b"nothing", "/server/tls/key"),
                                       (self.key, other, "/server/tls/key"),
                                       (self.certificate, b"", "/server/tls/cert")):
            with self.subTest(pointer):
                with open(path, "wb") as file:
                    file.write(content)
                answer = self.daemon.request("POST", "/reload")
                self.assertEqual(422, answer.status, answer)
                self.assertIn(pointer, str(answer.json))
                self.assertEqual(before, self.served())
                self.replace(path + ".kept", path)

    def test_a_key_with_a_passphrase_is_refused_and_nobody_asked(self):
        locked = os.path.join(self.daemon.directory, "locked.key")
        self.ca.openssl("pkey", "-in", self.key, "-aes256", "-passout", "pass:secret", "-out",
                        locked)
        config = daemons.merged(self.daemon.config, {"server": {"tls": {"key": locked}}})
        self.daemon.write_config(json.dumps(config))
        self.addCleanup(self.daemon.write_config)
        answer = self.daemon.request("POST", "/reload")
        self.assertEqual(422, answer.status, answer)
        self.assertIn("/server/tls/key", str(answer.json))

    def test_bad_files_at_the_start_leave_the_listener_closed(self):
        """And enforcement is untouched; mended files are taken without a restart."""
        self.replace(self.key, self.key + ".kept")
        with open(self.key, "w") as file:
            file.write("nothing")
        try:
            self.daemon.stop()
            self.daemon.start()
            self.daemon.wait_attached(self.lab.DEVICE)
            state = {entry["address"]: entry for entry in self.daemon.get("/health")["listeners"]}
            self.assertFalse(state["0.0.0.0:%d" % TLS_PORT]["up"])
            with self.assertRaises(ConnectionRefusedError):
                self.connect()
        finally:
            self.replace(self.key + ".kept", self.key)
        self.daemon.write("POST", "/reload?only=credentials")
        self.assertEqual(200, self.ask("GET", "/health", headers=self.bearer(self.viewer)).status)


class Refused(unittest.TestCase):
    """An open listener without TLS is none."""

    def test_no_start(self):
        lab = network.Lab()
        self.addCleanup(lab.close)
        daemon = daemons.Daemon(lab.host)
        self.addCleanup(daemon.close)
        for listen in ("0.0.0.0:8080", "[::]:8080", "10.77.0.1:8080"):
            daemon.config["server"]["listen"] = ["unix:" + daemon.socket_path, listen]
            daemon.write_config()
            daemon.launch()
            self.assertEqual(78, daemon.wait_exit())
            self.assertIn("it needs server.tls with cert and key", daemon.log())
            daemon.forget()


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("skipped: openssl is not here to make certificates")
        sys.exit(SKIPPED)
    main()
