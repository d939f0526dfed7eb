"""Words in scripts that run from right to left stand as their writers mean them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from dinnerkit.accounts.rules import User
from tests.web.conftest import World

if TYPE_CHECKING:
    from playwright.sync_api import Page

TITLE = "عشاء على النهر!"

LEFT_OF_EACH_END = """(element) => {
  const text = element.firstChild, range = document.createRange()
  const left = (place) => (range.setStart(text, place), range.setEnd(text, place + 1), range.getBoundingClientRect().left)
  return [left(0), left(text.length - 1)]
}"""


@pytest.mark.parametrize(("page_of", "element"), [("/events/{}", "h1"), ("/events/{}", ".story > p"), ("/hosting", ".line strong")])
def test_what_ends_a_line_from_right_to_left_stands_at_its_left(
    open_page: Callable[..., Page], world: World, host: User, page_of: str, element: str
) -> None:
    event = world.event(host, title=TITLE, description=TITLE)
    page = open_page(host)
    page.goto(page_of.format(event))
    first, last = page.locator(element).first.evaluate(LEFT_OF_EACH_END)
    assert last < first
