"""From the templates to a folder: all of it or nothing."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from importlib.metadata import requires, version
from importlib.resources import files
from pathlib import Path
from string import Template

from dinnerkit.errors import Invalid
from dinnerkit.ports.contracts import CONTRACTS
from dinnerkit.scaffold.naming import PluginName


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of backend for which there is a body.

    Attributes:
        noun: what one is called.
        port: the module of its port.
        contract: the class of its tests in ``dinnerkit.testing``.
        imports: what its body imports beside dinnerkit and the standard library.
    """

    noun: str
    port: str
    contract: str
    imports: tuple[str, ...] = ()


KINDS = {
    "bus": Kind("bus", "bus", "BusContract"),
    "cache": Kind("cache", "cache", "CacheContract"),
    "captcha": Kind("captcha", "captcha", "CaptchaContract"),
    "gateway": Kind("payment gateway", "gateway", "GatewayContract"),
    "limiter": Kind("store of rate limits", "limiter", "LimiterContract", ("limits",)),
    "mail": Kind("mailer", "mailer", "MailerContract"),
    "media": Kind("store of media", "media", "MediaContract"),
    "queue": Kind("queue", "queue", "QueueContract", ("huey",)),
    "search": Kind("search", "search", "SearchContract"),
    "sessions": Kind("store of sessions", "sessions", "SessionContract"),
}
"""The kinds, by the name of their setting."""

_UNTYPED = '\n[[tool.mypy.overrides]]\nmodule = ["huey.*"]\nignore_missing_imports = true\n'


def package(kind: str, name: PluginName) -> dict[str, str]:
    """The files of a new plugin: their text by their path in the package."""
    here = files("dinnerkit.scaffold")
    words = {
        "kind": kind,
        "noun": KINDS[kind].noun,
        "port": KINDS[kind].port,
        "setting": f"DINNERKIT_{kind.upper()}",
        "contract": str(CONTRACTS[kind]),
        "requirements": "".join(f'  "{requirement}",\n' for requirement in _requirements(kind)),
        "untyped": _UNTYPED if "huey" in KINDS[kind].imports else "",
    }
    plain = {
        "pyproject.toml": "pyproject.toml.txt",
        "README.md": "README.md.txt",
        f"src/{name.module}/__init__.py": "init.py.txt",
        "tests/test_contract.py": f"test_{kind}.py.txt",
    }
    texts = {path: Template((here / "templates" / source).read_text("utf-8")).substitute(words) for path, source in plain.items()}
    texts[f"src/{name.module}/{kind}.py"] = (here / "bodies" / f"{kind}.py").read_text("utf-8")
    texts[f"src/{name.module}/py.typed"] = ""
    return {path: name.put_into(text) for path, text in texts.items()}


def write(kind: str, name: PluginName, folder: Path) -> None:
    """Write a new plugin into a folder that is not there yet; it is there with all its files, or not at all.

    Raises:
        Invalid: there is something of that name, it can't be made, or the name is another plugin's.
    """
    name.check_free(kind)
    texts = package(kind, name)
    if folder.exists() or folder.is_symlink():
        raise Invalid(f"{folder} is there already: name another by --folder")
    try:
        with tempfile.TemporaryDirectory(prefix=".dinnerkit-", dir=folder.absolute().parent, ignore_cleanup_errors=True) as beside:
            made = Path(beside) / "package"
            for path, text in texts.items():
                (made / path).parent.mkdir(parents=True, exist_ok=True)
                (made / path).write_text(text, "utf-8", newline="\n")
            made.rename(folder)
    except OSError as error:
        raise Invalid(f"{folder} can't be made: {error.strerror or error}") from error


def _requirements(kind: str) -> list[str]:
    """This dinnerkit, up to the next release that may change what plugins rely on; and what the body imports, within dinnerkit's bounds."""
    release = version("dinnerkit").partition("+")[0]
    major, minor = (int(part) for part in re.findall(r"\d+", release)[:2])
    following = f"0.{minor + 1}" if major == 0 else str(major + 1)
    own = [text for text in requires("dinnerkit") or [] if re.match(r"[\w.-]+", text) and "extra ==" not in text]
    beside = [text for text in own if re.split(r"[^\w.-]", text)[0] in KINDS[kind].imports]
    return sorted([f"dinnerkit>={release},<{following}", *beside])
