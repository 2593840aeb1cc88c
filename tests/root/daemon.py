# SPDX-License-Identifier: Apache-2.0
"""
A pepctl daemon under test: its files, its process, its HTTP API over the Unix
socket, and its stream of events.
"""
import ctypes
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from contract import contract
from network import wait_until

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


def program():
    """The executable: $PEPCTL, or that of the build directory, or of the tree."""
    here = os.path.dirname(os.path.abspath(__file__))
    found = os.environ.get("PEPCTL")
    if not found:
        found = os.path.join(os.environ.get("builddir", os.path.join(here, "..", "..")), "pepctl")
    return os.path.abspath(found)


def merged(base, change):
    """JSON merge patch (RFC 7396)."""
    if not isinstance(change, dict):
        return change
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class Response:
    def __init__(self, status, headers, body, seconds=None):
        self.status, self.headers, self.body = status, headers, body
        self.seconds = seconds  # that it took to come

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return "%d %s" % (self.status, self.body[:2000].decode(errors="replace"))


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Events:
    """What GET /events says from now on, collected by a thread."""

    def __init__(self, path):
        self.received = []
        self.fault = None  # of an event that is not as it should be
        self.changed = threading.Condition()
        self.connection = UnixConnection(path, timeout=60)
        self.connection.request("GET", "/events")
        self.socket = self.connection.sock
        self.response = self.connection.getresponse()
        contract.check(("GET", "/events", {}, None),
                       Response(self.response.status, self.response.headers, None))
        if self.response.status != 200:
            raise AssertionError("GET /events: %d %s" % (self.response.status,
                                                          self.response.read()))
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        data = []
        try:
            for line in self.response:
                line = line.decode().rstrip("\r\n")
                if line.startswith("data:"):
                    data.append(line[5:])
                elif not line and data:
                    with self.changed:
                        self.received.append(json.loads("\n".join(data)))
                        self.changed.notify_all()
                    contract.check_event(self.received[-1])
                    data = []
        except (OSError, ValueError, http.client.HTTPException):
            pass  # close() was called, or the daemon ended
        except AssertionError as error:
            self.fault = error

    def wait(self, predicate, what, seconds=10.0):
        """The first event that fits."""
        def find():
            return next((event for event in self.received if predicate(event)), None)
        with self.changed:
            if not self.changed.wait_for(find, seconds):
                raise AssertionError("no event within %g s: %s\nreceived: %s" %
                                     (seconds, what, self.received[-20:]))
            return find()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the daemon was quicker
        self.thread.join(10)
        self.connection.close()
        if self.fault:
            raise self.fault


class Notifications:
    """What sd_notify(3) says, taken at once by a thread: a full socket blocks who notifies."""

    def __init__(self, path):
        if os.path.exists(path):
            os.unlink(path)
        self.path = path
        self.messages = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind(path)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while True:
            text = self.socket.recv(65536)
            if not text:
                return
            self.messages.extend(text.decode().splitlines())

    def take(self, message):
        """Whether it was said; if so, it is forgotten."""
        if message not in self.messages:
            return False
        self.messages.remove(message)
        return True

    @property
    def status(self):
        said = [message[7:] for message in self.messages if message.startswith("STATUS=")]
        return said[-1] if said else ""

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.path)
        self.thread.join()
        self.socket.close()


