# SPDX-License-Identifier: Apache-2.0
"""And back to the lower version."""


def run(lab):
    def downgrade():
        lab.install(0)
        lab.wait_enforcing(before)

    before = lab.pids()
    lab.traffic.step("downgrade", downgrade)
