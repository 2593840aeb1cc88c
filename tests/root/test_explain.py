#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What /explain says of a packet is what happens to it; asking changes nothing."""
import collections
import json
import os
import random
import struct

from harness import SLOW, PepctlTest, allow, block, main, packets, per_mode, policy

HOST4, PEER4, HOST6, PEER6 = "10.77.0.1", "10.77.0.2", "fd77::1", "fd77::2"
NOBODY4, NOBODY6 = "10.77.0.99", "fd77::99"
AT_ONCE = 200
FAILSAFE = [{"id": "keep-ssh", "protocol": "tcp", "dst": {"port": 22}}]


def described(**fields):
    """A packet in words of JSON; src and dst are addresses, sport and dport ports."""
    result = policy(None, None, **fields)
    del result["id"], result["action"]
    return result


class ExplainTest(PepctlTest):
    EGRESS = True
    CONFIG = {"policy": {"failsafe": FAILSAFE}}

    def explain(self, *asked):
        answer = self.daemon.request("POST", "/explain", {"packets": list(asked)})
        self.assertEqual(200, answer.status, answer)
        return answer.json["packets"]

    def explain_frames(self, frames, direction="ingress"):
        answers = []
        for at in range(0, len(frames), AT_ONCE):
            answers += self.explain(*({"frame": frame.hex(), "direction": direction}
                                      for frame in frames[at:at + AT_ONCE]))
        return answers

    def counted(self):
        """All that a packet could move, but for the number of requests."""
        policies = {entry["id"]: entry["counters"] for entry in
                    self.daemon.get("/policies")["policies"]}
        return (policies, self.daemon.get("/stats")["events"],
                self.daemon.get("/stats").get("flow_cache"),
                {name: entry["counters"] for name, entry in self.daemon.interfaces().items()})


