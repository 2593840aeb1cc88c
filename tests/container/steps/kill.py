# SPDX-License-Identifier: Apache-2.0
"""Killed: the service manager starts it again, and its links stay meanwhile."""


def run(lab):
    def kill():
        lab.run("systemctl kill --kill-whom=main --signal=KILL pepctl")
        lab.wait_enforcing(before)

    before = lab.pids()
    lab.traffic.step("kill -9", kill)
