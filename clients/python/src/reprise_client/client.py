"""Who asks the exchange, and follows it: one signed-in user's client, of the parts of which each is a file."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self

import httpx
import msgspec

from reprise_client.addresses import is_local
from reprise_client.administration import Administration
from reprise_client.books import Books
from reprise_client.calls import Calls
from reprise_client.keeping import Keeping
from reprise_client.market import Market
from reprise_client.models import Page, Session, User
from reprise_client.replaying import Replaying
from reprise_client.stream import Stream
from reprise_client.trading import Trading
from reprise_client.trading_socket import TradingSocket

TIMEOUT_S: Final = 10.0
PATIENCE_S: Final = 30.0


class Client(Market, Trading, Books, Replaying, Keeping):
    """A client of one exchange, `async with Client("http://127.0.0.1:8000") as client`.

    api_key: an `ApiKey`, which signs each request in place of a login. timeout_s: for one answer. patience_s: for how
    long a command whose outcome is not known, or a question that was not answered, is tried again. transport: another
    way to the exchange than the network. A proxy of the environment is used unless the exchange is on this machine.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: httpx.Auth | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=self._url,
            timeout=timeout_s,
            transport=transport,
            auth=api_key,
            trust_env=not is_local(self._url),
        )
        self._calls = Calls(self._http, patience_s, signs=api_key is not None)
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self.admin: Final = Administration(self._calls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close_connections()

    async def close_connections(self) -> None:
        """Let go of the connections; the session goes on until it is ended by `logout` or by its age."""
        await self._http.aclose()

    # Who is asking.

    async def register(self, email: str, password: str, name: str | None = None) -> User:
        """Make a user and their account, and sign in."""
        given = {"email": email, "password": password} | ({} if name is None else {"name": name})
        made = msgspec.convert(await self._calls.send("POST", "/auth/register", given), User)
        await self.login(email, password)
        return made

    async def login(self, email: str, password: str) -> None:
        """Sign in. The access token is renewed by itself until the session ends."""
        await self._calls.sign_in(email, password)

    async def refresh(self) -> None:
        """Renew the access token now."""
        await self._calls.renew(self._calls.current_token)

    async def logout(self) -> None:
        """End the session."""
        await self._calls.sign_out()

    async def me(self) -> User:
        """Say who is signed in."""
        return await self._calls.read("/auth/me", User)

    async def logout_everywhere(self) -> None:
        """End every session of yours, on every device; API keys stay."""
        await self._calls.sign_out("/auth/logout-everywhere")

    async def change_password(self, password: str, new_password: str) -> None:
        """Change your password, knowing the one you have; every other session of yours ends."""
        await self._calls.send("POST", "/auth/password", {"password": password, "new_password": new_password})

    async def sessions(self) -> Sequence[Session]:
        """List where you are signed in: the current session, then the last begun first, a hundred at most."""
        return (await self._calls.read("/auth/sessions", Page[Session])).items

    async def end_session(self, session_id: str) -> None:
        """End one session of yours; of the current one it is a logout."""
        await self._calls.send("DELETE", f"/auth/sessions/{session_id}")

    async def delete_me(self) -> int:
        """Delete yourself, within fifteen minutes of a login; gives how many positions are still to be closed."""
        return await self._calls.delete_user()

    async def websocket_ticket(self) -> str:
        """Get a WebSocket ticket: for a page that opens a socket as you, once, within 30 seconds."""
        return await self._calls.ticket()

    @asynccontextmanager
    async def trading(self) -> AsyncIterator[TradingSocket]:
        """Trade over one WebSocket: `place_order`, `close`, `close_all` and `amend`, many of them at once.

        It connects again by itself. What was in flight then is asked about under its key, and nothing is done twice.
        """
        trading = TradingSocket(self._url, self._calls, timeout_s=self._timeout_s, patience_s=self._patience_s)
        try:
            await trading.begin()
            yield trading
        finally:
            await trading.end()

    @asynccontextmanager
    async def stream(self, *channels: str, after: int | None = None) -> AsyncIterator[Stream]:
        """Follow channels: `ticks.BTC_USDC`, `candles.1m.BTC_USDC`, `account`, `alerts`.

        It connects again by itself. Of `account` whatever happens within the block comes exactly once and in order.
        after: so does what happened behind this one, the `seq` of the last message that was worked through.
        """
        stream = Stream(self._url, channels, self._calls, after=after, patience_s=self._patience_s)
        try:
            await stream.begin()
            yield stream
        finally:
            await stream.close()