@per_mode()
class Explained(ExplainTest):
    def steps(self, answer):
        return [(step["policy"], step["result"]) for step in answer["steps"]]

    def test_a_block_and_what_would_come_next(self):
        self.daemon.put(block("no-ssh", protocol="tcp", dport=22, src="10.0.0.0/8"),
                        policy("watch", "LOG_ONLY", src="10.0.0.0/8", priority=1),
                        allow("inside", src="10.0.0.0/8", priority=2000))
        answer, = self.explain(described(src="10.0.0.1", dst=NOBODY4, sport=4444, dport=22,
                                         protocol="tcp", interface="d0"))
        self.assertEqual(("drop", "policy", "no-ssh", "ingress", "d0", self.MODE),
                         tuple(answer[key] for key in ("verdict", "reason", "policy", "direction",
                                                       "interface", "mode")))
        self.assertEqual([("watch", "continue"), ("no-ssh", "drop")], self.steps(answer))
        self.assertEqual([True, False], [step["log"] for step in answer["steps"]])
        self.assertEqual(self.daemon.get("/health")["generation"], answer["generation"])
        self.assertEqual({"src": "10.0.0.1", "dst": NOBODY4, "protocol": "tcp", "sport": 4444,
                          "dport": 22, "length": 40, "vlans": [], "fragment": None},
                         answer["packet"])
        otherwise = answer["otherwise"]
        self.assertEqual(("pass", "inside"), (otherwise["verdict"], otherwise["policy"]))
        self.assertEqual([("inside", "pass")], self.steps(otherwise))
        self.assertIsNone(answer["failsafe"])

    def test_failsafe(self):
        self.daemon.put(block("nothing"), allow("web", protocol="tcp", dport=80, priority=2000))
        ssh, web = self.explain(described(src=PEER6, dst=NOBODY6, dport=22),
                                described(src=PEER6, dst=NOBODY6, dport=80))
        self.assertEqual(("pass", "failsafe", "keep-ssh"),
                         (ssh["verdict"], ssh["reason"], ssh["policy"]))
        self.assertEqual({"policy": "keep-ssh", "overruled": "nothing"}, ssh["failsafe"])
        self.assertEqual([("nothing", "overruled")], self.steps(ssh))
        self.assertEqual(("pass", "default"),
                         (ssh["otherwise"]["verdict"], ssh["otherwise"]["reason"]))
        self.assertEqual([("nothing", "drop")], self.steps(web))
        self.assertEqual("web", web["otherwise"]["policy"])

    def test_every_member(self):
        """Each member decides whether a policy that asks for it matches."""
        ports = {"protocol": "tcp", "dport": 1}
        cases = [
            ("sport", dict(ports, sport=7), dict(ports, sport=8)),
            ("vlan", dict(ports, vlan=7), dict(ports, vlan=8)),
            ("vlan", dict(ports, vlan="none"), dict(ports, vlan=8)),
            ("dscp", dict(ports, dscp="ef"), dict(ports, dscp="af11")),
            ("tcp_flags", dict(ports, tcp_flags="syn,ack"), ports),
            ("length", dict(ports, length=400), dict(ports, length=401)),
            ("ttl", dict(ports, ttl=3), dict(ports, ttl=4)),
            ("fragment", dict(ports, fragment=True), ports),
            ("icmp_type", {"protocol": "icmp", "icmp_type": 3},
             {"protocol": "icmp", "icmp_type": 8}),
            ("icmp_code", {"protocol": "icmp", "icmp_type": 3, "icmp_code": 4},
             {"protocol": "icmp", "icmp_type": 3}),
            ("direction", dict(ports, direction="egress"), ports),
            ("protocol", {"protocol": 47}, {"protocol": "sctp", "dport": 5}),
        ]
        for name, matching, other in cases:
            with self.subTest(name):
                if self.MODE != "tc" and name == "vlan":
                    continue  # refused where hardware may take tags off, as on veth
                fields = dict(matching)
                self.daemon.put(block("it", **fields))
                yes, no = self.explain(described(src=PEER4, dst=NOBODY4, **matching),
                                       described(src=PEER4, dst=NOBODY4, **other))
                self.assertEqual(("it", None), (yes["policy"], no["policy"]), (yes, no))

    def test_limits(self):
        self.daemon.put(policy("slow", "RATE_LIMIT", dst=NOBODY4, burst_packets=2,
                               rate_limit_packets_per_second=1))
        packet = packets.udp(PEER4, NOBODY4, 1, 2, b"x")
        frame = self.lab.ingress.frame(packet)
        before, = self.explain_frames([frame])
        self.lab.ingress.offer([packet] * 4)
        after, = self.explain_frames([frame])
        self.assertEqual(("pass", "limit", True), (before["verdict"], before["reason"],
                                                   before["steps"][0]["within_limit"]))
        self.assertEqual(("drop", "limit", False), (after["verdict"], after["reason"],
                                                    after["steps"][0]["within_limit"]))
        self.assertEqual("default", after["otherwise"]["reason"])

    def test_fragments(self):
        self.daemon.put(block("no-dns", protocol="udp", dport=53))
        pieces = packets.fragments(packets.udp(PEER4, NOBODY4, 1, 53, b"x" * 64), 32, 4711)
        frames = [self.lab.ingress.frame(piece) for piece in pieces[:2]]
        first, later = self.explain_frames(frames)
        self.assertEqual(("first", "no-dns"), (first["packet"]["fragment"], first["policy"]))
        self.assertEqual(("later", "drop", "untracked_fragment"),
                         (later["packet"]["fragment"], later["verdict"], later["reason"]))
        self.lab.ingress.offer(pieces[:1])
        later, = self.explain_frames(frames[1:])
        self.assertEqual(("drop", "policy", "no-dns", 53),
                         (later["verdict"], later["reason"], later["policy"],
                          later["packet"]["dport"]))

    def test_what_is_no_ip(self):
        self.daemon.put(block("nothing"))
        arp = self.lab.ingress.frame(packets.arp_request(self.lab.ingress.source_mac, PEER4, HOST4),
                                     ethertype=packets.ETH_ARP)
        short = self.lab.ingress.frame(packets.udp(PEER4, HOST4, 1, 2)[:12])
        first, second = self.explain_frames([arp, short])
        self.assertEqual(("pass", "arp"), (first["verdict"], first["reason"]))
        self.assertNotIn("src", first["packet"])
        # Linux runs no buffer dry that ends within the IP header.
        self.assertEqual((None, None) if self.MODE == "tc" else ("drop", "truncated"),
                         (second["verdict"], second["reason"]))

    def test_what_is_wrong_is_said(self):
        good = described(src=PEER4, dst=NOBODY4, dport=1)
        cases = [
            ("two addresses", dict(good, src={"ip": [PEER4, HOST4]}), "/packets/0/src/ip"),
            ("a network", dict(good, src={"ip": "10.0.0.0/8"}), "/packets/0/src/ip"),
            ("no destination", {"src": {"ip": PEER4}, "protocol": 47}, "/packets/0/dst/ip"),
            ("no port", dict(good, dst={"ip": NOBODY4}, protocol="udp"), "/packets/0/dst/port"),
            ("no protocol", {"src": {"ip": PEER4}, "dst": {"ip": HOST4}}, "/packets/0/protocol"),
            ("both families", dict(good, src={"ip": PEER6}), "/packets/0"),
            ("both directions", dict(good, direction="both"), "/packets/0/direction"),
            ("too short", dict(good, length=39), "/packets/0/length"),
            ("too long", dict(good, length=9000), "/packets/0/length"),
            ("another interface", dict(good, interface="d9"), "/packets/0/interface"),
            ("an unknown member", dict(good, flags="syn"), "/packets/0/flags"),
            ("what policies have", dict(good, action="BLOCK"), "/packets/0/action"),
            ("no hexadecimal digits", {"frame": "zz" * 14}, "/packets/0/frame"),
            ("half a byte", {"frame": "0" * 29}, "/packets/0/frame"),
            ("a frame too short", {"frame": "00" * 13}, "/packets/0/frame"),
            ("a frame too long", {"frame": "00" * 3457}, "/packets/0/frame"),
            ("a frame and more", {"frame": "00" * 60, "ttl": 3}, "/packets/0/ttl"),
            ("no object", 7, "/packets/0"),
        ]
        for what, packet, pointer in cases:
            with self.subTest(what):
                answer = self.daemon.request("POST", "/explain", {"packets": [packet]})
                self.assertEqual(422, answer.status, answer)
                document = answer.json
                pointers = [error["pointer"] for error in document.get("errors", [document])]
                self.assertIn(pointer, pointers, document)
        for status, body in ((400, "{"), (400, ""), (422, {}), (422, []),
                             (422, {"packets": {}}), (413, {"packets": [good] * 257})):
            self.assertEqual(status, self.daemon.request("POST", "/explain", body).status, body)
        self.assertEqual(405, self.daemon.request("GET", "/explain").status)

    def test_nothing_moves(self):
        """Not even a bucket: the limit is asked for far more than it holds."""
        self.daemon.put(block("no-dns", protocol="udp", dport=53, log=True),
                        policy("watch", "LOG_ONLY", protocol="tcp", priority=1),
                        policy("slow", "RATE_LIMIT", protocol="udp", burst_packets=2,
                               rate_limit_packets_per_second=1, priority=2000))
        wire = self.lab.ingress
        frames = [wire.frame(packets.udp(PEER4, NOBODY4, port, 53 + port % 2, b"x"))
                  for port in range(100)]
        frames += [wire.frame(packets.tcp(PEER6, NOBODY6, port, 80)) for port in range(50)]
        frames += [wire.frame(packets.fragments(packets.udp(PEER4, NOBODY4, port, 9, b"x" * 64), 32,
                                                port)[port % 2]) for port in range(50)]
        events = self.daemon.events()
        before = self.counted()
        try:
            answers = self.explain_frames(frames * (500 if SLOW else 10))
            for answer in answers:
                if answer["policy"] == "slow":
                    self.assertEqual("pass", answer["verdict"])
            self.assertEqual(before, self.counted())
            self.assertEqual([], events.received)
        finally:
            events.close()


