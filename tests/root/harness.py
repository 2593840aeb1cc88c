# SPDX-License-Identifier: Apache-2.0
"""
The frame of the end-to-end tests: a Lab, a daemon on one end of its wire, and
one class of tests for each mode of attaching.

A test file is run alone, as root: PEPCTL=./pepctl tests/root/test_block.py
TEST_SLOW=1 makes what takes long take the whole time that is promised.
"""
import os
import signal
import sys
import unittest

import daemon as daemons
import foreign
import network
import packets
from network import wait_until

MODES = ("native", "tc", "generic")
SLOW = bool(os.environ.get("TEST_SLOW"))
SKIPPED = 77


def per_mode(*modes):
    """
    Makes a class of tests into one for each mode. The template's own name is
    nothing afterwards, so that unittest does not run it.
    """
    def decorate(template):
        scope = sys.modules[template.__module__].__dict__
        for mode in modes or MODES:
            name = template.__name__ + mode.capitalize()
            scope[name] = type(name, (template,), {"MODE": mode, "__doc__": template.__doc__,
                                                   "__module__": template.__module__})
        return None
    return decorate


class PepctlTest(unittest.TestCase):
    """
    Each class has a lab and a daemon of its own, shared by its tests; each
    test begins without policies of the API. What the daemon wrote is shown when
    a test fails.
    """
    MODE = None
    CONFIG = {}
    POLICIES = []
    EGRESS = False
    NEIGHBOURS = True
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lab = network.Lab(neighbours=cls.NEIGHBOURS)
        cls.addClassCleanup(cls.lab.close)
        cls.daemon = daemons.Daemon(cls.lab.host, cls.config(), cls.POLICIES)
        cls.addClassCleanup(cls.daemon.close)
        cls.start()

    @classmethod
    def config(cls):
        base = {"network": {"interfaces": [cls.lab.DEVICE], "egress": cls.EGRESS}}
        if cls.MODE:
            base["network"]["mode"] = cls.MODE
        return daemons.merged(base, cls.CONFIG)

    @classmethod
    def start(cls):
        cls.daemon.start()
        entry = cls.daemon.wait_attached(cls.lab.DEVICE)
        if cls.MODE and entry["mode"] != cls.MODE:
            raise AssertionError("%s is asked for, %s is in force" % (cls.MODE, entry["mode"]))

    @classmethod
    def tearDownClass(cls):
        """Ends the daemon properly, which must leave nothing behind."""
        if not cls.daemon.running():
            return
        cls.daemon.stop()
        left = foreign.programs(cls.lab.host, cls.lab.DEVICE)
        if any(left.values()):
            raise AssertionError("still attached after the daemon's end: %s" % left)

    def setUp(self):
        if self.daemon.running():
            self.daemon.put()

    def run(self, result=None):
        before = len(self.daemon.log()) if hasattr(self, "daemon") else 0
        troubles = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > troubles and hasattr(self, "daemon"):
            print("\n---- log of the daemon during %s\n%s----" %
                  (self.id(), self.daemon.log()[before:][-6000:]), file=sys.stderr)
        return result

    # ---- what most tests say

    def assert_offered(self, wire, expectations):
        """expectations: (what, packet or (frame,), whether it shall arrive) each."""
        arrived = wire.offer([item for _, item, _ in expectations])
        wrong = ["%s: %s" % (what, "passed" if came else "dropped")
                 for (what, _, wanted), came in zip(expectations, arrived) if came != wanted]
        self.assertFalse(wrong)

    def assert_ingress(self, *expectations):
        self.assert_offered(self.lab.ingress, expectations)

    def assert_egress(self, *expectations):
        self.assert_offered(self.lab.egress, expectations)

    def assert_counters(self, identity, **expected):
        """Polls until a policy's counters are exactly so."""
        def read():
            counters = self.daemon.counters(identity)
            return {key: counters[key] for key in expected}
        wait_until(lambda: read() == expected,
                   lambda: "counters of %s are %s, not %s" % (identity, read(), expected), 5)


def policy(identity, action, **fields):
    """A policy; src, dst: an address or list; sport, dport: a port, range or list."""
    result = {"id": identity, "action": action}
    for end, port in (("src", "sport"), ("dst", "dport")):
        side = {}
        if end in fields:
            side["ip"] = fields.pop(end)
        if port in fields:
            side["port"] = fields.pop(port)
        if side:
            result[end] = side
    result.update(fields)
    return result


def block(identity, **fields):
    return policy(identity, "BLOCK", **fields)


def allow(identity, **fields):
    return policy(identity, "ALLOW", **fields)


def main():
    """Instead of unittest.main(): root only, and no process outlives a signal."""
    if os.geteuid() != 0:
        print("needs root: namespaces and BPF", file=sys.stderr)
        sys.exit(SKIPPED)
    if not os.access(daemons.program(), os.X_OK):
        print("no executable %s; set PEPCTL" % daemons.program(), file=sys.stderr)
        sys.exit(1)
    # As by SIGINT: unittest takes every other exception for the failure of a test.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    unittest.main(verbosity=2)


__all__ = ["MODES", "SLOW", "PepctlTest", "allow", "block", "daemons", "foreign", "main",
           "network", "packets", "per_mode", "policy", "wait_until"]
