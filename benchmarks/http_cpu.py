"""What counting a request and reading its token cost, beside a request that does neither."""

from __future__ import annotations

import time
from datetime import timedelta

import flask
from measuring import cpu_micros, report

from dinnerkit.accounts.secrecy import Keys, SignedTokens
from dinnerkit.backends.limiter import memory
from dinnerkit.clock import utcnow
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.mount import Mount, install

REPEAT = 5000


def counted(app: flask.Flask, rate: str, callers: int) -> float:
    """CPU microseconds for a request of one of so many callers, who were all here a moment ago."""
    limits = RequestLimits(rate, memory("memory://"))

    def ask(number: int) -> None:
        caller = number % callers
        with app.test_request_context("/", environ_base={"REMOTE_ADDR": f"10.{caller >> 16}.{caller >> 8 & 255}.{caller & 255}"}):
            limits.check()
            limits.show(flask.Response("x"))
        time.sleep(0.001)  # a thousand a second, so that whatever runs beside the requests gets its share

    for number in range(callers):
        ask(number)
    return cpu_micros(ask, REPEAT // 5)


def main() -> None:
    app = flask.Flask("bench")
    install(app, Mount({}, lambda _: None))
    tokens = SignedTokens(Keys("a secret for this benchmark alone"), "access")
    now = utcnow()
    signed = [
        tokens.sign({"sub": f"user-{number}"}, now=now, expires_at=now + timedelta(hours=1)) for number in range(REPEAT + REPEAT // 10)
    ]
    rows = {
        "a request": counted(app, "off", 1),
        "and counted, 1 caller": counted(app, "1000000 per 15 minutes", 1),
        "and counted, 2,000 callers": counted(app, "1000000 per 15 minutes", 2000),
        "a token, the first time": cpu_micros(lambda number: tokens.read(signed[number], now=now), REPEAT),
        "a token, again": cpu_micros(lambda _: tokens.read(signed[-1], now=now), REPEAT),
    }
    report("HTTP: CPU of the process", rows, "µs")


if __name__ == "__main__":
    main()
