"""Many clients of the live connection, in a process of their own: told by lines on stdin what to do, it says on stdout when it is done."""

from __future__ import annotations

import json
import os
import selectors
import socket
import struct
import sys

TEXT, PING, PONG = 0x81, 0x89, 0x8A
PER_ADDRESS = 5000
"""Connections from each address of the loopback network, of which a port can't have more than there are ephemeral ones."""


class Client:
    """One connection, which answers pings and counts the messages that it is sent."""

    def __init__(self, number: int, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 60, (f"127.0.0.{2 + number // PER_ADDRESS}", 0))
        self.data = b""
        self.messages = 0

    def upgrade(self, port: int, token: str) -> None:
        self.socket.sendall(
            (
                f"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n"
            ).encode()
        )
        while b"\r\n\r\n" not in self.data:
            self.receive()
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(head.decode("latin-1"))

    def receive(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise RuntimeError("the server closed the connection")
        self.data += data

    def send(self, kind: int, payload: bytes) -> None:
        mask = os.urandom(4)
        head = bytes([kind, 0x80 | len(payload)]) if len(payload) < 126 else bytes([kind, 0xFE]) + struct.pack(">H", len(payload))
        self.socket.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))

    def take(self) -> None:
        """Count the messages that are there whole, and answer the pings."""
        while len(self.data) >= 2:
            length, start = self.data[1], 2
            if length == 126:
                length, start = struct.unpack(">H", self.data[2:4])[0], 4
            if len(self.data) < start + length:
                return
            kind, payload = self.data[0], self.data[start : start + length]
            self.data = self.data[start + length :]
            if kind == PING:
                self.send(PONG, payload)
            elif kind == TEXT:
                self.messages += 1
            else:
                raise RuntimeError(f"{kind:#x}: {payload!r}")


def main() -> None:
    """Open what is asked for in the first line; then wait for one message more, as often as a line says so."""
    given = json.loads(sys.stdin.readline())
    clients: list[Client] = []
    ready = selectors.DefaultSelector()
    for number, token in enumerate(given["tokens"], given["first"]):
        client = Client(number, given["port"])
        client.upgrade(given["port"], token)
        client.send(TEXT, json.dumps({"type": "watch", "topic": "event", "event_id": given["event"]}).encode())
        ready.register(client.socket, selectors.EVENT_READ, client)
        clients.append(client)
        for key, _ in ready.select(0):  # pings of those who came before
            key.data.receive()
            key.data.take()
    ready.register(sys.stdin.fileno(), selectors.EVENT_READ)
    wanted, told = 2, 0  # that it watches, and how it is
    while True:
        for key, _ in ready.select():
            if key.data is not None:
                key.data.receive()
                key.data.take()
            elif sys.stdin.readline() == "one more\n":
                wanted += 1
            else:
                return
        if told < wanted and all(client.messages >= wanted for client in clients):
            told = wanted
            print("heard", flush=True)


if __name__ == "__main__":
    main()
