#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""pepctl doctor: what it predicts is what happens, and what it finds has a cure."""
import contextlib
import json
import os
import subprocess
import unittest

from harness import PepctlTest, daemons, foreign, main, network, wait_until

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
FOUND = 1


class Patient:
    """Runs the doctor in the lab; `socket` is a daemon's or none's."""
    socket = "/nonexistent/socket"

    def run_doctor(self, *arguments, user=()):
        with self.lab.host:
            return subprocess.run([*user, daemons.program(), "doctor", *arguments], text=True,
                                  env=dict(os.environ, PEPCTL_SOCKET=self.socket), timeout=60,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def doctor(self, *arguments, status=0, user=()):
        done = self.run_doctor(*arguments, "--json", user=user)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        answer = json.loads(done.stdout)
        checks = answer["checks"] + sum((entry["checks"] for entry in answer["interfaces"]), [])
        self.assertEqual(answer["findings"],
                         sum(check["grade"] == "finding" for check in checks), answer)
        self.assertEqual(status, bool(answer["findings"]))
        for check in checks:
            self.assertEqual(check["detail"].count("`") // 2, len(check["commands"]), check)
        return answer

    def interface(self, name, **options):
        answer = self.doctor(name, **options)
        self.assertEqual([name], [entry["name"] for entry in answer["interfaces"]])
        return answer["interfaces"][0]

    def details(self, entry, check, grade=None):
        return "\n".join(found["detail"] for found in entry["checks"]
                         if found["check"] == check and grade in (None, found["grade"]))


class Alone(Patient, unittest.TestCase):
    """Without a daemon."""
    def setUp(self):
        self.lab = network.Lab()
        self.addCleanup(self.lab.close)

    def add(self, name, rest):
        """Whether the kernel has such a kind."""
        try:
            self.lab.host.ip("link add name %s %s" % (name, rest), "link set %s up" % name)
        except AssertionError as error:
            if "Unknown device type" not in str(error):
                raise
            return False
        return True

    def modes_in_force(self, *names):
        """What a daemon makes of them."""
        daemon = daemons.Daemon(self.lab.host, {"network": {"interfaces": list(names)}})
        self.addCleanup(daemon.close)
        daemon.start()
        for name in names:
            daemon.wait_attached(name)
        modes = {name: daemon.interfaces()[name]["mode"] for name in names}
        daemon.stop()
        return modes

    def test_what_is_predicted_comes_true(self):
        tun = network.Tun(self.lab.host, "tun7", "10.78.0.1/24", "fd78::1/64")
        self.addCleanup(tun.close)
        names = ["d0", "tun7", "lo"]
        for name, rest in (("bridge7", "type bridge"), ("ifb7", "type ifb"),
                           ("dummy7", "type dummy"), ("vlan7", "link d0 type vlan id 7"),
                           ("mac7", "link d0 type macvlan mode bridge"),
                           ("gre7", "type gre remote 10.77.0.2 local 10.77.0.1")):
            if self.add(name, rest):
                names.append(name)
        print("kinds: " + ", ".join(names))
        predicted = {}
        for name in names:
            entry = self.interface(name)
            self.assertTrue(entry["predicted"])
            predicted[name] = entry["mode"]
        self.assertEqual(self.modes_in_force(*names), predicted)
        self.assertIn("native", predicted.values())
        self.assertIn("tc", predicted.values())

    def test_members(self):
        self.lab.host.ip("link add bridge7 type bridge", "link set d0 master bridge7")
        self.assertIn("of bridge7", self.details(self.interface("d0"), "member", "note"))
        if self.add("vlan7", "link d0 type vlan id 7"):
            self.assertIn("another interface",
                          self.details(self.interface("vlan7"), "member", "note"))
        self.assertIn("of no bond", self.details(self.interface("bridge7"), "member", "ok"))

    def test_programs_of_others(self):
        program = foreign.Counter(foreign.TYPE_XDP, foreign.XDP_PASS, b"theirs")
        self.addCleanup(program.close)
        program.attach(self.lab.host, "d0", foreign.ATTACH_XDP, foreign.XDP_FLAGS_DRV)
        tap = foreign.Counter(foreign.TYPE_SCHED_CLS, foreign.TCX_NEXT, b"tap")
        self.addCleanup(tap.close)
        tap.add_filter(self.lab.host, "d0")
        entry = self.interface("d0")
        self.assertEqual("tc", entry["mode"])
        said = self.details(entry, "foreign", "note")
        self.assertIn("theirs at xdp, program %d" % program.id, said)
        self.assertIn("tap at clsact/ingress, program %d" % tap.id, said)
        self.assertEqual({"d0": "tc"}, self.modes_in_force("d0"))

    def test_down_and_absent(self):
        self.lab.host.ip("link set d0 down")
        check = next(found for found in self.interface("d0")["checks"]
                     if found["check"] == "state")
        self.assertEqual(["ip link set dev d0 up"], check["commands"])
        self.lab.host.run(*check["commands"][0].split())
        self.assertEqual("up", self.details(self.interface("d0"), "state", "ok"))
        entry = self.interface("nosuch", status=FOUND)
        self.assertIsNone(entry["mode"])
        self.assertIn("no such interface", self.details(entry, "state", "finding"))

    def test_without_privileges(self):
        answer = self.doctor("d0", user=NOBODY)
        self.assertEqual("native", answer["interfaces"][0]["mode"])
        self.assertIn("by root", self.details(answer, "kernel", "note"))
        self.assertIn("CAP_BPF", self.details(answer, "capabilities", "note"))

    def test_it_touches_nothing(self):
        before = (foreign.programs(self.lab.host, "d0"), self.lab.host.run("ip", "-d", "link"),
                  self.lab.host.run("tc", "qdisc"))
        self.doctor()
        self.assertEqual(before, (foreign.programs(self.lab.host, "d0"),
                                  self.lab.host.run("ip", "-d", "link"),
                                  self.lab.host.run("tc", "qdisc")))

    def test_words(self):
        done = self.run_doctor("d0")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("d0: native (predicted)\n", done.stdout)
        self.assertRegex(done.stdout, r"\n  driver +ok +veth runs XDP\n")
        self.assertTrue(done.stdout.endswith("\nnothing is wrong\n"))
        done = self.run_doctor("nosuch")
        self.assertEqual(FOUND, done.returncode)
        self.assertIn("FINDING", done.stdout)
        self.assertTrue(done.stdout.endswith("\n1 finding\n"))


class Beside(Patient, PepctlTest):
    """With a daemon, whose word on its interfaces counts."""
    CONFIG = {"network": {"interfaces": ["d0", "few0"]}}

    def setUp(self):
        super().setUp()
        self.socket = self.daemon.socket_path

    def test_all_is_well(self):
        answer = self.doctor()
        self.assertIn("answers: ok", self.details(answer, "daemon", "ok"))
        self.assertIn("the daemon has", self.details(answer, "capabilities", "ok"))
        entries = {entry["name"]: entry for entry in answer["interfaces"]}
        self.assertEqual({"d0", "few0"}, set(entries))
        self.assertEqual(("native", False), (entries["d0"]["mode"], entries["d0"]["predicted"]))
        self.assertIn("native by xdp is in force", self.details(entries["d0"], "mode", "ok"))
        self.assertIn("there is no interface of this name", self.details(entries["few0"], "mode", "note"))

    def test_an_interface_that_is_not_configured(self):
        self.lab.host.ip("link add other0 type bridge")
        self.addCleanup(self.lab.host.ip, "link del other0")
        entry = self.interface("other0")
        self.assertEqual(("tc", True), (entry["mode"], entry["predicted"]))
        self.assertIn("does not name it", self.details(entry, "configuration", "note"))

    @contextlib.contextmanager
    def few_queues(self):
        """The other end sends by more queues than this one receives by: no native XDP."""
        self.lab.host.ip("link add few0 numrxqueues 1 numtxqueues 1 type veth peer few1 "
                         "numrxqueues 1 numtxqueues 2", "link set few1 up", "link set few0 up")
        try:
            yield self.daemon.wait_attached("few0")
        finally:
            self.lab.host.ip("link del few0")
            wait_until(lambda: not self.daemon.interfaces()["few0"]["present"], "few0 is there")

    def test_the_kernels_error_has_a_cause_and_a_command(self):
        with self.few_queues() as attached:
            self.assertEqual("tc", attached["mode"])
            entry = self.interface("few0", status=FOUND)
            self.assertEqual("tc", entry["mode"])
            found = next(check for check in entry["checks"] if check["check"] == "native")
            self.assertIn("queues", found["detail"])
            cure = found["commands"][1].replace("PEER", "few1")
            self.lab.host.run(*cure.split())
            self.daemon.config["network"]["mode"] = "native"
            self.daemon.write_config()
            self.daemon.write("POST", "/reload")
            wait_until(lambda: self.daemon.interfaces()["few0"]["mode"] == "native",
                       lambda: "still %s" % self.daemon.interfaces()["few0"])
            self.assertEqual("native", self.interface("few0")["mode"])

    def test_what_the_daemon_suffers_from(self):
        path = os.path.join(self.daemon.directory, "policies.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write("[")
        self.daemon.kill()
        self.daemon.start()
        try:
            answer = self.doctor(status=FOUND)
            self.assertIn("policies.json", self.details(answer, "daemon", "finding"))
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write("[]")
            self.assertEqual(200, self.daemon.request("POST", "/reload").status)

    def test_who_may_not_ask_the_daemon(self):
        os.chmod(self.daemon.directory, 0o755)
        self.addCleanup(os.chmod, self.daemon.directory, 0o700)
        answer = self.doctor("d0", user=NOBODY)
        self.assertIn("may not be asked", self.details(answer, "daemon", "note"))


if __name__ == "__main__":
    main()
