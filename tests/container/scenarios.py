#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
scenarios.py ROOT DEBS PROGRAMS SCRATCH [NAME...]: a package's life in booted
containers, one for each mode of attaching, all at once, under traffic. `run`
calls it, in namespaces for network and mounts of its own.

Each scenario is a function run(lab) of a module in steps/; they go in this
order, and each begins with what the one before left. The status is 0 only when
all succeeded.
"""
import concurrent.futures
import glob
import importlib
import os
import signal
import sys
import time
import traceback

import container
import traffic

MODES = ("native", "generic", "tc")
RATE = int(os.environ.get("TEST_RATE", "25000"))
SCENARIOS = ("install", "autopkgtest", "enable", "reload", "restart", "kill", "watchdog", "failing",
             "upgrade", "layout", "downgrade", "logrotate", "confinement", "ordering", "reboot", "remove", "reinstall", "purge")
UNIT = "pepctl.service"

CONFIG = """{
	"network": {"interfaces": ["g-*"], "mode": "%s"},
	"log": {"target": ["journal", "file"]}
}
"""
POLICIES = """[
	{"id": "blocked", "action": "BLOCK", "protocol": "udp", "dst": {"port": 7001}},
	{"id": "allowed", "action": "ALLOW", "protocol": "udp", "dst": {"port": 7002}}
]
"""
# Somebody who brings interfaces up, as network managers are ordered; with the
# counters of what came through.
NETWORK = """[Unit]
DefaultDependencies=no
After=local-fs.target network-pre.target
Before=network.target shutdown.target
Wants=network.target
Conflicts=shutdown.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=nft -f /etc/passed.nft
ExecStart=ip link set %(device)s up
[Install]
WantedBy=multi-user.target
"""
PASSED = """table netdev passed {
	counter blocked { }
	counter allowed { }
	chain ingress {
		type filter hook ingress device "%(device)s" priority 0;
		udp dport 7001 counter name blocked drop
		udp dport 7002 counter name allowed drop
	}
}
"""


class Lab:
    def __init__(self, root, debs, programs, scratch):
        self.debs, self.programs = debs, programs
        self.containers = []
        self.pool = concurrent.futures.ThreadPoolExecutor(len(MODES))
        for mode in MODES:
            self.containers.append(container.Container(mode, root, scratch))
        self.traffic = traffic.Traffic(os.path.join(programs, "sender"), RATE, self.containers)
        self.each(self.furnish)

    def each(self, function):
        """Calls it for all containers at once; the results in their order."""
        return list(self.pool.map(function, self.containers))

    def run(self, command):
        return self.each(lambda one: one.run(command))

    def expect(self, command, wanted):
        self.each(lambda one: one.expect(command, wanted))

    def furnish(self, one):
        names = {"device": one.device}
        one.write("/etc/passed.nft", PASSED % names)
        one.write("/etc/systemd/system/test-network.service", NETWORK % names)
        container.run("systemctl", "--root", one.path("/"), "enable", "test-network.service")
        for deb in glob.glob(os.path.join(self.debs, "*.deb")):
            if "dbgsym" not in deb:
                container.run("cp", deb, one.path("/root/"))

    def package(self, index):
        """The path inside, from the lowest version (0) to the highest (2)."""
        names = sorted(os.path.basename(deb) for deb in
                       glob.glob(os.path.join(self.debs, "pepctl_*.deb")))
        if len(names) != 3:
            raise AssertionError("three packages are needed, there are %s" % names)
        return "/root/" + names[index]

    def install(self, index):
        self.run("apt-get -qq -y -o Dpkg::Use-Pty=0 --allow-downgrades install " +
                 self.package(index))

    def configure(self):
        """An administrator's work."""
        for one in self.containers:
            one.write("/etc/pepctl/config.json", CONFIG % one.mode)
            one.write("/etc/pepctl/policies.json", POLICIES)
            one.write("/etc/systemd/system/pepctl.service.d/test.conf",
                      "[Service]\nWatchdogSec=5\n")

    def boot(self, step, strict):
        """The sender sends all the while."""
        self.each(lambda one: one.lay_cable())
        self.traffic.start()
        for one, state in zip(self.containers, self.each(lambda one: one.boot())):
            if state != "running":
                raise AssertionError("%s is %s: %s" % (one.mode, state, one.try_run(
                    "systemctl --failed --no-pager; journalctl -b --no-pager -p warning").stdout))
        self.traffic.begin(step, strict)

    def power_off(self):
        self.traffic.stop()
        self.each(lambda one: one.power_off())

    def pids(self):
        return [one.property("MainPID") for one in self.containers]

    def wait_enforcing(self, other_than=()):
        """Until the unit is active, as another process than before, and attached as asked."""
        def enforcing(one, old):
            if one.try_run("systemctl is-active " + UNIT).stdout.strip() != "active":
                return False
            return one.property("MainPID") != old and self.mode_in_force(one) == one.mode

        for one, old in zip(self.containers, other_than or [None] * len(MODES)):
            container.wait_until(lambda one=one, old=old: enforcing(one, old),
                                 "%s enforces nothing: %s" % (one.mode, UNIT))

    @staticmethod
    def mode_in_force(one):
        lines = one.try_run("pepctl interfaces").stdout.splitlines()
        return next((line.split()[1] for line in lines if line.startswith("g-")), "")

    def close(self):
        self.traffic.stop()
        self.each(lambda one: one.close())
        self.pool.shutdown()


def run_scenario(lab, name):
    began = time.monotonic()
    try:
        importlib.import_module("steps." + name).run(lab)
        failure = ""
    except Exception as error: # pylint: disable=broad-except
        failure = "".join(traceback.format_exception(error)) if os.environ.get("TEST_TRACE") \
            else "%s: %s" % (type(error).__name__, error)
    print("%s %s (%.1f s)%s" % ("FAIL" if failure else "PASS", name, time.monotonic() - began,
                                ": " + failure if failure else ""), flush=True)
    return not failure


def main(root, debs, programs, scratch, *names):
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lab = Lab(root, debs, programs, scratch)
    try:
        lab.boot("boot", traffic.NOTHING)
        wanted = [name for name in SCENARIOS if not names or name in names]
        failed = [name for name in wanted if not run_scenario(lab, name)]
        print(lab.traffic.table())
        gaps = lab.traffic.failures()
        if failed:
            for one in lab.containers:
                print("---- %s\n%s" % (one.mode, one.try_run(
                    "journalctl --no-pager -u pepctl | tail -n 40").stdout))
        print("%d of %d scenarios passed, %d of %d rows of traffic" %
              (len(wanted) - len(failed), len(wanted), len(lab.traffic.rows) - len(gaps),
               len(lab.traffic.rows)))
    finally:
        lab.close()
    return 1 if failed or gaps else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
