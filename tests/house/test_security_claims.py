"""Each test that docs/security.md names is there."""

import re
from typing import Final

import pytest

from tests.house.project import ROOT, text_of

NAMED: Final = sorted(set(re.findall(r"`(test_\w+)`", text_of("docs/security.md"))))
TESTS: Final = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("name", NAMED)
def test_a_claim_of_the_security_page_has_its_test(name: str) -> None:
    assert re.search(rf"^(?:async )?def {name}\(", TESTS, re.MULTILINE)
