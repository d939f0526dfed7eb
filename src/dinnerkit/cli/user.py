"""``dinnerkit user``."""

from __future__ import annotations

import sys

import click

from dinnerkit.accounts.service import AccountService
from dinnerkit.identity import Role
from dinnerkit.kit import Kit
from dinnerkit.settings import Settings


@click.group("user")
def command() -> None:
    """Make users."""


@command.command("create")
@click.argument("email")
@click.option(
    "--role", type=click.Choice([str(role) for role in Role]), default=str(Role.GUEST), show_default=True, help="What they may do."
)
@click.option("--name", help="What the others call them; by default what stands before the @.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input, in place of asking for it.")
def create(email: str, role: str, name: str | None, password_stdin: bool) -> None:
    """Make a user with that address, which is taken as verified.

    The password is asked for, unless --password-stdin is given.
    """
    password = _password(from_stdin=password_stdin)
    with Kit.open(Settings.load()) as kit:
        user = kit.service(AccountService).create_user(
            email=email, name=name or email.partition("@")[0], password=password, role=Role(role)
        )
    click.echo(f"made the {user.role} {user.email}, id {user.id}")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for the password; give it on standard input with --password-stdin")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
