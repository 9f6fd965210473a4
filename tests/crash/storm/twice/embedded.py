"""The doorbell of the engine `embedded`, rung twice."""

from headway.engines.embedded import doorbell

__all__ = ["ring"]


def ring(operation: str = "", times: int = 1) -> None:
    """Ring, and ring again."""
    doorbell.ring(operation, times)
    doorbell.ring(operation, times)
