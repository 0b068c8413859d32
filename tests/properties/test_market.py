"""Under any orders, prices and operations every law holds, and the fold and the naive engine agree."""

from hypothesis import settings

from tests.properties.market import Market

TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=100, stateful_step_count=100, deadline=None, derandomize=True)