@per_mode("native", "tc")
class Against(ExplainTest):
    """Policies that are not in force are asked and leave nothing."""
    EGRESS = False
    POLICIES = [block("of-file", src="203.0.113.1")]
    CONFIG = {"policy": {"failsafe": FAILSAFE, "capacity": 5000}}

    def against(self, policies, *asked):
        answer = self.daemon.request("POST", "/explain",
                                     {"packets": list(asked), "policies": policies})
        self.assertEqual(200, answer.status, answer)
        return answer.json["packets"]

    def state(self):
        health = self.daemon.get("/health")
        return (health["generation"], self.daemon.get("/policies?fields=definition"),
                self.counted())

    def test_others_than_those_in_force(self):
        self.daemon.put(block("no-web", protocol="tcp", dport=80))
        web = described(src=PEER4, dst=NOBODY4, dport=80)
        before = self.state()
        answer, = self.against([allow("no-web", protocol="tcp", dport=80),
                                block("rest", protocol="tcp", priority=2000)], web)
        self.assertEqual(("pass", "no-web", None),
                         (answer["verdict"], answer["policy"], answer["generation"]))
        self.assertEqual("rest", answer["otherwise"]["policy"])
        answer, = self.against([], web)
        self.assertEqual("default", answer["reason"])
        answer, = self.against([], described(src="203.0.113.1", dst=NOBODY4, dport=80))
        self.assertEqual("default", answer["reason"])
        self.assertEqual(before, self.state())
        answer, = self.explain(web)
        self.assertEqual("no-web", answer["policy"])
        self.assert_ingress(("web", packets.tcp(PEER4, NOBODY4, 1, 80), False))

    def test_what_is_sent_is_seen_if_they_ask_for_it(self):
        out = described(src=HOST4, dst=NOBODY4, dport=80, direction="egress")
        answer, = self.explain(out)
        self.assertEqual(("pass", "not_attached", None),
                         (answer["verdict"], answer["reason"], answer["mode"]))
        answer, = self.against([block("out", direction="egress")], out)
        self.assertEqual(("drop", "out", "tc"),
                         (answer["verdict"], answer["policy"], answer["mode"]))
        answer, = self.against([block("in")], out)
        self.assertEqual("not_attached", answer["reason"])

    def test_it_agrees_with_what_is_put(self):
        random_ = random.Random(4711)
        few = [draw_policies(random_) for _ in range(8)]
        many = [block("b%d" % number, src="10.1.%d.%d" % divmod(number, 256))
                for number in range(3000)]
        wire = self.lab.ingress
        for policies in few + [many + few[0], few[1]]:
            drawn = [piece for number in range(100) for piece in draw_packet(random_, number)]
            asked = [{"frame": wire.frame(packet).hex()} for packet in drawn[:256]]
            before = self.state()
            answers = self.against(policies, *asked)
            self.assertEqual(before, self.state())
            self.daemon.write("PUT", "/policies", policies)
            for answer, then in zip(answers, self.explain(*asked)):
                self.assertIsNone(answer.pop("generation"))
                then.pop("generation")
                self.assertEqual(then, answer)

    def test_what_is_wrong_is_said(self):
        web = described(src=PEER4, dst=NOBODY4, dport=80)
        for status, policies, words in (
                (422, [{"id": "x", "action": "BLOCK", "src": {"ip": "10.0.0.300"}}],
                 "/policies/0/src/ip"),
                (422, [allow("x"), block("x")], "x"),
                (422, [block("keep-ssh")], "keep-ssh"),
                (422, None, "policies"),
                (409, [block("b%d" % number) for number in range(5001)], "capacity")):
            answer = self.daemon.request("POST", "/explain",
                                         {"packets": [web], "policies": policies})
            self.assertEqual(status, answer.status, answer)
            self.assertIn(words, answer.body.decode())
        # What a file may say and the API may not.
        self.against([block("old", expires_at="2020-01-01T00:00:00Z")], web)

    def test_client(self):
        path = os.path.join(self.daemon.directory, "wanted.json")
        with open(path, "w") as file:
            file.write('// not yet\n{"policies": [{"id": "wanted", "action": "BLOCK"}]}')
        words = "explain from 10.0.0.1 to 10.0.0.2 port 80".split()
        done = self.daemon.run_client(*words, "--against", path)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("drop, policy wanted: tcp", done.stdout)
        self.assertIn("pass, reason default", self.daemon.run_client(*words).stdout)
        with open(path, "w") as file:
            file.write('[{"id": "wanted", "action": "NO"}]')
        done = self.daemon.run_client(*words, "--against", path)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("/policies/0/action", done.stderr)


