"""What is declared wrongly is told at start-up, without what is secret in it."""

from typing import Any

import pytest

from headway.checks import check_settings, check_webhooks
from headway.conf import conf
from headway.webhooks import endpoints

from .receiver import OLD, SECRET

URL = "https://billing.example.com/headway/"
SHORT = "whsec_c2hvcnQ="


def found(settings: Any, **declared: Any) -> list[str]:
    """What is said of this entry, named billing."""
    settings.HEADWAY = {"WEBHOOKS": {"billing": declared}}
    assert check_settings() == []
    return [error.msg.removeprefix("HEADWAY[\"WEBHOOKS\"]['billing']") for error in check_webhooks()]


@pytest.mark.parametrize(
    "declared",
    [
        {"secret": SECRET},
        {"secret": SECRET.rstrip("=")},
        {"secret": [SECRET, OLD]},
        {"secret": SECRET, "operations": ["tests.write_ledger"]},
        {"secret": SECRET, "url": "http://stock:8000/hooks/", "allow_http": True},
    ],
    ids=["plain", "without padding", "two secrets", "some operations", "http within a network"],
)
def test_what_may_be_declared(settings: Any, declared: dict[str, Any]) -> None:
    assert found(settings, **{"url": URL} | declared) == []
    assert endpoints.endpoint("billing") is not None


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"url": 5}, ": url must be a whole address in ASCII, such as https://billing.example.com/headway/."),
        ({"url": "billing.example.com"}, ": url must be a whole address in ASCII, such as"),
        ({"url": "https://billing.example.com:x/"}, ": url must be a whole address in ASCII, such as"),
        ({"url": "https://billing..example.com/"}, ": url must be a whole address in ASCII, such as"),
        ({"url": "https://billing.example.com/a b"}, ": url must be a whole address in ASCII, such as"),
        ({"url": "https://me:hush@billing.example.com/"}, ": url has a user or a fragment, which isn't sent."),
        (
            {"url": "http://billing.example.com/"},
            ': url must begin with https://. For one within your own network say "',
        ),
        ({"secret": None}, ": secret must be whsec_ and 24 to 64 bytes in base64, or a list of such."),
        ({"secret": []}, ": secret must be whsec_"),
        ({"secret": "hush"}, ": secret must be whsec_"),
        ({"secret": SHORT}, ": secret must be whsec_"),
        ({"secret": [SECRET, "whsec_hush!"]}, ": secret must be whsec_"),
        ({"operations": "tests.write_ledger"}, ": operations must be a list of names, such as"),
        (
            {"operations": ["tests.write_leger"]},
            ": operations: There is no operation 'tests.write_leger'. Did you mean",
        ),
        ({"events": []}, " has 'events'. There are: allow_http, operations, secret, url."),
    ],
)
def test_what_is_wrong_is_said(settings: Any, declared: dict[str, Any], said: str) -> None:
    (told,) = found(settings, **{"url": URL, "secret": SECRET} | declared)
    assert told.startswith(said)
    assert "hush" not in told


def test_in_debug_http_will_do(settings: Any) -> None:
    settings.DEBUG = True
    assert found(settings, url="http://localhost:9000/", secret=SECRET) == []


def test_no_secret_is_shown_where_the_whole_setting_is_wrong(settings: Any) -> None:
    settings.HEADWAY = {"WEBHOOKS": [SECRET]}
    (error,) = check_settings()
    assert error.msg == (
        "HEADWAY['WEBHOOKS'] is wrong (it may hold secrets, so it isn't shown); it must be a dictionary of names, such "
        "as "
        '{"billing": {"url": "https://…", "secret": "whsec_…"}}.'
    )


def test_no_secret_is_in_what_python_shows_of_the_settings(settings: Any) -> None:
    assert found(settings, url=URL, secret=SECRET) == []
    assert SECRET not in repr(conf())
    assert "billing" not in repr(endpoints.endpoint("billing"))


@pytest.mark.parametrize("name", ["", "bill\0ing"])
def test_a_name_that_no_run_can_keep_is_refused(settings: Any, name: str) -> None:
    settings.HEADWAY = {"WEBHOOKS": {name: {"url": URL, "secret": SECRET}}}
    (error,) = check_settings()
    assert error.msg.startswith("HEADWAY['WEBHOOKS'] is wrong")


@pytest.mark.parametrize("address", ["redi://:hush@stock/0", "postgres:/shop:hush@stock/db"])
@pytest.mark.parametrize("key", ["WAKE_UPS", "HOLDS"])
def test_an_address_that_is_wrong_is_not_shown_with_its_password(settings: Any, key: str, address: str) -> None:
    settings.HEADWAY = {key: address}
    (error,) = check_settings()
    assert error.msg.startswith(f"HEADWAY[{key!r}] is wrong (it may hold secrets, so it isn't shown); it must be")
