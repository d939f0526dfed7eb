from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dinnerkit import matching


def test_matching_brings_neither_flask_nor_a_database_nor_a_compiler_with_it():
    code = "import sys, json, dinnerkit.matching, dinnerkit.matching.matching_files; print(json.dumps(sorted(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(found.stdout))
    assert loaded.isdisjoint({"flask", "mongoengine", "pymongo", "gevent", "numba", "scipy", "werkzeug", "marshmallow"})


def test_every_name_is_there_and_listed():
    assert [name for name in matching.__all__ if not hasattr(matching, name)] == []
    assert set(matching.__all__) <= set(dir(matching))
    with pytest.raises(AttributeError, match="seats_of_gold"):
        _ = matching.seats_of_gold


def test_what_concerns_one_person_brings_no_numpy_with_it():
    code = "import sys; from dinnerkit.matching import ITEMS, Guest, careless, score, told_to_guests; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
