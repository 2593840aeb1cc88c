# SPDX-License-Identifier: Apache-2.0
"""
Starts that fail in each of five ways, 20 times in a row: what is in force
stays, `systemctl status` says why, and the first start that can succeed does.
"""
from scenarios import CONFIG
from container import wait_until

TIMES = 20
DROP_IN = "/etc/systemd/system/pepctl.service.d/%s.conf"


def drop_in(text):
    """Makes a setting of the unit's wrong, and right again."""
    return (lambda one: one.write(DROP_IN % "bad", "[Service]\n" + text),
            lambda one: one.write(DROP_IN % "bad", ""))


LAST_GOOD = "/var/lib/pepctl/last-good.json"


def spoil_config(one):
    """And there is no good one to be used instead."""
    one.write("/etc/pepctl/config.json", "{")
    one.run("mv %s %s.away" % (LAST_GOOD, LAST_GOOD))


def mend_config(one):
    one.write("/etc/pepctl/config.json", CONFIG % one.mode)
    one.run("mv %s.away %s" % (LAST_GOOD, LAST_GOOD))


def hold_state(one):
    one.run("systemd-run --quiet --unit=holder flock /var/lib/pepctl/lock sleep infinity")
    wait_until(lambda: one.try_run("flock -n /var/lib/pepctl/lock true").returncode, "a lock")


WAYS = {
    "configuration": (spoil_config, mend_config),
    "state in use": (hold_state, lambda one: one.run("systemctl stop holder")),
    "no capability": drop_in("AmbientCapabilities=\nAmbientCapabilities=CAP_NET_ADMIN\n"),
    "no descriptors": drop_in("LimitNOFILE=40\n"),
    "no memory": drop_in("LimitAS=16000000\n"),
}


def fail(one, spoil, mend):
    """Restarted by hand, and then by systemd time and again."""
    spoil(one)
    one.run("systemctl daemon-reload")
    one.try_run("systemctl restart pepctl")
    wait_until(lambda: int(one.property("NRestarts")) >= TIMES, lambda: "only %s restarts: %s" % (
        one.property("NRestarts"), one.try_run("systemctl status pepctl").stdout), 120)
    said = wait_until(lambda: find_reason(one), lambda: "no reason in " + one.try_run(
        "systemctl status pepctl").stdout)
    mend(one)
    one.run("systemctl daemon-reload")
    return said


def find_reason(one):
    lines = one.try_run("systemctl status pepctl").stdout.splitlines()
    return next((line.strip() for line in lines if "not started: " in line), None)


def run(lab):
    def fail_and_recover():
        before = lab.pids()
        print("  %s: %s" % (name, lab.each(lambda one: fail(one, *WAYS[name]))[0]))
        lab.wait_enforcing(before)

    for one in lab.containers:
        one.write(DROP_IN % "fast", "[Service]\nRestartSec=50ms\n")
    for name in WAYS:
        lab.traffic.step("20 x " + name, fail_and_recover)
    lab.run("rm " + " ".join(DROP_IN % name for name in ("fast", "bad")))
    lab.run("systemctl daemon-reload")
