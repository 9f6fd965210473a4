"""Long operations for Django that start once, survive anything, and show their progress.

What is exported here is what an operation is declared with. Starting and steering runs is `headway.runs`.
"""

from headway.operations import sources
from headway.operations.again import Retry, Tolerance
from headway.operations.base import Operation
from headway.operations.kept import File
from headway.operations.outcomes import Reject, Skip, Stop, TryAgain, Wait
from headway.operations.rates import Rate

__version__ = "0.1.0"

__all__ = ["File", "Operation", "Rate", "Reject", "Retry", "Skip", "Stop", "Tolerance", "TryAgain", "Wait", "sources"]
