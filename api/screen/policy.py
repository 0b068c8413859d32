"""What a browser lets a page of the screen do."""

from typing import Final

# Nothing inline, and no other host: what is planted in a name or a message is text, and cannot call anybody.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
OF_FILES: Final = {"X-Content-Type-Options": "nosniff"}
OF_PAGES: Final = OF_FILES | {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
