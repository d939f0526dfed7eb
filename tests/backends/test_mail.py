from __future__ import annotations

import email
import email.policy
import io
import os
from email.message import EmailMessage
from pathlib import Path

import pytest

from dinnerkit.backends.mail import ConsoleMailer, FolderMailer, console, folder
from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.ports.mailer import Mailer


def mail(message_id: str = "<1@localhost>", text: str = "Grüße\n") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "dinnerkit <no-reply@localhost>"
    made["To"] = "ada@example.org"
    made["Subject"] = "Ein Platz für dich"
    made["Message-ID"] = message_id
    made.set_content(text)
    return made


def test_the_console_shows_the_whole_mail() -> None:
    stream = io.StringIO()
    ConsoleMailer(stream).send(mail())
    assert "Message-ID: <1@localhost>" in stream.getvalue()
    assert "To: ada@example.org" in stream.getvalue()


def test_the_console_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    mailer = console("console://")
    assert isinstance(mailer, Mailer)
    mailer.ping()
    mailer.send(mail())
    mailer.close()
    assert "ada@example.org" in capsys.readouterr().err


def test_a_folder_has_a_file_for_each_mail_that_mail_programs_read(tmp_path: Path) -> None:
    mailer = folder(f"folder://{tmp_path}/mails")
    assert isinstance(mailer, Mailer)
    mailer.ping()
    mailer.send(mail("<1@localhost>"))
    mailer.send(mail("<2@localhost>"))
    mailer.close()
    files = sorted((tmp_path / "mails").iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    read = email.message_from_bytes(files[0].read_bytes(), policy=email.policy.default)
    assert (read["Subject"], read.get_content()) == ("Ein Platz für dich", "Grüße\n")


def test_a_mail_sent_twice_is_one_file(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path)
    mailer.send(mail(text="first\n"))
    mailer.send(mail(text="second\n"))
    (file,) = tmp_path.iterdir()
    assert b"second" in file.read_bytes()


def test_a_message_id_from_anywhere_stays_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "mails").mkdir()
    FolderMailer(tmp_path / "mails").send(mail("<../../etc/passwd@localhost>"))
    assert [file.parent.name for file in tmp_path.rglob("*.eml")] == ["mails"]


def test_the_folder_and_the_mails_are_their_owners_alone(tmp_path: Path) -> None:
    folder(f"folder://{tmp_path}/mails").send(mail())
    (file,) = (tmp_path / "mails").iterdir()
    assert oct(file.parent.stat().st_mode & 0o777) == "0o700"
    assert oct(file.stat().st_mode & 0o777) == "0o600"


def test_a_folder_that_went_away_is_unavailable(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path / "gone")
    with pytest.raises(Unavailable, match="gone"):
        mailer.send(mail())
    with pytest.raises(Unavailable, match="gone"):
        mailer.ping()


def test_a_mail_that_can_not_be_written_leaves_no_part_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(Unavailable, match="No space left"):
        FolderMailer(tmp_path).send(mail())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("factory", "url"), [(console, "console://?color=1"), (folder, "folder://x?mode=1")])
def test_unknown_options_are_refused(factory: object, url: str) -> None:
    with pytest.raises(SettingError, match="has no option"):
        factory(url)  # type: ignore[operator]


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="can't be made"):
        folder(f"folder://{tmp_path}/file/mails")
