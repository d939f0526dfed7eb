"""Paying by card on the pages, in a real browser: Stripe's form by a double of Stripe.js, and Stripe's answers by a double with state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from dinnerkit import Kit, Settings, create_app
from dinnerkit.booking.service import BookingService
from dinnerkit.identity import Role
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.payment.service import PaymentService
from dinnerkit.testing import settings_for_tests
from tests.conftest import with_database
from tests.services.chromium import PATIENCE, chromium, let_go, served
from tests.services.stripe import SECRET_KEY, StripeDouble, stripe_url, with_pages
from tests.web.browser import PASSWORD
from tests.web.conftest import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page, Route

GOOD, DECLINED, EMPTY, LOST, SECURE = (
    "4242 4242 4242 4242",
    "4000 0000 0000 0002",
    "4000 0000 0000 9995",
    "4000 0000 0000 9987",
    "4000 0027 6000 3184",
)


@pytest.fixture(scope="module")
def kit(double: StripeDouble, mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    url = with_database(mongo_url, f"test-{new_id()}")
    gateway = stripe_url(double.url, retries=0, **with_pages(double.url))
    with Kit.open(Settings(**settings_for_tests(url, tmp_path_factory.mktemp("kit"), gateway=gateway))) as opened:
        yield opened
        opened.database.client.drop_database(opened.database.name)


@pytest.fixture(scope="module")
def site(kit: Kit) -> Iterator[str]:
    with served(create_app(kit=kit)) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


class Guest:
    """A guest in a browser of their own, who holds seats of a dinner and looks at their booking."""

    def __init__(self, page: Page, kit: Kit, site: str) -> None:
        self.page, self.kit, self.site = page, kit, site
        world = World(kit)
        user, event = world.user(), world.event(world.user(Role.HOST), deposit=Money(500, "EUR"))
        self.id, self.event = user.id, event
        page.goto(f"{site}/login")
        page.get_by_label("E-mail").fill(user.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{site}/events/{event}")
        page.get_by_role("button", name="Hold my seats").click()
        page.get_by_role("heading", name="Pay").wait_for()
        self.booking = urlsplit(page.url).path.rpartition("/")[2]

    @property
    def card(self) -> FrameLocator:
        return self.page.frame_locator("iframe[title='Secure payment input frame']")

    @property
    def bank(self) -> FrameLocator:
        return self.page.frame_locator("iframe[title='3D Secure']")

    def pay(self, number: str) -> None:
        self.card.get_by_label("Card number").fill(number)
        self.page.get_by_role("button", name="Pay €40").click()

    def sees(self, words: str) -> None:
        self.page.get_by_text(words).first.wait_for()

    @property
    def status(self) -> str:
        return self.kit.service(BookingService).get(self.id, self.booking).status

    def payments(self) -> list[str]:
        """How each attempt stands, oldest first."""
        return [row["status"] for row in self.kit.database["payments"].find({"reference": self.booking}).sort("_id", 1)]


@pytest.fixture
def guest(browser: Browser, kit: Kit, site: str) -> Iterator[Guest]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield Guest(page, kit, site)
    context.close()
    # A decline is a page with the status 402, and the browser tells of that too.
    assert [text for text in said if "the server responded with a status of" not in text] == []


def holding(page: Page, address: str) -> list[Route]:
    """Keeps the page's requests for that address from going on."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(address), hold)
    return held


def test_a_card_pays_and_its_number_comes_nowhere_near_us(guest: Guest, double: StripeDouble) -> None:
    sent: list[str] = []
    guest.page.on("request", lambda request: sent.append(f"{request.url} {request.post_data}"))
    guest.pay(GOOD)
    guest.sees("Your seats are yours.")
    assert (guest.status, guest.payments()) == ("confirmed", ["succeeded"])
    ours = [what for what in sent if what.startswith(guest.site)]
    assert any("ctoken_" in what for what in ours)
    assert not any("4242" in what for what in ours)
    made = next(asked for asked in double.requests()[::-1] if asked["path"] == "/v1/payment_intents" and asked["method"] == "POST")
    assert (made["form"]["amount"], made["form"]["currency"]) == ("4000", "eur")
    assert made["form"]["confirmation_token"].startswith("ctoken_")


