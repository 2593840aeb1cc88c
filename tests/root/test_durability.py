#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
What was acknowledged survives kill -9 at any moment; what was not is there
whole or not at all.
"""
import contextlib
import http.client
import os
import random
import subprocess
import threading

from harness import PepctlTest, allow, block, daemons, main, packets, wait_until

PEER4, NOBODY4 = "10.77.0.2", "10.77.0.99"
WRITES, KILLS, BATCH = 500, 12, 3


class Durability(PepctlTest):
    def setUp(self):
        if not self.daemon.running():
            self.daemon.start()
        super().setUp()

    def stored(self):
        """What the daemon says it has: id to destination port."""
        answer = self.daemon.get("/policies?fields=definition")
        return {entry["id"]: entry["dst"]["port"] for entry in answer["policies"]}

    @staticmethod
    def after(state, write):
        kind, batch = write
        state = {} if kind == "put" else dict(state)
        for identity, port in batch.items():
            if kind == "delete":
                state.pop(identity, None)
            else:
                state[identity] = port
        return state

    def perform(self, write):
        kind, batch = write
        if kind == "delete":
            for identity in batch:
                self.daemon.delete(identity)
            return
        policies = [block(identity, protocol="UDP", dport=port)
                    for identity, port in batch.items()]
        (self.daemon.put if kind == "put" else self.daemon.post)(*policies)

    @staticmethod
    def choose(rng, state, number):
        """Mostly batches of policies that change together; sometimes a delete or a replacement."""
        kind = rng.choices(("post", "delete", "put"), (8, 2, 1))[0]
        if kind == "delete" and state:
            return kind, {rng.choice(sorted(state)): 0}
        group = rng.randrange(20)
        port = number % 60000 + 1
        return ("post" if kind == "delete" else kind,
                {"g%d-%d" % (group, n): port for n in range(BATCH)})

    def test_kill_at_random_moments_of_500_writes(self):
        seed = int.from_bytes(os.urandom(4), "big")
        print("seed %d" % seed)
        rng = random.Random(seed)
        kills = set(rng.sample(range(10, WRITES), KILLS))
        state, half = {}, 0
        for number in range(WRITES):
            write = self.choose(rng, state, number)
            if number not in kills:
                self.perform(write)
                state = self.after(state, write)
                continue
            process = self.daemon.process
            timer = threading.Timer(rng.random() * 0.02, process.kill)
            timer.start()
            acknowledged = False
            try:
                self.perform(write)
                acknowledged = True
            except (OSError, http.client.HTTPException):
                half += 1
            timer.join()
            process.wait()
            self.daemon.forget()
            self.daemon.start()
            new = self.after(state, write)
            stored = self.stored()
            if stored != new:
                self.assertFalse(acknowledged, "write %d was acknowledged and is lost" % number)
                self.assertEqual(state, stored, "write %d is there in part" % number)
            state = stored
        self.assertEqual(state, self.stored())
        print("%d of %d kills came before the answer" % (half, KILLS))

    def test_what_survives_is_enforced(self):
        self.daemon.put(block("port", protocol="UDP", dport=53))
        self.daemon.kill()
        self.daemon.start()
        self.daemon.wait_attached("d0")
        self.assert_ingress(("53", packets.udp(PEER4, NOBODY4, 1, 53), False),
                            ("54", packets.udp(PEER4, NOBODY4, 1, 54), True))

    def state_files(self):
        return {name: os.path.getsize(os.path.join(self.daemon.state_dir, name))
                for name in os.listdir(self.daemon.state_dir)}

    def test_torn_end_of_the_journal(self):
        """Power that fails in the middle of a write: every cut of the last transaction."""
        self.daemon.put(block("kept", protocol="UDP", dport=53))
        before = self.state_files()
        self.daemon.post(block("last", protocol="UDP", dport=54))
        after = self.state_files()
        self.daemon.kill()
        grown = [name for name in after if after[name] > before.get(name, 0)]
        self.assertEqual(1, len(grown), "one file is the journal: %s %s" % (before, after))
        journal = os.path.join(self.daemon.state_dir, grown[0])
        with open(journal, "rb") as file:
            whole = file.read()
        begin = before.get(grown[0], 0)
        cuts = sorted({begin + 1, (begin + len(whole)) // 2, len(whole) - 1, len(whole)})
        for cut in cuts:
            with self.subTest(cut=cut):
                with open(journal, "wb") as file:
                    file.write(whole[:cut])
                self.daemon.start()
                wanted = {"kept": 53, "last": 54} if cut == len(whole) else {"kept": 53}
                self.assertEqual(wanted, self.stored())
                self.daemon.kill()

    def test_garbage_in_the_state_is_kept_aside_and_told(self):
        self.daemon.put(block("kept", protocol="UDP", dport=53))
        self.daemon.kill()
        names = [name for name in self.state_files() if self.state_files()[name]]
        self.assertTrue(names)
        for name in names:
            path = os.path.join(self.daemon.state_dir, name)
            if os.path.isfile(path):
                with open(path, "r+b") as file:
                    file.write(os.urandom(16))
        self.daemon.start()
        self.assertTrue([name for name in self.state_files() if ".bad" in name],
                        self.state_files())
        self.assertIn("kept aside", self.daemon.log())

    @contextlib.contextmanager
    def read_only_state(self):
        """With the daemon started on it; it runs on when the directory can be written to again."""
        path = self.daemon.state_dir
        subprocess.run(["mount", "--bind", path, path], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", path], check=True)
            self.daemon.start()
            yield
            subprocess.run(["mount", "-o", "remount,bind,rw", path], check=True)
        except BaseException:
            self.daemon.kill()
            raise
        finally:
            self.addCleanup(subprocess.run, ["umount", "--lazy", path], check=True)

    def test_state_that_cannot_be_written_to_is_enforced_and_told(self):
        """A file system that came up read-only must not leave the machine open."""
        self.daemon.put(block("kept", protocol="UDP", dport=53))
        for lock in (True, False):
            self.daemon.kill()
            if not lock:
                os.unlink(os.path.join(self.daemon.state_dir, "lock"))
            with self.subTest(lock=lock), self.read_only_state():
                self.assertEqual({"kept": 53}, self.stored())
                self.assertEqual(507, self.daemon.request("DELETE", "/policies/kept").status)
                for _ in range(2):
                    health = self.daemon.request("GET", "/health")
                    self.assertEqual((503, "degraded"), (health.status, health.json["status"]))
                    self.assertIn("Read-only", health.body.decode())
                    # A reload is no cure.
                    self.daemon.write("POST", "/reload")
                self.assertIn("Read-only", self.daemon.notifications.status)
                second = daemons.Daemon(self.lab.peer, self.daemon.config)
                self.addCleanup(second.close)
                second.launch()
                self.assertEqual(75, second.wait_exit(), second.log())
            self.daemon.delete("kept")
            self.assertEqual("ok", self.daemon.get("/health")["status"])
            self.daemon.put(block("kept", protocol="UDP", dport=53))

    def test_garbage_is_kept_aside_also_when_there_is_no_room_at_first(self):
        self.daemon.kill()
        with open(os.path.join(self.daemon.state_dir, "policies.json"), "w") as file:
            file.write("garbage")
        with self.read_only_state():
            self.assertIn("kept aside", self.daemon.log())
        wait_until(lambda: self.daemon.request("GET", "/health").status == 503 and
                   [name for name in self.state_files() if ".bad" in name], "a copy is made", 20)

    def test_export_and_restore_is_a_round_trip(self):
        self.daemon.put(block("a", protocol="UDP", dport=["1-5", 9],
                              src=["10.0.0.0/8", "!10.1.0.0/16"], labels={"team": "x"},
                              description="d", priority=3),
                        allow("b", protocol="ICMPv6", icmp_type=128, direction="both", log=True))
        exported = self.daemon.run_client("export", "--origin", "api")
        self.assertEqual(0, exported.returncode, exported.stderr)
        self.daemon.put()
        path = os.path.join(self.daemon.directory, "export.json")
        with open(path, "w") as file:
            file.write(exported.stdout)
        done = self.daemon.run_client("apply", path, "--replace")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(exported.stdout,
                         self.daemon.run_client("export", "--origin", "api").stdout)

    def test_refused_write_leaves_no_trace(self):
        self.daemon.put(block("kept", protocol="UDP", dport=53))
        self.assertEqual(422, self.daemon.request("POST", "/policies", block("x", dport=-1)).status)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual({"kept": 53}, self.stored())
        wait_until(lambda: self.daemon.get("/health")["status"] == "ok", "not ok")


if __name__ == "__main__":
    main()
