"""What a web process of ``dinnerkit serve`` has loaded, and memory that it gives back."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dinnerkit.serving.spared import spared, without
from dinnerkit.settings import Settings
from tests.serving.processes import Served, children, serving
from tests.waiting import DEADLINE, until

_TELL = signal.SIGRTMIN + 6 if sys.platform == "linux" else None
"""A signal that neither gunicorn nor gevent has a use for."""

TELLING = f"""
import os, pathlib, signal, sys
def tell(*_):
    target = pathlib.Path(os.environ["LOADED"])
    target.with_suffix(".half").write_text("\\n".join(sys.modules))
    target.with_suffix(".half").rename(target)
signal.signal({_TELL and int(_TELL)}, tell)
"""

UNUSED = ("PIL", "numba", "numpy", "pygments", "redis", "rich", "scipy", "yaml", "zxcvbn")
"""Libraries that are installed here, and none of a web server's until somebody chooses a password or waits for the best table."""

OTHERS = ("dinnerkit.cli", "dinnerkit.demo", "dinnerkit.testing", "dinnerkit.worker")
"""What other processes run."""


class Web:
    """One web worker, which says what it has loaded."""

    def __init__(self, served: Served, told: Path) -> None:
        self._served, self._told = served, told

    def loaded(self) -> set[str]:
        """The modules in the worker, as dotted names."""
        (worker,) = children(self._served.child("dinnerkit.serving"))
        os.kill(worker, _TELL or 0)
        until(self._told.exists, "the worker says what it has loaded")
        found = set(self._told.read_text("utf-8").split())
        self._told.unlink()
        return found

    def post(self, path: str, body: dict[str, str]) -> int:
        """The status of the answer."""
        connection = http.client.HTTPConnection(self._served.host, self._served.port, timeout=DEADLINE)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_web_worker_loads_nothing_that_it_does_not_serve_with(environ: dict[str, str], tmp_path: Path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(TELLING, "utf-8")
    told = tmp_path / "loaded"
    paths = os.pathsep.join(filter(None, [str(tmp_path / "site"), environ.get("PYTHONPATH")]))
    with serving(environ | {"PYTHONPATH": paths, "LOADED": str(told)}, "--no-work", cwd=tmp_path) as served:
        web = Web(served, told)
        for path in ("/", "/login", "/register", "/v1/events", "/v1/search/events?q=soup", "/docs", "/openapi.json", "/health/ready"):
            assert served.status(path) == 200
        assert web.post("/v1/auth/login", {"email": "ada@example.org", "password": "wrong"}) == 401
        loaded = web.loaded()
        assert "dinnerkit.matching.api" in loaded
        assert [name for name in loaded if name.split(".")[0] in UNUSED] == []
        assert [name for name in loaded if name.startswith(OTHERS)] == []

        weak = {"email": "ada@example.org", "name": "Ada", "password": "qwertyuiop"}
        assert web.post("/v1/auth/register", weak) == 422
        assert "zxcvbn" in web.loaded()
    assert "Traceback" not in (tmp_path / "stderr").read_text("utf-8")


def test_a_library_is_not_found_while_it_is_spared_and_found_again_afterwards(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "wave"]:
        monkeypatch.delitem(sys.modules, name)
    with without(["wave", "json"]):
        with pytest.raises(ModuleNotFoundError):
            import wave
        import json as kept

        assert kept is json
    import wave

    assert wave.open


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({}, set()),
        ({"jobs": "guestbook"}, {"PIL"}),
        ({"queue": "redis://127.0.0.1:6379"}, {"redis"}),
        ({"queue": "rediss+cluster://127.0.0.1:6379"}, {"redis"}),
    ],
)
def test_a_library_is_spared_only_where_no_plugin_may_need_it(given: dict[str, str], needed: set[str]):
    assert set(spared(Settings(**given))) == {"rich", "yaml", "PIL", "redis"} - needed


def _run(script: str) -> str:
    head = "from gevent import monkey; monkey.patch_all()\n"
    ended = subprocess.run([sys.executable, "-c", head + script], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    return ended.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_memory_of_password_hashes_is_kept_for_the_next_and_then_given_back():
    script = """
import ctypes, gevent
from dinnerkit.accounts.passwords import Passwords
from dinnerkit.serving import memory
from dinnerkit.serving.offload import GeventOffload
if not hasattr(ctypes.CDLL(None), "malloc_trim"):
    raise SystemExit(print("[True, True, True]"))
def now():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
memory.keep_together()
offload = GeventOffload(2)
passwords = Passwords(offload)
memory.give_back()
before = now()
hashed = passwords.hash("correct horse")
gevent.joinall([gevent.spawn(passwords.matches, hashed, "correct horse") for _ in range(4)], raise_error=True)
kept = now()
memory.SECONDS = 0.01
memory.give_back_regularly(offload)
with gevent.Timeout(30):
    while now() > before + (8 << 20):
        gevent.sleep(0.01)
after = now()
again = passwords.matches(hashed, "correct horse")
print([again, kept > before + (16 << 20), after < kept - (8 << 20)])
"""
    assert _run(script) == "[True, True, True]"


def test_the_first_passwords_that_are_chosen_may_be_chosen_at_the_same_time():
    """They bring zxcvbn with them."""
    script = """
import gevent, sys
from dinnerkit.accounts.passwords import Passwords
from dinnerkit.serving.offload import GeventOffload
passwords = Passwords(GeventOffload(3))
assert "zxcvbn" not in sys.modules
chosen = [gevent.spawn(passwords.check, f"violet tram umbrella {number}") for number in range(8)]
gevent.joinall(chosen, timeout=50, raise_error=True)
print(all(one.successful() for one in chosen))
"""
    assert _run(script) == "True"
