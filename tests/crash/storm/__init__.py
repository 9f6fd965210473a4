"""The crash run: all that can be killed is, while people start, pause, resume, cancel and retry; then it is judged.

`python -m tests.crash.storm` (or `make crash`). docs/explanation/crash-run.md says how it judges.
"""
