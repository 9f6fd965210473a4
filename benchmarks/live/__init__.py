"""`python -m benchmarks.live`: what live delivery reaches with one web process, beside what Django alone does."""
