"""What a new plugin may be called, and all that is made of its name."""

from __future__ import annotations

import importlib.util
import keyword
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from dinnerkit.errors import Invalid
from dinnerkit.plugins import KNOWN_PLUGINS, schemes

LONGEST_NAME = 30
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ACME = re.compile("dinnerkit_acme|Acme|acme_id|acme")


@dataclass(frozen=True, slots=True)
class PluginName:
    """A plugin's name, such as ``acme`` or ``two-words``; it is the scheme of its URLs too.

    Raises:
        Invalid: it is not of small letters, digits and single hyphens, too long, or a word of Python's.
    """

    scheme: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.scheme) or len(self.scheme) > LONGEST_NAME:
            raise Invalid(
                f"{self.scheme[:60]!r} can't be a plugin's name: at most {LONGEST_NAME} small letters and digits, a letter first, "
                "with single hyphens between"
            )
        if keyword.iskeyword(self.scheme) or keyword.issoftkeyword(self.scheme):
            raise Invalid(f"{self.scheme!r} can't be a plugin's name: it is a word of Python's")

    @property
    def distribution(self) -> str:
        """The package that is installed: ``dinnerkit-two-words``."""
        return f"dinnerkit-{self.scheme}"

    @property
    def module(self) -> str:
        """What is imported: ``dinnerkit_two_words``."""
        return self.distribution.replace("-", "_")

    @property
    def camel(self) -> str:
        """The beginning of its classes' names: ``TwoWords``."""
        return "".join(part.capitalize() for part in self.scheme.split("-"))

    def put_into(self, text: str) -> str:
        """The text with this name in place of ``acme``."""
        instead = {"dinnerkit_acme": self.module, "Acme": self.camel, "acme_id": self.scheme.replace("-", "_"), "acme": self.scheme}
        return _ACME.sub(lambda found: instead[found.group()], text)

    def check_free(self, kind: str) -> None:
        """Make sure that no other plugin has the name.

        Raises:
            Invalid: one has it, here or among those that the project maintains.
        """
        if self.scheme in schemes(kind):
            raise Invalid(f"a {kind} with URLs {self.scheme}:// is installed already: choose another name")
        if self.distribution in KNOWN_PLUGINS.values() or self.scheme in KNOWN_PLUGINS:
            known = KNOWN_PLUGINS.get(self.scheme, self.distribution)
            raise Invalid(f"{known} is a plugin of dinnerkit's own: choose another name than {self.scheme!r}")
        if _is_installed(self.distribution) or importlib.util.find_spec(self.module) is not None:
            raise Invalid(f"{self.distribution} is installed already: choose another name than {self.scheme!r}")


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
