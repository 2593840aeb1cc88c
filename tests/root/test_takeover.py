#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
What is in force outlives the process: while the daemon is killed, ended and
started again, traffic that must be blocked and traffic that must pass goes on
at 20,000 packets a second and more, and both are counted at the interface.
It runs alone.
"""
import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess

from harness import (SLOW, PepctlTest, allow, block, daemons, foreign, main, packets, per_mode,
                     policy, wait_until)
from network import Tap

HOST4, PEER4 = "10.77.0.1", "10.77.0.2"
BLOCKED, ALLOWED = 6000, 6001
SIZE, RATE = 60, 25000  # bytes of IP; packets a second of either kind
SOL_PACKET, PACKET_STATISTICS, SO_ATTACH_FILTER = 263, 6, 26


def build(name, directory):
    """Compiles a tool of the tests."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".c")
    result = os.path.join(directory, name)
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-o", result,
                    source], check=True)
    return result


class Counted:
    """Counts the UDP packets to a port that come through XDP and TC, all of them."""

    def __init__(self, namespace, interface, port):
        # cBPF: the frame's protocol and destination port; IPv4 without options.
        code = [(0x30, 0, 0, 23), (0x15, 0, 3, 17), (0x28, 0, 0, 36), (0x15, 0, 1, port),
                (0x06, 0, 0, 1), (0x06, 0, 0, 0)]
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
        self.socket = Tap.open(namespace, interface, 0x0800, socket.SOCK_RAW)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                               struct.pack("HP", len(code), ctypes.addressof(program)))
        self.statistics()
        self.total = 0

    def statistics(self):
        """Since the last time; what found no room in the socket is counted, too."""
        return struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[0]

    def count(self):
        self.total += self.statistics()
        return self.total

    def close(self):
        self.socket.close()


