"""A mail server on this machine, which keeps what it is given in memory and can be told to refuse."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.services.processes import free_port

USER, PASSWORD = "ours", "hunter22"


class MailServer:
    """Takes mails; ``answer`` is what it says to each, ``about`` which step it says it to."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[bytes] = []
        self.to: list[str] = []
        self.answer = ""
        self.about = "DATA"
        self.encrypted: list[bool] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.answer and self.about == "RCPT":
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer:
            return self.answer
        self.mails.append(envelope.content)
        self.to += envelope.rcpt_tos
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"


@contextmanager
def mail_server(keys: tuple[Path, Path] | None = None, *, implicit: bool = False) -> Iterator[MailServer]:
    """A running server: without encryption and password, or with a key and certificate and both of them."""
    handler = MailServer()
    options: dict[str, Any] = {}
    if keys is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys[1], keys[0])
        if implicit:  # the library does not know then that it is encrypted, and would not let anybody in
            options = {"ssl_context": context, "authenticator": _known, "auth_require_tls": False}
        else:
            options = {"tls_context": context, "authenticator": _known, "auth_required": True, "require_starttls": True}
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port, **options)
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()


def _known(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode()))
