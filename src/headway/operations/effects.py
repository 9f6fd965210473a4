"""What an operation's items do outside the database: each effect under a key of its own, and what is known of it."""

from uuid import UUID, uuid5

LONGEST_NAME = 100


class Effects:
    """The effects of one item, in one attempt at it. `known`: those that earlier attempts have finished, by name."""

    def __init__(self, root: UUID, item: str, known: tuple[str, ...] = ()) -> None:
        self.root = root
        self.item = item
        self.done = dict.fromkeys(known)
        self.begun: str | None = None
        """The one that has been begun and isn't finished."""
        self.looked = False
        """Whether the item's code has asked what is done, so that it may be done again."""

    def __call__(self, name: str) -> "Effect":
        if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
            raise ValueError(f"{name!r} is no name of an effect: give text of 1 to {LONGEST_NAME} characters.")
        return Effect(self, name)

    @property
    def may_be_repeated(self) -> bool:
        """Whether the item can be done again without sending a second time what has gone out."""
        return self.looked or not self.done


class Effect:
    """One effect of one item: `with self.effect("mail") as effect: …`. It is done once that ends without an error."""

    def __init__(self, effects: Effects, name: str) -> None:
        self.effects = effects
        self.name = name

    @property
    def key(self) -> str:
        """The same in each attempt, also in retries of the run, and of no other effect: a UUID in 36 characters, for an
        `Idempotency-Key` or a `Message-ID`."""
        return str(uuid5(self.effects.root, f"{self.effects.item}\n{self.name}"))

    @property
    def done(self) -> bool:
        """Whether an earlier attempt at this item has finished it. An item of several effects asks before each."""
        self.effects.looked = True
        return self.name in self.effects.done

    def __enter__(self) -> "Effect":
        self.effects.begun = self.name
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self.effects.done[self.name] = None
            self.effects.begun = None
