"""A browser without scripts: opens pages, fills in their forms as they stand, and follows where it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

PASSWORD = "plum lantern orbit"


@dataclass
class PageForm:
    """A form: where it goes, what it holds, and the words on its buttons with what each would add."""

    action: str
    method: str = "get"
    values: MultiDict[str, str] = field(default_factory=MultiDict)
    buttons: dict[str, tuple[str, str] | None] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.text: list[str] = []
        self.links: dict[str, str] = {}
        self._form: PageForm | None = None
        self._select = self._option = self._area = self._link = ""
        self._button: tuple[str, str] | None = None
        self._words: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = PageForm(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._form)
        elif tag == "a":
            self._link, self._words = given.get("href", ""), []
        elif tag == "button":
            self._button, self._words = ((given["name"], given.get("value", "")) if given.get("name") else None), []
        elif self._form is not None and tag == "input" and given.get("name"):
            if given.get("type") not in {"radio", "checkbox"} or "checked" in given:
                self._form.values.add(given["name"], given.get("value", "on" if given.get("type") == "checkbox" else ""))
        elif tag == "select":
            self._select, self._option = given.get("name", ""), ""
        elif tag == "option" and self._form is not None and self._select:
            if "selected" in given or self._select not in self._form.values:
                self._form.values[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._area, self._words = given.get("name", ""), []

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "a" and self._words is not None:
            self.links[" ".join("".join(self._words).split())] = self._link
        elif tag == "button" and self._words is not None and self._form is not None:
            self._form.buttons[" ".join("".join(self._words).split())] = self._button
        elif tag == "textarea" and self._words is not None and self._form is not None:
            self._form.values.add(self._area, "".join(self._words).removeprefix("\n"))
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._words is not None:
            self._words.append(data)


class Browser:
    """One person's browser; ``answer`` is the last response, after all redirects."""

    def __init__(self, app: Flask, base: str = "http://localhost") -> None:
        self.client = app.test_client()
        self._base = base
        self.answer: TestResponse
        self.path = "/"

    def open(self, path: str, **options: Any) -> TestResponse:
        """Go to a page."""
        return self._read(self.client.get(path, base_url=self._base, follow_redirects=True, **options))

    def follow(self, words: str) -> TestResponse:
        """Follow the link with these words."""
        return self.open(urljoin(self.path, self._page.links[words]))

    def send(self, button: str, **values: Any) -> TestResponse:
        """Press the button, with these values in place of those that the form shows."""
        return self._read(self.post(button, follow=True, **values))

    def post(self, button: str, *, follow: bool = False, **values: Any) -> TestResponse:
        """The same, and look at the very answer."""
        form = next(form for form in self._page.forms if button in form.buttons)
        sent = MultiDict(form.values)
        if pressed := form.buttons[button]:
            sent[pressed[0]] = pressed[1]
        for name, value in values.items():
            sent.setlist(name, value if isinstance(value, list) else [str(value)])
        target = urljoin(self.path, form.action) if form.action else self.path
        return self.client.post(target, base_url=self._base, data=sent, follow_redirects=follow)

    def sign_in(self, email: str) -> TestResponse:
        """Sign in by the form."""
        self.open("/login")
        return self.send("Sign in", email=email, password=PASSWORD)

    @property
    def text(self) -> str:
        """The words of the page."""
        return " ".join(" ".join(self._page.text).split())

    @property
    def html(self) -> str:
        """The page's source."""
        return self.answer.get_data(as_text=True)

    @property
    def buttons(self) -> set[str]:
        """The words on all buttons."""
        return {button for form in self._page.forms for button in form.buttons}

    @property
    def links(self) -> dict[str, str]:
        """Where each link leads, by its words."""
        return self._page.links

    def form(self, button: str) -> PageForm:
        """The form with that button."""
        return next(form for form in self._page.forms if button in form.buttons)

    def _read(self, answer: TestResponse) -> TestResponse:
        self.answer = answer
        split = urlsplit(answer.request.url)
        self.path = split.path + (f"?{split.query}" if split.query else "")
        self._page = _Forms()
        self._page.feed(answer.get_data(as_text=True))
        return answer
