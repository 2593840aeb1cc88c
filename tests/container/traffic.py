# SPDX-License-Identifier: Apache-2.0
"""
Packets into every container at once, and what of them came out of its end of
the cable: half of them must be blocked, half must pass, and pepctl's counters
must tell all of them.

Numbers are exact, because they are only read while the sender pauses.
"""
import collections
import json
import os
import subprocess
import time

from container import MAC, run, wait_until

KINDS = ("blocked", "allowed")
# What a step may not do: let through what is blocked; nor lose what is allowed.
NOTHING, THROUGH, ALL = range(3)
Row = collections.namedtuple("Row", "step mode sent rate through lost uncounted cable strict")


def uncounted(sent, before, now):
    """
    How many packets the policies' counters lack; negative: they went back, or
    count twice. None: pepctl does not run.
    """
    if not before or not now:
        return None
    counted = [now[kind] - before[kind] for kind in KINDS]
    return min(counted + [sum(sent.values()) - sum(counted)])


class Traffic:
    def __init__(self, sender, rate, containers):
        self.sender, self.rate, self.containers = sender, rate, containers
        self.process, self.before, self.rows = None, None, []

    def start(self):
        """Sends from now on, before anybody takes it."""
        self.process = subprocess.Popen(
            [self.sender, str(self.rate)] + ["%s=%s" % (c.peer, MAC) for c in self.containers],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.nice(-15))
        self.go()

    def begin(self, step, strict):
        """
        Ends what start() began, now that there are counters. What was lost
        while the cables' other ends were down is nobody's fault.
        """
        now = self.count(self.pause())
        self.before = {mode: {"sent": dict.fromkeys(KINDS, 0), "came": dict.fromkeys(KINDS, 0),
                              "cable": 0, "counted": self.before[mode]["counted"]
                              if self.before else {}} for mode in now}
        for mode, counts in now.items():
            self.rows.append(self.row(step, mode, counts, strict))
        self.before = now

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(10)
            self.process.stdout.close()
            self.process = None

    def toggle(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def go(self):
        self.toggle()
        self.going_since = time.monotonic()

    def pause(self):
        self.toggle()
        self.seconds = time.monotonic() - self.going_since
        sent = {}
        for line in iter(self.process.stdout.readline, "\n"):
            if not line:
                raise AssertionError("the sender has ended")
            name, *numbers = line.split()
            sent[name] = dict(zip(KINDS, map(int, numbers)))
        return sent

    def count(self, sent):
        """By mode: what was sent, what came, and what the cable had no room for."""
        result = {}
        for container in self.containers:
            links = json.loads(run("ip", "-json", "-statistics", "link", "show", container.peer))
            inner = json.loads(container.run("ip -json -statistics link show " + container.device))
            result[container.mode] = {
                "sent": sent[container.peer],
                "came": {kind: container.counter(kind) for kind in KINDS},
                "counted": container.counted(),
                "cable": (links[0]["stats64"]["tx"]["dropped"] +
                          inner[0]["stats64"]["rx"]["dropped"])}
        return result

    def step(self, name, action, strict=ALL, seconds=1.0):
        """
        Runs an action under traffic, which begins before and goes on for a while
        behind it.
        """
        self.go()
        try:
            self.wait(seconds / 2)
            action()
        finally:
            self.wait(seconds / 2)
            now = self.count(self.pause())
            for container in self.containers:
                self.rows.append(self.row(name, container.mode, now[container.mode], strict))
            self.before = now

    @staticmethod
    def wait(seconds):
        until = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() > until, "the clock")

    def row(self, step, mode, now, strict):
        before = self.before[mode]
        sent, came = ({kind: now[what][kind] - before[what][kind] for kind in KINDS}
                      for what in ("sent", "came"))
        return Row(step, mode, sent, int(min(sent.values()) / self.seconds), came["blocked"],
                   sent["allowed"] - came["allowed"], uncounted(sent, before["counted"], now["counted"]),
                   now["cable"] - before["cable"], strict)

    def failures(self):
        """What a cable drops is of neither kind's making, and in the table."""
        return [row for row in self.rows
                if (row.strict and (row.through or not row.sent["blocked"] or
                                    row.uncounted is None or row.uncounted < 0)) or
                (row.strict == ALL and not (0 <= row.lost <= row.cable and
                                            row.uncounted <= row.cable))]

    def table(self):
        head = "%-20s %-8s %10s %10s %8s %10s %10s %10s %6s  %s"
        lines = [head % ("step", "mode", "blocked", "allowed", "a second", "blocked", "allowed",
                         "not", "cable", ""),
                 head % ("", "", "sent", "sent", "of each", "through", "lost", "counted", "full",
                         "")]
        failures = self.failures()
        for row in self.rows:
            verdict = "FAIL" if row in failures else "ok" if row.strict else "-"
            lines.append(head % (row.step, row.mode, row.sent["blocked"], row.sent["allowed"],
                                 row.rate, row.through, row.lost,
                                 "-" if row.uncounted is None else row.uncounted, row.cable,
                                 verdict))
        return "\n".join(lines)
