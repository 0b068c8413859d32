"""The language of the log: Avro files, the typed messages, the codec, and the facts that all services share.

Imports no package of the server, and nothing impure: no network, no clock, no database.
Begin with `events` (what happened) and `commands` (what was asked for); `codec` makes bytes of them.
"""

from schemas.compiled import search_path

__path__ = search_path(__name__, __path__)
