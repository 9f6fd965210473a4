"""What these tests share."""

from tests.crash.aloud import dice as dice
from tests.crash.aloud import tell as tell
