"""The command by which one shard goes on by a version of the rules, and code that is older than that version."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from audit.verify import arithmetic
from engine.core import rules
from schemas import codec, snapshots
from schemas.commands import ActivateRules
from schemas.ids import broadcast_id

NEWEST: Final = 2
OLDER: Final = NEWEST - 1


def activate(version: int = NEWEST, shard: int = 0, broadcast: str | None = None) -> ActivateRules:
    """Give the activation of a version in a shard."""
    name = broadcast or f"rules-{version}"
    return ActivateRules(command_id=broadcast_id(name, shard), shard=shard, broadcast=name, version=version)


@contextmanager
def older_code() -> Iterator[None]:
    """Be code without the newest version for the length of a block."""
    with pytest.MonkeyPatch.context() as patch:
        take_newest_away(patch)
        yield


def older_program(main: str) -> str:
    """Give what a process runs that is without the newest version, in place of a service's own `main`."""
    return f"""
import pytest
from tests.activating import take_newest_away
take_newest_away(pytest.MonkeyPatch())
from {main} import main
from runtime.settings import Settings
main(Settings())
"""


def take_newest_away(patch: pytest.MonkeyPatch) -> None:
    """Leave of rules, audit, schemas and messages what there was before the newest version."""
    patch.delitem(rules.RULES, NEWEST)
    patch.delitem(arithmetic.RULES, NEWEST)
    patch.setattr(codec, "RULES_VERSION", OLDER)
    known = codec.codec()
    for forms in (known.commands, known.events, snapshots.FORMS):
        for prefix, form in list(forms.items()):
            if form.version == NEWEST:
                patch.delitem(forms, prefix)
    for message, writers in list(known.command_writers.items()):
        patch.setitem(known.command_writers, message, [form for form in writers if form.version < NEWEST])
    patch.delitem(known.event_writers, NEWEST, raising=False)  # The codec may be read after this.
