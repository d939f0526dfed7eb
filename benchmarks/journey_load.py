"""A client that sends given requests on many connections, in a process of its own: JSON comes on stdin, and goes to stdout."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import gevent
import gevent.monkey

gevent.monkey.patch_all()

Answer = tuple[int, float]
"""A status, and the seconds that it took to come."""


def encoded(request: dict[str, Any], port: int) -> bytes:
    body = json.dumps(request["body"]).encode() if request.get("body") is not None else b""
    lines = [f"{request['method']} {request['path']} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: */*", "Accept-Language: en"]
    lines += [f"{name}: {value}" for name, value in request.get("headers", {}).items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def ask(connection: socket.socket, request: bytes) -> int:
    """One request and its whole answer, which must tell its length; the status."""
    connection.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    status = int(head[9:12])
    if status not in {204, 304}:
        missing = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]) - len(body)
        while missing > 0:
            missing -= len(receive(connection))
    return status


def receive(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data


def drive(port: int, requests: Iterator[bytes], first_at: float, every: float) -> list[Answer]:
    """Send one after the other; where they have a pace, each in its turn, which is also when its time begins."""
    answers, due = [], first_at
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            if every:
                gevent.sleep(max(0, due - time.perf_counter()))
            began = due if every else time.perf_counter()
            status = ask(connection, request)
            answers.append((status, time.perf_counter() - began))
            due += every
    return answers


def main() -> None:
    given = json.load(sys.stdin)
    port, connections = given["port"], given["connections"]
    requests = iter([encoded(request, port) for request in given["requests"]])  # each connection takes the next
    every = connections / given["pace"] if given["pace"] else 0.0
    began = time.perf_counter()
    first = [began + 0.2 + number * every / connections if every else 0.0 for number in range(connections)]
    busy = [gevent.spawn(drive, port, requests, at, every) for at in first]
    answers = [answer for one in gevent.joinall(busy, raise_error=True) for answer in one.value]
    print(json.dumps({"answers": answers, "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
