"""Generated files are up to date: `./reprise documents` would change nothing."""

import re

import pytest

from cli.documents import EVENTS_DOCUMENT, kept_files, made_files
from market_data.publisher import PublishedTick
from schemas import reference, topics
from tests.house.project import ROOT

DOCUMENT = (ROOT / EVENTS_DOCUMENT).read_text(encoding="utf-8")
MADE = made_files(ROOT)


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_generated_file_is_up_to_date_with_the_code(name: str) -> None:
    assert (ROOT / name).is_file(), "`./reprise documents` writes it"
    assert (ROOT / name).read_text(encoding="utf-8") == MADE[name], "`./reprise documents` writes it anew"


def test_the_client_carries_generated_schemas_only() -> None:
    assert kept_files(ROOT) - set(MADE) == set()


def test_the_document_of_the_log_has_every_generated_block() -> None:
    assert sorted(reference.block_names(DOCUMENT)) == sorted([*reference.blocks(), "example"])


def test_the_document_names_every_topic() -> None:
    rows = DOCUMENT.partition("## Topics")[2].partition("\n## ")[0].splitlines()
    named = [name for row in rows if row.startswith("| `") for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert sorted(named) == sorted(topic.name for topic in topics.TOPICS)


def test_every_message_and_field_has_a_line_in_the_document() -> None:
    for message in reference.messages():
        assert f"### {message.name}\n" in DOCUMENT
        assert all(f"| `{field.name}` | {field.type} | {field.meaning}" in DOCUMENT for field in message.fields)
        assert all(mark in DOCUMENT for mark in message.fingerprints.values())


def test_the_document_names_the_members_of_a_tick() -> None:
    rows = DOCUMENT.partition("## Ticks")[2].partition("\n## ")[0].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| `")]
    named = [name for cell in cells for name in cell.replace("`", "").replace(",", " ").split()]
    assert sorted(named) == sorted(PublishedTick.__struct_fields__)


def test_every_avro_file_belongs_to_a_message_in_the_document() -> None:
    files = {file.name.removesuffix(".avsc") for file in (ROOT / "schemas/avro").rglob("*.avsc")}
    assert files == {message.name for message in reference.messages()}


def test_a_changed_explanation_changes_the_document() -> None:
    given = reference.blocks() | {"example": "", "tick-refusals": "`NEW_REFUSAL`."}
    assert "`NEW_REFUSAL`." in reference.fill_blocks(DOCUMENT, given)
    assert reference.fill_blocks(DOCUMENT, given) != DOCUMENT
