"""What is wrong with a page's markup: what a validator would say, and what somebody who can't see the page would stumble over."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_NAMED = {"a", "button", "summary", "h1", "h2", "h3", "legend", "label", "title", "option", "dt"}
_HANDLERS = ("onclick", "onload", "onsubmit", "onchange", "onerror")


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: list[tuple[str, list[str]]] = []
        self.ids: list[str] = []
        self.wanted: list[tuple[str, str]] = []
        self.labelled: set[str] = set()
        self.fields: list[tuple[str, dict[str, str], bool]] = []
        self.levels: list[int] = []
        self.language = self.doctype = ""
        self.tags: Counter[str] = Counter()

    def handle_decl(self, decl: str) -> None:
        self.doctype = decl.lower()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if len(given) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.tags[tag] += 1
        self._check_attributes(tag, given)
        if tag == "html":
            self.language = given.get("lang", "")
        if tag in {"h1", "h2", "h3", "h4"}:
            self.levels.append(int(tag[1]))
        if tag == "label" and "for" in given:
            self.labelled.add(given["for"])
        if tag in {"input", "select", "textarea"} and given.get("type") not in {"hidden", "submit"}:
            self.fields.append((tag, given, any(outer == "label" for outer, _ in self.open)))
        if tag == "img" and "alt" not in given:
            self.faults.append("<img> without alt")
        if tag not in _VOID:
            self.open.append((tag, [given.get("aria-label", ""), given.get("aria-labelledby", "")]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1][0] if self.open else 'nothing'}")
            return
        _, words = self.open.pop()
        if tag in _NAMED and not "".join(words).strip():
            self.faults.append(f"<{tag}> says nothing")
        if self.open:
            self.open[-1][1].extend(words)

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1][1].append(data)
        if self.open and self.open[-1][0] in {"script", "style"} and data.strip():
            self.faults.append(f"<{self.open[-1][0]}> in the page itself")

    def _check_attributes(self, tag: str, given: dict[str, str]) -> None:
        if "id" in given:
            self.ids.append(given["id"])
        for name in ("aria-labelledby", "aria-describedby", "for"):
            self.wanted += [(name, target) for target in given.get(name, "").split()]
        if tag in {"a", "use"} and given.get("href", "").startswith("#"):
            self.wanted.append(("href", given["href"][1:]))
        self.faults += [f"<{tag} {name}>" for name in given if name == "style" or name in _HANDLERS]
        for name in ("href", "src", "action"):
            if given.get(name, "").lower().startswith(("javascript:", "http:", "https:", "//")):
                self.faults.append(f"<{tag} {name}={given[name]!r}> leads elsewhere")


def faults(html: str) -> list[str]:
    """All that is wrong with the page."""
    checker = _Checker()
    checker.feed(html)
    checker.close()
    found = list(checker.faults)
    found += [f"<{tag}> is never closed" for tag, _ in checker.open]
    found += [f"the id {name} is there {count} times" for name, count in Counter(checker.ids).items() if count > 1]
    found += [f"{name} names {target}, which is not there" for name, target in checker.wanted if target not in checker.ids]
    for tag, given, inside in checker.fields:
        if not inside and given.get("id") not in checker.labelled and not given.get("aria-label"):
            found.append(f"<{tag} name={given.get('name')}> has no label")
    found += [f"a heading of level {later} follows one of {earlier}" for earlier, later in _steps(checker.levels) if later > earlier + 1]
    if checker.levels.count(1) != 1 or checker.levels[0] != 1:
        found.append("the page does not begin with its one <h1>")
    for tag in ("main", "title", "header", "footer"):
        if checker.tags[tag] < 1:
            found.append(f"there is no <{tag}>")
    if checker.doctype != "doctype html" or checker.language != "en":
        found.append("no doctype or language")
    return found


def _steps(levels: list[int]) -> list[tuple[int, int]]:
    return list(pairwise(levels))
