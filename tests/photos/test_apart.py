"""The decoder's own process: what is hostile happens there, and ends there."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PIL import Image

from dinnerkit.errors import BackendFault, Unavailable
from dinnerkit.photos import apart
from dinnerkit.photos.pictures import RefusedPicture
from tests.photos import files


def test_a_photo_is_decoded_there():
    assert [each.width for each in apart.decoded(files.jpeg(), "image/jpeg")] == [320, 640]


def test_a_refusal_comes_back_by_name():
    with pytest.raises(RefusedPicture, match="not_an_image"):
        apart.decoded(files.HTML, "image/jpeg")


def test_the_largest_photo_is_within_its_limits():
    largest = files.saved(Image.new("RGBA", (7060, 7060), (10, 200, 30, 255)), "PNG", compress_level=1)
    assert [each.width for each in apart.decoded(largest, "image/png")] == [320, 640, 1280]


HUNGRY = """
import os, sys
from dinnerkit.photos import decoding
os.nice = lambda _: None  # for the test's sake
decoding.MOST_CPU_SECONDS = 1
decoding.pictures_of = lambda content, kind: {"memory": lambda: bytearray(1 << 31), "time": lambda: [None for _ in iter(int, 1)]}[kind]()
decoding.main(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
"""


@pytest.mark.parametrize("what", ["memory", "time"])
def test_what_takes_too_much_is_ended(what: str, monkeypatch: pytest.MonkeyPatch):
    run = subprocess.run

    def hungry(command: list[str], **options: object) -> object:
        return run([sys.executable, "-c", HUNGRY, what], **options)

    monkeypatch.setattr(apart.subprocess, "run", hungry)
    with pytest.raises(RefusedPicture, match="too_hard"):
        apart.decoded(b"any", "image/jpeg")


def test_no_secret_of_ours_is_there(monkeypatch: pytest.MonkeyPatch):
    """A file that takes the decoder over finds nothing in its environment."""
    for name in ("DINNERKIT_SECRET_KEY", "DINNERKIT_DATABASE", "AWS_SECRET_ACCESS_KEY", "STRIPE_SECRET_KEY"):
        monkeypatch.setenv(name, "hunter22")
    run, given = subprocess.run, {}

    def noted(command: list[str], **options: dict[str, str]) -> object:
        given.update(options["env"])
        return run(command, **options)

    monkeypatch.setattr(apart.subprocess, "run", noted)
    assert apart.decoded(files.jpeg(), "image/jpeg")
    assert given
    assert "hunter22" not in str(given)


def test_a_busy_machine_is_not_the_photo_s_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(apart, "MOST_SECONDS", 0.01)
    with pytest.raises(Unavailable, match="busy"):
        apart.decoded(files.jpeg(), "image/jpeg")


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM"])
def test_a_decoder_that_ends_with_its_worker_says_nothing_of_the_photo(name: str, monkeypatch: pytest.MonkeyPatch):
    run = subprocess.run
    program = f"import os, signal; signal.signal(signal.{name}, signal.SIG_DFL); os.kill(os.getpid(), signal.{name})"  # nohup ignores some
    monkeypatch.setattr(apart.subprocess, "run", lambda _, **options: run([sys.executable, "-c", program], **options))
    with pytest.raises(Unavailable, match="told to end"):
        apart.decoded(files.jpeg(), "image/jpeg")


@pytest.mark.parametrize("program", ["raise ImportError('no Pillow here: /home/ada/secret')", "print('half')"])
def test_a_decoder_that_does_not_work_is_the_machine_s_fault_and_not_the_file_s(program: str, monkeypatch: pytest.MonkeyPatch):
    run = subprocess.run
    monkeypatch.setattr(apart.subprocess, "run", lambda _, **options: run([sys.executable, "-c", program], **options))
    with pytest.raises(BackendFault) as caught:
        apart.decoded(files.jpeg(), "image/jpeg")
    assert "secret" not in caught.value.message
