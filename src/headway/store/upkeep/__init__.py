"""What is cleared away, by workers in their own time or on request: runs that were deleted or whose time is over, stray
uploads, and what another clock has left."""
