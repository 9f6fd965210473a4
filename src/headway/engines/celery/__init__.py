"""Celery delivers: one task, which claims whatever should go next, advances it for a slice and rings again.

The message is a doorbell and carries no truth. Nothing here is imported unless HEADWAY["ENGINE"] is "celery".
"""
