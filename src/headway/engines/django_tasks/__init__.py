"""Django's own tasks as a doorbell: whatever worker the project has for them claims parts and advances them.

A task row says nothing but "ask what is due". So it may be lost, run twice or stay "running" for ever.
"""
