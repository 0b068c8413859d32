"""Which signals our processes send each other, besides those that end one."""

import signal
from typing import Final

# To one of an engine and its standby: the other has ended. The process manager's listener sends it.
PARTNER_IS_DEAD: Final = signal.SIGUSR1
