"""What a deployer writes: a URL, two variables, and clear words where one is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dinnerkit.errors import SettingError
from dinnerkit_stripe import open_gateway
from dinnerkit_stripe.options import Options, read_options
from tests.services.stripe import stripe_url

KEPT = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}


def test_the_secrets_are_in_the_environment_and_the_rest_has_defaults() -> None:
    assert read_options("stripe://", KEPT) == Options(
        "sk_test_1", ("whsec_1",), "", "https://api.stripe.com", "https://js.stripe.com/dahlia/stripe.js", 20.0, 3
    )


def test_the_url_wins_over_the_environment() -> None:
    url = "stripe://?secret_key=rk_live_2&webhook_secret=whsec_2&api_base=http://127.0.0.1:1/&script=http://127.0.0.1:1/stripe.js&timeout=1.5&retries=0"
    assert read_options(url, KEPT | {"STRIPE_PUBLISHABLE_KEY": "pk_live_2"}) == Options(
        "rk_live_2", ("whsec_2",), "pk_live_2", "http://127.0.0.1:1", "http://127.0.0.1:1/stripe.js", 1.5, 0
    )


def test_during_a_rotation_there_are_two_webhook_secrets() -> None:
    found = read_options("stripe://", KEPT | {"STRIPE_WEBHOOK_SECRET": " whsec_new, whsec_old ,"})
    assert found.webhook_secrets == ("whsec_new", "whsec_old")


@pytest.mark.parametrize(
    ("url", "environ", "words"),
    [
        ("stripe://", {}, "STRIPE_SECRET_KEY is needed"),
        ("stripe://", {"STRIPE_SECRET_KEY": "sk_test_1"}, "STRIPE_WEBHOOK_SECRET is needed"),
        ("stripe://", KEPT | {"STRIPE_SECRET_KEY": "pk_test_hidden"}, "begins with sk_"),
        ("stripe://", KEPT | {"STRIPE_SECRET_KEY": "sk_test_hidden\nx"}, "begins with sk_"),
        ("stripe://", KEPT | {"STRIPE_WEBHOOK_SECRET": "hidden"}, "begins with whsec_"),
        ("stripe://", KEPT | {"STRIPE_WEBHOOK_SECRET": ",".join(["whsec_hidden"] * 5)}, "up to 4 secrets"),
        ("stripe://", KEPT | {"STRIPE_PUBLISHABLE_KEY": "sk_test_hidden"}, "begins with pk_"),
        ("stripe://", KEPT | {"STRIPE_PUBLISHABLE_KEY": "pk_live_hidden"}, "one is for live payments and the other for tests"),
        ("stripe://?script=https://cdn.example/stripe.js", KEPT, "script is Stripe's own"),
        ("stripe://?script=http://cdn.example/stripe.js", KEPT, "script is Stripe's own"),
        ("stripe://?script=http://[::1]:4242/stripe.js", KEPT, "script is Stripe's own"),
        ("stripe://?script=http://me@127.0.0.1/stripe.js", KEPT, "script is Stripe's own"),
        ("stripe://sk_test_hidden", KEPT, "nothing stands between stripe:// and ?"),
        ("stripe://?key=sk_test_hidden", KEPT, "has no option 'key'"),
        ("stripe://?api_base=ftp://127.0.0.1", KEPT, "api_base is an address"),
        ("stripe://?api_base=http://api.stripe.example", KEPT, "api_base is https"),
        ("stripe://?timeout=0", KEPT, "timeout is a number of seconds above 0"),
        ("stripe://?timeout=soon", KEPT, "timeout is a number of seconds above 0"),
        ("stripe://?timeout=nan", KEPT, "timeout is a number of seconds above 0"),
        ("stripe://?retries=1.5", KEPT, "retries is a whole number from 0"),
        ("stripe://?retries=99", KEPT, "retries is a whole number from 0, up to 10"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(url: str, environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_options(url, environ)
    assert words in caught.value.message
    assert "hidden" not in caught.value.message


def test_what_it_looks_like_shows_where_it_asks_and_no_secret() -> None:
    gateway = open_gateway(stripe_url("http://127.0.0.1:1", secret_key="sk_live_hidden", webhook_secret="whsec_hidden"))
    assert repr(gateway) == "<StripeGateway, live mode, 127.0.0.1:1>"
    assert "hidden" not in repr(gateway._options)
    gateway.close()


def test_it_is_a_plugin_like_any_other(tmp_path: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DINNERKIT_")}
    url = stripe_url("http://127.0.0.1:1", secret_key="sk_test_hidden", webhook_secret="whsec_hidden", retries=0)
    environ = inherited | {"DINNERKIT_GATEWAY": url, "DINNERKIT_DATA": str(tmp_path)}
    listed, shown = (
        subprocess.run([sys.executable, "-m", "dinnerkit", command], env=environ, capture_output=True, text=True, check=False)
        for command in ("plugins", "config")
    )
    (line,) = [line.split() for line in listed.stdout.splitlines() if "stripe://" in line]
    assert line[:3] == ["gateway", "stripe://", "dinnerkit-stripe"]
    assert line[5:7] == ["chosen", "works"]
    assert "payouts," in line
    assert "secret_key=***&webhook_secret=***" in shown.stdout
    assert "hidden" not in listed.stdout + listed.stderr + shown.stdout + shown.stderr


def test_without_its_secrets_the_app_does_not_start_and_says_why(tmp_path: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DINNERKIT_", "STRIPE_"))}
    environ = inherited | {
        "DINNERKIT_GATEWAY": "stripe://",
        "DINNERKIT_DATA": str(tmp_path),
        "DINNERKIT_DATABASE": "mongodb://127.0.0.1:1/x",
    }
    environ["DINNERKIT_SECRET_KEY"] = "only-for-tests-" * 3
    ended = subprocess.run([sys.executable, "-m", "dinnerkit", "check"], env=environ, capture_output=True, text=True, check=False)
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("gateway")]
    assert "down" in line
    assert "STRIPE_SECRET_KEY is needed for stripe://" in line
