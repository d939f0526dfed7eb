from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from dinnerkit.accounts.service import AccountService
from dinnerkit.kit import Kit
from dinnerkit.settings import Settings
from tests.serving.processes import DEADLINE, until


def test_work_sends_the_mails_of_its_queue_and_sigterm_ends_it_with_0(served_environ: dict[str, str], tmp_path: Path):
    with Kit.open(Settings.load(environ=served_environ)) as kit:
        kit.service(AccountService).register(email="ada@example.org", password="wicker harbour oblong", name="Ada")
    command = [sys.executable, "-m", "dinnerkit", "work", "--queue", "emails=1", "--queue", "default=2"]
    worker = subprocess.Popen(command, env=os.environ | served_environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        until(lambda: list((tmp_path / "data" / "mail").glob("*.eml")), "a mail")
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=DEADLINE)
    finally:
        worker.kill()
    assert (worker.returncode, out) == (0, b"")
    assert b"'emails': 1" in err or b'"emails": 1' in err
