"""What these tests share."""

from tests.crash.aloud import tell as tell
