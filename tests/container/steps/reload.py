# SPDX-License-Identifier: Apache-2.0
"""Reloads by systemctl; one that fails is seen to, and changes nothing."""
from scenarios import POLICIES


def run(lab):
    def write(text):
        for one in lab.containers:
            one.write("/etc/pepctl/policies.json", text)

    def reload_and_fail():
        lab.expect("systemctl reload pepctl >/dev/null 2>&1; echo $?", "1")

    before = lab.pids()
    write(POLICIES.replace("[", '[{"id": "more", "action": "BLOCK", "src": {"ip": "203.0.113.9"}},', 1))
    lab.traffic.step("reload", lambda: lab.run("systemctl reload pepctl"))
    lab.run("pepctl show more")
    write('[{"id": "bad", "action": "PERHAPS"}]')
    lab.traffic.step("reload that fails", reload_and_fail)
    lab.run("pepctl show more")
    write(POLICIES)
    lab.traffic.step("reload back", lambda: lab.run("systemctl reload pepctl"))
    lab.expect("pepctl show more >/dev/null 2>&1; echo $?", "1")
    if lab.pids() != before:
        raise AssertionError("a reload is no restart")
