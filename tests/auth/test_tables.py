"""The migrations of schema `auth` make the tables of the code."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from api.http.window_counts import CountWindow
from api.store import request_counts
from api.store.migrate import migrate
from api.store.tables import SCHEMA, metadata
from api.users.emails import key_of
from schemas.ids import keyed_command_id


def test_the_migrations_make_the_auth_tables_of_the_code(auth_database: str) -> None:
    engine = create_engine(auth_database)
    with engine.connect() as db:
        context = MigrationContext.configure(
            db,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                "version_table_schema": SCHEMA,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_key_that_was_used_before_keys_were_stored_is_known_after_the_migration(database_url: str) -> None:
    migrate(database_url, "0014")
    engine = create_engine(database_url)
    with engine.begin() as db:
        db.execute(text("INSERT INTO auth.close_alls VALUES ('someone', 'all', '{1-1}')"))
        db.execute(
            text(
                "INSERT INTO auth.spot_orders (order_id, account_id, symbol, side, type, quantity, created_at)"
                " VALUES ('an-order', 'someone', 'BTC_USDC', 'BUY', 'MARKET', '1', 1)"
            )
        )
    migrate(database_url)
    with engine.connect() as db:
        found = {row.command_id: row.used_for for row in db.execute(text("SELECT * FROM auth.used_keys"))}
    engine.dispose()
    assert found == {"an-order": "spot_order", keyed_command_id("someone", "all"): "close_all"}


def test_users_before_emails_had_keys_are_found_by_them_after_the_migration(database_url: str) -> None:
    migrate(database_url, "0015")
    emails = ["a\u03c3@example.com", "a\u03c2@example.com", "J\u030c\u00df@example.com", "deleted:someone"]
    engine = create_engine(database_url)
    with engine.begin() as db:
        for number, email in enumerate(emails):
            db.execute(
                text(
                    "INSERT INTO auth.users (user_id, email, password_hash, account_id, deleted_at)"
                    " VALUES (gen_random_uuid(), :email, '', :account_id, CASE WHEN :is_deleted THEN now() END)"
                ),
                {"email": email, "account_id": str(number), "is_deleted": email.startswith("deleted:")},
            )
    migrate(database_url)
    with engine.connect() as db:
        found = {row.email: row.email_key for row in db.execute(text("SELECT email, email_key FROM auth.users"))}
    engine.dispose()
    assert found == dict(zip(emails, [*(key_of(email) for email in emails[:3]), None], strict=True))
    assert len(set(found.values())) == 3


def test_counts_of_requests_go_on_after_a_migration_from_version_0018(database_url: str) -> None:
    migrate(database_url, "0018")
    engine = create_engine(database_url)
    with engine.begin() as db:
        db.execute(text("INSERT INTO auth.request_counts VALUES ('a key', 1, 1, now())"))
    migrate(database_url)
    window = CountWindow("a name", 1, 60)
    with engine.begin() as db:
        request_counts.add(db, {window: 2})
        assert request_counts.changed_since(db, None)[1] == [(window, 2)]
        request_counts.forget(db)
        assert request_counts.changed_since(db, None)[1] == []
    engine.dispose()
