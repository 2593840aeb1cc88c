#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
What docs/api/openapi.yaml promises and no other test asks for: its examples are
taken by the daemon, and each of its operations was seen to succeed by the tests
that ran before this one, which is the last and runs alone: they have ended.
What was answered and is not in that document made those tests fail.
"""
import json
import os
import unittest

from contract import DOCUMENT, contract
from harness import main
from http_api import HttpTest


class Examples(HttpTest):
    # In an order in which each can succeed.
    REQUESTS = [
        ("PUT", "/sets/banned", "put-set.json", 201),
        ("PATCH", "/sets/banned", "patch-set.json", 200),
        ("PUT", "/policies", "put-policies.json", 200),
        ("POST", "/policies", "post-policies.json", 200),
        ("POST", "/check", "check.json", 200),
        ("POST", "/explain", "explain.json", 200),
        ("PATCH", "/policies/no-telnet", "patch-policy.json", 200),
        ("PUT", "/policies/for-an-hour", "put-policy.json", 201),
    ]

    def test_each_is_taken(self):
        for method, path, name, status in self.REQUESTS:
            with open(os.path.join(os.path.dirname(DOCUMENT), "examples", name),
                      encoding="utf-8") as file:
                answer = self.daemon.request(method, path, file.read())
            self.assertEqual(status, answer.status, answer)
        ids = {policy["id"] for policy in self.daemon.get("/policies")["policies"]}
        self.assertEqual({"no-telnet", "bans", "slow", "for-an-hour"}, ids)

    def test_all_of_them_are_here(self):
        named = {os.path.basename(example["externalValue"])
                 for *_, operation in contract.operations() if "requestBody" in operation
                 for content in contract.resolve(operation["requestBody"])["content"].values()
                 for example in content.get("examples", {}).values()}
        self.assertEqual({name for _, _, name, _ in self.REQUESTS}, named)


class Everywhere(HttpTest):
    """What every operation that documents it answers, whatever else it does."""
    CONFIG = {"server": {"anonymous": "none", "max_body_bytes": 1 << 20}}
    HEADERS = {
        413: "Content-Length: 99999999",
        415: "Content-Encoding: gzip\r\nContent-Length: 2",
        417: "Expect: the-best\r\nContent-Length: 2",
    }

    def answer(self, status, method, path):
        if status == 400:
            return self.daemon.request(method, path + "?no-such=1")
        if status == 401:
            return self.tcp(method, path, headers={"Authorization": "Bearer none"})
        if status == 403:
            return self.tcp(method, path, headers={"Content-Type": "application/json"})
        if status == 421:
            return self.tcp(method, path, headers={"Host": "evil.example"})
        return self.raw(("%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n{}" %
                         (method, path, self.HEADERS[status])).encode())

    def test_refusals_that_all_share(self):
        for path, method, operation in contract.operations():
            for status in {400, 401, 403, 413, 415, 417, 421} & set(map(int, operation["responses"])):
                with self.subTest("%s %s" % (method.upper(), path), status=status):
                    answer = self.answer(status, method.upper(), path.replace("{", "a")
                                         .replace("}", ""))
                    self.assert_problem(answer, status)


class Seen(unittest.TestCase):
    def test_every_operation_succeeded(self):
        try:
            with open(os.environ.get("CONTRACT_SEEN", ""), encoding="utf-8") as file:
                seen = {line.rstrip("\n") for line in file}
        except FileNotFoundError:
            seen = set()
        if "GET /metrics 200" not in seen:
            self.skipTest("the other tests did not run before")
        documented = {"%s %s %s" % (method.upper(), path, status)
                      for path, method, operation in contract.operations()
                      for status in operation["responses"]}
        missing = sorted(documented - seen)
        print("%d of %d documented answers were seen, not:\n%s" %
              (len(documented - set(missing)), len(documented), json.dumps(missing, indent=1)))
        self.assertFalse([line for line in missing if line.endswith(" 200")])
        self.assertFalse(seen - documented)


if __name__ == "__main__":
    main()
