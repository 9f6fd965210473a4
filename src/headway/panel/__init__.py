"""A run as people see it: which face it shows, and the figures in it, in words. The pages and the tag render it."""

from .shown import Shown, faces_for_browser, show, show_all

__all__ = ["Shown", "faces_for_browser", "show", "show_all"]
