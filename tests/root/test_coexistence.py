#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Programs of others on the same interface keep working, are named, and stay when we go."""
import contextlib
import json
import subprocess

from harness import (PepctlTest, block, daemons, foreign, main, network, packets, per_mode,
                     wait_until)

PEER4, NOBODY4 = "10.77.0.2", "10.77.0.99"


class Neighbours(PepctlTest):
    """Each test has a lab and a daemon of its own: what is there first matters."""
    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        self.lab = network.Lab()
        self.addCleanup(self.lab.close)

    def begin(self, mode, **network_config):
        self.daemon = daemons.Daemon(self.lab.host, {
            "network": dict({"interfaces": ["d0"], "mode": mode}, **network_config)})
        self.addCleanup(self.daemon.close)
        self.daemon.start()
        return self.daemon.wait_attached("d0")

    def program(self, kind, verdict, name):
        counter = foreign.Counter(kind, verdict, name)
        self.addCleanup(counter.close)
        return counter

    def assert_foreign_sees(self, *expected):
        """expected: (program, of one blocked and one passing packet, how many it sees) each."""
        self.daemon.put(block("port", protocol="UDP", dport=53))
        self.lab.ingress.settle()
        for port, column in ((53, 1), (54, 2)):
            before = [row[0].packets for row in expected]
            wire = self.lab.ingress
            wire.send(wire.frame(packets.udp(PEER4, NOBODY4, 1, port, b"x")))
            wire.settle()
            # The frame by which the wire settles is seen by those behind us too.
            after = [row[0].packets - 1 for row in expected]
            self.assertEqual([row[column] for row in expected],
                             [b - a for a, b in zip(before, after)], "of a packet to %d" % port)

    def assert_named(self, hook, **positions):
        """positions: position by the name of the program."""
        named = self.daemon.interfaces()["d0"]["foreign"]
        self.assertEqual(positions, {entry["name"]: entry["position"] for entry in named
                                     if entry["hook"] == hook})

    def assert_left(self, **expected):
        """Stops the daemon; then exactly these programs are attached."""
        self.daemon.stop()
        self.assertEqual(dict({"xdp": [], "tcx/ingress": [], "tcx/egress": [],
                               "clsact/ingress": [], "clsact/egress": []}, **expected),
                         foreign.programs(self.lab.host, "d0"))


