# SPDX-License-Identifier: Apache-2.0
"""Stopped like a process that hangs: the watchdog replaces it."""


def run(lab):
    def hang():
        lab.run("systemctl kill --kill-whom=main --signal=STOP pepctl")
        lab.wait_enforcing(before)

    before = lab.pids()
    lab.traffic.step("watchdog", hang)
    lab.run("journalctl -b -u pepctl | grep -q 'Watchdog timeout'")
