"""The exchange itself: integers only, no input or output, no clock.

It may import the language (`schemas`) and nothing impure. Begin with `step.py`: one command, decided and applied, and
what it causes; then `decide.py`, and of the rules first `liquidation.py`.
"""

from schemas.compiled import search_path

__path__ = search_path(__name__, __path__)
