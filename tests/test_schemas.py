#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
The JSON Schemas of the configuration and of policy files beside the program:
they know the same members, and judge the same values alike. Where a schema
cannot say what the program knows it may take more, never less.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import fastjsonschema
    import yaml  # of policy-schema
    assert yaml
except ImportError as missing:
    print(missing)
    sys.exit(77)

SOURCE = os.environ.get("srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
PEPCTL = os.path.join(os.environ.get("builddir", SOURCE), "pepctl")

# What is put wherever something can be: right in one place, wrong in most.
VALUES = [
    None, True, False, 0, 1, -1, 2, 7, 8, 63, 64, 65, 100, 255, 256, 1023, 1024, 3600, 3601, 4094,
    4095, 16384, 65535, 65536, 1000000, 1000001, 1048576, 4000000, 4000001, 1 << 30, (1 << 30) + 1,
    10 ** 12, 10 ** 12 + 1, 0.5, "", " ", "0", "1", "007", "64", "70000", "99999", "0-0", "1-5",
    "1000-1999", "1-", "-1", "any", "ANY", "none", "auto", "info", "loud", "journal", "off",
    "default", "drop", "pass", "keep", "tc", "ALLOW", "allow", "BLOCK", "REJECT", "enforce",
    "audit", "read", "open", "last-good", "always", "both", "out", "continue", "policy", "source",
    "/", "/a", "a/b", "relative", "eth0", "en*", "!eth0", "eth0:1", ".", "..", "a" * 15, "a" * 16,
    "a" * 65, "*" + "a" * 63, "*" + "a" * 64, "x\ny", "tcp", "TCP", "6", "nosuch-protocol",
    "192.0.2.1", "192.0.2.0/24", "192.0.2.1-192.0.2.9", "!192.0.2.1", "@banned", "!@banned", "@",
    "@-a", "2001:db8::/32", "192.0.2", "10.0.0.0/8,192.0.2.1", "syn", "syn,!ack", "SYN", "syn,",
    "fin,syn,rst", "synack", "echo-request", "ef", "AF11", "cs9", "10MB/s", "10MB", "10 MB/s",
    "1.5MB/s", "10Mb/s", "1000/s", "10k/s", "10k", "1000pps", "64KiB", "100Mbit/s", "many",
    "127.0.0.1:8080", "[::1]:8080", "127.0.0.1", "127.0.0.1:0", "0.0.0.0:80", "unix:/run/x",
    "unix:x", "unix:/" + "a" * 106, "unix:/" + "a" * 107, "localhost:80", "a.example", "a b",
    "2026-01-31T23:59:59Z", "2099-01-31T23:59:59.123456Z", "2099-01-31", "2099-01-31T23:59:59",
    "2099-02-30T00:00:00Z", "1893456000", 1893456000, "x" * 256, "x" * 257,
    [], {}, [[]], [None], [1], ["auto"], ["journal", "file"], ["auto", "file"], ["file", "file"],
    ["eth0"], ["eth0", "wg*"], ["eth0", "eth0"], ["127.0.0.1:80", "unix:/run/x"], ["a", 1],
    ["127.0.0.1:0"], ["192.0.2.1:443"], ["[2001:db8::1]"], ["unix:/run/x", "unix:/run/x"],
    ["192.0.2.1", "!@banned"], ["192.0.2.1", "any"], [0], ["0"], ["any"], [80, "8000-8099"],
    [22, "0-0"], ["syn,!ack", "!fin"], ["ef", 10], {"min": 1}, {"min": 64, "max": 128},
    {"min": 9, "max": 1}, {"least": 1}, {"a": "b"}, {"a": 1}, {"-a": "b"}, {"a": "x" * 257},
    {"ip": "192.0.2.1"}, {"ip": "192.0.2.1", "port": 80}, {"port": [1, 2], "protocol": "tcp"},
    {"address": "192.0.2.1"}, {"%d" % i: "x" for i in range(33)}, [{"id": "a"}],
    [{"id": "a", "action": "ALLOW", "protocol": "icmp"}], [{"id": "a", "action": "BLOCK"}],
    [{"id": "a", "ttl_seconds": 5}], [{"protocol": "tcp"}],
]

# By member, as JSON: what the program refuses and no schema could without its tables and sums.
NUMBERS, TURNED, ADDRESSES = r'"[0-9-]+"', r'\{"min": 9, "max": 1\}', r'\[?"[0-9.:]+"\]?|\[.*"any"\]'
BEYOND = {
    "listen": r'\["(127.0.0.1:0|192.0.2.1:443)"\]',
    "max_body_bytes": NUMBERS,
    "protocol": r'"[A-Za-z0-9].*"',
    "icmp_type": r'"[A-Za-z0-9-]+"',
    "vlan": r'\[80, "8000-8099"\]',
    "length": "%s|%s" % (NUMBERS, TURNED),
    "ttl": "%s|%s" % (NUMBERS, TURNED),
    "src_port": NUMBERS,
    "dst_port": NUMBERS,
    "rate_limit_bytes_per_second": '"0"',
    "rate_limit_packets_per_second": '"0"',
    "burst_bytes": '"0"',
    "burst_packets": '"0"',
    "expires_at": '"2099-02-30.*"',
    "src_ip": ADDRESSES,
    "dst_ip": ADDRESSES,
}


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def schema(name):
    return json.loads(read("schemas", name + ".schema.json"))


def plain(part):
    """Without defaults, which fastjsonschema would put in; of one file."""
    if isinstance(part, list):
        return [plain(element) for element in part]
    if not isinstance(part, dict):
        return part.replace("policies.schema.json#", "#") if isinstance(part, str) else part
    return {key: plain(value) for key, value in part.items() if key != "default"}


def validator(name):
    document = schema(name)
    document["definitions"] = dict(schema("policies")["definitions"], **document["definitions"])
    check = fastjsonschema.compile(plain(document))

    def takes(value):
        try:
            check(value)
        except fastjsonschema.JsonSchemaException:
            return False
        return True
    return takes


def refused(document, directory):
    """The pointers of the errors that `pepctl check` finds."""
    path = os.path.join(directory, "input.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
    found = subprocess.run([PEPCTL, "check", "--json", path], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, check=False)
    return [problem["pointer"] for problem in json.loads(found.stdout)[0]["problems"]
            if not problem["warning"]]


class Members(unittest.TestCase):
    maxDiff = None

    def test_keys_of_the_configuration(self):
        rows = re.findall(r'\{ "/(\w+)/(\w+)", (?:\.kind = )?SETTING_(\w+)',
                          read("src", "settings_key.c"))
        self.assertGreater(len(rows), 30)
        known = {(section, key) for section, key, kind in rows if kind != "LATER"}
        said = {(section, key) for section, part in schema("config")["properties"].items()
                for key in part.get("properties", ())}
        self.assertEqual(known, said)

    def test_defaults_of_the_configuration(self):
        rows = dict(re.findall(r'\{ "(/\w+/\w+)",[^{}]*?\.standard =\s*"((?:[^"\\]|\\.)*)" \}',
                               read("src", "settings_key.c")))
        self.assertGreater(len(rows), 20)
        for section, part in schema("config")["properties"].items():
            for key, said in part.get("properties", {}).items():
                pointer = "/%s/%s" % (section, key)
                if pointer in rows:
                    self.assertEqual(json.loads(rows[pointer].replace('\\"', '"')),
                                     said["default"], pointer)

    def test_members_of_a_policy(self):
        text = read("src", "policy_field.c")
        rows = re.findall(r'^\t\{ "(\w+)", GROUP_(\w+), MEMBER_(\w+),', text, re.MULTILINE)
        ignored = re.findall(r'"([$\w]+)"', text[text.index("read_only[] = {"):].split("}")[0])
        self.assertGreater(len(rows), 30)
        self.assertGreater(len(ignored), 5)
        definitions = schema("policies")["definitions"]
        top = {name for name, group, member in rows if group == "TOP" and member != "STATE"}
        self.assertEqual(sorted(top - {"ttl_seconds"} | {"src", "dst"} | set(ignored)),
                         sorted(definitions["PolicyBody"]["properties"]))
        self.assertEqual(sorted({name for name, group, _ in rows if group == "SRC"}),
                         sorted(definitions["End"]["properties"]))

    def test_schema_of_policies_is_up_to_date(self):
        made = subprocess.run([os.path.join(SOURCE, "scripts", "policy-schema")], text=True,
                              stdout=subprocess.PIPE, check=True)
        self.assertEqual(made.stdout, read("schemas", "policies.schema.json"),
                         "run scripts/policy-schema >schemas/policies.schema.json")


class Judgement(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def compare(self, what, value, accepted, taken):
        """What the program accepts the schema takes, and nearly the other way round."""
        beyond = BEYOND.get(what.split("/")[-1])
        if accepted != taken and not (taken and beyond and
                                      re.fullmatch(beyond, json.dumps(value))):
            self.wrong.append("%s: %s is %s by the program, %s by the schema" %
                              (what, json.dumps(value)[:100], "taken" if accepted else "refused",
                               "taken" if taken else "refused"))

    def test_examples(self):
        for name, kind in (("config", "config"), ("policies", "policies")):
            text = re.sub(r"^\s*//.*|\s//.*$", "", read("examples", name + ".json"),
                          flags=re.MULTILINE)
            self.assertTrue(validator(kind)(json.loads(text)), name)

    def test_a_listener_with_tls(self):
        self.assertTrue(validator("config")({"server": {
            "listen": ["0.0.0.0:8443", "[2001:db8::1]:8443"],
            "tls": {"cert": "/etc/pepctl/cert.pem", "key": "/etc/pepctl/key.pem"}}}))

    def test_values_of_the_configuration(self):
        """Each value in each key; errors name the key, so one file asks for all keys."""
        takes, self.wrong = validator("config"), []
        keys = [(section, key) for section, part in schema("config")["properties"].items()
                for key in part.get("properties", ())]
        for value in VALUES:
            document = {}
            for section, key in keys:
                document.setdefault(section, {})[key] = value
            errors = refused(document, self.directory)
            for section, key in keys:
                place = "/%s/%s" % (section, key)
                accepted = not any(error == place or error.startswith(place + "/")
                                   for error in errors)
                self.compare(place, value, accepted, takes({section: {key: value}}))
        self.assertEqual([], self.wrong)

    # Without these a member alone would be refused whatever it says.
    BESIDE = {
        "icmp_type": {"protocol": "icmp"}, "icmp_code": {"protocol": "icmp"},
        "tcp_flags": {"protocol": "tcp"},
        "rate_limit_bytes_per_second": {"action": "RATE_LIMIT"},
        "rate_limit_packets_per_second": {"action": "RATE_LIMIT"},
        "rate_limit": {"action": "RATE_LIMIT", "rate_limit_packets_per_second": 5},
        "rate_limit_bps": {"action": "RATE_LIMIT", "rate_limit_packets_per_second": 5},
        "burst_bytes": {"action": "RATE_LIMIT", "rate_limit_bytes_per_second": 10 ** 12},
        "burst_packets": {"action": "RATE_LIMIT", "rate_limit_packets_per_second": 10 ** 12},
        "conform": {"action": "RATE_LIMIT", "rate_limit_packets_per_second": 5},
    }

    def judge(self, documents):
        """For each policy, whether the program takes it."""
        errors = refused([dict(document, id="p-%d" % number)
                          for number, document in enumerate(documents)], self.directory)
        bad = {int(error.split("/")[1]) for error in errors}
        return [number not in bad for number in range(len(documents))]

    def test_values_of_policies(self):
        takes, self.wrong = validator("policies"), []
        members = schema("policies")["definitions"]["PolicyBody"]["properties"]
        cases = [(member, value, dict({"action": "BLOCK"}, **self.BESIDE.get(member, {}),
                                      **{member: value}) if member != "action" else
                  {"action": value, "rate_limit_packets_per_second": 5}
                  if value in ("RATE_LIMIT", "rate_limit") else {"action": value})
                 for member in members if member != "id" for value in VALUES]
        cases += [("%s_%s" % (end, member) if member != "protocol" else member, value,
                   {"action": "BLOCK", end: {member: value}})
                  for end in ("src", "dst") for member in ("ip", "port", "protocol")
                  for value in VALUES]
        accepted = self.judge([document for *_, document in cases])
        for (member, value, document), fine in zip(cases, accepted):
            self.compare(member, value, fine, takes([dict(document, id="p")]))
        print("%d values" % len(cases))
        self.assertEqual([], self.wrong)


if __name__ == "__main__":
    unittest.main(verbosity=2)