class Check(ExplainTest):
    """POST /check: the program itself is asked about the packet of each finding."""
    MODE = "tc"

    def check(self, *policies):
        answer = self.daemon.request("POST", "/check", list(policies))
        self.assertEqual(200, answer.status, answer)
        return answer.json

    def findings(self, *policies):
        """As (kind, policy, other), and what the program says of each packet."""
        answer = self.check(*policies)
        self.assertTrue(answer["valid"], answer)
        result = {}
        for finding in answer["findings"]:
            if finding["kind"] not in ("interface", "impossible"):
                done = self.daemon.request("POST", "/explain", {"packets": [finding["packet"]],
                                                                "policies": list(policies)})
                self.assertEqual(200, done.status, done)
                finding["explained"] = done.json["packets"][0]
            result[finding["kind"], finding["policy"], finding["other"]] = finding
            self.assertTrue(finding["detail"] and finding["cure"])
            self.assertIn(finding["detail"], json.dumps(answer["warnings"]).replace('\\"', '"'))
        return result

    def test_findings(self):
        inside = {"src": "10.0.0.0/8", "protocol": "udp"}
        cases = [
            ("shadowed", "b", "a", [block("a", priority=1, **inside), allow("b", **inside,
                                                                            dport=53)], "a"),
            ("contradictory", "b", "a", [block("a", priority=1, **inside),
                                         allow("b", **inside)], "a"),
            ("redundant", "a", "b", [block("a", **inside, dport=53), block("b", **inside)], "a"),
            ("partly-shadowed", "b", "a", [allow("a", priority=1, **inside),
                                           block("b", protocol="udp", dst="10.0.0.0/8")], "a"),
            ("limit-passes", "b", "a", [policy("a", "RATE_LIMIT", dport=53, **inside,
                                               rate_limit_packets_per_second=9),
                                        block("b", **inside)], "a"),
            ("order", "b", "a", [block("a", **inside), allow("b", dport=53, **inside)], "b"),
            ("overridden-by-failsafe", "a", "keep-ssh", [block("a", protocol="tcp")], "keep-ssh"),
            ("burst", "a", None, [policy("a", "RATE_LIMIT", rate_limit_bytes_per_second=100,
                                         **inside)], "a"),
            ("interface", "a", None, [block("a", interface=["d7", "d8"], **inside)], None),
            ("impossible", "a", None, [block("a", length="0-19", **inside)], None),
        ]
        for kind, identity, other, policies, decides in cases:
            with self.subTest(kind):
                found = self.findings(*policies)
                self.assertEqual([(kind, identity, other)], list(found), found)
                finding = found[kind, identity, other]
                if decides:
                    self.assertEqual(decides, finding["explained"]["policy"], finding)
                    words = finding["words"].split()
                    said = self.daemon.run_client("explain", *words)
                    self.assertEqual(0, said.returncode, said.stderr)
        self.assertEqual([], self.daemon.get("/policies")["policies"])

    def test_client(self):
        """With a socket named, the daemon is asked."""
        path = os.path.join(self.daemon.directory, "checked.json")
        with open(path, "w") as file:
            file.write('// all\n{"policies": [{"id": "a", "action": "BLOCK", "protocol": "tcp"}]}')
        alone = self.daemon.run_client("check", path)
        self.assertEqual((0, path + ": 1 valid policy\n"), (alone.returncode, alone.stdout))
        asked = self.daemon.run_client("check", path, "--socket", self.daemon.socket_path)
        self.assertEqual(0, asked.returncode, asked.stderr)
        self.assertIn(': /policies/0: warning: the failsafe policy "keep-ssh" lets pass some',
                      asked.stdout)
        asked = self.daemon.run_client("check", path, "--socket", self.daemon.socket_path, "--json")
        self.assertEqual("overridden-by-failsafe",
                         json.loads(asked.stdout)[0]["findings"][0]["kind"])
        nobody = self.daemon.run_client("check", path, "--socket", "/no/such")
        self.assertEqual(1, nobody.returncode, nobody.stdout)

    def test_what_is_wrong(self):
        answer = self.check({"id": "a", "action": "NO"}, {"id": "b"})
        self.assertFalse(answer["valid"])
        self.assertEqual(["/0/action", "/1/action"], [e["pointer"] for e in answer["errors"]])
        self.assertEqual([], answer["findings"])
        self.assertTrue(self.check()["valid"])
        for status, body in ((400, "{"), (400, ""), (200, {"policies": []})):
            self.assertEqual(status, self.daemon.request("POST", "/check", body).status, body)
        self.assertEqual(405, self.daemon.request("GET", "/check").status)


