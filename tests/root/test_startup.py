#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What is wrong at start is said, with the place and the cure; and what is not wrong, enforced."""
import contextlib
import http.client
import json
import os
import signal
import socket

from harness import PepctlTest, allow, block, daemons, foreign, main, network, packets, wait_until

PEER4, NOBODY4 = "10.77.0.2", "10.77.0.99"
CONFIG, NO_PERMISSION, TEMPORARY = 78, 77, 75


class Startup(PepctlTest):
    """Each test starts a daemon of its own, over one lab."""
    @classmethod
    def setUpClass(cls):
        cls.lab = network.Lab()
        cls.addClassCleanup(cls.lab.close)

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        self.daemon = self.make()

    def make(self, config=None):
        daemon = daemons.Daemon(self.lab.host, daemons.merged(
            {"network": {"interfaces": ["d0"]}}, config or {}))
        self.addCleanup(daemon.close)
        return daemon

    def refused(self, status, *words, **options):
        """The daemon ends with that status and says all these words."""
        self.daemon.launch(**options)
        self.assertEqual(status, self.daemon.wait_exit(), self.daemon.log())
        for word in words:
            self.assertIn(word, self.daemon.log())

    def tcp_get(self, port, path, host="127.0.0.1"):
        connection = http.client.HTTPConnection("localhost", timeout=5)
        connection.sock = self.lab.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.sock.settimeout(5)
        connection.sock.connect((host, port))
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()


class BadConfig(Startup):
    CASES = [
        ("an unknown key", '{"network": {"interface_names": ["d0"]}}', "/network/interface_names"),
        ("a key of no section", '{"networking": {}}', "/networking"),
        ("a duplicate key", '{"log": {"level": "info", "level": "debug"}}', "/log/level"),
        ("a wrong type", '{"policy": {"capacity": "many"}}', "/policy/capacity"),
        ("out of range", '{"policy": {"capacity": 1000001}}', "/policy/capacity"),
        ("a negative number", '{"server": {"timeout_seconds": -1}}', "/server/timeout_seconds"),
        ("no such word", '{"network": {"mode": "fast"}}', "/network/mode"),
        ("a listener off loopback", '{"server": {"listen": ["0.0.0.0:8080"]}}', "/server/listen/0"),
        ("a port out of range", '{"server": {"listen": ["127.0.0.1:65536"]}}', "/server/listen/0"),
        ("a relative path", '{"policy": {"state_dir": "state"}}', "/policy/state_dir"),
        ("what is not there yet", '{"policy": {"mode": "audit"}}', "/policy/mode"),
        ("a bad failsafe policy", '{"policy": {"failsafe": [{"id": "x", "action": "BLOCK"}]}}',
         "/policy/failsafe/0"),
        ("an interface name that cannot be", '{"network": {"interfaces": ["a/b"]}}',
         "/network/interfaces/0"),
    ]

    def test_each_kind_names_its_place(self):
        for what, text, pointer in self.CASES:
            with self.subTest(what):
                self.daemon.write_config(text)
                done = self.daemon.run_client("--config", self.daemon.config_path, "--check")
                self.assertEqual(CONFIG, done.returncode, done.stdout + done.stderr)
                self.assertIn(pointer, done.stdout + done.stderr)

    def test_all_errors_at_once(self):
        self.daemon.write_config(json.dumps({
            "log": {"level": "loud"}, "network": {"mode": 7, "egres": True},
            "policy": {"capacity": 0}}))
        done = self.daemon.run_client("--config", self.daemon.config_path, "--check")
        self.assertEqual(CONFIG, done.returncode)
        for pointer in ("/log/level", "/network/mode", "/network/egres", "/policy/capacity"):
            self.assertIn(pointer, done.stdout + done.stderr)

    def test_not_json(self):
        """The original fell back to its defaults in silence."""
        for text in ("", "{", "[]", "{} {}", '{"log": }', "\0", "nonsense"):
            with self.subTest(text):
                self.daemon.write_config(text)
                done = self.daemon.run_client("--config", self.daemon.config_path, "--check")
                self.assertEqual(CONFIG, done.returncode, done.stdout + done.stderr)
                self.assertTrue((done.stdout + done.stderr).strip())

    def test_no_regular_file(self):
        for path in (self.daemon.directory, "/dev/zero"):
            done = self.daemon.run_client("--config", path, "--check")
            self.assertEqual(CONFIG, done.returncode)
            self.assertIn(path + ": it is not a regular file", done.stdout + done.stderr)

    def test_missing_file(self):
        os.unlink(self.daemon.config_path)
        self.refused(CONFIG, self.daemon.config_path)

    def test_daemon_refuses_what_check_refuses(self):
        self.daemon.write_config('{"network": {"mode": "fast"}}')
        self.refused(CONFIG, "/network/mode", "native")

    def test_bad_policies_in_the_file(self):
        bad = [("/policies/1/dst/port", {"dst": {"port": 65536}}),
               ("/policies/1/action", {"action": "DENY"}),
               ("/policies/1/src/ip", {"src": {"ip": "10"}}),
               ("/policies/1/src/ip", {"src": {"ip": "010.0.0.1"}}),
               ("/policies/1/priority", {"priority": -1}),
               ("/policies/1/ttl_seconds", {"ttl_seconds": 5}),
               ("/policies/1/colour", {"colour": "red"})]
        for pointer, change in bad:
            with self.subTest(pointer):
                self.daemon.write_policies([block("fine", protocol="TCP", dport=23),
                                            daemons.merged(block("bad"), change)])
                done = self.daemon.run_client("--config", self.daemon.config_path, "--check")
                self.assertEqual(CONFIG, done.returncode, done.stdout + done.stderr)
                self.assertIn(pointer, done.stdout + done.stderr)
                self.assertIn("policies.json", done.stdout + done.stderr)

    def test_comments_are_allowed(self):
        text = "// ours\n" + json.dumps(self.daemon.config) + "/* end */"
        self.daemon.write_config(text)
        done = self.daemon.run_client("--config", self.daemon.config_path, "--check")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_empty_config_attaches_to_nothing_and_says_so(self):
        self.daemon = self.make({"network": None})
        self.daemon.start()
        response = self.daemon.request("GET", "/health")
        self.assertEqual((200, "idle"), (response.status, response.json["status"]))
        self.assertFalse(any(foreign.programs(self.lab.host, "d0").values()))
        self.daemon.stop()


