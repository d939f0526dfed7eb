"""The pages' own files: kept for ever under a hash of them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from dinnerkit.web.assets import FOLDER, Assets


def test_every_file_that_a_page_names_is_there_and_kept_for_ever(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/").text
    named = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)

    assert len(named) >= 8
    for address in named:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")


def test_modules_find_each_other_beside_themselves(app: Flask) -> None:
    client = app.test_client()
    [script] = re.findall(r'<script type="module" src="(/assets/[^"]+)"', client.get("/").text)
    imports = re.findall(r'from "\./([^"]+)"', client.get(script).text)

    assert imports
    for name in imports:
        answer = client.get(f"{script.rpartition('/')[0]}/{name}")
        assert (answer.status_code, answer.mimetype) == (200, "text/javascript")


def test_under_the_hash_of_another_release_a_file_is_found_and_not_kept(app: Flask) -> None:
    answer = app.test_client().get("/assets/0123456789abcdef/base.css")

    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (200, "text/css", "no-cache")


@pytest.mark.parametrize("name", ["nothing.css", "..%2fassets.py", "%2e%2e/assets.py"])
def test_nothing_else_is_given_out(app: Flask, name: str) -> None:
    assert app.test_client().get(f"/assets/x/{name}").status_code == 404


def test_the_hash_changes_with_any_byte_and_any_name(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a")
    first = Assets.read(tmp_path).hash
    (tmp_path / "a.css").write_text("b")
    second = Assets.read(tmp_path).hash
    (tmp_path / "a.css").rename(tmp_path / "b.css")

    assert len({first, second, Assets.read(tmp_path).hash}) == 3


def test_nothing_comes_from_elsewhere() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|//[a-z0-9-]+\.[a-z]|@import|@font-face", text), path.name
