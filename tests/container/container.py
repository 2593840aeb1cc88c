# SPDX-License-Identifier: Apache-2.0
"""
A Debian container with systemd as its first process, whose root is a pristine
tree under an overlay of its own, and one end of a cable in it.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

# What a host's systemd gives a service; the daemon needs bpf(2) in it.
NSPAWN = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", "--console=pipe",
          "--private-network", "--capability=all", "--system-call-filter=bpf perf_event_open")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive"}
MAC = "02:00:00:00:00:01"
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)
CGROUPS = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup")


def wait_until(predicate, what, seconds=60):
    """Polls until predicate() is true, and returns what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            said = what() if callable(what) else what
            raise AssertionError("waited %g s in vain: %s" % (seconds, said))
        time.sleep(0.02)


class Container:
    """One of a mode of attaching; `device` is its end of the cable, `peer` the other."""

    def __init__(self, mode, root, scratch):
        self.mode, self.device, self.peer = mode, "g-" + mode, "p-" + mode
        self.directory = tempfile.mkdtemp(prefix=mode + ".", dir=scratch)
        self.place = {name: os.path.join(self.directory, name)
                      for name in ("upper", "work", "root", "bpf", "console")}
        for name in ("upper", "work", "root", "bpf"):
            os.mkdir(self.place[name])
        run("mount", "-t", "overlay", "overlay", "-o", "lowerdir=%s,upperdir=%s,workdir=%s" %
            (root, self.place["upper"], self.place["work"]), self.place["root"])
        # As systemd mounts it, so that only root gets in.
        run("mount", "-t", "bpf", "-o", "mode=700", "bpf", self.place["bpf"])
        self.cgroups, self.process, self.leader = [], None, None

    def path(self, inside):
        """A file of the container, seen from outside."""
        return self.place["root"] + inside

    def write(self, inside, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(inside)), exist_ok=True)
        with open(self.path(inside), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(inside), mode)

    def lay_cable(self):
        """Its end goes into the container at the boot, and with it at its end."""
        if os.path.exists("/sys/class/net/" + self.peer):
            run("ip", "link", "delete", self.peer)
        run("ip", "link", "add", self.peer, "type", "veth",
            "peer", "name", self.device, "address", MAC)
        run("ip", "link", "set", self.peer, "up")

    def boot(self):
        """Returns when all that is started at boot has been started, or failed."""
        self.join_cgroups()
        with open(self.place["console"], "a", encoding="utf-8") as console:
            self.process = subprocess.Popen(
                NSPAWN + ("--directory=" + self.place["root"], "--machine=pepctl-" + self.mode,
                          "--bind=%s:/sys/fs/bpf" % self.place["bpf"],
                          "--network-interface=" + self.device),
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                preexec_fn=self.before_exec,
                env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"))
        wait_until(self.is_up, lambda: "systemd in %s: %s" % (self.mode, self.console()[-2000:]))
        return self.try_run("timeout 60 systemctl is-system-running --wait").stdout.strip()

    def join_cgroups(self):
        for top in CGROUPS:
            if os.path.exists(os.path.join(top, "cgroup.procs")):
                group = os.path.join(top, "pepctl-%d-%s" % (os.getpid(), self.mode))
                os.makedirs(group, exist_ok=True)
                if group not in self.cgroups:
                    self.cgroups.append(group)

    def before_exec(self):
        """In the child. The container must not outlive this process."""
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for group in self.cgroups:
            with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(os.getpid()))

    def is_up(self):
        """The first process is not the first child of nspawn, so it is looked for every time."""
        self.leader = self.find_leader()
        return self.leader and self.try_run("test -S /run/systemd/private").returncode == 0

    def find_leader(self):
        if self.process.poll() is not None:
            raise AssertionError("not booted: " + self.console()[-2000:])
        path = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        return children[0] if children else None

    def try_run(self, command):
        """A line of the shell inside; returns what subprocess.run() does."""
        return subprocess.run(("nsenter", "--target", self.leader, "--all", "--wd", "sh", "-c",
                               command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, env=ENVIRONMENT,
                              check=False)

    def run(self, command):
        """The same, whose output is the result; it must succeed."""
        done = self.try_run(command)
        if done.returncode:
            raise AssertionError("%s: %s: exit %d\n%s" % (self.mode, command, done.returncode,
                                                          done.stdout))
        return done.stdout.strip()

    def expect(self, command, wanted):
        """The output of a line that may fail."""
        got = self.try_run(command).stdout.strip()
        if got != wanted:
            raise AssertionError("%s: %s: %r instead of %r" % (self.mode, command, got, wanted))

    def property(self, name, unit="pepctl.service"):
        return self.run("systemctl show --value --property=%s %s" % (name, unit))

    def counter(self, name):
        """Packets that the end of the cable let through to the stack."""
        line = self.run("nft list counter netdev passed %s" % name)
        return int(line.split("packets ")[1].split()[0])

    def counted(self):
        """Packets that met pepctl's policies, by policy; none where it does not run."""
        said = self.try_run("pepctl list --json")
        if said.returncode:
            return {}
        return {policy["id"]: policy["counters"]["packets"]
                for policy in json.loads(said.stdout)["policies"]}

    def console(self):
        with open(self.place["console"], encoding="utf-8", errors="replace") as file:
            return file.read()

    def power_off(self):
        if self.process and self.process.poll() is None:
            self.try_run("systemctl poweroff")
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self):
        self.power_off()
        for name in ("bpf", "root"):
            subprocess.run(("umount", "--lazy", self.place[name]), check=False)
        for group in self.cgroups:
            for directory, _, _ in os.walk(group, topdown=False):
                wait_until(lambda directory=directory: removed(directory), directory)
        shutil.rmtree(self.directory)


def removed(directory):
    """Of a control group, which goes when the last of its processes has gone."""
    try:
        os.rmdir(directory)
    except OSError:
        return False
    return True


def run(*argv, **options):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False, **options)
    if done.returncode:
        raise AssertionError("%s: exit %d\n%s" % (" ".join(argv), done.returncode, done.stdout))
    return done.stdout
