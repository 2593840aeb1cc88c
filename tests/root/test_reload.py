#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Reload is all or nothing, and changes are in force when they are answered."""
import contextlib
import json
import os
import signal
import socket
import threading

from harness import PepctlTest, allow, block, daemons, foreign, main, packets, per_mode, wait_until

PEER4, NOBODY4 = "10.77.0.2", "10.77.0.99"


class Reload(PepctlTest):
    def setUp(self):
        self.daemon.write_config()
        self.daemon.write_policies([])
        self.daemon.write("POST", "/reload")
        super().setUp()

    def assert_port(self, port, passes):
        self.assert_ingress(("port %d" % port, packets.udp(PEER4, NOBODY4, 1, port, b"x"), passes))


class Signals(Reload):
    @classmethod
    def start(cls):
        """With a service manager that takes no message: each reload waits for it a while."""
        path = os.path.join(cls.daemon.directory, "unread")
        cls.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        cls.addClassCleanup(cls.manager.close)
        cls.manager.bind(path)
        with contextlib.suppress(BlockingIOError):
            while True: # until its queue is full, whoever sends
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
                    other.setblocking(False)
                    other.sendto(b"x", path)
        cls.daemon.launch(prefix=("env", "NOTIFY_SOCKET=" + path))
        wait_until(lambda: "started:" in cls.daemon.log(), cls.daemon.log, 30)

    def test_many_signals_at_once_are_one_reload(self):
        def reloads():
            return self.daemon.log().count("reloaded:")
        os.kill(self.daemon.pid, signal.SIGHUP)
        before = reloads()
        for _ in range(200):
            os.kill(self.daemon.pid, signal.SIGHUP)
            threading.Event().wait(0.002)
        self.daemon.request("POST", "/reload") # behind all that are under way
        self.daemon.request("POST", "/reload") # and behind one that was due
        self.assertIn(reloads() - before, (3, 4, 5))


@per_mode()
class Policies(Reload):
    def test_three_ways_to_reload(self):
        """The original's SIGHUP applied nothing."""
        def by_signal():
            os.kill(self.daemon.pid, signal.SIGHUP)
            self.daemon.wait_message("READY=1")

        def by_command():
            done = self.daemon.run_client("reload")
            self.assertEqual(0, done.returncode, done.stderr)

        ways = (lambda: self.daemon.write("POST", "/reload"), by_command, by_signal)
        for number, way in enumerate(ways):
            with self.subTest(number):
                self.daemon.notifications.messages.clear()
                self.daemon.write_policies([block("file", protocol="UDP", dport=60 + number)])
                self.assert_port(60 + number, True)
                way()
                self.assert_port(60 + number, False)
                self.assert_port(59 + number, True)

    def test_bad_file_changes_nothing(self):
        self.daemon.write_policies([block("file", protocol="UDP", dport=53)])
        self.daemon.write("POST", "/reload")
        generation = self.daemon.get("/policies/file")
        for bad in ([allow("file"), block("bad", dport=65536)], [allow("file"), allow("file")]):
            self.daemon.write_policies(bad)
            response = self.daemon.request("POST", "/reload")
            self.assertEqual(422, response.status, str(response))
            self.assert_port(53, False)
        self.assertEqual(generation["action"], self.daemon.get("/policies/file")["action"])

    def test_bad_config_changes_nothing(self):
        self.daemon.write_policies([block("file", protocol="UDP", dport=53)])
        self.daemon.write_config('{"network": {"mode": "fast"}}')
        self.assertEqual(422, self.daemon.request("POST", "/reload").status)
        self.assert_port(53, True)
        os.kill(self.daemon.pid, signal.SIGHUP)
        wait_until(lambda: "/network/mode" in self.daemon.log(), "SIGHUP does not complain")
        self.assert_port(53, True)

    def test_file_may_not_take_an_id_of_the_api(self):
        self.daemon.put(block("mine", protocol="UDP", dport=53))
        self.daemon.write_policies([allow("mine")])
        response = self.daemon.request("POST", "/reload")
        self.assertGreaterEqual(response.status, 400)
        self.assertIn("mine", response.body.decode())
        self.assert_port(53, False)

    def test_api_may_not_touch_the_files_policies(self):
        self.daemon.write_policies([block("file", protocol="UDP", dport=53)])
        self.daemon.write("POST", "/reload")
        for method, path, body in (("PUT", "/policies/file", {"action": "ALLOW"}),
                                   ("DELETE", "/policies/file", None),
                                   ("POST", "/policies", allow("file"))):
            self.assertEqual(409, self.daemon.request(method, path, body).status)
        self.daemon.put()
        self.assert_port(53, False)

    def test_reload_without_a_change_loses_nothing(self):
        """Counters stay, the programs stay attached, no packet passes in between."""
        self.daemon.write_policies([block("file", protocol="UDP", dport=53)])
        self.daemon.write("POST", "/reload")
        before = foreign.programs(self.lab.host, "d0")
        packet = packets.udp(PEER4, NOBODY4, 1, 53, b"x")
        frame = self.lab.ingress.frame(packet)
        count = self.daemon.counters("file")["packets"]
        done = threading.Event()

        def reload():
            for _ in range(10):
                self.daemon.write("POST", "/reload")
            done.set()
        thread = threading.Thread(target=reload)
        self.lab.ingress.settle()
        self.lab.ingress.tap.drain()
        thread.start()
        sent = 0
        while not done.is_set():
            self.lab.ingress.send(frame)
            sent += 1
        thread.join()
        self.lab.ingress.settle()
        self.assertEqual(0, self.lab.ingress.arrived(packet))
        self.assert_counters("file", packets=count + sent, dropped_packets=count + sent)
        self.assertEqual(before, foreign.programs(self.lab.host, "d0"))


