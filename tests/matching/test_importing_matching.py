from __future__ import annotations

import json
import subprocess
import sys


def test_matching_brings_neither_flask_nor_a_database_nor_a_compiler_with_it():
    code = "import sys, json, dinnerkit.matching, dinnerkit.matching.files.match; print(json.dumps(sorted(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(json.loads(found.stdout))
    assert loaded.isdisjoint({"flask", "mongoengine", "pymongo", "gevent", "numba", "scipy", "werkzeug", "marshmallow"})