class Surroundings(Startup):
    def test_the_least_capacity_has_room_for_the_failsafe_policies(self):
        daemon = self.make({"policy": {"capacity": 1}})
        daemon.start()
        daemon.post(block("a"))
        answer = daemon.request("POST", "/policies", [block("b")])
        self.assertEqual(409, answer.status, answer)

    def test_interface_that_does_not_exist(self):
        """It is waited for, and shown as missing; the others are enforced."""
        self.daemon = self.make({"network": {"interfaces": ["d0", "nosuch0"]}})
        self.daemon.start()
        self.daemon.wait_attached("d0")
        self.assertIn("nosuch0", self.daemon.interfaces())
        self.assertFalse(self.daemon.interfaces()["nosuch0"].get("mode"))
        self.assertIn("nosuch0", self.daemon.log())
        self.daemon.put(block("port", protocol="UDP", dport=53))
        self.assert_ingress(("dropped", packets.udp(PEER4, NOBODY4, 1, 53), False))
        self.daemon.stop()

    def listener(self, address):
        """What /health says of a listener."""
        return next(entry for entry in self.daemon.get("/health")["listeners"]
                    if entry["address"] == address)

    def test_port_8080_taken(self):
        """Enforcement never waits for a listener; it is retried and shown."""
        self.daemon = self.make()
        self.daemon.config["server"]["listen"].append("127.0.0.1:8080")
        self.daemon.write_config()
        squatter = self.lab.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        with contextlib.closing(squatter):
            squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            squatter.bind(("127.0.0.1", 8080))
            squatter.listen()
            self.daemon.start()
            self.daemon.wait_attached("d0")
            self.daemon.put(block("port", protocol="UDP", dport=53))
            self.assert_ingress(("dropped", packets.udp(PEER4, NOBODY4, 1, 53), False))
            self.assertFalse(self.listener("127.0.0.1:8080")["up"])
            self.assertIn("in use", self.listener("127.0.0.1:8080")["error"])
            self.assertIn("127.0.0.1:8080", self.daemon.log())
            wait_until(lambda: "8080" in self.daemon.notifications.status,
                       lambda: "the status is '%s'" % self.daemon.notifications.status)
        wait_until(lambda: self.listener("127.0.0.1:8080")["up"],
                   "the listener is not tried again", 40)
        self.assertEqual(200, self.tcp_get(8080, "/health")[0])
        self.daemon.stop()

    def test_tcp_reads_only(self):
        """The original could be written to by anybody, from anywhere."""
        self.daemon = self.make()
        self.daemon.config["server"]["listen"].append("127.0.0.1:8080")
        self.daemon.write_config()
        self.daemon.start()
        self.assertEqual(200, self.tcp_get(8080, "/policies")[0])
        self.assertEqual(403, self.tcp_get(8080, "/events")[0])
        connection = http.client.HTTPConnection("localhost", timeout=5)
        connection.sock = self.lab.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.sock.connect(("127.0.0.1", 8080))
        with contextlib.closing(connection):
            connection.request("POST", "/policies", json.dumps(block("x")),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            self.assertEqual(403, answer.status)
            self.assertIn(b"--unix-socket", answer.read())
        self.assertEqual([], self.daemon.get("/policies")["policies"])
        self.daemon.stop()

    def test_second_daemon_names_the_first(self):
        self.daemon.start()
        second = self.make({"policy": {"state_dir": self.daemon.state_dir}})
        second.launch()
        self.assertEqual(TEMPORARY, second.wait_exit(), second.log())
        self.assertIn(str(self.daemon.pid), second.log())
        self.daemon.wait_attached("d0")
        self.daemon.put(block("port", protocol="UDP", dport=53))
        self.assert_ingress(("dropped", packets.udp(PEER4, NOBODY4, 1, 53), False))
        self.daemon.stop()

    def test_missing_capabilities(self):
        for name in ("bpf", "net_admin"):
            with self.subTest(name):
                dropped = "-sys_admin,-" + name
                self.refused(NO_PERMISSION, "CAP_" + name.upper(),
                             prefix=["setpriv", "--inh-caps=-all", "--bounding-set",
                                     dropped])

    def test_three_capabilities_are_enough(self):
        """As the unit runs it, here still as root's uid because of the files."""
        for mode in ("native", "tc", "generic"):
            with self.subTest(mode):
                self.daemon = self.make({"network": {"mode": mode}})
                self.daemon.start(prefix=["setpriv", "--no-new-privs", "--inh-caps=-all",
                                          "--bounding-set",
                                          "-all,+bpf,+net_admin,+perfmon"])
                self.daemon.wait_attached("d0")
                self.daemon.put(block("port", protocol="UDP", dport=53))
                self.assert_ingress(("dropped", packets.udp(PEER4, NOBODY4, 1, 53), False))
                self.daemon.stop()

    def test_state_directory_that_cannot_be_made(self):
        with open(self.daemon.state_dir, "w"):
            pass
        self.daemon.launch()
        status = self.daemon.wait_exit()
        self.assertNotIn(status, (0, -signal.SIGSEGV, -signal.SIGABRT))
        self.assertIn(self.daemon.state_dir, self.daemon.log())

    def test_socket_of_a_dead_daemon_is_no_obstacle(self):
        self.daemon.start()
        self.daemon.kill()
        self.assertTrue(os.path.exists(self.daemon.socket_path))
        self.daemon.start()
        self.daemon.stop()
        self.assertFalse(os.path.exists(self.daemon.socket_path))

    def test_environment_overrides(self):
        self.daemon = self.make({"network": {"interfaces": ["nosuch0"]}})
        self.daemon.start(environment={"PEPCTL_INTERFACE": "d0", "PEPCTL_LOG_LEVEL": "error"})
        self.daemon.wait_attached("d0")
        self.daemon.stop()

    def test_log_file_is_reopened_by_sigusr1(self):
        path = os.path.join(self.daemon.directory, "pepctl.log")
        self.daemon = self.make({"log": {"target": "file", "file": path, "level": "debug"}})
        self.daemon.start()
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path), "nothing is logged")
        os.rename(path, path + ".1")
        os.kill(self.daemon.pid, signal.SIGUSR1)
        wait_until(lambda: os.path.exists(path), "the log is not opened anew")
        old = os.path.getsize(path + ".1")
        self.daemon.put(block("x", protocol="TCP", dport=1))
        self.daemon.write("POST", "/reload")
        wait_until(lambda: os.path.getsize(path), "nothing is written to the new log")
        self.assertEqual(old, os.path.getsize(path + ".1"))
        self.daemon.stop()

    def test_ready_only_when_in_force(self):
        """At READY=1 the first packet meets the policies."""
        for _ in range(3):
            self.daemon.write_policies([block("port", protocol="UDP", dport=53)])
            self.daemon.start()
            self.assert_ingress(("dropped", packets.udp(PEER4, NOBODY4, 1, 53), False))
            self.daemon.stop()
            self.assert_ingress(("after the end", packets.udp(PEER4, NOBODY4, 1, 53), True))

    def test_bad_files_at_start_keep_the_last_good_state(self):
        """A machine that starts with a broken file is not open, and says so."""
        self.daemon.write_policies([block("port", protocol="UDP", dport=53)])
        self.daemon.start()
        self.daemon.stop()
        with open(self.daemon.policies_path, "w") as file:
            file.write('{"policies": [{"id": "port", "action": "BLO')
        self.daemon.start()
        self.daemon.wait_attached("d0")
        self.assert_ingress(("last good", packets.udp(PEER4, NOBODY4, 1, 53), False))
        response = self.daemon.request("GET", "/health")
        self.assertEqual((503, "degraded"), (response.status, response.json["status"]))
        self.assertIn("policies.json", self.daemon.log())
        self.daemon.stop()

    def test_a_damaged_last_good_state_is_kept_whatever_the_files_are_like(self):
        self.daemon.start()
        self.daemon.stop()
        path = os.path.join(self.daemon.state_dir, "last-good.json")
        for number, bad_files in enumerate((False, True), 1):
            with open(path, "r+") as file:
                file.seek(30)
                file.write("damage")
            if bad_files:
                with open(self.daemon.policies_path, "w") as file:
                    file.write("{")
            self.daemon.start()
            self.assertIn("last-good.json cannot be used: its checksum is wrong. It is kept aside",
                          self.daemon.log())
            self.assertTrue(os.path.exists("%s.bad-%d" % (path, number)))
            self.daemon.stop()
            self.assertEqual(not bad_files, os.path.exists(path))

    def test_bad_files_can_block_everything_and_lose_nothing(self):
        """The API's policies are not enforced meanwhile, and are there when the files are mended."""
        self.daemon = self.make({"policy": {"on_bad_start": "block-but-failsafe"}})
        self.daemon.start()
        self.daemon.put(allow("by-api", protocol="UDP", dport=53),
                        block("no-99", protocol="UDP", dport=99))
        self.daemon.stop()
        with open(self.daemon.policies_path, "w") as file:
            file.write('{"policies": [{"id": "port", "action": "BLO')
        self.daemon.start()
        self.daemon.wait_attached("d0")
        self.assert_ingress(("blocked", packets.udp(PEER4, NOBODY4, 1, 53), False),
                            ("failsafe", packets.tcp(PEER4, NOBODY4, 1, 22), True))
        response = self.daemon.request("DELETE", "/policies/by-api")
        self.assertEqual(503, response.status, response)
        self.daemon.write_policies([])
        self.assertEqual(200, self.daemon.request("POST", "/reload").status)
        self.assertEqual("ALLOW", self.daemon.policy("by-api")["action"])
        self.assert_ingress(("passes", packets.udp(PEER4, NOBODY4, 1, 53), True),
                            ("blocked again", packets.udp(PEER4, NOBODY4, 1, 99), False))
        self.daemon.stop()

    def test_no_program_can_be_executed(self):
        self.daemon.start()
        with open("/proc/%d/status" % self.daemon.pid) as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        with open("/proc/self/status") as file:
            mine = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        self.assertEqual(int(mine.get("Seccomp_filters", 0)) + 1, int(status["Seccomp_filters"]))
        self.assertEqual("1", status["NoNewPrivs"])

    def test_sigterm_is_quick_and_clean(self):
        """The original ran locks in its handler and gave itself two seconds to crash."""
        self.daemon.start()
        events = self.daemon.events()
        self.daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, self.daemon.wait_exit(5))
        events.close()


class OnStop(Startup):
    def test_detach(self):
        """Whether a stop detaches is an explicit setting."""
        self.daemon = self.make({"datapath": {"on_stop": "detach"}})
        self.daemon.start()
        self.daemon.wait_attached("d0")
        self.daemon.stop()
        self.assertFalse(any(foreign.programs(self.lab.host, "d0").values()))


if __name__ == "__main__":
    main()
