# SPDX-License-Identifier: Apache-2.0
"""Removed: stopped and detached; configuration and state stay."""
from traffic import NOTHING


def run(lab):
    lab.traffic.step("remove", lambda: lab.run("apt-get -qq -y remove pepctl"), NOTHING)
    lab.expect("systemctl is-active pepctl", "inactive")
    lab.expect("ps -C pepctl -o pid=", "")
    lab.run("test -e /etc/pepctl/config.json && test -e /var/lib/pepctl && test ! -e /usr/bin/pepctl")
    lab.expect("ip -o link show | grep -c xdp", "0")
