"""Commands on the database: migrate, user add, projector rebuild."""

from typing import Annotated, Literal

import typer

from cli.context import Data, command_at, reachable_settings, report, typed_password

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
    from api.store.migrate import migrate as migrate_auth  # noqa: PLC0415
    from projector.migrate import migrate as migrate_ledger  # noqa: PLC0415
    from runtime.postgres import require_usable, usable  # noqa: PLC0415

    with usable(database_url):
        require_usable(database_url)
        migrate_ledger(database_url)
        migrate_auth(database_url)


def add_user(email: Email, role: Role = "user", data: Data = None) -> None:
    """Add a user, or give the one of this address the role and password. The password is asked for, or piped in."""
    from api.users.administration import add_user as add  # noqa: PLC0415
    from runtime.postgres import usable  # noqa: PLC0415

    settings = reachable_settings(data)
    password = typed_password(is_new=True)
    with usable(settings.database_url):
        add(settings, email, role, password)
    report(f"{email} may log in, with role {role}.")


def rebuild(data: Data = None) -> None:
    """Empty the projection and make it again from the events."""
    from projector.rebuild import rebuild as rebuild_all  # noqa: PLC0415
    from runtime.postgres import usable  # noqa: PLC0415

    settings = reachable_settings(data)
    with usable(settings.database_url):
        rebuild_all(settings)
    shown = command_at(data, "status")
    report(f"The projection is empty, and the projector fills it again; {shown} shows how far it is.")
