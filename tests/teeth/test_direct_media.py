"""The contract bites: each store that takes files from browsers wrongly fails it, and is told what it did wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dinnerkit.testing import MediaBench, MediaContract
from tests.teeth import broken_direct_media as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_direct_media import SoundDirect, bench_of


class TestTheSoundOne(MediaContract):
    @pytest.fixture
    def bench(self) -> Iterator[MediaBench]:
        with bench_of(SoundDirect) as bench:
            yield bench


ALLOWED = "what_a_form_does_not_allow_is_not_taken"
SENT = "what_is_sent_by_a_form_is_there"
BROKEN = [
    (broken.TakesAnotherType, f"{ALLOWED}[another type]", r"a form took what it is not for \(another type\), and answered 204"),
    (broken.TakesAnySize, f"{ALLOWED}[too large]", r"a form took what it is not for \(too large\), and answered 204"),
    (broken.TakesAnotherKey, f"{ALLOWED}[another key]", r"a form took what it is not for \(another key\), and answered 204"),
    (broken.WritesWhatItRefuses, f"{ALLOWED}[too large]", r"refused what it is not for \(too large\), and the store has it all the same"),
    (broken.LosesWhatIsSent, SENT, "a medium of 9 bytes that was put is not there"),
    (broken.ForgetsWhatWasSaid, SENT, "what was put as 'image/png' is 'application/octet-stream'"),
    (broken.HasItsSecretInForms, SENT, "a secret of the backend's is in what it tells: hunt…"),
    (broken.SignsAnything, "forms_are_for_keys_and_types_alone", "a form for '../secret-key' .* where Invalid is due"),
    (broken.HandsOutWithoutAType, "what_it_hands_out_is_what_was_put", "is b'a picture' of the type 'application/octet-stream'"),
    (broken.HandsOutWhatIsNoKey, "what_it_hands_out_is_what_was_put", "an address of what is no key: it answered"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(kind: type[SoundDirect], test: str, words: str, request: pytest.FixtureRequest) -> None:
    with bench_of(kind) as bench:
        bites(MediaContract, test, bench, words, request)


def test_each_broken_store_is_among_them() -> None:
    assert all_broken(broken, [SoundDirect]) == {kind for kind, _, _ in BROKEN}
