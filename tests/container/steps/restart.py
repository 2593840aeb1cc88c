# SPDX-License-Identifier: Apache-2.0
"""Restarted: nothing may get through meanwhile, nor be lost."""


def run(lab):
    def restart():
        lab.run("systemctl restart pepctl")
        lab.wait_enforcing(before)

    before = lab.pids()
    lab.traffic.step("restart", restart)
