"""Groups of commands."""

from schemas.commands import AmendStops, CloseAll, ClosePosition, ReduceOldest, ReducePosition

PositionCommand = ClosePosition | ReducePosition | AmendStops  # About one position.

# They only close or amend: a limit must not keep a client in.
EXITS = (ClosePosition, ReducePosition, ReduceOldest, CloseAll, AmendStops)