class Config(Reload):
    def reload_with(self, change, path="/reload"):
        config = daemons.merged(self.daemon.config, change)
        self.daemon.write_config(json.dumps(config))
        return self.daemon.write("POST", path)

    def test_default_action(self):
        self.assert_port(53, True)
        config = daemons.merged(self.daemon.config, {"policy": {"default_action": "BLOCK"}})
        self.daemon.write_config(json.dumps(config))
        response = self.daemon.request("POST", "/reload")
        self.assertEqual(409, response.status)
        self.assertIn("default-block-is-stateless", response.json["detail"])
        self.assertEqual("/policy/default_action", response.json["pointer"])
        self.assert_port(53, True)
        answer = self.reload_with({"policy": {"default_action": "BLOCK"}}, "/reload?force=true")
        self.assertIn("default-block-is-stateless", str(answer["warnings"]))
        self.assert_port(53, False)
        self.daemon.write("POST", "/reload")

    def test_interfaces_and_mode(self):
        for mode in ("tc", "generic", "native", "tc"):
            self.reload_with({"network": {"mode": mode}})
            wait_until(lambda: self.daemon.interfaces()["d0"].get("mode") == mode, mode)
            self.daemon.put(block("port", protocol="UDP", dport=53))
            self.assert_port(53, False)
            used = {hook for hook, ids in foreign.programs(self.lab.host, "d0").items() if ids}
            self.assertEqual({"tcx/ingress"} if mode == "tc" else {"xdp"}, used)
        self.reload_with({"network": {"interfaces": []}})
        self.assert_port(53, True)

    def test_socket_that_cannot_be_is_named(self):
        """And the one that there is stays."""
        taken = "unix:" + self.daemon.state_dir
        config = daemons.merged(self.daemon.config, {"server": {"listen": [taken]}})
        self.daemon.write_config(json.dumps(config))
        response = self.daemon.request("POST", "/reload")
        self.assertIn(taken, response.json["detail"])
        self.assertEqual("/server/listen", response.json["pointer"])
        self.assertEqual("ok", self.daemon.get("/health")["status"])

    def test_what_needs_a_restart_is_told(self):
        answer = self.reload_with({"policy": {"state_dir": self.daemon.directory + "/elsewhere"}})
        self.assertIn("/policy/state_dir", str(answer["warnings"]))


class Writes(PepctlTest):
    """A write is in force when it is answered, whole or not at all."""

    def test_in_force_when_answered(self):
        frame = packets.udp(PEER4, NOBODY4, 1, 53, b"x")
        for _ in range(100):
            self.daemon.post(block("port", protocol="UDP", dport=53))
            self.assertEqual([False], self.lab.ingress.offer([frame]))
            self.daemon.delete("port")
            self.assertEqual([True], self.lab.ingress.offer([frame]))

    def test_batch_with_one_bad_policy_changes_nothing(self):
        self.daemon.put(block("port", protocol="UDP", dport=53))
        response = self.daemon.request("PUT", "/policies", [
            allow("port"), {"id": "bad one", "action": "BLOCK"}, block("also-bad", dport=-1)])
        self.assertEqual(422, response.status)
        errors = str(response.json["errors"])
        self.assertIn("/1/", errors)
        self.assertIn("/2/", errors)
        self.assert_ingress(("still", packets.udp(PEER4, NOBODY4, 1, 53), False))

    def test_no_window_while_all_are_replaced(self):
        """The original deleted everything and added it again: an allow-all window."""
        self.daemon.put(block("port", protocol="UDP", dport=53))
        packet = packets.udp(PEER4, NOBODY4, 1, 53, b"x")
        frame = self.lab.ingress.frame(packet)
        stop = threading.Event()
        sent = []

        def send():
            count = 0
            while not stop.is_set():
                self.lab.ingress.send(frame)
                count += 1
            sent.append(count)
        self.lab.ingress.settle()
        self.lab.ingress.tap.drain()
        thread = threading.Thread(target=send)
        thread.start()
        for number in range(100):
            self.daemon.put(block("port", protocol="UDP", dport=53),
                            block("other-%d" % number, protocol="TCP", dport=number + 1))
        stop.set()
        thread.join()
        self.lab.ingress.settle()
        self.assertEqual(0, self.lab.ingress.arrived(packet))
        self.assertGreater(sent[0], 100)
        self.assert_counters("port", packets=sent[0], dropped_packets=sent[0])

    def test_change_of_nothing_keeps_the_generation(self):
        first = self.daemon.post(block("port", protocol="UDP", dport=53))
        second = self.daemon.post(block("port", protocol="UDP", dport=53))
        self.assertEqual((True, False), (first["changed"], second["changed"]))
        self.assertEqual(first["generation"], second["generation"])

    def test_delete_of_an_unknown_id_is_404(self):
        """The original answered 200."""
        self.assertEqual(404, self.daemon.request("DELETE", "/policies/nobody").status)
        self.assertEqual(400, self.daemon.request("DELETE", "/policies").status)

    def test_delete_does_not_come_back(self):
        """The original could install again what it had just removed."""
        for number in range(30):
            self.daemon.put(*[block("p%d" % n, protocol="UDP", dport=50 + n) for n in range(5)])
            self.daemon.delete("p3")
            answer = self.daemon.get("/policies")
            self.assertEqual(4, len(answer["policies"]))
            self.assert_ingress(("deleted", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), True),
                                ("kept", packets.udp(PEER4, NOBODY4, 1, 52, b"x"), False))


if __name__ == "__main__":
    main()
