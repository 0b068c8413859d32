"""The keys of many commands are taken by one statement, each as if it came alone."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine

from api.store.used_keys import FOR_COMMAND, UsedKey, take, take_all

ROUNDS = 30
KEYS = [f"key-{number}" for number in range(50)]


def test_each_key_is_for_a_command_unless_another_use_was_first(auth_database: str) -> None:
    engine = create_engine(auth_database, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        close_all = UsedKey("close_all", b"all")
        assert take(db, "many-2", close_all) == close_all
        taken = take_all(db, ["many-3", "many-1", "many-2", "many-1"], FOR_COMMAND)
        assert taken == {"many-1": FOR_COMMAND, "many-2": close_all, "many-3": FOR_COMMAND}
        assert take_all(db, ["many-1"], FOR_COMMAND) == {"many-1": FOR_COMMAND}
        assert take(db, "many-1", close_all) == FOR_COMMAND
        assert take_all(db, [], FOR_COMMAND) == {}
    engine.dispose()


def test_processes_that_take_the_same_keys_in_any_order_do_not_block_each_other(auth_database: str) -> None:
    engine = create_engine(auth_database, isolation_level="AUTOCOMMIT", pool_size=4)

    def one(number: int) -> int:
        with engine.connect() as db:
            keys = [f"{number // 4}-{key}" for key in (KEYS if number % 2 else reversed(KEYS))]
            return len(take_all(db, keys, FOR_COMMAND))

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(one, range(4 * ROUNDS))) == {len(KEYS)}
    engine.dispose()
