# SPDX-License-Identifier: Apache-2.0
"""Installed: the service is there, and does nothing until it is told to."""
from traffic import NOTHING


def run(lab):
    lab.traffic.step("install", lambda: lab.install(0), NOTHING)
    lab.expect("systemctl is-enabled pepctl", "disabled")
    lab.expect("systemctl is-active pepctl", "inactive")
    lab.expect("stat -c '%a %U:%G' /var/lib/pepctl /var/log/pepctl",
               "750 pepctl:pepctl\n750 pepctl:pepctl")
    lab.run("pepctl --config /etc/pepctl/config.json --check")
    for row in lab.traffic.rows[-len(lab.containers):]:
        if row.through != row.sent["blocked"] or row.lost:
            raise AssertionError("packets are counted wrongly without pepctl: %s" % (row,))
