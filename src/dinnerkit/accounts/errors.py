"""What can go wrong with accounts."""

from __future__ import annotations

from dinnerkit.errors import Conflict, Invalid, NotFound, Unauthenticated, Unavailable


class EmailTaken(Conflict):
    """Somebody has registered with this e-mail address."""

    code = "email_taken"


class WeakPassword(Invalid):
    """The password is too easy to guess."""

    code = "weak_password"


class CommonPassword(WeakPassword):
    """The password is one that many people use."""

    code = "common_password"


class BadCredentials(Unauthenticated):
    """The e-mail address and the password don't belong together; says nothing about which of them is wrong."""

    code = "bad_credentials"


class BadToken(Unauthenticated):
    """The token is malformed, expired, used up or revoked."""

    code = "bad_token"


class NoSuchUser(NotFound):
    """There is no such user."""

    code = "not_found"


class CaptchaRequired(Invalid):
    """The request needs an answer to the captcha, in the field ``captcha``."""

    code = "captcha_required"


class CaptchaFailed(Invalid):
    """The answer to the captcha is wrong, was used before, or comes too late."""

    code = "captcha_failed"


class CaptchaUnavailable(Unavailable):
    """Nobody can tell now whether the captcha was answered, and too much was let through from here without."""

    code = "captcha_unavailable"


class TooManyAttempts(Unavailable):
    """This was tried too often in a short time; ``retry_after`` in the details says for how many seconds to wait."""

    code = "too_many_attempts"
