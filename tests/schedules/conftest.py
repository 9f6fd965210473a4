"""What the tests of schedules share: the engines, and the ticks that have had their run."""

from tests.crash.aloud import dice as dice
from tests.crash.aloud import tell as tell
from tests.engines.conftest import broker as broker
from tests.engines.conftest import engine as engine
from tests.engines.conftest import valkey as valkey
