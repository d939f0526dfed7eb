"""A book club that had an app before it had dinners: its own users, its own sign-in, its own error pages; dinnerkit under /dinners.

flask --app app run
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, Request, abort, redirect, render_template, request, session, url_for
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Response

from dinnerkit import Dinnerkit
from dinnerkit.accounts.service import AccountService
from dinnerkit.events.listing import EventQuery
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role

MEMBERS = {
    "ada": {"name": "Ada", "email": "ada@example.org", "password": generate_password_hash("lovelace"), "organiser": True},
    "ben": {"name": "Ben", "email": "ben@example.org", "password": generate_password_hash("franklin"), "organiser": False},
}
"""The club's own table of users; a real one would be in its own database."""


def member(_: Request) -> Principal | None:
    """Who asks, for dinnerkit: the member who is signed in here, under the club's own id for them."""
    name = session.get("member")
    if name is None:
        return None
    return Principal(user_id=f"club-{name}", role=Role.HOST if MEMBERS[name]["organiser"] else Role.GUEST)


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """The club's app."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="only for this example", SESSION_COOKIE_SAMESITE="Lax")
    dinners = Dinnerkit(settings=settings, url_prefix="/dinners", modules=("events", "booking", "payment"), user_resolver=member)
    kit = dinners.init_app(app)

    @app.get("/")
    def home() -> str:
        upcoming = kit.service(EventService).upcoming(EventQuery(), limit=5)
        return render_template("home.html", member=session.get("member"), dinners=upcoming["items"])

    @app.post("/login")
    def login() -> Response:
        known = MEMBERS.get(request.form["name"])
        if known is None or not check_password_hash(known["password"], request.form["password"]):
            abort(403)
        session["member"] = request.form["name"]
        role = Role.HOST if known["organiser"] else Role.GUEST
        user_id = f"club-{request.form['name']}"
        kit.service(AccountService).adopt(user_id, email=known["email"], name=known["name"], role=role)
        return redirect(url_for("home"))

    @app.errorhandler(403)
    @app.errorhandler(404)
    def sorry(error: Any) -> tuple[str, int]:
        return render_template("sorry.html", code=error.code), error.code

    return app
