from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from dinnerkit_stripe import StripeGateway, open_gateway
from tests.conftest import database, database_url, databases_to_use_again, mongo_client, mongo_url  # noqa: F401 - fixtures
from tests.services.stripe import StripeDouble, find_stripe_mock, stripe_double, stripe_mock, stripe_url, with_pages


@pytest.fixture(scope="session")
def mock_url() -> Iterator[str]:
    """Of a stripe-mock."""
    with stripe_mock() as url:
        yield url


@pytest.fixture(scope="session")
def checking_url(request: pytest.FixtureRequest) -> str:
    """Of the stripe-mock to which the double shows its requests; empty where there is none."""
    return str(request.getfixturevalue("mock_url")) if find_stripe_mock() else ""


@pytest.fixture(scope="session")
def double(checking_url: str) -> Iterator[StripeDouble]:
    """A Stripe with state, for all tests; each keeps to keys of its own."""
    with stripe_double(checking_url) as running:
        yield running


@pytest.fixture
def opened() -> Iterator[Callable[..., StripeGateway]]:
    """Opens gateways, which are closed after the test."""
    with ExitStack() as closing:

        def opened(api_base: str, **options: object) -> StripeGateway:
            gateway = open_gateway(stripe_url(api_base, **options))
            closing.callback(gateway.close)
            return gateway

        yield opened


@pytest.fixture
def gateway(double: StripeDouble, opened: Callable[..., StripeGateway]) -> StripeGateway:
    """One on the double with state, which has a form for pages."""
    return opened(double.url, **with_pages(double.url))
