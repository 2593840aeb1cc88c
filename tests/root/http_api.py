# SPDX-License-Identifier: Apache-2.0
"""What the tests of the HTTP API share: a daemon on TCP and a socket, raw requests."""
import contextlib
import http.client
import json
import socket

from contract import contract
from harness import PepctlTest, daemons

PORT = 8080
PROBLEM = "application/problem+json"


class HttpTest(PepctlTest):
    CONFIG = {"server": {"max_body_bytes": 1 << 20, "max_connections": 32}}

    @classmethod
    def start(cls):
        listen = cls.daemon.config["server"]["listen"]
        listen += ["127.0.0.1:%d" % PORT, "[::1]:%d" % PORT]
        cls.daemon.write_config()
        super().start()

    # ---- sending

    def connect(self, tcp=False, host="127.0.0.1"):
        if tcp:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            connection = self.lab.host.socket(family, socket.SOCK_STREAM)
            address = (host, PORT)
        else:
            connection = socket.socket(socket.AF_UNIX)
            address = self.daemon.socket_path
        connection.settimeout(20)
        connection.connect(address)
        return connection

    def raw(self, data, tcp=False, half_close=False):
        """Sends bytes; the first answer, read to its end."""
        with contextlib.closing(self.connect(tcp)) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return read_answer(connection, data)

    def tcp(self, method, path, body=None, headers=None, host="127.0.0.1"):
        text = json.dumps(body).encode() if body is not None else b""
        fields = {"Host": "localhost", "Connection": "close"}
        if body is not None:
            fields.update({"Content-Type": "application/json", "Content-Length": len(text)})
        fields.update(headers or {})
        lines = ["%s %s HTTP/1.1" % (method, path)]
        lines += ["%s: %s" % field for field in fields.items() if field[1] is not None]
        with contextlib.closing(self.connect(True, host)) as connection:
            data = "\r\n".join(lines).encode() + b"\r\n\r\n" + text
            connection.sendall(data)
            return read_answer(connection, data)

    # ---- judging

    def state(self):
        """What no refused request may change."""
        health = self.daemon.get("/health")
        return health["generation"], self.daemon.get("/policies?fields=definition")["policies"]

    def assert_problem(self, answer, status, *words):
        self.assertEqual(status, answer.status, answer)
        self.assertEqual(PROBLEM, answer.headers["Content-Type"], answer)
        document = answer.json
        self.assertEqual(status, document["status"])
        self.assertTrue(document["type"].startswith("/problems/"))
        self.assertTrue(document["title"] and document["error"])
        self.assertTrue(document.get("detail") or document.get("errors"), document)
        for word in words:
            self.assertIn(word, answer.body.decode())
        return document


def read_answer(connection, request):
    """The answer to what was sent, by its length or to the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise AssertionError("no whole answer: %r" % data)
        data += more
    start, body = data.split(b"\r\n\r\n", 1)
    lines = start.decode().split("\r\n")
    if " 100 " in lines[0]:
        raise AssertionError("only an interim answer")
    headers = http.client.HTTPMessage()
    for line in lines[1:]:
        headers.add_header(*line.split(": ", 1))
    length = int(headers.get("Content-Length", -1))
    while not request.startswith(b"HEAD") and len(body) != length:
        more = connection.recv(65536)
        if not more:
            break
        body += more
    answer = daemons.Response(int(lines[0].split()[1]), headers, body)
    check(request, answer)
    return answer


def check(request, answer):
    """By the contract, as far as the request is one; in chunks, only what stands before them."""
    head, _, body = request.partition(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")
    method, target = (start.split(" ") + ["", ""])[:2]
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    if "Transfer-Encoding" in answer.headers:
        answer = daemons.Response(answer.status, answer.headers, None)
    if "Transfer-Encoding" in fields:
        body = None
    contract.check((method, target, fields, body), answer)
