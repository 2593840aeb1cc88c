# SPDX-License-Identifier: Apache-2.0
"""Enabled and started: each container attaches in its mode."""
from traffic import NOTHING


def run(lab):
    def start():
        lab.run("systemctl enable --now pepctl")
        lab.wait_enforcing()

    lab.configure()
    lab.run("systemctl daemon-reload")
    lab.traffic.step("enable --now", start, NOTHING)
    lab.traffic.step("running", lambda: None)
    lab.expect("systemctl is-enabled pepctl", "enabled")
    lab.expect("stat -c '%a %U:%G' /run/pepctl/pepctl.sock", "660 pepctl:pepctl")
    lab.expect("ps -o user= -p $(systemctl show --value -p MainPID pepctl)", "pepctl")