class ExplainClient(ExplainTest):
    """pepctl explain."""
    MODE = "tc"

    def pepctl(self, *arguments, status=0, **options):
        done = self.daemon.run_client(*arguments, **options)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done.stderr if status else done.stdout

    def capture(self, *frames, magic=0xA1B2C3D4, order="<", link=1):
        path = os.path.join(self.daemon.directory, "some.pcap")
        with open(path, "wb") as file:
            file.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link))
            for frame in frames:
                file.write(struct.pack(order + "IIII", 1, 2, len(frame), len(frame)) + frame)
        return path

    def test_words(self):
        self.daemon.put(block("no-ssh", protocol="tcp", dport=23, src="10.0.0.0/8"),
                        policy("watch", "LOG_ONLY", src="10.0.0.0/8", priority=1),
                        allow("inside", src="10.0.0.0/8", priority=2000))
        said = "explain in proto tcp from 10.0.0.1 port 4444 to 192.0.2.1 port 23 dev d0".split()
        self.assertEqual("drop, policy no-ssh: tcp 10.0.0.1:4444 > 192.0.2.1:23, 40 bytes, "
                         "ingress d0 (tc)\n"
                         "  a BLOCK policy matched\n"
                         "  watch: LOG_ONLY, reports it, goes on to the next\n"
                         "  no-ssh: BLOCK, drops it\n"
                         "without no-ssh: pass, policy inside\n"
                         "  inside: ALLOW, lets it pass\n", self.pepctl(*said))
        answer = json.loads(self.pepctl(*said, "--json"))
        self.assertEqual("no-ssh", answer["policy"])
        self.assertIn("drop, policy everything", self.failsafe_words(80))
        self.assertIn("  everything: BLOCK, would drop it, and is overruled\n"
                      "  keep-ssh: failsafe, lets it pass\n"
                      "without everything: pass, reason default\n", self.failsafe_words(22))

    def failsafe_words(self, port):
        self.daemon.put(block("everything"))
        return self.pepctl("explain", "from", PEER6, "to", NOBODY6, "port", str(port))

    def test_words_that_are_wrong(self):
        for status, words in ((1, "block from 10.0.0.1"), (2, "from 10.0.0.1 prot tcp"),
                              (1, "from 10.0.0.1 to 10.0.0.2 port 1 for 1h"),
                              (1, "both from 10.0.0.1 to 10.0.0.2 port 1"),
                              (1, "from 10.0.0.1 to any port 1"), (2, "")):
            status = 2 if words.startswith("block") else status
            self.pepctl("explain", *words.split(), status=status)
        self.assertIn("/packets/0/dst/ip", self.pepctl("explain", "from", PEER4, "proto", "udp",
                                                       status=1))

    def test_a_capture(self):
        self.daemon.put(block("no-dns", protocol="udp", dport=53), block("no-out", dport=80,
                                                                         direction="egress"))
        wire = self.lab.ingress
        frames = [wire.frame(packets.udp(PEER4, NOBODY4, 1, 53 + number % 2, b"x"))
                  for number in range(300)]
        path = self.capture(*frames, wire.frame(b"x" * 4000), frames[0])
        done = self.daemon.run_client("explain", "--pcap", path, "in", "dev", "d0")
        self.assertEqual(0, done.returncode, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual("1 drop, policy no-dns: udp 10.77.0.2:1 > 10.77.0.99:53, 29 bytes", lines[0])
        self.assertEqual("302 drop, policy no-dns: udp 10.77.0.2:1 > 10.77.0.99:53, 29 bytes",
                         lines[-2])
        self.assertEqual("302 packets: 150 pass, 151 dropped, 1 left out", lines[-1])
        self.assertIn("packet 301 is left out: it is longer", done.stderr)
        with open(path, "rb") as file:
            lines = self.pepctl("explain", "--pcap", "-", "--json", input=None, stdin=file)
        answers = [json.loads(line) for line in lines.splitlines()]
        self.assertEqual([*range(1, 301), 302], [answer["number"] for answer in answers])
        self.assertEqual(["no-dns", None] * 150 + ["no-dns"],
                         [answer["policy"] for answer in answers])
        bare = self.capture(packets.tcp(HOST6, PEER6, 1, 80), order=">", magic=0xA1B23C4D, link=101)
        self.assertIn("1 drop, policy no-out", self.pepctl("explain", "--pcap", bare, "out"))
        self.pepctl("explain", "--pcap", bare, "proto", "tcp", status=2)
        self.assertIn("No such file", self.pepctl("explain", "--pcap", "/no/such", status=1))
        self.assertIn("no capture", self.pepctl("explain", "--pcap", self.daemon.config_path,
                                                status=1))


# ---- as it happens

def draw_policies(random_):
    """A set that meets what draw_packet() draws, most of it several times."""
    result = []
    for number in range(random_.randrange(2, 25)):
        fields = {"priority": random_.randrange(3),
                  "direction": random_.choice(["ingress", "egress", "both", "both"])}
        ipv6 = random_.random() < 0.4
        net = ["fd77::/64", "fd77::2", "fd77::4/126", "fd77::8-fd77::a"] if ipv6 else \
              ["10.77.0.0/24", "10.77.0.2", "10.77.0.4-10.77.0.9", "10.0.0.0/8"]
        if random_.random() < 0.8:
            fields["src"] = random_.choice(net)
        if random_.random() < 0.3:
            fields["dst"] = NOBODY6 if ipv6 else NOBODY4
        fields["protocol"] = random_.choice(["tcp", "udp", "any"])
        if random_.random() < 0.7:
            low = random_.randrange(1, 30)
            fields["dport"] = random_.choice([low, "%d-%d" % (low, low + 8)])
        if random_.random() < 0.2:
            fields["sport"] = "1-%d" % random_.randrange(1, 8)
        if fields["protocol"] == "tcp" and random_.random() < 0.3:
            fields["tcp_flags"] = random_.choice(["syn", "ack", "syn,!ack"])
        if random_.random() < 0.1:
            fields["ttl"] = random_.choice(["0-3", "60-70"])
        if random_.random() < 0.1:
            fields["length"] = random_.choice(["0-60", "61-2000"])
        if random_.random() < 0.1:
            fields["fragment"] = random_.random() < 0.5
        if random_.random() < 0.1:
            fields["dscp"] = random_.choice([0, 46])
        action = random_.choice(["ALLOW", "BLOCK", "ALLOW", "BLOCK", "LOG_ONLY", "RATE_LIMIT"])
        if action == "RATE_LIMIT":  # never exceeded: what a dry run leaves out cannot differ
            fields.update(rate_limit_packets_per_second=10**9,
                          conform=random_.choice(["pass", "continue"]))
        result.append(policy("p%d" % number, action, log=random_.random() < 0.1, **fields))
    return result


def draw_packet(random_, number):
    """One packet or the fragments of one; each has other bytes than all others."""
    ipv6 = random_.random() < 0.4
    last = random_.randrange(2, 12)
    src, dst = (("fd77::%x" % last, NOBODY6) if ipv6 else ("10.77.0.%d" % last, NOBODY4))
    data = number.to_bytes(8, "big") + b"x" * random_.choice([0, 8, 40, 900])
    ports = random_.randrange(1, 10), random_.randrange(1, 40)
    fields = {"dscp": random_.choice([0, 0, 46])}
    fields["hop_limit" if ipv6 else "ttl"] = random_.choice([2, 64, 64, 200])
    kind = random_.randrange(10)
    if kind < 4:
        flags = random_.choice([packets.SYN, packets.ACK, packets.SYN | packets.ACK])
        return [packets.tcp(src, dst, *ports, data, flags=flags, **fields)]
    if kind < 8:
        return [packets.udp(src, dst, *ports, data, **fields)]
    if kind == 8:
        return [packets.icmp(src, dst, random_.choice([3, 13]), body=b"\0\0\0\0" + data)]
    return packets.fragments(packets.udp(src, dst, *ports, data + b"y" * 64), 32, number)


@per_mode()
class AsItHappens(ExplainTest):
    def observed(self, direction):
        """What was counted for each policy and reason."""
        counters = self.daemon.interfaces()[self.lab.DEVICE]["counters"][direction]
        reasons = {(verdict, reason): tally["packets"] for verdict in ("pass", "drop")
                   for reason, tally in counters[verdict]["reasons"].items()}
        return {entry["id"]: (entry["counters"]["packets"], entry["counters"]["dropped_packets"])
                for entry in self.daemon.get("/policies")["policies"]}, reasons

    @staticmethod
    def expected(answers):
        counted = collections.defaultdict(lambda: [0, 0])
        reasons = collections.Counter()
        for answer in answers:
            reasons[answer["verdict"], answer["reason"]] += 1
            for step in answer["steps"]:
                if step["result"] != "overruled":
                    counted[step["policy"]][0] += 1
                    counted[step["policy"]][1] += step["result"] == "drop"
        return counted, reasons

    def check(self, sent, direction):
        """Asks about packets, sends them for real, compares what happened to each."""
        wire = getattr(self.lab, direction)
        self.daemon.write("POST", "/reset")
        answers = self.explain_frames([wire.frame(packet) for packet in sent], direction)
        arrived = wire.offer(sent)
        for packet, answer, came in zip(sent, answers, arrived):
            self.assertEqual("pass" if came else "drop", answer["verdict"],
                             "%s\n%s" % (packet.hex(), json.dumps(answer, indent=1)))
        counted, reasons = self.expected(answers)
        policies, happened = self.observed(direction)
        for identity, figures in policies.items():
            self.assertEqual(tuple(counted[identity]), figures, identity)
        for key, number in happened.items():
            barriers = 2 if key == ("pass", "non_ip") else 0
            self.assertEqual(reasons.pop(key, 0) + barriers, number, key)
        self.assertFalse({key: number for key, number in reasons.items() if number})
        return collections.Counter((answer["verdict"], answer["reason"]) for answer in answers)

    def test_random_packets(self):
        wanted, seed = (34000, random.randrange(1 << 32)) if SLOW else (2400, 20260131)
        random_ = random.Random(seed)
        seen, number = collections.Counter(), 0
        while number < wanted:
            self.daemon.put(*draw_policies(random_))
            drawn = [draw_packet(random_, number + i) for i in range(200)]
            direction = random_.choice(["ingress", "ingress", "egress"])
            with self.subTest(seed=seed, number=number, direction=direction):
                # A later fragment follows the first one, which must have come for real.
                seen += self.check([pieces[0] for pieces in drawn], direction)
                seen += self.check([piece for pieces in drawn for piece in pieces[1:]], direction)
            number += sum(map(len, drawn))
        for key in (("pass", "policy"), ("drop", "policy"), ("pass", "limit"),
                    ("pass", "default")):
            self.assertGreater(seen[key], 10, seen)


if __name__ == "__main__":
    main()
