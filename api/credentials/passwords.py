"""How passwords are hashed and compared: argon2id, in few threads, in the same time whoever is asked for."""

from typing import Final

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

TIME_COST: Final = 3
MEMORY_COST: Final = 64 * 1024  # KiB
# Each takes 64 MiB for its time: more at once would only be slower.
HASHINGS: Final = 2


class Passwords:
    """Hashes and verifies, off the event loop."""

    def __init__(self, time_cost: int = TIME_COST, memory_cost: int = MEMORY_COST) -> None:
        """Take argon2id's parameters; a hash of others is renewed when it is next verified."""
        self._hash = PasswordHash((Argon2Hasher(time_cost=time_cost, memory_cost=memory_cost),))
        self._threads = CapacityLimiter(HASHINGS)
        self._nobodys = self._hash.hash("the password of nobody")

    async def hash(self, password: str) -> str:
        """Give a password's hash, with its salt and parameters."""
        return await to_thread.run_sync(self.hash_now, password, limiter=self._threads)

    def hash_now(self, password: str) -> str:
        """Hash in this thread."""
        return self._hash.hash(password)

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Compare with a hash, and renew one of old parameters; null takes as long and never matches."""
        matches, renewed = await to_thread.run_sync(
            self._hash.verify_and_update, password, stored or self._nobodys, limiter=self._threads
        )
        return (matches, renewed) if stored is not None else (False, None)
