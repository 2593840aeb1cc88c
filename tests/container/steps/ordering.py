# SPDX-License-Identifier: Apache-2.0
"""Units ordered as those of a cloud image: no cycle, and before all networks."""

# As cloud-init's: one before networks, one behind them that the system waits for.
LOCAL = """[Unit]
DefaultDependencies=no
Wants=network-pre.target
After=systemd-remount-fs.service
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
RequiresMountsFor=/var/lib/cloud
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
"""
NETWORKED = """[Unit]
DefaultDependencies=no
Wants=cloud-local.service
After=cloud-local.service test-network.service systemd-networkd-wait-online.service
Before=network-online.target sysinit.target systemd-user-sessions.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target sysinit.target
"""


def run(lab):
    """What is enabled here is seen to at the next boot, too."""
    for one in lab.containers:
        one.write("/etc/systemd/system/cloud-local.service", LOCAL)
        one.write("/etc/systemd/system/cloud-networked.service", NETWORKED)
    lab.run("systemctl enable --quiet cloud-local cloud-networked")
    said = lab.containers[0].try_run("systemd-analyze --man=no verify pepctl.service "
                                     "cloud-networked.service multi-user.target 2>&1").stdout
    if "cycle" in said or "pepctl" in said:
        raise AssertionError(said)
    print(lab.containers[0].run("systemd-analyze security --no-pager pepctl.service | tail -n 1"))
