"""Whatever people, prices and operators do: every law holds, the fold agrees, and so does the naive engine."""

from hypothesis import settings

from tests.properties.market import Market

TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=100, stateful_step_count=100, deadline=None, derandomize=True)
