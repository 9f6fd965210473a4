"""The protocol's steps, explored: every order of what two workers, people and mishaps can do, within small scenes.

`state` is what a scene's database and workers hold, `store` the store's transactions on it, `outside` those of calls to
others, `worker` what a worker does next, `mishaps` what may befall it, `promises` what must hold, `search` goes through
all of it, `mutations` breaks one rule each. test_conformance.py holds the steps against the real store and runner.
"""
