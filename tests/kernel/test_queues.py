"""The named queues, and how they are written."""

from __future__ import annotations

import pytest

from dinnerkit.errors import SettingError
from dinnerkit.messages import Handler, Message
from dinnerkit.queues import QUEUES, queue_shares
from dinnerkit.settings import Settings


def test_the_queues_and_how_many_of_each_run_side_by_side() -> None:
    assert QUEUES == {"emails": 5, "payments": 10, "matching": 3, "media": 2, "analytics": 2, "default": 2}


def test_a_queue_is_taken_as_by_default_or_as_is_said() -> None:
    assert queue_shares(["payments=3", "emails", "media=256"]) == {"payments": 3, "emails": 5, "media": 256}
    assert queue_shares([]) == {}


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        ("letters", "there is no queue 'letters'; there are emails, payments, matching, media, analytics, default"),
        ("letters=1", "there is no queue 'letters'"),
        ("", "there is no queue ''"),
        ("Emails", "there is no queue 'Emails'"),
        ("payments=0", "queue payments: how many at a time is a number from 1 to 256, not '0'"),
        ("payments=-1", "not '-1'"),
        ("payments=257", "not '257'"),
        ("payments=99999999999999999999999999", "not '99999999999999999999'"),
        ("payments=many", "not 'many'"),
        ("payments=", "not ''"),
        ("payments=1.5", "not '1.5'"),
        ("payments=\u0663", "not '\u0663'"),
        ("emails=2", "queue emails is named twice"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(queue: str, words: str) -> None:
    with pytest.raises(SettingError, match="^" + words if words.startswith(("there", "queue")) else words):
        queue_shares(["emails", queue])


def test_the_setting_takes_spaces_and_commas_and_is_looked_at_when_settings_are_made() -> None:
    assert Settings(queues="emails=2, media payments").shares() == {"emails": 2, "media": 2, "payments": 10}
    assert Settings().shares() == QUEUES
    with pytest.raises(SettingError, match=r"^queues: there is no queue 'letters'; there are emails"):
        Settings(queues="letters")
    with pytest.raises(SettingError, match="drain_seconds is a whole number from 0 to 3600"):
        Settings(drain_seconds=-1)


def test_a_job_that_is_declared_for_a_queue_that_there_is_not_is_refused_where_it_is_declared() -> None:
    with pytest.raises(SettingError, match="there is no queue 'letters'"):
        Handler("test.write", Message, print, queue="letters")
