# SPDX-License-Identifier: Apache-2.0
"""Booted anew: enforced before the first packet, as the cable is up only then."""
from traffic import THROUGH


def run(lab):
    lab.power_off()
    lab.boot("reboot", THROUGH)
    lab.wait_enforcing()
    for one in lab.containers:
        journal = one.run("journalctl -b --no-pager")
        if "ordering cycle" in journal:
            raise AssertionError(journal)
        monotonic = [int(one.run("systemctl show --value -p %s %s" % name)) for name in
                     (("ActiveEnterTimestampMonotonic", "pepctl"),
                      ("ExecMainStartTimestampMonotonic", "test-network"))]
        if monotonic[0] > monotonic[1]:
            raise AssertionError("%s: the network came before pepctl" % one.mode)
    lab.traffic.step("after a reboot", lambda: None)
