from __future__ import annotations

import socket
from contextlib import closing

import pytest

from dinnerkit.errors import Invalid
from dinnerkit.serving.listener import listen, url_of


def speaks_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_port_0_takes_a_free_port_and_the_url_names_it():
    with closing(listen("127.0.0.1:0")) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        assert url_of(listener) == f"http://127.0.0.1:{port}"
        socket.create_connection(("127.0.0.1", port)).close()


@pytest.mark.skipif(not speaks_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_address_is_given_and_shown_in_brackets():
    with closing(listen("[::1]:0")) as listener:
        assert listener.family == socket.AF_INET6
        assert url_of(listener).startswith("http://[::1]:")


def test_an_empty_host_means_every_address():
    with closing(listen(":0")) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize("bind", ["8000", "localhost", "127.0.0.1:65536", "127.0.0.1:http", "::1:80", "a:b:1", "[::1]"])
def test_what_is_no_address_is_said_to_be_none(bind):
    with pytest.raises(Invalid, match="is not an address to bind"):
        listen(bind)


def test_a_taken_port_is_said_to_be_taken():
    with closing(listen("127.0.0.1:0")) as first, pytest.raises(Invalid, match="something else listens there already"):
        listen(f"127.0.0.1:{first.getsockname()[1]}")


def test_an_address_of_another_machine_is_refused_in_plain_words():
    with pytest.raises(Invalid, match="this machine has no such address"):
        listen("192.0.2.1:0")
