"""A client that keeps connections busy, in a process of its own: prints the latencies of its requests as JSON."""

from __future__ import annotations

import argparse
import json
import socket
import time

import gevent
import gevent.monkey

gevent.monkey.patch_all()


def ask(connection: socket.socket, request: bytes) -> None:
    """One request and its whole answer, which must be a 200 that tells its length, or a 304."""
    connection.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 304"):
        return
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode("latin-1"))
    missing = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]) - len(body)
    while missing:
        missing -= len(receive(connection))


def receive(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data


def drive(port: int, request: bytes, count: int) -> list[float]:
    """Seconds that each of ``count`` requests took on a connection of its own."""
    took = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(count):
            began = time.perf_counter()
            ask(connection, request)
            took.append(time.perf_counter() - began)
    return took


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--header", action="append", default=[], help="one more, or one instead of Accept-Encoding: identity")
    given = parser.parse_args()
    own = "".join(f"{header}\r\n" for header in given.header)
    encoding = "" if "accept-encoding:" in own.lower() else "Accept-Encoding: identity\r\n"
    request = (
        f"GET {given.path} HTTP/1.1\r\nHost: 127.0.0.1:{given.port}\r\nUser-Agent: serving_load\r\nAccept: */*\r\n"
        f"{encoding}Accept-Language: en\r\n{own}\r\n"
    ).encode()
    each = given.requests // given.connections
    busy = [gevent.spawn(drive, given.port, request, each) for _ in range(given.connections)]
    print(json.dumps([took for one in gevent.joinall(busy, raise_error=True) for took in one.value]))


if __name__ == "__main__":
    main()
