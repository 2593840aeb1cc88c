# SPDX-License-Identifier: Apache-2.0
"""A version whose maps are of another layout: it reads those that it finds, and counts on."""


def run(lab):
    def upgrade():
        lab.install(2)
        lab.wait_enforcing(before)

    before = lab.pids()
    lab.traffic.step("another layout", upgrade)
    lab.expect("pepctl --version", "pepctl 99.1")
