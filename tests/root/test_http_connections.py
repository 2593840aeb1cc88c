#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Listeners and connections: enforcement waits for none of them, and they are bounded."""
import contextlib
import json
import os
import socket
import stat
import threading
import time

from harness import PepctlTest, block, daemons, main, network, packets, wait_until
from http_api import PORT, HttpTest

PEER4, NOBODY4 = "10.77.0.2", "10.77.0.99"


class Connections(HttpTest):
    CONFIG = {"server": {"max_connections": 32, "timeout_seconds": 2}}

    def open_fds(self):
        return len(os.listdir("/proc/%d/fd" % self.daemon.pid))

    def accepted(self):
        """TCP connections that the daemon has taken: those in the kernel's queue have no inode."""
        table = self.lab.host.read("/proc/thread-self/net/tcp")
        rows = [line.split() for line in table.splitlines()]
        return sum(row[1].endswith(":%04X" % PORT) and row[3] == "01" and row[9] != "0"
                   for row in rows[1:])

    def test_tcp_cannot_use_up_the_connections_of_the_socket(self):
        with contextlib.ExitStack() as stack:
            for _ in range(60):
                stack.enter_context(contextlib.closing(self.connect(tcp=True)))
            wait_until(lambda: self.accepted() == 16, "16 of 32 connections are accepted")
            for _ in range(5):
                self.assertEqual("ok", self.daemon.get("/health")["status"])
                self.assertLessEqual(self.accepted(), 16)
        wait_until(lambda: self.tcp("GET", "/health").status == 200, "TCP is served again")
        wait_until(lambda: not self.accepted(), "connections are closed")

    def test_idle_and_half_sent_requests_time_out(self):
        for start in (b"", b"GET /hea", b"POST /policies HTTP/1.1\r\nHost: a\r\n",
                      b"POST /policies HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n[",
                      b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"):
            with self.subTest(start), contextlib.closing(self.connect()) as connection:
                connection.sendall(start)
                while connection.recv(65536):
                    pass

    def test_tcp_connections_that_are_never_silent_time_out(self):
        """A byte now and then keeps no connection from others."""
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(contextlib.closing(self.connect(tcp=True)))
                    for _ in range(20)]
            for connection in slow:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
            other = stack.enter_context(contextlib.closing(self.connect(tcp=True)))
            other.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            other.settimeout(0.2)

            def answered():
                for connection in slow:
                    with contextlib.suppress(OSError):
                        connection.send(b"a")
                with contextlib.suppress(socket.timeout):
                    return other.recv(12) == b"HTTP/1.1 200"
            wait_until(answered, "who comes later is served", 10)

    def anonymous_kib(self):
        status = self.lab.host.read("/proc/%d/status" % self.daemon.pid)
        return int(next(line.split()[1] for line in status.splitlines()
                        if line.startswith("RssAnon")))

    def test_a_body_that_is_too_large_is_refused_before_it_is_sent(self):
        head = (b"POST /policies HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                b"Content-Length: 70000000\r\n\r\n")
        for tcp in (False, True):
            begin = time.monotonic()
            self.assert_problem(self.raw(head, tcp), 413)
            self.assertLess(time.monotonic() - begin, 1)

    def test_no_memory_is_kept_of_a_body_that_is_too_large(self):
        before = self.anonymous_kib()
        data = b" " * 70000000
        for framing in (b"Content-Length: 70000000\r\n\r\n" + data,
                        b"Transfer-Encoding: chunked\r\n\r\n42c1d80\r\n" + data):
            self.assert_problem(self.raw(b"POST /policies HTTP/1.1\r\nHost: a\r\n" + framing), 413)
            wait_until(lambda: self.anonymous_kib() < before + 4096,
                       lambda: "%d kB are kept" % self.anonymous_kib())

    def test_connections_that_end_early(self):
        before = self.open_fds()
        for _ in range(100):
            for start in (b"", b"GET", b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", b"x\r\n\r\n",
                          b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n"):
                with contextlib.closing(self.connect()) as connection:
                    connection.sendall(start)
        wait_until(lambda: self.open_fds() <= before + 1, "connections are closed")
        self.assertEqual("ok", self.daemon.get("/health")["status"])

    def test_many_at_once(self):
        wrong = []

        def ask():
            for _ in range(30):
                answer = self.daemon.request("GET", "/stats")
                if answer.status != 200:
                    wrong.append(answer)
        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertFalse(wrong)

    def test_connections_at_the_end(self):
        """A daemon that is stopped does not wait for those who are connected."""
        daemon = daemons.Daemon(self.lab.peer)
        self.addCleanup(daemon.close)
        daemon.start()
        daemon.put(*[block("p-%04d" % i, description="x" * 200) for i in range(2000)])
        with contextlib.ExitStack() as stack:
            for request in (b"", b"GET /policies HTTP/1.1\r\nHost: a\r\n\r\n",
                            b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n", b"POST /pol"):
                connection = socket.socket(socket.AF_UNIX)
                stack.enter_context(contextlib.closing(connection))
                connection.settimeout(10)
                connection.connect(daemon.socket_path)
                connection.sendall(request)
                if b"HTTP" in request:
                    connection.recv(10)
            daemon.stop()
        self.assertFalse(os.path.exists(daemon.socket_path))


class Priority(HttpTest):
    CONFIG = {"server": {"max_body_bytes": 1 << 24}, "log": {"level": "info"}}

    def put_seconds(self, count):
        body = json.dumps([block("p-%05d" % i, description="x" * 250, sport=count % 7 + 1)
                           for i in range(count)])
        begin = time.monotonic()
        self.daemon.write("PUT", "/policies", body)
        return time.monotonic() - begin

    def test_who_only_looks_by_tcp_delays_nobody_on_the_socket(self):
        """Long answers to many at once keep the daemon busy; who changes something comes first."""
        self.put_seconds(6000)
        alone = self.put_seconds(6001)
        with contextlib.ExitStack() as stack:
            readers = [stack.enter_context(contextlib.closing(self.connect(tcp=True)))
                       for _ in range(230)]
            for connection in readers:
                connection.sendall(b"GET /policies HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for connection in readers:
                connection.recv(1)
            together = self.put_seconds(6000)
        print("PUT alone %.3f s, beside 230 readers %.3f s" % (alone, together))
        self.assertLess(together, 4 * alone + 0.3)


class Listeners(PepctlTest):
    """Each test has a daemon of its own."""
    @classmethod
    def setUpClass(cls):
        cls.lab = network.Lab()
        cls.addClassCleanup(cls.lab.close)

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        self.daemon = daemons.Daemon(self.lab.host, {"network": {"interfaces": ["d0"]}},
                                     [block("b", protocol="UDP", dport=53)])
        self.addCleanup(self.daemon.close)

    def listen(self, *addresses):
        self.daemon.config["server"]["listen"] = ["unix:" + self.daemon.socket_path, *addresses]
        self.daemon.write_config()

    def listeners(self):
        return {entry["address"]: entry for entry in self.daemon.get("/health")["listeners"]}

    def can_connect(self, port):
        with contextlib.closing(self.lab.host.socket(socket.AF_INET)) as connection:
            return connection.connect_ex(("127.0.0.1", port)) == 0

    def test_a_taken_port_is_tried_again(self):
        address = "127.0.0.1:%d" % PORT
        taken = self.lab.host.socket(socket.AF_INET)
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        self.listen(address)
        self.daemon.start()
        self.assert_ingress(("blocked", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), False))
        state = self.listeners()[address]
        self.assertEqual((False, "Address already in use"), (state["up"], state["error"]))
        health = self.daemon.get("/health")
        self.assertEqual("ok", health["status"])
        self.assertIn(address, str(health["warnings"]))
        metric = 'pepctl_listener_up{listener="%s"} ' % address
        self.assertIn(metric + "0\n", self.daemon.request("GET", "/metrics").body.decode())
        taken.close()
        wait_until(lambda: self.listeners()[address]["up"], "it listens", 15)
        self.assertIn(metric + "1\n", self.daemon.request("GET", "/metrics").body.decode())

    def test_reload_changes_listeners_and_keeps_those_that_stay(self):
        self.listen("127.0.0.1:8081", "127.0.0.1:8082")
        self.daemon.start()
        with contextlib.closing(self.lab.host.socket(socket.AF_INET)) as connection:
            connection.settimeout(10)
            connection.connect(("127.0.0.1", 8081))
            self.listen("127.0.0.1:8082", "127.0.0.1:8083")
            inode = os.stat(self.daemon.socket_path).st_ino
            self.daemon.write("POST", "/reload")
            self.assertEqual(inode, os.stat(self.daemon.socket_path).st_ino)
            # Whoever is connected is served to the end.
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b" 200 ", connection.recv(100))
        self.assertEqual([False, True, True],
                         [self.can_connect(port) for port in (8081, 8082, 8083)])

    def test_stale_socket_is_removed(self):
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(self.daemon.socket_path)
        stale.close()
        self.daemon.start()
        self.assertEqual("ok", self.daemon.get("/health")["status"])

    def test_what_is_no_socket_stays(self):
        with open(self.daemon.socket_path, "w") as file:
            file.write("precious")
        self.daemon.launch()
        self.assertNotEqual(0, self.daemon.wait_exit())
        self.assertTrue(stat.S_ISREG(os.stat(self.daemon.socket_path).st_mode))

    def test_socket_that_somebody_listens_on_stays(self):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as other:
            other.bind(self.daemon.socket_path)
            other.listen()
            self.daemon.launch()
            self.assertNotEqual(0, self.daemon.wait_exit())
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
                client.connect(self.daemon.socket_path)

    def test_directories_of_the_socket_are_made(self):
        self.daemon.socket_path = os.path.join(self.daemon.directory, "a", "b", "sock")
        self.listen()
        self.daemon.start()
        self.assertEqual("ok", self.daemon.get("/health")["status"])

    def test_health_says_what_is_not_enforced(self):
        self.daemon.config["network"]["interfaces"] = []
        self.daemon.write_config()
        self.daemon.start()
        self.assertEqual("idle", self.daemon.get("/health")["status"])
        self.daemon.config["network"]["interfaces"] = ["absent0"]
        self.daemon.write_config()
        self.daemon.write("POST", "/reload")
        answer = self.daemon.request("GET", "/health")
        self.assertEqual((503, "degraded"), (answer.status, answer.json["status"]))
        self.assertIn("absent0", str(answer.json["warnings"]))
        entry = self.daemon.interfaces()["absent0"]
        self.assertEqual((False, None), (entry["present"], entry["mode"]))


if __name__ == "__main__":
    main()
