"""The seeds' published front ends, as they are, do on this exchange what the people at their screens mean."""

from tests.api.seeds.market import Market
from tests.api.seeds.published import run_published_requests


def test_each_request_of_the_published_clients_does_what_the_person_at_that_screen_meant(market: Market) -> None:
    run_published_requests(market)
