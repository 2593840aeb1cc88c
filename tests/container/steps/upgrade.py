# SPDX-License-Identifier: Apache-2.0
"""A higher version runs after its installation, with the administrator's files."""


def run(lab):
    def upgrade():
        lab.install(1)
        lab.wait_enforcing(before)

    before = lab.pids()
    files = lab.run("cat /etc/pepctl/config.json /etc/pepctl/policies.json")
    lab.traffic.step("upgrade", upgrade)
    lab.run('test "pepctl $(dpkg-query -W -f \'${Version}\' pepctl | cut -d- -f1)" = '
            '"$(pepctl --version)"')
    if lab.run("cat /etc/pepctl/config.json /etc/pepctl/policies.json") != files:
        raise AssertionError("an upgrade changes nothing in /etc/pepctl")
