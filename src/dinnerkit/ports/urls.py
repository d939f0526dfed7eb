"""Backend URLs: ``scheme://location?option=value``, where the location may be a path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from dinnerkit.errors import SettingError

_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<location>[^?#]*)(?:\?(?P<query>[^#]*))?")
_PASSWORD = re.compile(r"(?<=://)(?P<user>[^/@:?]*):(?P<password>[^/?]*)@")


@dataclass(frozen=True, slots=True)
class BackendUrl:
    """A URL in its parts: ``sqlite:///var/q.db?timeout=5`` is scheme ``sqlite``, location ``/var/q.db``, options ``{"timeout": "5"}``."""

    scheme: str
    location: str
    options: dict[str, str]

    @property
    def path(self) -> Path:
        """The location as an absolute path: ``sqlite://q.db`` is relative to the working directory, ``~`` is the home."""
        return Path(unquote(self.location)).expanduser().absolute()

    def only(self, *options: str) -> BackendUrl:
        """This URL, once its options are known to be among ``options``.

        Raises:
            SettingError: it has another.
        """
        for name in self.options:
            if name not in options:
                allowed = ", ".join(options) or "none"
                raise SettingError(f"{self.scheme}:// has no option {name!r} (allowed: {allowed})")
        return self


def parse_url(url: str) -> BackendUrl:
    """Take a backend URL apart.

    Raises:
        SettingError: it is not of the form ``scheme://…``.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise SettingError(f"{mask_url(url)!r} is not a backend URL, such as memory:// or mongodb://host/name")
    return BackendUrl(match["scheme"], match["location"], dict(parse_qsl(match["query"] or "", keep_blank_values=True)))


def mask_url(url: str) -> str:
    """The URL with the password in it, and every option that may be a secret, replaced by ``***``."""
    masked = _PASSWORD.sub(r"\g<user>:***@", url)
    return re.sub(r"(?i)([?&][^=&]*(?:secret|password|key|token)[^=&]*=)[^&]*", r"\1***", masked)