class Daemon:
    """
    Runs `pepctl --config FILE` in a namespace. Everything it keeps is in a
    temporary directory that outlives its process, so that it can be started
    again, and goes with close().
    """

    def __init__(self, namespace, config=None, policies=None):
        self.namespace = namespace
        self.directory = tempfile.mkdtemp(prefix="pepctl-test-%d-" % os.getpid(),
                                          dir=os.environ.get("TEST_DIR"))
        self.socket_path = os.path.join(self.directory, "sock")
        self.config_path = os.path.join(self.directory, "config.json")
        self.policies_path = os.path.join(self.directory, "policies.json")
        self.state_dir = os.path.join(self.directory, "state")
        self.pin_directory = os.path.join(self.directory, "pins")
        self.log_path = os.path.join(self.directory, "stderr")
        self.audit_path = os.path.join(self.directory, "audit.jsonl")
        self.process = None
        self.notifications = None
        self.config = merged({
            "log": {"level": "debug", "target": "stderr", "audit_file": self.audit_path},
            "server": {"listen": ["unix:" + self.socket_path]},
            "policy": {"state_dir": self.state_dir, "policies_file": self.policies_path},
            "datapath": {"pin": "never", "pin_directory": self.pin_directory},
        }, config or {})
        self.write_config()
        self.write_policies(policies or [])

    # ---- files

    def write_config(self, text=None):
        with open(self.config_path, "w") as file:
            file.write(json.dumps(self.config, indent=1) if text is None else text)

    def write_policies(self, policies):
        with open(self.policies_path, "w") as file:
            json.dump({"policies": policies}, file)

    def log(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def audit(self):
        """All records of the audit log."""
        if not os.path.exists(self.audit_path):
            return []
        with open(self.audit_path) as file:
            return [json.loads(line) for line in file]

    # ---- process

    def launch(self, prefix=(), environment=None, arguments=()):
        """Starts the process and does not wait for anything."""
        self.notifications = Notifications(os.path.join(self.directory, "notify"))
        variables = dict(os.environ, NOTIFY_SOCKET=self.notifications.path, **(environment or {}))
        argv = list(prefix) + [program(), "--config", self.config_path] + list(arguments)
        with open(self.log_path, "ab") as log:
            self.process = self.namespace.popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables,
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        return self

    def start(self, seconds=30.0, **options):
        """Starts it and waits for READY=1: its policies are in force."""
        self.launch(**options)
        self.wait_message("READY=1", seconds)
        return self

    def wait_message(self, wanted, seconds=30.0):
        """Waits until the service manager was told so, since the last time it was waited for."""
        def told():
            if self.process.poll() is not None:
                raise AssertionError("the daemon ended with %d\n%s" %
                                     (self.process.returncode, self.log()))
            return self.notifications.take(wanted)
        wait_until(told, lambda: "%s, the last status is '%s'\n%s" %
                   (wanted, self.notifications.status, self.log()), seconds)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait_exit(self, seconds=20.0):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError("the daemon did not end within %g s\n%s" %
                                 (seconds, self.log())) from None

    def stop(self):
        """SIGTERM; anything but exit status 0 is an error."""
        self.process.send_signal(signal.SIGTERM)
        status = self.wait_exit()
        self.forget()
        if status:
            raise AssertionError("the daemon ended with %d\n%s" % (status, self.log()))

    def kill(self):
        if self.running():
            self.process.kill()
            self.process.wait()
        self.forget()

    def forget(self):
        self.process = None
        if self.notifications:
            self.notifications.close()
            self.notifications = None

    def close(self):
        self.kill()
        if os.path.ismount(self.pin_directory):
            libc.umount2(self.pin_directory.encode(), 0)
        shutil.rmtree(self.directory, ignore_errors=True)

    def run_client(self, *arguments, **options):
        """`pepctl ARGUMENTS` against this daemon."""
        variables = dict(os.environ, PEPCTL_SOCKET=self.socket_path)
        return subprocess.run([program()] + list(arguments), env=variables, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **options)

    # ---- HTTP

    def request(self, method, path, body=None, headers=None, timeout=30):
        """body: text, bytes, or what becomes JSON."""
        connection = UnixConnection(self.socket_path, timeout)
        try:
            fields = dict(headers or {})
            if body is not None and not isinstance(body, (str, bytes)):
                body = json.dumps(body)
            if body is not None:
                fields.setdefault("Content-Type", "application/json")
            begin = time.monotonic()
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            response = Response(answer.status, answer.headers, answer.read(),
                                time.monotonic() - begin)
        finally:
            connection.close()
        contract.check((method, path, fields, body), response)
        return response

    def get(self, path):
        response = self.request("GET", path)
        if response.status != 200:
            raise AssertionError("GET %s: %s" % (path, response))
        return response.json

    def write(self, method, path, body=None):
        """A write that must succeed; its answer."""
        response = self.request(method, path, body)
        if response.status not in (200, 201):
            raise AssertionError("%s %s: %s" % (method, path, response))
        return response.json

    def put(self, *policies):
        """Replaces all policies of the API."""
        return self.write("PUT", "/policies", list(policies))

    def post(self, *policies):
        return self.write("POST", "/policies", list(policies))

    def delete(self, identity):
        return self.write("DELETE", "/policies/" + identity)

    def policy(self, identity):
        return self.get("/policies/" + identity)

    def counters(self, identity):
        return self.policy(identity)["counters"]

    def interfaces(self):
        """By name."""
        return {entry["name"]: entry for entry in self.get("/interfaces")["interfaces"]}

    def events(self):
        return Events(self.socket_path)

    def wait_attached(self, interface, seconds=10.0):
        """Waits until an interface has its programs; what /interfaces says of it."""
        def attached():
            entry = self.interfaces().get(interface)
            return entry if entry and entry.get("mode") else None
        return wait_until(attached, lambda: "%s is not attached: %s" %
                          (interface, self.interfaces()), seconds)
