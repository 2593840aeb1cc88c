# SPDX-License-Identifier: Apache-2.0
"""
The HTTP interface as docs/api/openapi.yaml says that it is: check() is asked of
every request and answer of the tests, and what it saw is written down for
test_contract.py.
"""
import json
import os
import re
import urllib.parse

try:
    import fastjsonschema
    import yaml
except ImportError as error:
    raise SystemExit("%s: the tests need Debian's python3-fastjsonschema and python3-yaml, and "
                     "are run by /usr/bin/python3" % error) from None

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/api/openapi.yaml")
# What is answered where there is no such path or method, or no request.
ELSEWHERE = {400, 401, 403, 404, 405, 413, 417, 421, 501, 503}
METHODS = {"get", "put", "post", "delete", "patch"}
PROBLEM = "application/problem+json"


def plain(schema):
    """A schema of OpenAPI 3.0 as one of JSON Schema; a default is no value here."""
    if isinstance(schema, list):
        return [plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {}
    for key, value in schema.items():
        if key == "$ref":
            result[key] = value.replace("#/components/schemas/", "#/definitions/")
        elif key == "properties":
            result[key] = {name: plain(member) for name, member in value.items()}
        elif key == "x-propertyNames":
            result["propertyNames"] = plain(value)
        elif key not in ("description", "default", "nullable", "title"):
            result[key] = plain(value)
    if schema.get("nullable"):
        result["type"] = [result["type"], "null"]
    return result


class Contract:
    def __init__(self, path=DOCUMENT):
        with open(path, encoding="utf-8") as file:
            self.document = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.definitions = {name: plain(schema) for name, schema
                            in self.document["components"]["schemas"].items()}
        self.validators = {}
        self.seen = set()
        self.paths = [(re.compile(re.sub(r"\\{.*?\\}", "[^/]+", re.escape(path)) + "$"), path)
                      for path in self.document["paths"]]

    # ---- what is written there

    def resolve(self, part):
        while "$ref" in part:
            *way, name = part["$ref"].split("/")[1:]
            place = self.document
            for step in way:
                place = place[step]
            part = place[name]
        return part

    def operations(self):
        """(path, method, operation) of all."""
        for path, item in self.document["paths"].items():
            for method in METHODS & item.keys():
                yield path, method, item[method]

    def find(self, method, path):
        """The path that a request means, and the operation; None: there is none."""
        for pattern, name in self.paths:
            if pattern.match(path):
                return name, self.document["paths"][name].get(method)
        return None, None

    def validate(self, schema, value):
        """Raises AssertionError. A schema of the document is known by its place."""
        if id(schema) not in self.validators:
            self.validators[id(schema)] = fastjsonschema.compile(
                dict(definitions=self.definitions, allOf=[plain(schema)]))
        try:
            self.validators[id(schema)](value)
        except fastjsonschema.JsonSchemaException as error:
            shown = json.dumps(error.value)
            raise AssertionError("%s\n%s" % (error.message, shown[:2000])) from None

    # ---- what is asked of it

    def check(self, request, answer):
        """
        request: (method, target, headers, body); answer: with status, headers and
        body, None if it is not known. A request is looked at only if it succeeded:
        the daemon refuses others, which tests send on purpose.
        """
        method, target, headers, body = request
        name, operation = self.find("get" if method == "HEAD" else method.lower(),
                                    urllib.parse.urlsplit(target).path)
        try:
            if operation is None:
                self.check_elsewhere(answer)
                return
            self.check_answer(operation, answer, method == "HEAD")
            if answer.status < 300:
                self.check_query(operation, urllib.parse.urlsplit(target).query)
                self.check_body(operation, headers, body)
        except AssertionError as error:
            raise AssertionError("%s %s: %d is not as in openapi.yaml: %s" %
                                 (method, target, answer.status, error)) from None
        self.note("%s %s %d" % (method.replace("HEAD", "GET"), name, answer.status))

    def check_elsewhere(self, answer):
        if answer.status not in ELSEWHERE:
            raise AssertionError("no such path or method, and not refused")
        if answer.status == 405 and not answer.headers.get("Allow"):
            raise AssertionError("405 without Allow")
        if answer.headers.get("Content-Type") != PROBLEM:
            raise AssertionError("no problem document")
        if answer.body:
            self.validate(self.document["components"]["schemas"]["Problem"],
                          json.loads(answer.body))

    def check_answer(self, operation, answer, head):
        responses = operation["responses"]
        if str(answer.status) not in responses:
            raise AssertionError("the status is not documented, but %s" % ", ".join(responses))
        response = self.resolve(responses[str(answer.status)])
        for name, header in response.get("headers", {}).items():
            self.check_header(name, self.resolve(header), answer.headers.get(name))
        content_type = (answer.headers.get("Content-Type") or "").split(";")[0]
        if content_type not in response["content"]:
            raise AssertionError("it is %s" % content_type)
        if head:
            if answer.body:
                raise AssertionError("HEAD has a body")
        elif answer.body is not None and content_type.endswith("json"):
            self.validate(response["content"][content_type]["schema"], json.loads(answer.body))

    def check_header(self, name, header, value):
        if value is None:
            if header.get("required"):
                raise AssertionError("there is no %s" % name)
            return
        try:
            self.validate(header["schema"], value)
        except AssertionError as error:
            raise AssertionError("%s: %s" % (name, error)) from None

    def check_query(self, operation, query):
        known = {parameter["name"]: parameter["schema"]
                 for parameter in map(self.resolve, operation.get("parameters", ()))
                 if parameter["in"] == "query"}
        for name, values in urllib.parse.parse_qs(query, keep_blank_values=True).items():
            if name not in known:
                raise AssertionError("the parameter %s is not documented" % name)
            value = values[0]
            if known[name].get("type") == "array":
                value = values
            elif known[name].get("type") == "integer":
                value = int(value)
            self.validate(known[name], value)

    def check_body(self, operation, headers, body):
        if not body:
            return
        if "requestBody" not in operation:
            raise AssertionError("a body is not documented")
        content = self.resolve(operation["requestBody"])["content"]
        given = next((value for name, value in headers.items() if name.lower() == "content-type"),
                     "").split(";")[0]
        # On the Unix socket JSON is taken whatever it is said to be, as by curl -d.
        if given not in content:
            given = "application/json" if body.lstrip()[:1] in (b"{", b"[") else "text/plain"
        if given.endswith("json"):
            self.validate(content[given]["schema"], json.loads(body))

    def check_event(self, event):
        """Of GET /events: what stands behind "data:"."""
        answer = self.document["paths"]["/events"]["get"]["responses"]["200"]
        self.validate(answer["content"]["text/event-stream"]["schema"], event)

    def note(self, line):
        """For test_contract.py, once for each process."""
        if line in self.seen or "CONTRACT_SEEN" not in os.environ:
            return
        self.seen.add(line)
        with open(os.environ["CONTRACT_SEEN"], "a", encoding="utf-8") as file:
            file.write(line + "\n")


contract = Contract()
