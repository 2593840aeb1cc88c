# SPDX-License-Identifier: Apache-2.0
"""What Debian's autopkgtest runs, on the package as it was installed."""
import os
import shutil


def run(lab):
    shutil.copy(os.path.join(lab.programs, "traffic"), lab.containers[0].path("/root/traffic"))
    lab.containers[0].run("/root/traffic")
    lab.containers[0].expect("systemctl is-active pepctl", "inactive")
