"""How users are stored.

The sessions of programs lie in the user's document: one write changes the password and ends them all, and one read by ``_id`` says
whether a session lives and what its user may do now. Those of browsers lie in a store of their own, and end with the stamp that is read
here.
"""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from mongoengine import (
    BooleanField,
    DateTimeField,
    DictField,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    StringField,
)
from pymongo import ASCENDING, IndexModel

from dinnerkit.accounts import rules
from dinnerkit.delivery.outbox import OUTBOX_INDEX, SendingDocument
from dinnerkit.identity import Role
from dinnerkit.storage import StoredDocument

MOST_SESSIONS = 30
"""How many programs a user has signed in at once; the oldest give way."""


MOST_PAGE_SESSIONS = 50
"""How many browsers a user has signed in at once, of those that signed in last; the oldest give way."""


class ProfileEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """What a guest tells about themselves."""

    birth_year = IntField(min_value=rules.OLDEST_BIRTH_YEAR)
    gender = StringField(max_length=rules.LONGEST_TAG)
    languages = ListField(StringField(max_length=3), max_length=rules.MOST_LANGUAGES)
    diets = ListField(StringField(max_length=rules.LONGEST_TAG), max_length=rules.MOST_TAGS)
    interests = ListField(StringField(max_length=rules.LONGEST_TAG), max_length=rules.MOST_TAGS)
    city = StringField(max_length=rules.LONGEST_NAME)
    budget = StringField(choices=[str(budget) for budget in rules.Budget])
    visibility = StringField(required=True, choices=[str(visibility) for visibility in rules.Visibility])
    findable = BooleanField(required=True, default=False)
    reminders = BooleanField(required=True, default=True)


class PersonalityEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """The answers to the questionnaire, and the traits."""

    answers = DictField()
    traits = DictField()
    answered_at = DateTimeField(required=True)


class ComparedEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """By which traits others are compared with this user, and since when: new answers count here after a while only."""

    traits = DictField()
    since = DateTimeField(required=True)


class SessionEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """A program that is signed in. Secrets are kept as SHA-256: they are random enough that nothing slower is needed."""

    id = StringField(required=True)
    key = StringField(required=True)
    secret = StringField(required=True)
    created_at = DateTimeField(required=True)
    expires_at = DateTimeField(required=True)


class UserDocument(SendingDocument):
    """A user.

    ``stamp`` changes with the password and when the user signs out everywhere; with it browsers' sessions end, and links that were mailed
    to set a password lose their worth.
    ``email_key`` is unique by its :class:`AddressDocument`.
    ``findability`` counts the changes of what an index of people knows: the consent, and the traits.
    """

    collection_name: ClassVar[str] = "users"
    meta: ClassVar[dict[str, Any]] = {"collection": "users", "auto_create_index": False}
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("role", ASCENDING)], name="admins", partialFilterExpression={"role": str(Role.ADMIN)}),
        IndexModel(
            [(f"personality.traits.{name}", ASCENDING) for name in rules.TRAITS],
            name="findable",
            partialFilterExpression={"profile.findable": True, "profile.visibility": str(rules.Visibility.PUBLIC)},
        ),
        OUTBOX_INDEX,
    )

    id = StringField(primary_key=True, max_length=64)
    email = StringField(required=True, max_length=rules.LONGEST_EMAIL)
    email_key = StringField(required=True)
    name = StringField(required=True, max_length=rules.LONGEST_NAME)
    role = StringField(required=True, choices=[str(role) for role in Role])
    password = StringField()
    stamp = StringField(required=True)
    created_at = DateTimeField(required=True)
    verified_at = DateTimeField()
    profile = EmbeddedDocumentField(ProfileEntry, required=True)
    personality = EmbeddedDocumentField(PersonalityEntry)
    compared = EmbeddedDocumentField(ComparedEntry)
    findability = IntField()
    sessions = EmbeddedDocumentListField(SessionEntry)
    page_sessions = ListField(StringField())
    """The keys in the store of the browsers that signed in last, ended or not, the oldest first."""


class AddressDocument(StoredDocument):
    """Which user has an e-mail address; ``_id`` is the address, as addresses compare."""

    collection_name: ClassVar[str] = "addresses"
    meta: ClassVar[dict[str, Any]] = {"collection": "addresses", "auto_create_index": False}

    id = StringField(primary_key=True)
    user = StringField(required=True)
    taken_at = DateTimeField(required=True)


class AttemptDocument(StoredDocument):
    """How often something was tried until a moment; ``_id`` is a keyed hash of what was tried on whom.

    ``user`` and ``password`` are copies, as they were when that user last signed in.
    """

    collection_name: ClassVar[str] = "attempts"
    meta: ClassVar[dict[str, Any]] = {"collection": "attempts", "auto_create_index": False}
    index_models: ClassVar[tuple[IndexModel, ...]] = (IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),)

    id = StringField(primary_key=True)
    count = IntField(required=True)
    until = DateTimeField()
    expires_at = DateTimeField(required=True)
    user = StringField()
    password = StringField()