class Coexistence(Neighbours):
    def test_tcx_before_and_behind(self):
        """One that attached first, and one that puts itself behind later."""
        first = self.program(foreign.TYPE_SCHED_CLS, foreign.TCX_NEXT, b"first")
        first.attach(self.lab.host, "d0", foreign.ATTACH_TCX_INGRESS)
        self.begin("tc")
        ours = [i for i in foreign.query(self.lab.host, "d0", foreign.ATTACH_TCX_INGRESS)
                if i != first.id]
        self.assertEqual(1, len(ours))
        last = self.program(foreign.TYPE_SCHED_CLS, foreign.TCX_NEXT, b"last")
        last.attach(self.lab.host, "d0", foreign.ATTACH_TCX_INGRESS, foreign.AFTER)
        before = self.program(foreign.TYPE_SCHED_CLS, foreign.TCX_NEXT, b"before")
        before.attach(self.lab.host, "d0", foreign.ATTACH_TCX_INGRESS, foreign.BEFORE)
        # We placed ourselves first when we attached; `before` came later and chose to be first.
        self.assertEqual([before.id, ours[0], first.id, last.id],
                         foreign.query(self.lab.host, "d0", foreign.ATTACH_TCX_INGRESS))
        self.assert_foreign_sees((before, 1, 1), (first, 0, 1), (last, 0, 1))
        self.assert_named("tcx/ingress", before="before", first="behind", last="behind")
        self.assert_left(**{"tcx/ingress": [before.id, first.id, last.id]})

    def test_clsact_filter_behind_tcx(self):
        """A pass of ours is TCX_NEXT: a filter behind still sees the packet."""
        behind = self.program(foreign.TYPE_SCHED_CLS, foreign.TC_ACT_OK, b"behind")
        behind.add_filter(self.lab.host, "d0")
        self.begin("tc")
        self.assert_foreign_sees((behind, 0, 1))
        self.assert_named("clsact/ingress", behind="behind")
        self.assert_left(**{"clsact/ingress": [behind.id]})

    def test_clsact_filters_of_egress(self):
        behind = self.program(foreign.TYPE_SCHED_CLS, foreign.TC_ACT_OK, b"behind")
        behind.add_filter(self.lab.host, "d0", foreign.CLSACT_EGRESS)
        self.begin("tc", egress=True)
        before = behind.packets
        self.lab.egress.offer([packets.udp("10.77.0.1", NOBODY4, 1, 54, b"x")])
        self.assertGreater(behind.packets, before)
        self.assert_left(**{"clsact/egress": [behind.id]})

    def test_filter_that_comes_while_we_run(self):
        self.begin("tc")
        behind = self.program(foreign.TYPE_SCHED_CLS, foreign.TC_ACT_OK, b"behind")
        behind.add_filter(self.lab.host, "d0")
        self.assert_foreign_sees((behind, 0, 1))
        self.assert_named("clsact/ingress", behind="behind")
        self.assert_left(**{"clsact/ingress": [behind.id]})

    def leave_xdp_alone(self, flags):
        theirs = self.program(foreign.TYPE_XDP, foreign.XDP_PASS, b"theirs")
        theirs.attach(self.lab.host, "d0", foreign.ATTACH_XDP, flags)
        self.assertEqual("tc", self.begin("auto")["mode"])
        self.assert_foreign_sees((theirs, 1, 1))
        self.assert_named("xdp", theirs="before")
        self.assertRegex(self.daemon.log(),
                         "d0 is not attached to by native: another XDP program holds d0")
        self.assert_left(xdp=[theirs.id])

    def test_foreign_xdp_is_not_replaced_and_tc_is_taken(self):
        """auto goes to TC and says so; the original replaced and removed others' programs."""
        self.leave_xdp_alone(foreign.XDP_FLAGS_DRV)

    def test_foreign_generic_xdp_is_not_replaced_either(self):
        self.leave_xdp_alone(foreign.XDP_FLAGS_SKB)

    def test_foreign_xdp_makes_forced_xdp_fail_openly(self):
        theirs = self.program(foreign.TYPE_XDP, foreign.XDP_PASS, b"theirs")
        theirs.attach(self.lab.host, "d0", foreign.ATTACH_XDP, foreign.XDP_FLAGS_DRV)
        self.daemon = daemons.Daemon(self.lab.host, {
            "network": {"interfaces": ["d0"], "mode": "native"}})
        self.addCleanup(self.daemon.close)
        self.daemon.start()
        entry = wait_until(lambda: self.daemon.interfaces().get("d0"), "d0 is not listed")
        self.assertFalse(entry.get("mode"))
        self.assertTrue(entry["attempts"])
        response = self.daemon.request("GET", "/health")
        self.assertEqual((503, "out_of_sync"), (response.status, response.json["status"]))
        self.assert_named("xdp", theirs="instead")
        self.assert_left(xdp=[theirs.id])

    def test_a_second_attach_cannot_throw_us_out(self):
        """Ours is a link: `ip link set xdp off` and an attach without a link fail."""
        self.begin("native")
        with contextlib.suppress(AssertionError):
            self.lab.host.run("ip", "link", "set", "d0", "xdp", "off")
        theirs = self.program(foreign.TYPE_XDP, foreign.XDP_PASS, b"theirs")
        with self.assertRaises(OSError):
            theirs.attach(self.lab.host, "d0", foreign.ATTACH_XDP, foreign.XDP_FLAGS_DRV)
        self.daemon.put(block("port", protocol="UDP", dport=53))
        self.assert_ingress(("still held", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), False))
        self.daemon.stop()

    def test_qdisc_that_was_there_stays(self):
        self.lab.host.run("tc", "qdisc", "add", "dev", "d0", "clsact")
        self.begin("tc", egress=True)
        self.daemon.stop()
        self.assertIn("clsact", self.lab.host.run("tc", "qdisc", "show", "dev", "d0"))


@per_mode()
class ByMode(Neighbours):
    def test_tc_of_theirs_is_no_reason_to_skip(self):
        """The original took any TC program for its own, attached nothing and called it success."""
        theirs = self.program(foreign.TYPE_SCHED_CLS, foreign.TCX_NEXT, b"theirs")
        theirs.attach(self.lab.host, "d0", foreign.ATTACH_TCX_INGRESS)
        self.assertEqual(self.MODE, self.begin(self.MODE)["mode"])
        self.assert_foreign_sees((theirs, 0, 1))
        self.assert_left(**{"tcx/ingress": [theirs.id]})

    def test_what_somebody_takes_away_is_put_back(self):
        """By force, which the kernel tells nobody; and it is said that it was so."""
        program = self.begin(self.MODE)["program_id"]
        self.daemon.put(block("port", protocol="UDP", dport=53))
        links = json.loads(subprocess.check_output(["bpftool", "--json", "link", "show"]))
        ours = [link["id"] for link in links if link.get("prog_id") == program]
        self.assertEqual(1, len(ours), links)
        subprocess.run(["bpftool", "link", "detach", "id", str(ours[0])], check=True)
        self.assertFalse(any(foreign.programs(self.lab.host, "d0").values()))
        wait_until(lambda: any(foreign.programs(self.lab.host, "d0").values()),
                   "it is attached again", 10)
        self.assertIn("our program is gone", self.daemon.log())
        self.assert_ingress(("held again", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), False))
        self.assertEqual(200, self.daemon.request("GET", "/health").status)
        self.assert_left()

    def test_kill_leaves_nothing_that_stops_the_next_start(self):
        """After kill -9 a new daemon enforces, and leaves nothing behind when it stops."""
        self.begin(self.MODE)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.MODE, self.daemon.wait_attached("d0")["mode"])
        self.daemon.put(block("port", protocol="UDP", dport=53))
        self.assert_ingress(("held", packets.udp(PEER4, NOBODY4, 1, 53, b"x"), False))
        self.assert_left()


if __name__ == "__main__":
    main()
