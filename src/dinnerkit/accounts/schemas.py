"""Requests and responses of the account routes."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from dinnerkit.accounts import rules
from dinnerkit.accounts.rules import Budget, Visibility
from dinnerkit.clock import utcnow
from dinnerkit.http.fields import IdField, MomentField, SecretField, TextField, WholeField
from dinnerkit.http.schemas import StrictSchema
from dinnerkit.identity import Role
from dinnerkit.ports.captcha import ACTIONS, LONGEST_ANSWER

LONGEST_TYPED = 1024
"""Longer passwords and e-mail addresses are not even looked at."""

_BUDGETS = [str(budget) for budget in Budget]
_VISIBILITIES = [str(visibility) for visibility in Visibility]
_ROLES = [str(role) for role in Role]


class CaptchaField(SecretField):
    """The answer to the captcha, where there is one."""

    def __init__(self) -> None:
        super().__init__(LONGEST_ANSWER, metadata={"description": "An answer to the captcha; see `GET /v1/auth/captcha`."})


class RegistrationSchema(StrictSchema):
    email = TextField(rules.LONGEST_EMAIL, required=True, metadata={"format": "email"})
    password = SecretField(LONGEST_TYPED, required=True, metadata={"format": "password"})
    name = TextField(rules.LONGEST_NAME, required=True)
    captcha = CaptchaField()


class LoginSchema(StrictSchema):
    email = TextField(LONGEST_TYPED, required=True)
    password = SecretField(LONGEST_TYPED, required=True, metadata={"format": "password"})
    captcha = CaptchaField()


class CaptchaQuerySchema(StrictSchema):
    action = fields.String(required=True, validate=validate.OneOf(ACTIONS), metadata={"description": "What is to be done."})


class CaptchaSchema(StrictSchema):
    kind = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "How an answer is found: `altcha`, `turnstile`, `hcaptcha`, … Null where nothing is asked."},
    )
    settings = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "What that takes: a challenge, or a site key. Good for one answer."}
    )


class RefreshSchema(StrictSchema):
    refresh_token = SecretField(LONGEST_TYPED, required=True)


class TokenPairSchema(StrictSchema):
    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds that the access token lives."})


class VerificationSchema(StrictSchema):
    token = SecretField(2048, required=True)


class ResetRequestSchema(StrictSchema):
    email = TextField(rules.LONGEST_EMAIL, required=True, metadata={"format": "email"})
    captcha = CaptchaField()


class ResetSchema(StrictSchema):
    token = SecretField(2048, required=True)
    password = SecretField(LONGEST_TYPED, required=True, metadata={"format": "password"})


class LanguageField(fields.String):
    """An ISO 639 code in lower case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(sorted(rules.languages()), error="Not an ISO 639 code such as en."), **kwargs)


class ProfileChangesSchema(StrictSchema):
    """What is left out stays as it is; null takes a value away."""

    name = TextField(rules.LONGEST_NAME)
    birth_year = WholeField(rules.OLDEST_BIRTH_YEAR, utcnow().year, allow_none=True)
    gender = TextField(rules.LONGEST_TAG, allow_none=True)
    languages = fields.List(LanguageField(), validate=validate.Length(max=rules.MOST_LANGUAGES))
    diets = fields.List(TextField(rules.LONGEST_TAG), validate=validate.Length(max=rules.MOST_TAGS))
    interests = fields.List(TextField(rules.LONGEST_TAG), validate=validate.Length(max=rules.MOST_TAGS))
    city = TextField(rules.LONGEST_NAME, allow_none=True)
    budget = fields.String(validate=validate.OneOf(_BUDGETS), allow_none=True)
    visibility = fields.String(validate=validate.OneOf(_VISIBILITIES))
    findable = fields.Boolean(
        truthy={True},
        falsy={False},
        metadata={"description": "Whether guests who are much like me in personality may find me, as long as everyone may see my profile."},
    )
    reminders = fields.Boolean(
        truthy={True}, falsy={False}, metadata={"description": "Whether to be reminded by mail, a day and two hours before a dinner."}
    )

    @post_load
    def _normalised(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "languages" in data:
            data["languages"] = rules.language_codes(data["languages"])
        return data | {name: rules.tags(data[name]) for name in ("diets", "interests") if name in data}


class UserSchema(StrictSchema):
    id = IdField(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(_ROLES))
    verified = fields.Boolean(required=True, metadata={"description": "Whether the e-mail address was verified."})
    created_at = MomentField(required=True)
    birth_year = fields.Integer(required=True, allow_none=True)
    gender = fields.String(required=True, allow_none=True)
    languages = fields.List(fields.String(), required=True)
    diets = fields.List(fields.String(), required=True)
    interests = fields.List(fields.String(), required=True)
    city = fields.String(required=True, allow_none=True)
    budget = fields.String(required=True, allow_none=True, validate=validate.OneOf(_BUDGETS))
    visibility = fields.String(required=True, validate=validate.OneOf(_VISIBILITIES))
    findable = fields.Boolean(required=True)
    reminders = fields.Boolean(required=True)
    traits = fields.Dict(keys=fields.String(), values=fields.Float(), required=True, allow_none=True)
