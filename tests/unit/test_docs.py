"""The pages say what the code does: every setting, every promise's test, every link."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from headway import Operation, Retry
from headway.conf import Conf
from headway.states import TERMINAL, State, shown
from headway.templatetags.headway import register
from headway.ui import urls

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


def test_every_setting_is_on_its_page_in_the_order_of_the_code() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    assert re.findall(r"^\| `(\w+)`", page, re.MULTILINE) == [field.name.upper() for field in fields(Conf)]


def test_every_attribute_of_an_operation_is_on_its_page_with_its_default() -> None:
    page = (ROOT / "docs/reference/operation.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| `?([^`|]+?)`? \|", page, re.MULTILINE))
    made = {"form", "do_not_call_in_templates", "step_titles", "_alone"}  # by Headway itself
    public = [name for name in Operation.__annotations__ if name not in made]
    defaults = {name: repr(vars(Operation)[name]) if name in vars(Operation) else "–" for name in public}
    assert told == defaults | {"retry": "Retry()"}
    assert Operation.retry == Retry()


def test_every_system_check_is_on_its_page() -> None:
    page = (ROOT / "docs/reference/checks.md").read_text()
    sources = "".join(path.read_text() for path in (ROOT / "src/headway").rglob("*.py"))
    told = re.findall(r'(?:id="headway\.|"headway\.|fault\("|fault\(\n\s+")([EW]\d{3})"', sources)
    assert sorted(re.findall(r"^\| headway\.(\w+)", page, re.MULTILINE)) == sorted(set(told))


def test_no_message_leads_to_a_file_that_the_installed_package_has_not() -> None:
    for path in (ROOT / "src/headway").rglob("*.py"):
        assert "docs/" not in path.read_text(), path


def test_every_attribute_and_event_of_the_element_is_on_its_page() -> None:
    page = (ROOT / "docs/reference/element.md").read_text()
    panel = (ROOT / "src/headway/templates/headway/panel.html").read_text()
    scripts = "".join(path.read_text() for path in (ROOT / "src/headway/static/headway").glob("*.js"))
    [element] = re.findall(r"<headway-run[^>]*>", panel.replace("%}", "").replace("{%", ""))
    assert set(re.findall(r"`(data-[\w-]+)` \|", page)) == set(re.findall(r"data-[\w-]+", element))
    assert set(re.findall(r"\| `(headway:\w+)`", page)) == set(re.findall(r'"(headway:\w+)"', scripts))


def test_every_custom_property_is_on_the_elements_page() -> None:
    page = (ROOT / "docs/reference/element.md").read_text()
    styles = (ROOT / "src/headway/static/headway/headway.css").read_text()
    spaces = {f"--hw-{number}" for number in range(1, 9)}
    assert set(re.findall(r"`(--hw-[\w-]+)`", page)) | spaces == set(re.findall(r"(--hw-[\w-]+):", styles))


def test_every_address_of_the_pages_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/code.md").read_text()
    named = {pattern.name for pattern in urls.urlpatterns} - {"reload"}
    assert set(re.findall(r"`headway_ui:(\w+)`", page)) == named


def test_every_template_tag_is_on_its_page() -> None:
    page = (ROOT / "docs/reference/element.md").read_text()
    assert sorted(re.findall(r"^\| `{% (\w+)", page, re.MULTILINE)) == sorted(register.tags)


def test_every_command_is_on_its_page() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text()
    there = {path.stem for path in (ROOT / "src/headway/management/commands").glob("headway_*.py")}
    assert set(re.findall(r"`(headway_\w+)", page)) == there


def test_every_state_is_in_the_glossary_with_whether_it_is_done() -> None:
    _, _, section = (ROOT / "docs/glossary.md").read_text().partition("## The states of a run")
    rows = re.findall(r"^\| (`.*?`) \|.*\| (yes|no) \|$", section, re.MULTILINE)
    told = {state: done == "yes" for states, done in rows for state in re.findall(r"`(\w+)`", states)}
    assert told == {str(shown(state)): state in TERMINAL for state in State}


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/explanation/guarantees.md", "docs/how-to/idempotent-views.md"])
def test_every_test_that_a_promise_names_is_there(page: str) -> None:
    promised = set(re.findall(r"`(test_\w+)`", (ROOT / page).read_text()))
    written = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert promised
    assert promised - written == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    there = [link for link in links if not link.startswith(("http:", "https:", "mailto:"))]
    assert [link for link in there if not (page.parent / link).exists()] == []
