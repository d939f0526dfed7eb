from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("dinner.py")


def test_the_story_is_told_to_its_end(tmp_path: Path) -> None:
    told = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0].startswith("Ada: ")
    assert "payment_declined" in lines[0]
    assert len([line for line in lines if line.endswith(": confirmed")]) == 11
    seated = [name for line in lines if line.startswith("table ") for name in line.split(": ")[1].split(", ")]
    assert sorted(seated) == sorted(["Ben", "Cleo", "Dan", "Eva", "Finn", "Gita", "Hugo", "Ines", "Jan", "Kira", "Leo"])
