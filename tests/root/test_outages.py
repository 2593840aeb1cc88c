#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
What a machine can lack, or lose, while policies are in force: the daemon stays
up, or fails with one clear line, and what is in force stays so, under traffic.
It runs alone.
"""
import contextlib
import os
import shutil
import subprocess

import test_takeover as takeover
from harness import SLOW, block, main, per_mode, wait_until


def mount(*arguments):
    subprocess.run(("mount",) + arguments, check=True)


def unmount(path):
    subprocess.run(("umount", "--lazy", path), check=True)


class Outage(takeover.Takeover):
    POLICIES = [block("no", protocol="UDP", dport=takeover.BLOCKED)]

    def write_one(self):
        """The status of a write that changes something."""
        self.number = getattr(self, "number", 0) + 1
        answer = self.daemon.request("POST", "/policies", block("more", dport=self.number))
        print("  ", answer.status, answer.json.get("detail", ""))
        return answer.status

    @contextlib.contextmanager
    def no_gap(self):
        with takeover.Traffic(self) as traffic:
            yield traffic
            traffic.flowing()
        self.assert_no_gap(traffic)

    def restart(self, traffic, **options):
        self.daemon.kill()
        traffic.flowing()
        self.daemon.start(**options)
        traffic.flowing()
        self.assertEqual(self.MODE, self.daemon.interfaces()["d0"]["mode"])


@per_mode("native", "tc")
class State(Outage):
    """The directory of what the API changed."""

    @contextlib.contextmanager
    def small(self):
        """A file system of its own for the state, as it is."""
        path = self.daemon.state_dir
        copy = path + ".copy"
        shutil.copytree(path, copy)
        mount("-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", path)
        try:
            shutil.copytree(copy, path, dirs_exist_ok=True)
            yield path
        finally:
            self.daemon.kill()
            unmount(path)
            shutil.rmtree(copy)
            self.start()

    @staticmethod
    def fill(path):
        with open(os.path.join(path, "ballast"), "wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while file.write(bytes(512)):
                    pass

    def test_full(self):
        with self.no_gap() as traffic:
            self.daemon.kill()
            with self.small() as path:
                self.start()
                self.assertEqual(200, self.write_one())
                self.fill(path)
                for _ in range(2):
                    wait_until(lambda: self.write_one() == 507, "the file system is full")
                    self.restart(traffic)
                    print("  ", self.daemon.notifications.status)
                os.unlink(os.path.join(path, "ballast"))
                self.assertEqual(200, self.write_one())

    def test_read_only(self):
        path = self.daemon.state_dir
        with self.no_gap() as traffic:
            mount("--bind", path, path)
            mount("-o", "remount,bind,ro", path)
            self.restart(traffic)
            self.assertEqual(507, self.write_one())
            mount("-o", "remount,bind,rw", path)
            self.restart(traffic)
            self.assertEqual(200, self.write_one())
            unmount(path)

    def test_gone(self):
        path = self.daemon.state_dir
        with self.no_gap() as traffic:
            os.rename(path, path + ".away")
            self.assertIn(self.write_one(), (200, 507))
            self.restart(traffic)
            self.assertEqual(200, self.write_one())
            self.daemon.kill()
            shutil.rmtree(path)
            os.rename(path + ".away", path)
            self.start()


@per_mode("native", "tc")
class Kernel(Outage):
    def test_no_place_for_pins(self):
        """It enforces, and says what will be missing."""
        self.daemon.stop()
        unmount(self.daemon.pin_directory)
        self.daemon.start(prefix=("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all"))
        self.assertIn("warn nothing will be enforced between the end of this process and the next "
                      "start: there is no bpffs at", self.daemon.log())
        with self.no_gap():
            self.assertEqual(200, self.write_one())
        self.daemon.stop()
        self.start()

    def test_no_type_information(self):
        """/sys/kernel/btf is not there; the programs need none of it."""
        with self.no_gap() as traffic:
            mount("-t", "tmpfs", "tmpfs", "/sys/kernel/btf")
            try:
                self.restart(traffic)
            finally:
                unmount("/sys/kernel/btf")

    def test_no_locked_memory(self):
        """Kernels since 5.11 count maps elsewhere."""
        with self.no_gap() as traffic:
            self.restart(traffic, prefix=("prlimit", "--memlock=0:0"))

    def test_no_journal(self):
        """Its socket is away: the log goes to standard error, and nothing waits."""
        self.daemon.config["log"]["target"] = "journal"
        self.daemon.write_config()
        with self.no_gap() as traffic:
            self.restart(traffic)
            self.assertEqual(200, self.write_one())
        self.daemon.config["log"]["target"] = "stderr"
        self.daemon.write_config()
        self.restart_quietly()

    def restart_quietly(self):
        self.daemon.kill()
        self.start()


@per_mode("native", "generic", "tc")
class Flapping(Outage):
    TIMES = 1000 if SLOW else 250

    def test_interface_goes_down_and_up(self):
        """No packet that is blocked gets through, and the daemon does not tire."""
        with takeover.Traffic(self) as traffic:
            for _ in range(self.TIMES // 25):
                self.lab.host.ip(*["link set d0 down", "link set d0 up"] * 25)
            self.lab.wait_carrier("d0")
            self.lab.ingress.tap.forget_errors()
            self.lab.host.ip("addr replace fd77::1/64 dev d0 nodad")
            traffic.flowing()
        # veth counts as up a moment before it runs its XDP program (veth_open()).
        most = self.TIMES // 50 if self.MODE == "native" else 0
        self.assertLessEqual(traffic.through, most)
        self.assertEqual("ok", self.daemon.get("/health")["status"])
        self.assertEqual(self.MODE, self.daemon.interfaces()["d0"]["mode"])
        with self.no_gap() as traffic:
            self.restart(traffic)


if __name__ == "__main__":
    main()
