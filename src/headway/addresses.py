"""Where Headway is mounted, as far as a project has mounted it."""

from typing import Any

from django.urls import NoReverseMatch, ResolverMatch, reverse

APPS = ("headway", "headway_ui")


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


def is_own(match: ResolverMatch) -> bool:
    """Whether what the project has there is one of Headway's own pages or of its API."""
    return bool(match.app_names) and match.app_names[-1] in APPS
