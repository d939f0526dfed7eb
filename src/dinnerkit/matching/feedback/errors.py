"""Why feedback can't be given."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import Conflict


class NotThere(Conflict):
    """Only those who were there can say how it was."""

    code: ClassVar[str] = "not_there"


class FeedbackNotOpen(Conflict):
    """The dinner is not over yet."""

    code: ClassVar[str] = "feedback_not_open"


class FeedbackClosed(Conflict):
    """The dinner was too long ago to say how it was; what was said can still be taken back."""

    code: ClassVar[str] = "feedback_closed"
