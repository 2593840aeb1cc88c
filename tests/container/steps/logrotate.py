# SPDX-License-Identifier: Apache-2.0
"""Logs are rotated by the system's logrotate, and written to the new file."""


def run(lab):
    def rotate():
        lab.run("logrotate -f /etc/logrotate.d/pepctl")

    before = lab.pids()
    lab.traffic.step("logrotate", rotate)
    lab.expect("stat -c '%U:%G' /var/log/pepctl/pepctl.log.1", "pepctl:pepctl")
    lab.run("systemctl reload pepctl")
    lab.run("grep -q . /var/log/pepctl/pepctl.log")
    lab.run("! grep -rqi error /var/lib/logrotate/status")
    if lab.pids() != before:
        raise AssertionError("rotation is no restart")
