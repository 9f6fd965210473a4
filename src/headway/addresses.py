"""Where Headway is mounted, as far as a project has mounted it."""

from typing import Any

from django.urls import NoReverseMatch, reverse


def of_api(name: str, *arguments: Any) -> str:
    """One of the API's addresses; "" where the API isn't mounted."""
    return address(f"headway:{name}", *arguments)


def of_page(name: str, *arguments: Any) -> str:
    """One of the pages' addresses; "" where the pages aren't mounted."""
    return address(f"headway_ui:{name}", *arguments)


def address(name: str, *arguments: Any) -> str:
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""
