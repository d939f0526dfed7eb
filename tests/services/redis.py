"""Redis: servers that the tests start, alone, watched by a sentinel, or as a cluster."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.services.processes import free_port, missing, running
from tests.waiting import DEADLINE, until

PASSWORD = "hunter22"
MASTER = "dinners"


@contextmanager
def redis_server(folder: Path, *options: str, tls: bool = False) -> Iterator[int]:
    """A running server that keeps nothing: its port."""
    program = shutil.which("redis-server")
    if program is None:
        missing("redis-server", "apt-get install redis-server")
    port = free_port()
    ports = ["--port", "0", "--tls-port", str(port)] if tls else ["--port", str(port)]
    command = [program, *ports, "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with running([*command, *options], port):
        yield port


@contextmanager
def redis_sentinel(folder: Path, master_port: int, *settings: str) -> Iterator[int]:
    """A sentinel that watches the master at that port, with these settings of how: its own port."""
    port = free_port()
    config = folder / f"sentinel-{port}.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor {MASTER} 127.0.0.1 {master_port} 1\n"
        f"sentinel auth-pass {MASTER} {PASSWORD}\n"
        + "".join(f"sentinel {name} {MASTER} {value}\n" for name, value in (setting.split() for setting in settings))
    )
    with running([str(shutil.which("redis-server")), str(config), "--sentinel"], port):
        yield port


@contextmanager
def redis_cluster(folder: Path) -> Iterator[list[int]]:
    """A cluster of three masters that share the slots: their ports."""
    with ExitStack() as started:
        ports = []
        for number in range(3):
            place = folder / f"node-{number}"
            place.mkdir()
            options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]
            options += ["--cluster-port", str(free_port()), "--masterauth", PASSWORD]
            ports.append(started.enter_context(redis_server(place, *options)))
        edges = [0, 5461, 10923, 16384]
        for port, first, end in zip(ports, edges[:-1], edges[1:], strict=True):
            say(port, "CLUSTER", "ADDSLOTSRANGE", str(first), str(end - 1))
        for number, port in enumerate(ports, 1):
            say(port, "CLUSTER", "SET-CONFIG-EPOCH", str(number))
        for port in ports[1:]:
            bus = say(port, "CONFIG", "GET", "cluster-port").split("\r\n")[-2]
            say(ports[0], "CLUSTER", "MEET", "127.0.0.1", str(port), bus)
        until(lambda: all(whole(port) for port in ports), "the cluster comes together")
        yield ports


def certificates(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for this machine, which is its own authority."""
    if shutil.which("openssl") is None:
        missing("openssl", "apt-get install openssl")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


def whole(port: int) -> bool:
    info = say(port, "CLUSTER", "INFO")
    return "cluster_state:ok" in info and "cluster_known_nodes:3" in info


def say(port: int, *words: str) -> str:
    """The server's raw answer to a command, in the words of redis-cli; for those who need no driver."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        connection.settimeout(DEADLINE)
        for command in (("AUTH", PASSWORD), words):
            parts = [f"${len(word)}\r\n{word}\r\n" for word in command]
            connection.sendall(f"*{len(parts)}\r\n{''.join(parts)}".encode())
            answer = connection.recv(65536).decode()
        assert not answer.startswith("-"), answer
        return answer
