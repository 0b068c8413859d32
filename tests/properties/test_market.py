"""Under any orders, prices and operations every law holds, and the fold and the naive engine agree."""

import pytest
from hypothesis import settings

from tests.properties.market import Activating, First, Market

# The three machines send tens of thousands of commands, each to two exchanges.
pytestmark = pytest.mark.timeout(900)

SETTINGS = settings(max_examples=70, stateful_step_count=100, deadline=None, derandomize=True)

TestMarket = Market.TestCase
TestMarket.settings = SETTINGS

TestMarketUnderTheFirstRules = First.TestCase
TestMarketUnderTheFirstRules.settings = settings(SETTINGS, max_examples=40)

TestMarketOverAnActivation = Activating.TestCase
TestMarketOverAnActivation.settings = SETTINGS
