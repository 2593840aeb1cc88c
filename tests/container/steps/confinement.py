# SPDX-License-Identifier: Apache-2.0
"""What code inside the daemon could do: a program in its place tries it."""
import os
import shutil


def run(lab):
    for one in lab.containers:
        shutil.copy(os.path.join(lab.programs, "intruder"), one.path("/root/intruder"))
        # The unit itself, with another program where pepctl's is, that ends.
        unit = one.run("cat $(systemctl show --value -p FragmentPath pepctl)")
        one.write("/etc/systemd/system/intruder.service", unit)
        one.write("/etc/systemd/system/intruder.service.d/place.conf",
                  "[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\n"
                  "BindReadOnlyPaths=/root/intruder:/usr/bin/pepctl\n")
    one = lab.containers[0]
    one.run("systemctl daemon-reload")
    done = one.try_run("systemctl start intruder")
    said = one.run("journalctl -b -u intruder -o cat --no-pager")
    print("\n".join("  " + line for line in said.splitlines() if line.startswith(("refused", "DONE"))))
    if done.returncode or "DONE" in said or "refused" not in said:
        raise AssertionError(said)
