"""The client ids, consumer groups and transactional ids that brokers and their access rules know are these."""

import ast
from typing import Final

from tests.house.project import MODULES, relative

OPTIONS: Final = {
    "admin_options",
    "command_producer_options",
    "connection_options",
    "reader_options",
    "transactional_producer_options",
}
NAMES: Final = {
    "engine-group",
    "engine-{shard}-bounds",
    "engine-{shard}-hole",
    "engine-{shard}-record",
    "reprise-accept-gap",
    "reprise-admin",
    "reprise-api",
    "reprise-api-ends",
    "reprise-api-outcomes",
    "reprise-api-venue",
    "reprise-audit",
    "reprise-commands",
    "reprise-ends",
    "reprise-import",
    "reprise-manifests",
    "reprise-market-data",
    "reprise-projector",
    "reprise-projector-venue",
    "reprise-read-back",
    "reprise-record",
    "reprise-snapshot",
    "reprise-tail",
    "reprise-topics",
    "reprise-venue",
    "reprise-watch",
}


def test_the_names_that_brokers_know_do_not_change() -> None:
    """An access rule of a cluster names them; benches run on a broker of their own."""
    found = {
        name
        for path in MODULES
        if not relative(path).startswith("bench/")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in names_in(node)
    }
    assert found == NAMES


def test_every_administrators_client_is_quiet_on_the_terminal() -> None:
    """Librdkafka writes past every logger when such a client ends: its level is set where its options are made."""
    loud = [
        relative(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "AdminClient"
        and not ast.unparse(node.args[0]).startswith("admin_options(")
        and "'log_level'" not in ast.unparse(node.args[0])
    ]
    assert loud == []


def names_in(node: ast.AST) -> list[str]:
    """Give the literal names of a call that makes options, or of a default of a function that does."""
    match node:
        case ast.Call(func=ast.Name(id=function), args=[_, name]) if function in OPTIONS:
            values: list[ast.expr] = [name]
        case ast.FunctionDef(name=function, args=arguments) if function in OPTIONS:
            values = list(arguments.defaults)
        case _:
            values = []
    return [
        ast.unparse(value).removeprefix("f").strip("'")
        for value in values
        if isinstance(value, ast.Constant | ast.JoinedStr)
    ]
