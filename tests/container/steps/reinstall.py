# SPDX-License-Identifier: Apache-2.0
"""Installed again: with the old configuration, and as enabled as it was."""
from traffic import NOTHING


def run(lab):
    def start():
        lab.install(0)
        lab.expect("systemctl is-enabled pepctl", "enabled")
        lab.run("systemctl start pepctl")
        lab.wait_enforcing()

    lab.traffic.step("install again", start, NOTHING)
    lab.traffic.step("running again", lambda: None)
