"""The users: made, found, and what they tell about themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError

from dinnerkit.accounts.addresses import Addresses
from dinnerkit.accounts.documents import PersonalityEntry, ProfileEntry, UserDocument
from dinnerkit.accounts.errors import EmailTaken, NoSuchUser
from dinnerkit.accounts.messages import FindabilityChanged, UserRegistered
from dinnerkit.accounts.passwords import Passwords
from dinnerkit.accounts.rules import Budget, Personality, Profile, User, Visibility, email_address
from dinnerkit.accounts.secrecy import random_secret
from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.identity import Role
from dinnerkit.ids import new_id
from dinnerkit.joint_finds import Find, JointFinds, row_of
from dinnerkit.messages import Message
from dinnerkit.storage import Row, collection, to_row

_SHOWN = ("email", "name", "role", "verified_at", "created_at", "profile", "personality.traits")
_SHOWN_FIELDS = dict.fromkeys(_SHOWN, 1)
_BATCH = 1000
_CONSENT = frozenset({"findable", "visibility"})
_DUPLICATE_KEY = 11_000
_REGISTERED = "Somebody has registered with this e-mail address."
_ONE_IS_TAKEN = "One of the e-mail addresses is taken."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user who comes from elsewhere, known to be who they are.

    Without an ``id`` they get a new one. Without a ``password`` they can have a link sent to choose one; a given one is not judged.
    """

    id: str | None = None
    email: str
    name: str
    role: Role = Role.GUEST
    profile: Profile = field(default_factory=Profile)
    personality: Personality | None = None
    password: str | None = field(default=None, repr=False)