def test_a_declined_card_is_told_in_words_and_another_pays(guest: Guest) -> None:
    guest.pay(EMPTY)
    guest.sees("The bank says that there is not enough money in the account. Your seats are still held: try another card.")
    guest.pay(GOOD)
    guest.sees("Your seats are yours.")
    assert guest.payments() == ["declined", "succeeded"]


def test_whoever_holds_a_lost_card_is_not_told_that_it_is_known(guest: Guest) -> None:
    guest.pay(LOST)
    guest.sees("The payment was declined. The bank does not say why.")
    assert "lost" not in guest.page.content()


def test_a_number_that_is_not_whole_is_told_before_anything_is_sent(guest: Guest) -> None:
    guest.pay("4242")
    guest.sees("Your card number is incomplete.")
    assert guest.payments() == []
    guest.pay(GOOD)
    guest.sees("Your seats are yours.")


def test_the_bank_asks_in_its_own_window_and_a_yes_confirms(guest: Guest) -> None:
    guest.pay(SECURE)
    guest.bank.get_by_role("button", name="Complete authentication").click()
    guest.sees("Your seats are yours.")
    assert (guest.status, guest.payments()) == ("confirmed", ["succeeded"])


def test_a_no_at_the_bank_leaves_the_seats_and_another_card_pays(guest: Guest) -> None:
    guest.pay(SECURE)
    guest.bank.get_by_role("button", name="Fail authentication").click()
    guest.sees("The payment was refused. Your seats are still held: try another card.")
    assert (guest.status, guest.payments()) == ("held", ["declined"])
    guest.pay(GOOD)
    guest.sees("Your seats are yours.")


def test_who_turns_back_from_the_bank_finds_the_way_to_it_again_or_pays_otherwise(guest: Guest) -> None:
    guest.pay(SECURE)
    guest.bank.get_by_role("button", name="Complete authentication").wait_for()
    guest.page.go_back()
    guest.page.get_by_role("link", name="Go to your bank").click()
    guest.bank.get_by_role("button", name="Complete authentication").wait_for()
    guest.page.reload()
    guest.bank.get_by_role("button", name="Complete authentication").wait_for()
    guest.page.goto(f"{guest.site}/bookings/{guest.booking}")
    guest.page.get_by_text("Pay with another card").click()
    guest.pay(GOOD)
    guest.sees("Your seats are yours.")
    assert guest.payments() == ["cancelled", "succeeded"]


def test_who_approved_and_closed_the_page_is_confirmed_when_they_look_again(guest: Guest, double: StripeDouble) -> None:
    guest.pay(SECURE)
    guest.bank.get_by_role("button", name="Complete authentication").wait_for()
    payment = guest.kit.service(PaymentService).live(guest.booking)
    assert payment
    assert payment.client_secret
    checkout = guest.page.url
    guest.page.goto("about:blank")  # else the page may hear of it first, and go on by itself
    double.authenticate(payment.client_secret.split("_secret_")[0], payment.client_secret, approve=True)
    guest.page.goto(checkout)
    guest.sees("Your seats are yours.")
    assert guest.status == "confirmed"


def test_a_second_click_pays_nothing_a_second_time(guest: Guest) -> None:
    guest.card.get_by_label("Card number").fill(GOOD)
    button = guest.page.locator("form[data-checkout] button")
    assert button.is_enabled()
    button.evaluate("(button) => { button.click(); button.click(); button.form.requestSubmit(); }")
    guest.sees("Your seats are yours.")
    assert guest.payments() == ["succeeded"]


