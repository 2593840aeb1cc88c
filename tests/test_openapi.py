#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""
docs/api/openapi.yaml beside what repeats it: the daemon's table of routes, the
manual, and the examples. That the daemon does what it says is tested by the
tests in root/, all of which check what they see against it.
"""
import json
import os
import re
import sys
import unittest

SOURCE = os.environ.get("srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.join(SOURCE, "tests", "root"))
try:
    from contract import DOCUMENT, METHODS, contract
except SystemExit as missing:
    print(missing)
    sys.exit(77)

EXAMPLES = os.path.join(os.path.dirname(DOCUMENT), "examples")


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def operations():
    return {(method.upper(), path) for path, method, _ in contract.operations()}


class Document(unittest.TestCase):
    maxDiff = None

    def test_table_of_routes(self):
        source = read("src", "route.c")
        common = re.search(r'#define WRITE_PARAMETERS "(.*)"', source)[1]
        source = re.sub(r'WRITE_PARAMETERS( "([^"]*)")?',
                        lambda match: '"%s%s"' % (common, match[2] or ""), source)
        rows = re.findall(r'\{ "(/[^"]*)", ROUTE_([A-Z]+), [A-Z_]+,\s*(?:"([^"]*)"|NULL),', source)
        self.assertGreater(len(rows), 10)
        self.assertEqual({(method, path) for path, method, _ in rows}, operations())
        for path, method, parameters in rows:
            with self.subTest("%s %s" % (method, path)):
                operation = contract.document["paths"][path][method.lower()]
                documented = [parameter["name"] for parameter
                              in map(contract.resolve, operation.get("parameters", ()))
                              if parameter["in"] == "query"]
                self.assertEqual(sorted(parameters.split()), sorted(documented))

    def test_manual(self):
        said = re.findall(r"^\.It Li (%s) (/\S*)$" % "|".join(METHODS).upper(),
                          read("man", "pepctl-api.7"), re.MULTILINE)
        self.assertEqual(sorted(operations()), sorted(said))

    def test_statuses_have_names(self):
        """No status is documented for which the daemon has no name."""
        kinds = {int(status) for status in
                 re.findall(r"^\t\{ (\d{3}), \"", read("src", "problem_document.c"), re.MULTILINE)}
        documented = {int(status) for *_, operation in contract.operations()
                      for status in operation["responses"]}
        self.assertLessEqual(documented - kinds, {200, 201})

    def test_members_are_closed(self):
        """An object whose members are ours takes no others."""
        def look(schema, place):
            if isinstance(schema, list):
                for number, part in enumerate(schema):
                    look(part, "%s/%d" % (place, number))
            elif isinstance(schema, dict):
                if "properties" in schema and schema.get("type") == "object":
                    self.assertIs(False, schema.get("additionalProperties"), place)
                for name, part in schema.items():
                    look(part, "%s/%s" % (place, name))
        look(contract.document["components"]["schemas"], "")
        look(contract.document["paths"], "/paths")

    def contents(self):
        """Every media type of a request or answer."""
        for path, method, operation in contract.operations():
            bodies = dict(operation["responses"])
            if "requestBody" in operation:
                bodies["request"] = operation["requestBody"]
            for status, body in bodies.items():
                for content in contract.resolve(body).get("content", {}).values():
                    yield "%s %s %s" % (method.upper(), path, status), content

    def test_examples(self):
        used = set()
        for place, content in self.contents():
            for example in content.get("examples", {}).values():
                with self.subTest(place, file=example["externalValue"]):
                    name = os.path.basename(example["externalValue"])
                    used.add(name)
                    contract.validate(content["schema"],
                                      json.loads(read("docs", "api", "examples", name)))
        self.assertEqual(sorted(os.listdir(EXAMPLES)), sorted(used))

    def test_what_is_wrong_is_found(self):
        """The check itself: each of these differs in one place from what would be right."""
        health = json.loads(read("docs", "api", "examples", "health.json"))
        wrong = {
            "a member that is not documented": dict(health, more=1),
            "a member that is missing": {key: health[key] for key in health if key != "version"},
            "another type": dict(health, failsafe="yes"),
            "another word": dict(health, status="fine"),
            "deep inside": dict(health, listeners=[dict(health["listeners"][0], up=None)]),
        }
        answer = type("Answer", (), {"status": 200, "body": None,
                                     "headers": {"Content-Type": "application/json"}})
        request = ("GET", "/health", {}, None)
        answer.body = json.dumps(health)
        contract.check(request, answer)
        for what, document in wrong.items():
            with self.subTest(what):
                answer.body = json.dumps(document)
                self.assertRaises(AssertionError, contract.check, request, answer)
        answer.body = json.dumps(health)
        self.assertRaises(AssertionError, contract.check, ("GET", "/health?x=1", {}, None), answer)
        self.assertRaises(AssertionError, contract.check, ("GET", "/heath", {}, None), answer)
        answer.status = 202
        self.assertRaises(AssertionError, contract.check, request, answer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
