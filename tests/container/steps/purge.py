# SPDX-License-Identifier: Apache-2.0
"""Purged: nothing of ours is left but the user, and what the administrator made."""
from traffic import NOTHING


def run(lab):
    lab.run("touch /etc/pepctl/mine")
    lab.traffic.step("purge", lambda: lab.run("apt-get -qq -y purge pepctl"), NOTHING)
    lab.expect("ls /etc/pepctl", "mine\npolicies.json")
    lab.run("rm /etc/pepctl/mine /etc/pepctl/policies.json")
    lab.install(0)
    lab.run("apt-get -qq -y purge pepctl")
    lab.run("rm -r /etc/systemd/system/pepctl.service.d")
    lab.run("id pepctl")
    lab.expect("find / -xdev -name '*pepctl*' ! -path '/root/*' ! -path '/var/lib/dpkg/*' "
               "! -path '/proc/*'", "")
