"""The door of one event loop: admits watchers, by a permit or by asking the gate."""

from headway.conf import conf

from .answers import Answer
from .gate import Admission, Gate
from .permits import Permits, key_of
from .protocol import Scope
from .routes import Target
from .tickets import has_ticket

__all__ = ["Door"]


class Door:
    """Knows the gate, and remembers its answers if the project lets it."""

    def __init__(self) -> None:
        self.gate, self.permits = Gate(), Permits()
        self.remembers = conf().permits

    async def knock(self, scope: Scope, target: Target) -> Admission | Answer:
        """Who may watch, or the refusal. A ticket is looked at each time: it is good for a minute and no longer."""
        if not self.remembers or has_ticket(scope):
            return await self.gate.ask(scope, target)
        key = key_of(scope, target.run_id)
        if admission := self.permits.find(key):
            return admission
        answer = await self.gate.ask(scope, target)
        if isinstance(answer, Admission):
            self.permits.remember(key, answer)
        return answer
