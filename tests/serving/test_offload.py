"""Offloading in a process of its own: gevent's hub and pytest's threads keep apart."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dinnerkit.ports.offload import Offload
from dinnerkit.serving.offload import GeventOffload


def run(script: str) -> str:
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    return ended.stdout.strip()


def test_other_greenlets_go_on_while_a_function_works():
    script = """
from gevent import monkey; monkey.patch_all()
import gevent, hashlib
from dinnerkit.serving.offload import GeventOffload
met = []
def heavy():
    for _ in range(10_000):
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10_000)
        if met:
            return "in company"
    return "alone"
work = gevent.spawn(GeventOffload(1), heavy)
gevent.spawn(lambda: met.append("the loop goes on"))
print(work.get())
"""
    assert run(script) == "in company"


def test_an_exception_reaches_the_caller_and_nobody_else():
    script = """
from gevent import monkey; monkey.patch_all()
from dinnerkit.serving.offload import GeventOffload
def fail(): raise LookupError("inside")
try:
    GeventOffload(1)(fail)
except LookupError as error:
    print(error)
"""
    assert run(script) == "inside"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere niceness is the process's")
def test_the_work_stands_back_behind_the_event_loop_which_does_not():
    script = """
from gevent import monkey; monkey.patch_all()
import os, threading
from dinnerkit.serving.offload import NICER, GeventOffload
before = os.getpriority(os.PRIO_PROCESS, 0)
offload = GeventOffload(1)
found = [offload(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())) for _ in range(3)]
wanted = min(before + NICER, 19)
print(found == [wanted] * 3, os.getpriority(os.PRIO_PROCESS, 0) == before)
"""
    assert run(script) == "True True"


def test_what_functions_need_is_imported_on_one_thread_while_the_others_work(tmp_path):
    (tmp_path / "slow.py").write_text("from importing import began, go\nbegan.append(1)\nassert go.acquire(timeout=40)\n")
    (tmp_path / "importing.py").write_text("""
from gevent.monkey import get_original
began, go = [], get_original("_thread", "allocate_lock")()
go.acquire()
""")
    script = f"""
from gevent import monkey; monkey.patch_all()
import sys; sys.path.insert(0, {str(tmp_path)!r})
import gevent
from dinnerkit.serving.offload import GeventOffload
from importing import began, go
offload = GeventOffload(3)
def work():
    import slow
    return slow.__name__
waiting = [gevent.spawn(offload, work, ["slow"]) for _ in range(8)]
while not began:
    gevent.sleep(0)
with gevent.Timeout(20):
    print([gevent.spawn(offload, lambda: "free").get() for _ in range(3)])
go.release()
print({{one.get() for one in waiting}}, len(began))
"""
    assert run(script).splitlines() == ["['free', 'free', 'free']", "{'slow'} 1"]


def test_what_is_not_there_is_told_to_who_needs_it_each_time():
    script = """
from gevent import monkey; monkey.patch_all()
from dinnerkit.serving.offload import GeventOffload
offload = GeventOffload(1)
for _ in range(2):
    try:
        offload(lambda: None, ["no_such_module"])
    except ModuleNotFoundError as error:
        print(error.name)
print(offload(lambda: "works"))
"""
    assert run(script).split() == ["no_such_module", "no_such_module", "works"]


def test_it_is_an_offload_port():
    assert isinstance(GeventOffload(1), Offload)
