"""S3: moto's server, a process of its own that speaks as S3 does and keeps all in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from tests.services.processes import free_port, missing, running

KEY, SECRET = "AKIAOURS", "hunter22"

_SERVER = """
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
"""
"""One request after the other: what moto keeps is not made for threads, and it answers 500 where they meet."""


@contextmanager
def s3_server() -> Iterator[int]:
    """A running server without buckets: its port."""
    if find_spec("moto") is None:
        missing("moto's server", "pip install 'moto[server]'")
    port = free_port()
    with running([sys.executable, "-c", _SERVER, str(port)], port):
        yield port


def admin(port: int) -> Any:
    """A plain client of the server."""
    import boto3

    session = boto3.session.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1")
    return session.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
