"""A bare FastAPI endpoint that validates an order as ours does, and answers the same shape; nothing behind it."""

import socket

import uvicorn
from fastapi import FastAPI

from api.http.numbers import ExactRoute
from api.orders.schemas import OrderReply, OrderRequest
from schemas.instruments import SYMBOLS

FILLED = OrderReply(
    order_id="5b2b8d7e-0c0f-4d0e-8a57-3c3f6f0a7a11",
    command_id="5b2b8d7e-0c0f-4d0e-8a57-3c3f6f0a7a11",
    status="filled",
    position_id="2-17",
    symbol=SYMBOLS[0],
    side="long",
    price="50000.0",
    quantity="0.00020",
    margin="1.000000",
    leverage="10.00",
    liquidation_price="45249.9",
)


def main(port: int) -> None:
    """Serve until stopped."""
    app = FastAPI()
    app.router.route_class = ExactRoute

    @app.post("/orders", status_code=201)
    async def place_order(body: OrderRequest) -> OrderReply:
        return FILLED.model_copy(update={"symbol": body.symbol, "side": body.side})

    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(app, access_log=False, log_config=None, lifespan="off", ws="none")
    uvicorn.Server(config).run([listening])
