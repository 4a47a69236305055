"""`ml-platform keys`: who may ask the prediction service, for what, until when."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.cli.model_changes import actor_option
from ml_platform.cli.options import connected, home_option, json_option, print_json, tell
from ml_platform.errors import UsageError
from ml_platform.serving.keys import (
    LIFETIME,
    OPERATOR_SCOPES,
    OVERLAP,
    PERSON_SCOPES,
    ApiKey,
    Scope,
)

if TYPE_CHECKING:
    from ml_platform.application.api_keys import ListedKey, MadeKey
    from ml_platform.application.connections import Connections

_PERSON = ", ".join(scope for scope in Scope if scope in PERSON_SCOPES)


@click.group()
def keys() -> None:
    """API keys of the prediction service: create, list, rotate, revoke (docs/keys.md).

    Only a hash of a key's secret is kept: its text is shown once, when it is made.
    """


@keys.command()
@click.option("--user", required=True, help="Whose key: the id that the source has.")
@click.option("--name", default="", help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help=f"What its holder may do; may be repeated (default: {_PERSON}).",
)
@click.option("--operator", is_flag=True, help="Every scope.")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=LIFETIME.days,
    show_default=True,
    help="How long it can be used.",
)
@actor_option
@home_option
@json_option
def create(
    user: str,
    name: str,
    scopes: tuple[str, ...],
    operator: bool,
    days: int,
    actor: str,
    home: Path | None,
    as_json: bool,
) -> None:
    """Make a key and print its text, once."""
    if operator and scopes:
        raise UsageError(
            "--operator and --scope say different things.", remedy="give one of the two"
        )
    chosen = frozenset(map(Scope, scopes)) or (OPERATOR_SCOPES if operator else PERSON_SCOPES)
    with connected(home) as platform:
        from ml_platform.application.api_keys import make_key

        lifetime = timedelta(days=days)
        made = make_key(platform, user, scopes=chosen, by=actor, name=name, lifetime=lifetime)
        _tell_service(platform)
    _show_made(made, as_json)


@keys.command("list")
@home_option
@json_option
def list_(home: Path | None, as_json: bool) -> None:
    """Every key: whose, what for, where it stands, its last rotation; never a secret."""
    with connected(home) as platform:
        from ml_platform.application.api_keys import list_keys

        listed = list_keys(platform)
    if as_json:
        print_json({"keys": [_plain(each) for each in listed]})
        return
    for each in listed:
        click.echo(_line(each))
    if not listed:
        click.echo("There are no keys: `ml-platform keys create --user USER` makes one.")


@keys.command()
@click.argument("key_id")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 24 * 90),
    default=int(OVERLAP / timedelta(hours=1)),
    show_default=True,
    help="How long the old key goes on working.",
)
@actor_option
@home_option
@json_option
def rotate(key_id: str, overlap_hours: int, actor: str, home: Path | None, as_json: bool) -> None:
    """Put a new key in the place of KEY_ID and print its text, once; the old one works for a while."""
    with connected(home) as platform:
        from ml_platform.application.api_keys import rotate_key

        overlap = timedelta(hours=overlap_hours)
        made = rotate_key(platform, key_id, by=actor, overlap=overlap)
        _tell_service(platform)
    _show_made(made, as_json)


@keys.command()
@click.argument("key_id")
@click.option("--reason", required=True, help="Why; it is kept.")
@actor_option
@home_option
@json_option
def revoke(key_id: str, reason: str, actor: str, home: Path | None, as_json: bool) -> None:
    """Refuse KEY_ID from now on, for good."""
    with connected(home) as platform:
        from ml_platform.application.api_keys import revoke_key

        revoked = revoke_key(platform, key_id, by=actor, reason=reason)
        _tell_service(platform)
    if as_json:
        print_json(_plain(revoked))
        return
    click.echo(f"Key {key_id} is revoked.")
    if revoked.rotated_to is not None:
        click.echo(f"The key in its place, {revoked.rotated_to}, goes on working.")


def _tell_service(platform: "Connections") -> None:
    from ml_platform.application.api_keys import service_follows

    if not service_follows(platform):
        tell("The service that runs here has not seen the change yet: it follows within a minute.")


def _show_made(made: "MadeKey", as_json: bool) -> None:
    key = made.key
    if as_json:
        print_json(_of_key(key) | {"key": made.text})
        return
    click.echo(made.text)
    until = "" if key.expires_at is None else f" until {key.expires_at:%Y-%m-%d}"
    tell(f"Key {key.key_id} of {key.user_id}{until}: {_scopes(key)}.")
    tell("Its text stands above; it is not stored, and not shown again.")


def _line(each: "ListedKey") -> str:
    key = each.key
    parts = [f"{key.key_id}  {each.status:<8}{key.user_id}"]
    if key.name:
        parts.append(key.name)
    parts.append("every scope" if key.is_operator else _scopes(key))
    parts.append(f"made {key.created_at:%Y-%m-%d} by {key.created_by}")
    if key.revoked_at is not None:
        by = f"by {key.revoked_by}: {key.revoked_reason}"
        parts.append(f"revoked {key.revoked_at:%Y-%m-%d} {by}")
    elif key.expires_at is not None:
        parts.append(f"until {key.expires_at:%Y-%m-%d %H:%M} UTC")
    if each.rotated_at is not None:
        parts.append(f"rotated {each.rotated_at:%Y-%m-%d} to {each.rotated_to}")
    elif key.replaces is not None:
        parts.append(f"rotated {key.created_at:%Y-%m-%d} from {key.replaces}")
    return "; ".join(parts)


def _plain(each: "ListedKey") -> dict[str, object]:
    return _of_key(each.key) | {
        "status": each.status,
        "rotated_to": each.rotated_to,
        "rotated_at": each.rotated_at.isoformat() if each.rotated_at else None,
    }


def _of_key(key: ApiKey) -> dict[str, object]:
    return {
        "key_id": key.key_id,
        "user_id": key.user_id,
        "name": key.name,
        "scopes": [scope for scope in Scope if key.may(scope)],
        "created_at": key.created_at.isoformat(),
        "created_by": key.created_by,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        "revoked_by": key.revoked_by,
        "revoked_reason": key.revoked_reason,
        "replaces": key.replaces,
    }


def _scopes(key: ApiKey) -> str:
    return ", ".join(scope for scope in Scope if key.may(scope))
