"""What ``dinnerkit new-plugin`` writes: a package with one backend that keeps its contract at once, in memory."""

from __future__ import annotations

from dinnerkit.scaffold.naming import PluginName
from dinnerkit.scaffold.writing import KINDS, package, write

__all__ = ["KINDS", "PluginName", "package", "write"]
