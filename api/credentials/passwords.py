"""How passwords are hashed and compared: argon2id, in few threads, in the same time whoever is asked for."""

from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from api.credentials.hashing_lane import HashingLane, HasLeft, nobody_leaves

TIME_COST: Final = 3
MEMORY_COST: Final = 64 * 1024  # KiB
# Each takes 64 MiB for its time: more at once would only be slower. Who registers never holds up who signs in.
SIGN_INS: Final = 2
SIGN_INS_WAITING: Final = 32
REGISTRATIONS: Final = 1
REGISTRATIONS_WAITING: Final = 8


class Passwords:
    """Hashes and verifies, off the event loop."""

    def __init__(self, time_cost: int = TIME_COST, memory_cost: int = MEMORY_COST) -> None:
        """Take argon2id's parameters; a hash of others is renewed when it is next verified."""
        self._hash = PasswordHash((Argon2Hasher(time_cost=time_cost, memory_cost=memory_cost),))
        self._registrations = HashingLane(REGISTRATIONS, REGISTRATIONS_WAITING)
        self._sign_ins = HashingLane(SIGN_INS, SIGN_INS_WAITING)
        self._nobodys = self._hash.hash("the password of nobody")

    async def hash_first(self, password: str, has_left: HasLeft = nobody_leaves, address: str = "") -> str:
        """Give the hash of a new user's password; ApiError where too many register."""
        return await self._registrations.run(lambda: self.hash_now(password), has_left, address)

    async def hash(self, password: str, has_left: HasLeft = nobody_leaves, address: str = "") -> str:
        """Give a password's hash, with its salt and parameters; ApiError where too many sign in."""
        return await self._sign_ins.run(lambda: self.hash_now(password), has_left, address)

    def hash_now(self, password: str) -> str:
        """Hash in this thread."""
        return self._hash.hash(password)

    async def verify(
        self, password: str, stored: str | None, has_left: HasLeft = nobody_leaves, address: str = ""
    ) -> tuple[bool, str | None]:
        """Compare with a hash, and renew one of old parameters; null takes as long and never matches."""
        matches, renewed = await self._sign_ins.run(
            lambda: self._hash.verify_and_update(password, stored or self._nobodys), has_left, address
        )
        return (matches, renewed) if stored is not None else (False, None)
