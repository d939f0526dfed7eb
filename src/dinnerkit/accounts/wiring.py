"""Makes the services of this domain, which share their keys and their hasher."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from dinnerkit.accounts.addresses import Addresses
from dinnerkit.accounts.attempts import Attempts
from dinnerkit.accounts.captcha import CaptchaCheck
from dinnerkit.accounts.page_sessions import PageSessions
from dinnerkit.accounts.passwords import Passwords
from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.secrecy import Keys
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.accounts.unsubscribing import Unsubscribing
from dinnerkit.clock import Clock, utcnow
from dinnerkit.ports.captcha import Captcha
from dinnerkit.ports.offload import Offload, inline
from dinnerkit.ports.sessions import SessionStore
from dinnerkit.storage import Row


def account_services(
    database: Database[Row],
    sessions: SessionStore,
    captcha: Captcha,
    *,
    secret_key: str,
    clock: Clock = utcnow,
    offload: Offload = inline,
    access_token_seconds: int = 900,
    refresh_token_seconds: int = 2_592_000,
    captcha_spared: int = 5,
) -> dict[type[Any], Any]:
    """The services of accounts, by their type.

    Raises:
        SettingError: the secret key is too short.
    """
    keys = Keys(secret_key)
    passwords = Passwords(offload)
    attempts = Attempts(database, keys, clock)
    addresses = Addresses(database, clock)
    accounts = AccountService(database, addresses, passwords, clock)
    pages = PageSessions(database, sessions, keys, clock)
    sign_in = SignInService(
        database,
        addresses,
        passwords,
        attempts,
        pages,
        keys,
        clock,
        access_token_seconds=access_token_seconds,
        refresh_token_seconds=refresh_token_seconds,
    )
    return {
        AccountService: accounts,
        CaptchaCheck: CaptchaCheck(captcha, attempts, captcha_spared),
        Unsubscribing: Unsubscribing(accounts, keys, clock),
        SignInService: sign_in,
        PageSessions: pages,
        Addresses: addresses,
        RecoveryService: RecoveryService(database, addresses, passwords, attempts, keys, clock),
    }
