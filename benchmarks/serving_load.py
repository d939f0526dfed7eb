"""A client that keeps connections busy, in a process of its own: prints the latencies of its requests as JSON."""

from __future__ import annotations

import argparse
import json
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import gevent
import gevent.monkey

gevent.monkey.patch_all()


def ask(connection: socket.socket, request: bytes) -> None:
    """One request and its whole answer, which must be a 200 or 201 that tells its length, or a 304."""
    connection.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 304"):
        return
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
        raise RuntimeError((head + b" " + body).decode("latin-1"))
    missing = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]) - len(body)
    while missing:
        missing -= len(receive(connection))


def receive(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data


def drive(port: int, requests: Iterable[bytes]) -> list[float]:
    """Seconds that each of the requests took on a connection of its own."""
    took = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for request in requests:
            began = time.perf_counter()
            ask(connection, request)
            took.append(time.perf_counter() - began)
    return took


def written(given: argparse.Namespace) -> Iterator[bytes]:
    """The requests: so many GETs, or the POSTs of a file."""
    own = "".join(f"{header}\r\n" for header in given.header)
    encoding = "" if "accept-encoding:" in own.lower() else "Accept-Encoding: identity\r\n"
    head = (
        f"{{}} {given.path} HTTP/1.1\r\nHost: 127.0.0.1:{given.port}\r\nUser-Agent: serving_load\r\nAccept: */*\r\n"
        f"{encoding}Accept-Language: en\r\n{own}"
    )
    if given.posts is None:
        get = head.replace("{}", "GET").encode() + b"\r\n"
        yield from (get.replace(b"{number}", b"%d" % number) for number in range(given.requests))
        return
    for line in given.posts.read_text("utf-8").splitlines():
        post = json.loads(line)
        body = json.dumps(post["body"]).encode()
        more = "".join(f"{name}: {value}\r\n" for name, value in post["headers"].items())
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        yield (head.replace("{}", "POST") + kind).encode() + body


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--requests", type=int, default=0)
    parser.add_argument(
        "--header", action="append", default=[], help="one more, or one instead of Accept-Encoding: identity; {number} is another each time"
    )
    parser.add_argument("--posts", type=Path, help="instead: a file, on each line the headers and body of a POST")
    given = parser.parse_args()
    requests = list(written(given))
    shares = [requests[number :: given.connections] for number in range(given.connections)]
    busy = [gevent.spawn(drive, given.port, share) for share in shares]
    print(json.dumps([took for one in gevent.joinall(busy, raise_error=True) for took in one.value]))


if __name__ == "__main__":
    main()
