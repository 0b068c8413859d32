"""Commands on the database: migrate, user add, projector rebuild."""

from typing import Annotated, Literal

import typer

from cli.context import Data, command_at, reachable_settings, report, typed_password
from runtime.errors import FixableError

Email = Annotated[str, typer.Argument(help="The address the user logs in with.")]
Role = Annotated[Literal["user", "admin", "auditor"], typer.Option(help="What the user may do.")]


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
    import psycopg  # noqa: PLC0415
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    from api.store.migrate import migrate as migrate_auth  # noqa: PLC0415
    from projector.migrate import migrate as migrate_ledger  # noqa: PLC0415
    from runtime.postgres import require_usable  # noqa: PLC0415

    try:
        require_usable(database_url)
        migrate_ledger(database_url)
        migrate_auth(database_url)
    except (OperationalError, psycopg.OperationalError) as error:
        why = str(getattr(error, "orig", error)).strip()
        end = "" if why.endswith((".", "?")) else "."
        raise FixableError(f"The database cannot be used: {why}{end} Check DATABASE_URL.") from error


def add_user(email: Email, role: Role = "user", data: Data = None) -> None:
    """Add a user, or give the one of this address the role and password. The password is asked for, or piped in."""
    from api.users.administration import add_user as add  # noqa: PLC0415

    settings = reachable_settings(data)
    add(settings, email, role, typed_password(is_new=True))
    report(f"{email} may log in, with role {role}.")


def rebuild(data: Data = None) -> None:
    """Empty the projection and make it again from the events."""
    from projector.rebuild import rebuild as rebuild_all  # noqa: PLC0415

    rebuild_all(reachable_settings(data))
    shown = command_at(data, "status")
    report(f"The projection is empty, and the projector fills it again; {shown} shows how far it is.")
