"""Every durable write, each a guarded UPDATE or one transaction that is named for its promise.

Lock order is always Run, then Part. Nothing here knows an operation's code, a worker's loop or a client.
"""
