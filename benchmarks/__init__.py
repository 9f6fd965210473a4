"""`python -m benchmarks`: what Headway costs, each figure beside its reference in the same run."""
