"""Elasticsearch: a node that the tests start from Maven's jars, or the one that the environment names."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2s
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from urllib.parse import urlsplit

from tests.services.processes import free_port, missing, wait_for

VERSION = "8.19.21"
"""Of the node. The launcher uses what no release promises to keep, so it is started with this one."""

URL = "DINNERKIT_TEST_ELASTICSEARCH"
"""In the environment: the URL of a server that is used instead, such as http://127.0.0.1:9200; what the tests make there they remove."""

_NODE = Path(__file__).parent / "elasticsearch_node"
_HTTP = "transport-netty4"
_OF_HTTP = ("netty-", _HTTP, "elasticsearch-ssl-config")
_STARTED = 240.0
"""Seconds that a start may take on a machine that has much else to do."""

_MEMORY = Path("/dev/shm")  # noqa: S108 - only its folder is taken
"""For the data where there is one: each index that is made waits for the disk several times."""

_JVM = ("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-UsePerfData")


@contextmanager
def elasticsearch_node(*options: str) -> Iterator[tuple[str, int]]:
    """The address of a running node, or of the server that the environment names; further options for its JVM replace the usual ones."""
    if given := os.environ.get(URL):
        parts = urlsplit(given)
        yield parts.hostname or "127.0.0.1", parts.port or 9200
        return
    for program, package in (("javac", "default-jdk-headless"), ("mvn", "maven")):
        if shutil.which(program) is None:
            missing(f"{program} for Elasticsearch", f"apt-get install {package}, or name a server in {URL}")
    home, port = _home(), free_port()
    command = ["java", *_JVM, *options, "-cp", f"{home / 'lib'}/*:{home}", "Node", str(home)]
    with (
        TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as data,
        TemporaryFile("w+") as said,
        subprocess.Popen([*command, data, str(port)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said) as process,
    ):
        try:
            wait_for(process, port, said, _STARTED)
            yield "127.0.0.1", port
        finally:
            process.kill()


def _home() -> Path:
    """The node's home with its jars, brought once by Maven and kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dinnerkit-tests"
    made_of = blake2s(b"".join(path.read_bytes() for path in sorted(_NODE.iterdir())), digest_size=4).hexdigest()
    home = cache / f"elasticsearch-{VERSION}-{made_of}"
    if not home.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache) as made:
            _fill(Path(made) / "home")
            try:
                (Path(made) / "home").rename(home)
            except OSError:  # another process was first
                if not home.is_dir():
                    raise
    return home


def _fill(home: Path) -> None:
    """Lay it out as a distribution does: what speaks HTTP is a module with a class loader of its own."""
    module = home / "modules" / _HTTP
    for place in (home / "lib", home / "config", module):
        place.mkdir(parents=True)
    into = [f"-DoutputDirectory={home / 'lib'}", f"-Delasticsearch.version={VERSION}"]
    _run(["mvn", "-q", "-B", "-f", str(_NODE / "pom.xml"), "dependency:copy-dependencies", *into])
    _run(["javac", "-cp", f"{home / 'lib'}/*", "-d", str(home), str(_NODE / "Node.java")])
    for jar in list((home / "lib").iterdir()):
        if jar.name.startswith(_OF_HTTP):
            jar.rename(module / jar.name)
    (module / "plugin-descriptor.properties").write_text(
        f"name={_HTTP}\ndescription=HTTP\nversion={VERSION}\nelasticsearch.version={VERSION}\njava.version=17\n"
        "classname=org.elasticsearch.transport.netty4.Netty4Plugin\n"
    )


def _run(command: Sequence[str]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
