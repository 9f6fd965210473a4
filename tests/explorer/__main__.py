"""`python -m tests.explorer`: the states that were visited, and the promise that caught each mutation."""

import sys

from .mutations import MUTATIONS
from .scenes import SCENES


def main() -> int:
    """0 when no promise was broken, and every mutation was caught."""
    print("| Scene | States | Moves | Broken |\n| --- | ---: | ---: | --- |")
    wrong = 0
    for scene in SCENES:
        found = scene.explore()
        wrong += found.broken is not None
        print(f"| {scene.name} | {found.states:,} | {found.moves:,} | {found.broken or 'nothing'} |", flush=True)
    print("\n| Mutation | Scene | Caught by | States | Moves to it |\n| --- | --- | --- | ---: | ---: |")
    for mutation in MUTATIONS:
        found = mutation.explore()
        wrong += found.broken is None
        caught = found.broken or "NOTHING"
        print(f"| {mutation.name} | {mutation.scene} | {caught} | {found.states:,} | {len(found.story)} |", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