class AccountService:
    """Keeps the users."""

    def __init__(self, database: Database[Row], addresses: Addresses, passwords: Passwords, clock: Clock) -> None:
        self._addresses = addresses
        self._users = collection(database, UserDocument)
        self._passwords = passwords
        self._clock = clock
        self._outbox = Outbox(clock)
        self._finds: JointFinds[str, User | None] = JointFinds(lambda question: question(self._users, None), _find, _user_in)

    def register(self, *, email: str, password: str, name: str, user_id: str | None = None) -> User:
        """Make a guest, who gets a mail to verify the address.

        Args:
            email: their address, in any spelling.
            password: as they will type it.
            name: what the others call them.
            user_id: the id to have; a repetition under the same id answers the user whom the first attempt made.

        Raises:
            Invalid: the e-mail address is none.
            WeakPassword: the password is too short, too common or too easy to guess.
            EmailTaken: another user has the address.
        """
        address = email_address(email)
        self._passwords.check(password, about=(address.shown, name))
        wanted = user_id or new_id()
        taken = self._addresses.user(address.key, {"_id": 1})  # before the work of hashing, which most of the time is not for nothing
        if taken is None:
            self._insert(NewUser(email=email, name=name), wanted, self._passwords.hash(password), UserRegistered(user_id=wanted))
        elif taken["_id"] != wanted:
            raise EmailTaken(_REGISTERED)
        return self.get(wanted)

    def create_user(self, *, email: str, name: str, password: str, role: Role = Role.GUEST) -> User:
        """Make a user whose address is taken as verified: for the operator, who knows them.

        Raises:
            Invalid: the e-mail address is none.
            WeakPassword: the password is too short, too common or too easy to guess.
            EmailTaken: another user has the address.
        """
        self._passwords.check(password, about=(email, name))
        user_id = new_id()
        self._insert(NewUser(email=email, name=name, role=role), user_id, self._passwords.hash(password), verified=True)
        return self.get(user_id)

    def import_users(self, users: Iterable[NewUser]) -> list[str]:
        """Take in users from elsewhere, verified; returns their ids in the same order.

        Raises:
            Invalid: a user has not the right shape; those of the batches of 1,000 before it are in.
            EmailTaken: an address, or an id, is taken; the same.
        """
        ids: list[str] = []
        batch: list[Row] = []
        for user in users:
            password = self._passwords.hash(user.password) if user.password else None
            batch.append(to_row(self._document(user, user.id or new_id(), password=password, verified=True)))
            if len(batch) == _BATCH:
                ids += self._insert_many(batch)
                batch = []
        return ids + self._insert_many(batch)

    def adopt(self, user_id: str, *, email: str, name: str, role: Role = Role.GUEST) -> User:
        """Make known, or bring up to date, a user whom a host app signs in by itself, under the id that the host has for them.

        Raises:
            Invalid: the e-mail address is none.
            EmailTaken: another user has the address.
        """
        address = email_address(email)
        now = self._clock()
        row = to_row(self._document(NewUser(email=email, name=name, role=role), user_id, verified=True))
        changed = {"email": address.shown, "email_key": address.key, "name": name, "role": str(role), "verified_at": now}
        kept = {key: value for key, value in row.items() if key not in changed and key != "_id"}
        if self._addresses.holder(address.key) != user_id and self._addresses.take(address.key, user_id) != user_id:
            raise EmailTaken("Somebody else has this e-mail address.")
        update = {"$set": changed, "$setOnInsert": kept}
        before = self._users.find_one_and_update({"_id": user_id}, update, projection={"email_key": 1}, upsert=True)
        if before is not None and before["email_key"] != address.key:
            self._addresses.give_back(before["email_key"], user_id)
        return self.get(user_id)

    def get(self, user_id: str) -> User:
        """The user.

        Raises:
            NoSuchUser: there is none of that id.
        """
        user = self._finds.answer(user_id)
        if user is None:
            raise NoSuchUser("There is no such user.")
        return user

    def find(self, email: str) -> User | None:
        """The user with that e-mail address, or None.

        Raises:
            Invalid: it is not an address.
        """
        row = self._addresses.user(email_address(email).key, _SHOWN_FIELDS)
        return user_from_row(row) if row else None

    def answers(self, user_id: str) -> Mapping[str, int]:
        """The user's answers to the questionnaire; empty where there are none."""
        row = self._users.find_one({"_id": user_id}, {"personality.answers": 1}) or {}
        found: Mapping[str, int] = row.get("personality", {}).get("answers", {})
        return found

    def update_profile(self, user_id: str, changes: Mapping[str, Any]) -> User:
        """Change the name or fields of the :class:`Profile`, each by its name; None takes a value away.

        Raises:
            NoSuchUser: there is none of that id.
        """
        changed: Row = {}
        removed: Row = {}
        for field_name, value in changes.items():
            path = field_name if field_name == "name" else f"profile.{field_name}"
            if value is None:
                removed[path] = ""
            else:
                changed[path] = list(value) if isinstance(value, tuple) else value
        update = {operator: paths for operator, paths in (("$set", changed), ("$unset", removed)) if paths}
        if not _CONSENT.isdisjoint(changes):
            update |= self._findability_changed(user_id)
        return self._update(user_id, update) if update else self.get(user_id)

    def set_personality(self, user_id: str, personality: Personality) -> User:
        """Keep the answers to the questionnaire and the traits that follow from them.

        Raises:
            NoSuchUser: there is none of that id.
        """
        found = {**_personality_fields(personality), "answered_at": self._clock()}
        return self._update(user_id, {"$set": {"personality": found}, **self._findability_changed(user_id)})

    def set_role(self, user_id: str, role: Role) -> User:
        """Give the user that role; it counts from their next request on.

        Raises:
            NoSuchUser: there is none of that id.
        """
        return self._update(user_id, {"$set": {"role": str(role)}})

    def _findability_changed(self, user_id: str) -> Row:
        return {"$inc": {"findability": 1}, "$push": self._outbox.push(FindabilityChanged(user_id=user_id))}

    def _update(self, user_id: str, update: Row) -> User:
        row = self._users.find_one_and_update({"_id": user_id}, update, projection=_SHOWN_FIELDS, return_document=ReturnDocument.AFTER)
        if row is None:
            raise NoSuchUser("There is no such user.")
        return user_from_row(row)

    def _insert(self, user: NewUser, user_id: str, password: str | None, *messages: Message, verified: bool = False) -> None:
        """Insert the user, unless they are there.

        Raises:
            EmailTaken: another user has the address.
        """
        row = to_row(self._document(user, user_id, password=password, verified=verified))
        row["outbox"] = self._outbox.entries(*messages)
        if self._addresses.take(row["email_key"], user_id) != user_id:
            raise EmailTaken(_REGISTERED)
        try:
            self._users.insert_one(row)
        except DuplicateKeyError:  # by a repetition at the same time, as a rule
            if self._users.find_one({"_id": user_id, "email_key": row["email_key"]}, {"_id": 1}) is None:
                raise EmailTaken(_REGISTERED) from None

    def _insert_many(self, rows: list[Row]) -> list[str]:
        if not rows:
            return []
        addresses = {row["email_key"]: row["_id"] for row in rows}
        if len(addresses) < len(rows):
            raise EmailTaken(_ONE_IS_TAKEN)
        if self._addresses.take_many(addresses):
            self._give_back_unused(addresses)
            raise EmailTaken(_ONE_IS_TAKEN)
        try:
            self._users.insert_many(rows)
        except BulkWriteError as error:
            self._give_back_unused(addresses)
            if any(wrong["code"] == _DUPLICATE_KEY for wrong in error.details["writeErrors"]):
                raise EmailTaken(_ONE_IS_TAKEN) from None
            raise
        return [row["_id"] for row in rows]

    def _give_back_unused(self, addresses: Mapping[str, str]) -> None:
        """Let others have those of the addresses whose users were not made."""
        rows = self._users.find({"_id": {"$in": list(addresses.values())}}, {"email_key": 1})
        used = {row["email_key"] for row in rows}
        for key, user_id in addresses.items():
            if key not in used:
                self._addresses.give_back(key, user_id)

    def _document(self, user: NewUser, user_id: str, *, password: str | None = None, verified: bool) -> UserDocument:
        address = email_address(user.email)
        now = self._clock()
        personality = user.personality and PersonalityEntry(**_personality_fields(user.personality), answered_at=now)
        return UserDocument(
            id=user_id,
            email=address.shown,
            email_key=address.key,
            name=user.name,
            role=str(user.role),
            password=password,
            stamp=random_secret(),
            created_at=now,
            verified_at=now if verified else None,
            profile=ProfileEntry(**_profile_fields(user.profile)),
            personality=personality,
        )


