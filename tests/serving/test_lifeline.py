from __future__ import annotations

import subprocess
import sys

import pytest

from tests.serving.processes import alive
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")

CHILD = """
import os, sys, time
from dinnerkit.serving.lifeline import end_with
end_with(int(sys.argv[1]))
print(os.getpid(), flush=True)
time.sleep(600)
"""
PARENT = f"""
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}, str(os.getpid())])
child.wait()
"""


def test_a_process_ends_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        until(lambda: not alive(child), "it ends")


def test_a_process_whose_parent_is_gone_already_ends_at_once():
    child = subprocess.run([sys.executable, "-c", CHILD, "999999999"], capture_output=True, text=True, check=False)
    assert child.returncode == 1
    assert "is gone" in child.stderr
