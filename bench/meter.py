# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks in Python have in common: where programs are, and when a daemon is done."""
import os

from network import wait_until

TICKS = 1  # of processor time, 10 ms, that count as nothing


def built(name):
    """A program of bench/."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.abspath(os.path.join(os.environ.get("builddir", os.path.join(here, "..")),
                                        "bench", name))


def processor_ticks(pid):
    with open("/proc/%d/stat" % pid) as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


def wait_idle(daemon, samples=100, seconds=60.0):
    """Until it has not worked for so many times 5 ms: what it was given is folded in."""
    last = []

    def idle():
        last.append(processor_ticks(daemon.pid))
        return len(last) > samples and last[-1] - last[-samples] <= TICKS
    wait_until(idle, "an idle daemon", seconds)
