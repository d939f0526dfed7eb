"""The background process: consumers of the queues, and the clockwork that finds what hints and crashes left undone."""

from __future__ import annotations

from dinnerkit.worker.working import Worker, run_beside

__all__ = ["Worker", "run_beside"]
