"""A migration that a database has gone through is never changed: what is to be different is another migration."""

from hashlib import sha256

from tests.house.project import ROOT, text_of

DIGESTS = "tests/golden/migrations.txt"


def test_a_released_migration_stays_as_it_was() -> None:
    found = {
        f"{sha256(path.read_bytes()).hexdigest()}  {path.relative_to(ROOT)}"
        for folder in ("api/store/migrations/versions", "projector/migrations/versions")
        for path in (ROOT / folder).glob("[0-9]*.py")
    }
    assert found == set(text_of(DIGESTS).splitlines()), f"a new migration gets a line in {DIGESTS}, an old one stays"
