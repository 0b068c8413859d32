"""Commands on the database: migrate, user add, projector rebuild."""

from typing import Annotated, Literal

import typer

from reprise.cli.context import Data, reachable_settings, report
from reprise.runtime.errors import FixableError

Email = Annotated[str, typer.Argument(help="The address the user logs in with.")]
Role = Annotated[Literal["user", "admin"], typer.Option(help="What the user may do.")]
Password = Annotated[
    str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for when not given.")
]


def add_to(app: typer.Typer) -> None:
    app.command()(migrate)
    users = typer.Typer(help="Users of the API.", no_args_is_help=True)
    users.command(name="add")(add_user)
    app.add_typer(users, name="user")
    projection = typer.Typer(help="The projection in PostgreSQL.", no_args_is_help=True)
    projection.command()(rebuild)
    app.add_typer(projection, name="projector")


def migrate(data: Data = None) -> None:
    """Bring the database to this version; changes nothing the second time."""
    migrate_url(reachable_settings(data).database_url)
    report("The database is at this version.")


def migrate_url(database_url: str) -> None:
    """Bring both schemas of a database to this version."""
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    from reprise.api.migrate import migrate as migrate_auth  # noqa: PLC0415
    from reprise.projector.migrate import migrate as migrate_ledger  # noqa: PLC0415

    try:
        migrate_ledger(database_url)
        migrate_auth(database_url)
    except OperationalError as error:
        raise FixableError(f"The database cannot be used: {error.orig}. Check DATABASE_URL.") from error


def add_user(email: Email, password: Password, role: Role = "user", data: Data = None) -> None:
    """Add a user, an administrator with --role admin."""
    from reprise.api.users import add_user as add  # noqa: PLC0415

    add(reachable_settings(data), email, role, password)
    report(f"Added {email}.")


def rebuild(data: Data = None) -> None:
    """Empty the projection and make it again from the events."""
    from reprise.projector.rebuild import rebuild as rebuild_all  # noqa: PLC0415

    rebuild_all(reachable_settings(data))