class Traffic:
    """Traffic of both kinds for as long as the `with` lasts; then what came of it."""

    def __init__(self, test):
        self.test, self.lab = test, test.lab

    def dropped_before(self):
        """What a veth pair with native XDP had no room for, before any program saw it."""
        said = json.loads(self.lab.peer.run("ip", "-s", "-j", "link", "show", "p0"))
        return said[0]["stats64"]["tx"]["dropped"]

    def __enter__(self):
        self.dropped = self.dropped_before()
        self.passed = Counted(self.lab.host, "d0", ALLOWED)
        self.leaked = Counted(self.lab.host, "d0", BLOCKED)
        cpus = sorted(os.sched_getaffinity(0))
        self.senders = [self.lab.peer.popen(
            [self.test.flood_program, HOST4, str(port), str(SIZE), str(RATE * SIZE), "600",
             str(cpus[i % len(cpus)])], stdout=subprocess.PIPE, text=True)
            for i, port in enumerate((BLOCKED, ALLOWED))]
        self.flowing()
        return self

    def flowing(self, packets=RATE // 10):
        """Returns when so many more have passed."""
        wanted = self.passed.count() + packets
        wait_until(lambda: self.passed.count() >= wanted, "traffic passes", 20)

    def __exit__(self, *exception):
        sent = []
        for sender in self.senders:
            sender.send_signal(signal.SIGTERM)
            sent.append([int(word) for word in sender.communicate(timeout=20)[0].split()])
        self.lab.ingress.settle()
        self.blocked, self.allowed = sent[0][0], sent[1][0]
        self.rate = min((s[0] / ((s[3] - s[2]) / 1e9)) for s in sent)
        self.lost = self.allowed - self.passed.count()
        self.through = self.leaked.count()
        self.dropped = self.dropped_before() - self.dropped
        self.passed.close()
        self.leaked.close()
        print("%s: blocked %d, of them through %d; allowed %d, of them lost %d (by the wire: %d); "
              "%d a second of the slower" % (self.test.id(), self.blocked, self.through,
                                             self.allowed, self.lost, self.dropped, self.rate))


class Takeover(PepctlTest):
    CONFIG = {"datapath": {"pin": "always"}}
    POLICIES = [block("no", protocol="UDP", dport=BLOCKED)]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.flood_program = build("flood", cls.daemon.directory)
        for port in (BLOCKED, ALLOWED):  # no answers by ICMP
            sink = cls.lab.host.socket(socket.AF_INET, socket.SOCK_DGRAM)
            cls.addClassCleanup(sink.close)
            sink.bind((HOST4, port))

    @classmethod
    def tearDownClass(cls):
        cls.daemon.config["datapath"]["on_stop"] = "detach"
        cls.daemon.write_config()
        cls.daemon.request("POST", "/reload")
        super().tearDownClass()

    def assert_counted(self, traffic, before):
        """Each packet by one policy of one process, but for what the wire had no room for."""
        def missing():
            return traffic.blocked - (self.daemon.counters("no")["packets"] - before)
        wait_until(lambda: missing() <= traffic.dropped, lambda: "%d are missing" % missing())
        self.assertGreaterEqual(missing(), 0)

    def assert_no_gap(self, traffic):
        self.assertGreaterEqual(traffic.rate, 20000)
        self.assertEqual(0, traffic.through)
        self.assertLessEqual(traffic.lost, traffic.dropped)


@per_mode()
class Restart(Takeover):
    def test_kill_and_start(self):
        before = self.daemon.counters("no")["packets"]
        with Traffic(self) as traffic:
            for _ in range(5):
                self.daemon.kill()
                traffic.flowing()
                self.start()
                self.assertIn("taken over: d0: mode " + self.MODE, self.daemon.log())
                traffic.flowing()
        self.assert_no_gap(traffic)
        self.assert_counted(traffic, before)

    def test_stop_and_start(self):
        before = self.daemon.counters("no")["packets"]
        with Traffic(self) as traffic:
            for _ in range(5):
                self.daemon.stop()
                traffic.flowing()
                self.start()
                traffic.flowing()
        self.assert_no_gap(traffic)
        self.assert_counted(traffic, before)


@per_mode()
class Counters(Takeover):
    def offer(self, count, port=BLOCKED):
        self.lab.ingress.offer([packets.udp(PEER4, HOST4, 1000, port, b"x")] * count)

    def restart(self, how):
        getattr(self.daemon, how)()
        self.start()

    def dropped(self, of="totals"):
        stats = self.daemon.get("/stats")
        if of == "totals":
            return stats["packets_blocked"]
        return sum(entry["ingress"]["drop"]["packets"] for entry in stats[of])

    def test_policies_count_on(self):
        self.daemon.post(block("api", protocol="UDP", dport=7000), allow("other", dport=7001))
        self.offer(3)
        before = self.daemon.counters("no")["packets"]
        for how in ("kill", "stop", "kill"):
            self.offer(5, 7000)
            self.offer(2)
            self.restart(how)
        self.assert_counters("api", packets=15, bytes=15 * 29, dropped_packets=15)
        self.assert_counters("no", packets=before + 6)
        self.assert_counters("other", packets=0)

    def test_what_was_reset_stays_so(self):
        self.offer(4)
        self.daemon.write("POST", "/reset")
        self.offer(3)
        self.restart("kill")
        self.assert_counters("no", packets=3)
        self.daemon.write("POST", "/reset")
        self.offer(2)
        self.restart("kill")
        self.restart("kill")
        self.assert_counters("no", packets=2)
        self.assertEqual((2, 2), (self.dropped("interfaces"), self.dropped()))

    def test_a_policy_that_comes_again_begins_at_zero(self):
        self.daemon.post(block("again", protocol="UDP", dport=7000))
        self.offer(3, 7000)
        self.daemon.delete("again")
        self.restart("kill")
        self.daemon.post(block("again", protocol="UDP", dport=7000))
        self.offer(1, 7000)
        self.assert_counters("again", packets=1)
        self.daemon.delete("again")
        self.daemon.post(block("again", protocol="UDP", dport=7000))
        self.restart("kill")
        self.assert_counters("again", packets=0)

    def test_totals_never_go_down(self):
        self.offer(7)
        before = self.dropped()
        self.assertGreaterEqual(before, 7)
        self.restart("kill")
        self.assertEqual(before, self.dropped())



@per_mode()
class UnderWay(Takeover):
    """What packets before the restart mean for those behind it."""

    def test_buckets_stay_empty(self):
        self.daemon.post(policy("slow", "RATE_LIMIT", protocol="UDP", dport=7000,
                                rate_limit_packets_per_second=1, burst_packets=200))
        self.lab.ingress.offer([packets.udp(PEER4, HOST4, 1, 7000, b"x")] * 300)
        self.daemon.kill()
        self.start()
        offered = [packets.udp(PEER4, HOST4, 1, 7000, b"%d" % n) for n in range(100)]
        self.assertLess(sum(self.lab.ingress.offer(offered)), 50)

    def test_later_fragment_finds_its_first_one(self):
        whole = packets.udp(PEER4, HOST4, 1, ALLOWED, bytes(200))
        first, later = packets.fragments(whole, 104, ident=77)[:2]
        self.assertEqual([True], self.lab.ingress.offer([first]))
        self.daemon.kill()
        self.start()
        self.assertEqual([True], self.lab.ingress.offer([later]))
        other = packets.fragments(whole, 104, ident=78)[1]
        self.assertEqual([False], self.lab.ingress.offer([other]))


@per_mode("native")
class CountersOnDisk(PepctlTest):
    """Nothing outlives the process here, as over a reboot; what was counted is in a file."""
    POLICIES = [block("no", protocol="UDP", dport=BLOCKED)]

    def test_counters_go_on(self):
        self.daemon.post(block("api", protocol="UDP", dport=7000))
        self.lab.ingress.offer([packets.udp(PEER4, HOST4, 1, BLOCKED, b"x")] * 4)
        self.lab.ingress.offer([packets.udp(PEER4, HOST4, 1, 7000, b"x")] * 2)
        self.daemon.stop()
        self.assertTrue(os.path.exists(os.path.join(self.daemon.state_dir, "counters.json")))
        self.start()
        self.assert_counters("no", packets=4, dropped_packets=4, bytes=4 * 29)
        self.assert_counters("api", packets=2)
        self.assertEqual(6, self.daemon.get("/stats")["packets_blocked"])
        self.lab.ingress.offer([packets.udp(PEER4, HOST4, 1, BLOCKED, b"x")])
        self.assert_counters("no", packets=5)
        self.daemon.write("POST", "/reset")
        self.daemon.stop()
        self.start()
        self.assert_counters("no", packets=0)

    def test_a_damaged_file_is_no_obstacle(self):
        self.daemon.stop()
        with open(os.path.join(self.daemon.state_dir, "counters.json"), "r+") as file:
            file.write("[]")
        self.start()
        self.assertIn("stored counters cannot be read", self.daemon.log())


@per_mode()
class Detach(Takeover):
    def pins(self):
        return os.listdir(self.daemon.pin_directory)

    def attached(self):
        return any(foreign.programs(self.lab.host, self.lab.DEVICE).values())

    def test_detach(self):
        refused = self.daemon.run_client("detach", self.daemon.pin_directory)
        self.assertEqual(1, refused.returncode, refused)
        self.assertIn("stop it first", refused.stderr)
        self.daemon.stop()
        self.assertTrue(self.attached())
        with self.lab.host:
            done = self.daemon.run_client("detach", self.daemon.pin_directory)
        self.assertEqual((0, "detached 1 programs\n"), (done.returncode, done.stdout), done.stderr)
        self.assertFalse(self.attached())
        self.assertEqual([], [name for name in self.pins() if "." not in name])
        again = self.daemon.run_client("detach", self.daemon.pin_directory, "--json")
        self.assertEqual((0, {"detached": 0}), (again.returncode, json.loads(again.stdout)))
        self.start()

    def test_what_is_not_wanted_any_more(self):
        """Another interface is configured while the daemon is away, and one went."""
        self.lab.add_pair("d1", "p1")
        self.lab.add_pair("d2", "p2")
        names = [self.lab.DEVICE, "d1", "d2"]
        self.daemon.config["network"]["interfaces"] = names
        self.daemon.write_config()
        self.daemon.write("POST", "/reload")
        for name in names:
            self.daemon.wait_attached(name)
        self.daemon.kill()
        self.lab.host.ip("link del d2")
        self.daemon.config["network"]["interfaces"] = [self.lab.DEVICE]
        self.daemon.write_config()
        self.start()
        self.assertFalse(any(foreign.programs(self.lab.host, "d1").values()))
        self.assertTrue(self.attached())
        self.assertEqual(1, len([name for name in self.pins() if name.startswith("link-")]))

    def test_detached_by_somebody(self):
        """Then it is attached anew."""
        self.daemon.kill()
        with self.lab.host:
            subprocess.run([daemons.program(), "detach", self.daemon.pin_directory], check=True,
                           stdout=subprocess.DEVNULL)
        self.start()
        self.assertFalse(self.daemon.interfaces()[self.lab.DEVICE]["taken_over"])
        self.assert_ingress(("a blocked packet", packets.udp(PEER4, HOST4, 1, BLOCKED, b""), False))

    def test_another_mode(self):
        """The successor is in force before what was there goes."""
        other = {"native": "tc", "tc": "generic", "generic": "native"}[self.MODE]
        with Traffic(self) as traffic:
            for mode in (other, self.MODE):
                self.daemon.kill()
                self.daemon.config["network"]["mode"] = mode
                self.daemon.write_config()
                self.daemon.start()
                self.assertEqual(mode, self.daemon.wait_attached(self.lab.DEVICE)["mode"])
                traffic.flowing()
        self.assertEqual(0, traffic.through)


class NoOtherWay(Takeover):
    """What is attached goes on where the mode that is wanted now cannot be had, by what
    the daemon enforces now."""
    CONFIG = {"network": {"interfaces": ["lo", "d0"], "mode": "tc"}, "datapath": {"pin": "always"}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon.wait_attached("lo")

    def passes(self):
        with self.lab.host:
            receiver, sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        with contextlib.closing(receiver), contextlib.closing(sender):
            receiver.bind(("127.0.0.1", 0))
            receiver.settimeout(0.3)
            sender.sendto(b"x", receiver.getsockname())
            try:
                return receiver.recv(1) == b"x"
            except socket.timeout:
                return False

    def test_a_mode_that_cannot_be_had(self):
        self.daemon.put(block("all", protocol="UDP"))
        self.assertFalse(self.passes())
        self.daemon.kill()
        self.assertFalse(self.passes())
        self.daemon.config["network"]["mode"] = "native"
        self.daemon.write_config()
        self.daemon.start()
        shown = self.daemon.interfaces()["lo"]
        self.assertEqual("tc", shown["mode"])
        self.assertTrue(shown["taken_over"])
        self.assertFalse(self.passes())
        self.daemon.put()
        self.assertTrue(self.passes())


class Failing(Takeover):
    """A start that fails leaves what is in force untouched, and says why."""
    MODE = "native"
    TIMES = 20 if SLOW else 3

    @contextlib.contextmanager
    def bad_configuration(self):
        self.daemon.write_config("{")
        yield {}
        self.daemon.write_config()

    @contextlib.contextmanager
    def bad_policies(self):
        self.daemon.config["policy"]["on_bad_start"] = "last-good"
        kept = os.path.join(self.daemon.state_dir, "last-good.json")
        os.rename(kept, kept + ".away")
        self.daemon.config["network"]["mode"] = "nonsense"
        self.daemon.write_config()
        yield {}
        os.rename(kept + ".away", kept)
        self.daemon.config["network"]["mode"] = self.MODE
        self.daemon.write_config()

    @contextlib.contextmanager
    def state_in_use(self):
        with open(os.path.join(self.daemon.state_dir, "lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield {}

    @contextlib.contextmanager
    def no_capability(self):
        yield {"prefix": ("setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-all")}

    @contextlib.contextmanager
    def no_descriptors(self):
        yield {"prefix": ("prlimit", "--nofile=40:40")}

    @contextlib.contextmanager
    def no_memory(self):
        yield {"prefix": ("prlimit", "--as=16000000:16000000")}

    def test_ways(self):
        ways = [self.bad_configuration, self.bad_policies, self.state_in_use,
                self.no_capability, self.no_descriptors]
        if os.environ.get("SANITIZERS", "no") == "no":  # they want terabytes of addresses
            ways.append(self.no_memory)
        for way in ways:
            with self.subTest(way=way.__name__):
                self.daemon.kill()
                with Traffic(self) as traffic:
                    with way() as options:
                        for _ in range(self.TIMES):
                            self.fail_once(options)
                        traffic.flowing()
                    self.start()
                    traffic.flowing()
                self.assert_no_gap(traffic)

    def fail_once(self, options):
        self.daemon.launch(**options)
        self.assertNotEqual(0, self.daemon.wait_exit())
        notifications = self.daemon.notifications
        wait_until(lambda: notifications.status.startswith("not started: "),
                   lambda: "a reason, not '%s'\n%s" % (notifications.status, self.daemon.log()))
        print("  ", self.daemon.process.returncode, notifications.status)
        self.daemon.forget()



@per_mode("native", "tc")
class Deaths(Takeover):
    """
    Killed wherever a start changes what outlives it, time and again: the next
    one goes on with what the dead ones left, and no packet is counted twice.
    """
    STEP = 1 if SLOW else 3
    STEPS_MOST = 200

    def die(self, number):
        """Whether it died; else it is ready."""
        self.daemon.launch(prefix=(self.die_at, str(number)))
        wait_until(lambda: not self.daemon.running() or
                   self.daemon.notifications.take("READY=1"), "death or readiness", 60)
        if self.daemon.running():
            self.daemon.process.terminate() # die_at, which kills the daemon and waits for it
            self.daemon.wait_exit()
            self.daemon.forget()
            return False
        self.assertEqual(137, self.daemon.process.returncode, self.daemon.log())
        self.daemon.forget()
        return True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.die_at = build("die_at", cls.daemon.directory)

    def test_each_point(self):
        before = self.daemon.counters("no")["packets"]
        deaths = 0
        with Traffic(self) as traffic:
            self.daemon.kill()
            for number in range(1, self.STEPS_MOST, self.STEP):
                if not self.die(number):
                    break
                deaths += 1
                if deaths % 4 == 0:
                    self.start()
                    self.daemon.kill()
            self.start()
            traffic.flowing()
        print("%d deaths" % deaths)
        self.assertGreater(deaths, 20 / self.STEP)
        self.assert_no_gap(traffic)
        self.assert_counted(traffic, before)
        left = [name for name in os.listdir(self.daemon.pin_directory) if name.startswith("run-")]
        self.assertEqual(1, len({name.split("-")[1] for name in left}), left)


if __name__ == "__main__":
    main()
