"""The club, as its members see it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

APP = Path(__file__).with_name("app.py")

DINNER = {
    "title": "Bread and books",
    "description": "Bring one that you love.",
    "cuisine": "French",
    "timezone": "Europe/Paris",
    "city": "Paris",
    "venue": {"name": "Chez Ada", "address": "1 rue de la Paix", "location": {"lat": 48.8686, "lon": 2.3314}},
    "seats": 6,
    "table_size": {"min": 2, "max": 6},
    "price": {"amount": 2000, "currency": "EUR"},
}


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    spec = importlib.util.spec_from_file_location("club", APP)
    assert spec
    assert spec.loader
    module = sys.modules["club"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("club")
    return module.create_app({"data": str(folder), "mail": f"folder://{folder}/mails"})


def signed_in(club: Flask, name: str, password: str) -> FlaskClient:
    client = club.test_client()
    assert client.post("/login", data={"name": name, "password": password}).status_code == 302
    return client


def test_an_organiser_plans_a_dinner_and_a_member_books_it_with_the_clubs_own_sign_in(club: Flask) -> None:
    ada, ben = signed_in(club, "ada", "lovelace"), signed_in(club, "ben", "franklin")
    dinner: dict[str, Any] = DINNER | {"starts_at": (datetime.now(UTC) + timedelta(days=5)).isoformat(timespec="seconds")}
    made = ada.post("/dinners/v1/events", json=dinner)
    assert made.status_code == 201, made.text
    event_id = made.json["id"]
    assert ada.post(f"/dinners/v1/events/{event_id}/publish").status_code == 200
    held = ben.post("/dinners/v1/bookings", json={"event_id": event_id, "guests": 2})
    assert held.status_code == 201, held.text
    paid = ben.post(f"/dinners/v1/bookings/{held.json['id']}/pay", json={"payment_method": "pm_card_visa"})
    assert paid.json["status"] == "confirmed"
    assert "Bread and books, Paris: 4 seats left" in ben.get("/").text


def test_strangers_get_the_clubs_pages_from_the_club_and_problem_details_from_the_api(club: Flask) -> None:
    stranger = club.test_client()
    assert "The book club is sorry (404)" in stranger.get("/nothing").text
    assert stranger.post("/login", data={"name": "ada", "password": "wrong"}).status_code == 403
    refused = stranger.post("/dinners/v1/bookings", json={"event_id": "x", "guests": 1})
    assert (refused.status_code, refused.mimetype) == (401, "application/problem+json")


def test_the_modules_that_the_club_left_out_are_not_there(club: Flask) -> None:
    assert club.test_client().post("/dinners/v1/auth/login", json={}).status_code == 404
