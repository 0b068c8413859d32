"""What axe finds wrong with a page."""

from typing import Any, Final

from playwright.sync_api import Page

from stack.screen import SCREEN

AXE: Final = SCREEN / "node_modules" / "axe-core" / "axe.min.js"


def faults_of(page: Page) -> list[Any]:
    """Each fault, with the elements and what is wrong with them."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run()")
    assert len(found["passes"]) > 10, "it looked at the page"
    return [
        (fault["id"], [node["html"][:150] + " " + (node.get("failureSummary") or "") for node in fault["nodes"]])
        for fault in found["violations"]
    ]