def _find(user_id: str) -> Find:
    return Find({"_id": user_id}, _SHOWN_FIELDS, {"_id": 1}, 1)


def _user_in(_: str, found: Iterable[bytes]) -> User | None:
    return next((user_from_row(row_of(document)) for document in found), None)


def user_from_row(row: Mapping[str, Any]) -> User:
    """The user of a row that has the fields which are shown."""
    return User(
        id=row["_id"],
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        verified=row.get("verified_at") is not None,
        created_at=row["created_at"],
        profile=_profile(row.get("profile", {})),
        traits=row.get("personality", {}).get("traits"),
    )


def _personality_fields(personality: Personality) -> Row:
    return {"answers": dict(personality.answers), "traits": dict(personality.traits)}


def _profile_fields(profile: Profile) -> Row:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(profile).items() if value is not None}


def _profile(entry: Mapping[str, Any]) -> Profile:
    return Profile(
        birth_year=entry.get("birth_year"),
        gender=entry.get("gender"),
        languages=tuple(entry.get("languages", ())),
        diets=tuple(entry.get("diets", ())),
        interests=tuple(entry.get("interests", ())),
        city=entry.get("city"),
        budget=Budget(entry["budget"]) if entry.get("budget") else None,
        visibility=Visibility(entry.get("visibility", Visibility.PRIVATE)),
        findable=entry.get("findable", False),
        reminders=entry.get("reminders", True),
    )