def test_after_paying_the_way_back_shows_no_form_to_pay_again(guest: Guest) -> None:
    guest.pay(GOOD)
    guest.sees("Your seats are yours.")
    guest.page.go_back()
    guest.sees("Confirmed")
    assert guest.page.locator("form[data-checkout]").count() == 0
    guest.page.reload()
    guest.sees("Confirmed")
    assert guest.payments() == ["succeeded"]


def test_without_stripes_script_the_page_says_what_is_missing(guest: Guest) -> None:
    guest.page.route(re.compile(r"/js/stripe\.js"), lambda route: route.fulfill(status=200, content_type="text/javascript", body=""))
    guest.page.reload()
    guest.sees("The form for your card can’t be loaded.")
    assert guest.page.get_by_role("button", name="Pay €40").is_disabled()


def test_when_stripes_script_never_comes_the_page_says_so_after_a_while(guest: Guest) -> None:
    guest.page.route(re.compile(r"/js/stripe\.js"), lambda _: None)
    guest.page.clock.install()
    guest.page.reload(wait_until="domcontentloaded")
    guest.sees("One moment, the form for your card is on its way.")
    guest.page.clock.fast_forward(30_000)
    guest.sees("The form for your card takes long to come.")
    assert not guest.page.locator("[data-wait]").is_visible()


def test_when_stripes_script_never_comes_to_the_banks_page_that_says_so_and_asks_again(guest: Guest) -> None:
    guest.pay(SECURE)
    guest.bank.get_by_role("button", name="Complete authentication").wait_for()
    held = holding(guest.page, r"/js/stripe\.js")
    guest.page.clock.install()
    guest.page.reload(wait_until="domcontentloaded")
    guest.sees("One moment, your bank opens its window on this page.")
    guest.page.locator("script[src*='stripe.js']").wait_for(state="attached")
    guest.page.clock.fast_forward(30_000)
    guest.sees("The way to your bank takes long to open.")
    again = guest.page.get_by_role("button", name="Ask my bank again")
    again.wait_for()
    held[0].continue_()
    again.click()
    guest.bank.get_by_role("button", name="Complete authentication").click()
    guest.sees("Your seats are yours.")
    assert (guest.status, guest.payments()) == ("confirmed", ["succeeded"])


def test_a_payment_that_was_stopped_in_the_browser_can_be_sent_again(guest: Guest) -> None:
    held = holding(guest.page, r"/pay$")
    # What the browser's button does, once the request is on its way; what it said before that is looked at from within.
    guest.page.evaluate("""() => {
      const button = document.querySelector("form[data-checkout] button");
      const press = () => setTimeout(() => { globalThis.then = button.textContent; stop(); }, 300);
      navigation.addEventListener("navigate", press, { once: true });
    }""")
    guest.pay(GOOD)
    guest.page.wait_for_function("() => globalThis.then")
    assert guest.page.evaluate("then") == "One moment…"
    guest.page.unroute(re.compile(r"/pay$"))
    let_go(held)
    guest.page.get_by_role("button", name="Pay €40").click()
    guest.sees("Your seats are yours.")
    assert guest.payments() == ["succeeded"]


def test_only_the_page_with_the_form_lets_stripe_in(guest: Guest, double: StripeDouble) -> None:
    def policy(path: str) -> str:
        answer = guest.page.goto(f"{guest.site}{path}")
        assert answer
        assert SECRET_KEY not in answer.text()
        return answer.headers["content-security-policy"]

    for path in ("/", "/bookings", f"/events/{guest.event}", f"/bookings/{guest.booking}/cancel"):
        assert double.url not in policy(path)
    assert f"script-src 'self' {double.url};" in policy(f"/bookings/{guest.booking}")
    assert "unsafe" not in policy(f"/bookings/{guest.booking}")


def test_when_stripe_does_not_answer_the_guest_is_told_and_nothing_is_paid_twice(guest: Guest, double: StripeDouble) -> None:
    double.steer("fault", path="POST /v1/payment_intents", kind="drop_after")
    guest.pay(GOOD)
    guest.sees("We have no answer about your payment yet. Nothing is paid twice")
