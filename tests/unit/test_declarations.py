"""A wrong declaration fails when the class is made, with the class's name, what is wrong and what would be right."""

import functools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.db import IntegrityError
from django.utils.translation import gettext_lazy

from example.airports.operations import ImportAirports
from headway import Operation, Reject, Tolerance, sources
from headway.errors import DeclarationError, UnknownOperation
from headway.operations import base, registry
from tests.app.sources import Numbers


class NameForm(forms.Form):
    """A form to be declared."""

    name = forms.CharField()


@pytest.fixture(autouse=True)
def _forget_what_is_declared_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "by_name", dict(base.by_name))


def items(self: Operation) -> Numbers:
    return Numbers(1)


def process(self: Operation, item: Any) -> None: ...


def declare(*bases: type, **attributes: Any) -> Any:
    """A class in this module, right but for what is given."""
    body = {"name": "tests.declared", "items": items, "process": process, "__module__": __name__} | attributes
    return type("Import", bases or (Operation,), body)


def refusal(*bases: type, **attributes: Any) -> str:
    """What is said of such a class, behind its name."""
    with pytest.raises(DeclarationError) as raised:
        declare(*bases, **attributes)
    module, _, said = str(raised.value).partition("Import: ")
    assert module == "tests.unit.test_declarations."
    return said


async def process_async(self: Operation, item: Any) -> None: ...


async def process_stream(self: Operation, item: Any) -> Any:
    yield item


def items_yielding(self: Any) -> Iterator[tuple[int, int]]:
    yield 1, 1


def process_yielding(self: Operation, item: Any) -> Iterator[Any]:
    yield item


def csv_items(self: Operation) -> sources.csv: ...  # type: ignore[empty-body]


SPOKEN = 'it must be a whole number of items from 1 on and their time, such as "50/s", "100/min", "1000/h" or "500/d".'
IN_SETS: dict[str, Any] = {"process": Operation.process, "process_chunk": lambda self, rows: None}
FEW = "window is 4, fewer than its 8 threads: some would never have an item."
PREPARED: dict[str, Any] = {"prepare": lambda self, item: item, "process": lambda self, item, prepared: None}


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        (
            {"items": Operation.items},
            "items is missing; declare `def items(self): return sources.csv(…)`.",
        ),
        ({"process": Operation.process}, "process is missing; declare `def process(self, item): …`."),
        ({"items": [1, 2]}, "items must be a method, not [1, 2]."),
        ({"process": "later"}, "process must be a method, not 'later'."),
        (
            {"process": process_async},
            "process is async; a worker is synchronous, because Django's ORM has no async transactions. Use `def`.",
        ),
        (
            {"process": process_stream},
            "process is async; a worker is synchronous, because Django's ORM has no async transactions. Use `def`.",
        ),
        ({"process": process_yielding}, "process has a `yield`, so it would do nothing. Use `return`."),
        (
            {"process": lambda self: None},
            "process must take the item and nothing else: `def process(self, item)`.",
        ),
        (
            {"process": lambda self, item, user: None},
            "process must take the item and nothing else: `def process(self, item)`.",
        ),
        ({"items": lambda self, params: None}, "items must take nothing: `def items(self)`."),
        ({"on_start": lambda self, run: None}, "on_start must take nothing: `def on_start(self)`."),
        ({"on_finish": lambda self, result: None}, "on_finish must take nothing: `def on_finish(self)`."),
        (
            {"concurrency_key": lambda self, params: None},
            "concurrency_key must take nothing: `def concurrency_key(self)`.",
        ),
        ({"concurrency_key": "global"}, "concurrency_key must be a method, not 'global'."),
        ({"label": lambda self: ""}, "label must take the item and nothing else: `def label(self, item)`."),
        ({"params": "NameForm"}, "params must be a Django form class, not 'NameForm'."),
        ({"params": NameForm()}, f"params must be a Django form class, not {NameForm()!r}."),
        ({"params": dict}, "params must be a Django form class, not <class 'dict'>."),
        ({"on_conflict": "wait"}, "on_conflict is 'wait'; it must be one of join, reject, queue, replace, allow."),
        ({"on_conflict": None}, "on_conflict is None; it must be one of join, reject, queue, replace, allow."),
        ({"item_timeout": 0}, "item_timeout is 0; it must be a number of seconds above 0."),
        ({"item_timeout": "60"}, "item_timeout is '60'; it must be a number of seconds above 0."),
        ({"item_timeout": True}, "item_timeout is True; it must be a number of seconds above 0."),
        ({"item_timeout": float("inf")}, "item_timeout is inf; it must be a number of seconds above 0."),
        ({"item_timeout": float("nan")}, "item_timeout is nan; it must be a number of seconds above 0."),
        ({"error_codes": ["duplicate"]}, "error_codes must be a dictionary, not ['duplicate']."),
        (
            {"error_codes": {"IntegrityError": "duplicate"}},
            "error_codes has the key 'IntegrityError'; it must be an exception class, such as IntegrityError.",
        ),
        (
            {"error_codes": {KeyboardInterrupt: "stopped"}},
            "error_codes has the key <class 'KeyboardInterrupt'>; "
            "it must be an exception class, such as IntegrityError.",
        ),
        (
            {"error_codes": {Reject: "rejected"}},  # it has a code of its own
            "error_codes has the key <class 'headway.operations.outcomes.Reject'>; "
            "it must be an exception class, such as IntegrityError.",
        ),
        (
            {"error_codes": {IntegrityError: "It is there already."}},
            "error_codes: 'It is there already.' is not a code: use lower-case words joined by hyphens, at most 64 "
            "characters, such as 'city-missing'. The sentence for people goes into the text.",
        ),
        ({"rate": 4}, f"rate is 4; {SPOKEN}"),
        ({"rate": "50"}, f"rate is '50'; {SPOKEN}"),
        ({"rate": "0/s"}, f"rate is '0/s'; {SPOKEN}"),
        ({"rate": "0.5/s"}, f"rate is '0.5/s'; {SPOKEN}"),
        ({"rate": "50/second"}, f"rate is '50/second'; {SPOKEN}"),
        ({"rate": "20000/s"}, "rate is '20000/s'; more than 10,000 items a second can't be kept."),
        ({"retry": 4}, "retry is 4; it must be a Retry, such as Retry(on=ConnectionError)."),
        ({"tolerance": 4}, "tolerance is 4; it must be a Tolerance, such as Tolerance(percent=5)."),
        (
            {"process_chunk": lambda self, rows: None},
            "process and process_chunk are both there, and an item is done once. Leave out one of them.",
        ),
        (
            IN_SETS | {"prepare": lambda self, item: None},
            "prepare is called for single items, but process_chunk does many at once. Leave out one of them.",
        ),
        (
            IN_SETS | {"lock_rows": True},
            "lock_rows is for process. In process_chunk, lock what you need: `rows.select_for_update()`.",
        ),
        (
            IN_SETS | {"process_chunk": lambda self: None},
            "process_chunk must take the rows and nothing else: `def process_chunk(self, rows)`.",
        ),
        (
            IN_SETS | {"process_chunk": process_yielding},
            "process_chunk has a `yield`, so it would do nothing. Use `return`.",
        ),
        ({"lock_rows": 1}, "lock_rows is 1; it must be True or False."),
        (
            {"lock_rows": True, "items": csv_items},
            "lock_rows is True, but items() gives a CsvSource, which has no rows to lock. Leave lock_rows out, or use "
            "sources.queryset or sources.selection.",
        ),
        ({"parts": 0}, "parts is 0; it must be a whole number from 1 to 256."),
        ({"parts": 257}, "parts is 257; it must be a whole number from 1 to 256."),
        ({"parts": "4"}, "parts is '4'; it must be a whole number from 1 to 256."),
        ({"parts": True}, "parts is True; it must be a whole number from 1 to 256."),
        (
            {"parts": 4, "items": csv_items},
            "parts is 4, but items() gives a CsvSource, which can't be split. Leave parts out, or use a source that "
            "has `split`: sources.queryset, sources.selection, sources.ndjson.",
        ),
        (
            {"parts": 4, "items": items_yielding},
            "parts is 4, but items() gives a PairsSource, which can't be split. Leave parts out, or use a source that "
            "has `split`: sources.queryset, sources.selection, sources.ndjson.",
        ),
        ({"threads": 2.0, **PREPARED}, "threads is 2.0; it must be a whole number from 1 to 256."),
        ({"threads": 0, **PREPARED}, "threads is 0; it must be a whole number from 1 to 256."),
        (
            {"threads": 4},
            "threads is 4, but only `prepare` runs on threads, and there is none. Move what is slow and can be "
            "repeated into `def prepare(self, item)`, declare effects = 'outside', or leave threads out.",
        ),
        (
            {"prepare": lambda self, item: None},
            "process must take what prepare gives as well: `def process(self, item, prepared)`.",
        ),
        (
            PREPARED | {"prepare": lambda self: None},
            "prepare must take the item and nothing else: `def prepare(self, item)`.",
        ),
        (PREPARED | {"prepare": process_yielding}, "prepare has a `yield`, so it would do nothing. Use `return`."),
        (
            PREPARED | {"prepare": process_async},
            "prepare is async; a worker is synchronous, because Django's ORM has no async transactions. Use `def`.",
        ),
        (
            {"name": "import airports"},
            "name is 'import airports'; it must be made of letters, digits, '.', '_' and '-', at most 200 of them, "
            "such as 'airports.import_airports'.",
        ),
        (
            {"name": None},
            "name is None; it must be made of letters, digits, '.', '_' and '-', at most 200 of them, "
            "such as 'airports.import_airports'.",
        ),
        ({"title": 5}, "title is 5; it must be text."),
        ({"effects": "mail"}, "effects is 'mail'; it must be 'inside' or 'outside'."),
        (
            {"window": 4},
            "window has no meaning without effects = 'outside'. Declare that, or leave it out.",
        ),
        ({"effects": "outside", "threads": 8, "window": 4}, FEW),
        ({"effects": "outside", "window": 0}, "window is 0; it must be a whole number from 1 to 1000, or None."),
        (
            {"effects": "outside", "in_doubt": "settle"},
            "in_doubt = 'settle' and `def settle(self, item)` belong together: declare both, or neither.",
        ),
        (
            {"effects": "outside", "prepare": lambda self, item: item, "process": lambda self, item, prepared: None},
            "prepare isn't called with effects = 'outside': process runs on threads itself. Do it there.",
        ),
        *(
            (
                {"aliases": aliases},
                f"aliases is {aliases!r}; it must be a tuple of the names that it had before, the oldest first, such "
                "as ('airports.import_all',).",
            )
            for aliases in ("tests.before", ["tests.before"], ("two words",), (5,))
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_when_the_class_is_made(attributes: dict[str, Any], said: str) -> None:
    assert refusal(**attributes) == said


def test_what_is_refused_is_not_registered() -> None:
    refusal(process=process_async)
    with pytest.raises(UnknownOperation):
        registry.get("tests.declared")


class TestInheritance:
    def test_an_abstract_base_may_lack_everything_and_is_no_operation(self) -> None:
        base: Any = type("Base", (Operation,), {"abstract": True})
        assert base not in registry.every()
        assert declare(base).abstract is False

    def test_a_class_below_an_abstract_one_inherits_what_it_declares(self) -> None:
        base: Any = type("Base", (Operation,), {"abstract": True, "params": NameForm, "process": process})
        operation: Any = type("Import", (base,), {"name": "tests.declared", "items": items})
        assert operation.form is NameForm

    def test_a_mixin_may_bring_any_of_it(self) -> None:
        mixin = type(
            "Mixin", (), {"params": NameForm, "items": items, "process": process, "error_codes": {ValueError: "bad"}}
        )
        operation: Any = type("Import", (mixin, Operation), {"name": "tests.declared"})
        assert operation.form is NameForm
        assert operation.code_for(ValueError()) == "bad"

    def test_parameters_can_be_taken_away_again(self) -> None:
        base = declare(params=NameForm)
        assert declare(base, name="tests.other", params=None).form is None

    def test_what_a_mixin_or_an_abstract_base_brings_is_judged_with_the_class(self) -> None:
        later = f"rate is 4; {SPOKEN}"
        assert refusal(type("Mixin", (), {"rate": 4}), Operation) == later
        assert refusal(type("Base", (Operation,), {"abstract": True, "rate": 4})) == later
        wrong = "params must be a Django form class, not 'NameForm'."
        assert refusal(type("Mixin", (), {"params": "NameForm"}), Operation) == wrong
        assert refusal(type("Base", (Operation,), {"abstract": True, "params": "NameForm"})) == wrong

    def test_a_method_may_be_any_callable_that_takes_the_item(self) -> None:
        def do(self: Operation, item: Any, loudly: bool) -> None: ...

        declare(process=functools.partialmethod(do, loudly=True))
        declare(process=lambda self, item, *more: None)
        declare(prepare=lambda self, item: item, process=lambda self, item, *more: None, threads=8)

    def test_parts_are_taken_where_the_source_is_known_to_split_or_not_known_yet(self) -> None:
        def rows(self: Operation) -> sources.queryset[Any]: ...  # type: ignore[empty-body]
        def anything(self: Operation) -> sources.Source[Any]: ...  # type: ignore[empty-body]
        def unknown(self: Operation) -> "Elsewhere": ...  # type: ignore[name-defined,empty-body]  # noqa: F821

        for given in (rows, anything, unknown, lambda self: None):
            assert declare(items=given, parts=256).parts == 256


class TestNames:
    @pytest.mark.parametrize(
        ("written", "name", "title"),
        [
            ("ImportAirports", "app.import_airports", "Import airports"),
            ("CheckHTTPStatus", "app.check_http_status", "Check http status"),
            ("Import2Airports", "app.import2_airports", "Import2 airports"),
            ("Import", "app.import", "Import"),
        ],
    )
    def test_name_and_title_follow_from_the_class(self, written: str, name: str, title: str) -> None:
        body = {"items": items, "process": process, "__module__": "tests.app.operations"}
        operation: Any = type(written, (Operation,), body)
        assert (operation.name, operation.title) == (name, title)
        assert registry.get(name) is operation

    def test_both_may_be_given(self) -> None:
        operation = declare(name="airports.import", title="Bring them in")
        assert registry.get("airports.import").title == "Bring them in"
        assert operation.title == "Bring them in"

    def test_a_subclass_is_an_operation_of_its_own(self) -> None:
        body = {"__module__": "tests.app.operations"}
        operation: Any = type("ImportSmallAirports", (ImportAirports,), body)
        assert (operation.name, operation.title) == ("app.import_small_airports", "Import small airports")
        assert ImportAirports.name == "airports.import_airports"

    def test_two_operations_cannot_have_one_name(self) -> None:
        declare()
        with pytest.raises(DeclarationError) as raised:
            type("Other", (Operation,), {"name": "tests.declared", "items": items, "process": process})
        assert str(raised.value) == (
            "Two operations are called 'tests.declared': tests.unit.test_declarations.Import and "
            "tests.unit.test_declarations.Other. Rename one, or give it a `name` of its own."
        )

    def test_two_operations_cannot_have_had_one_name(self) -> None:
        declare(aliases=("tests.before",))
        for name, aliases in (("tests.before", ()), ("tests.other", ("tests.before",))):
            body = {"name": name, "aliases": aliases, "items": items, "process": process}
            with pytest.raises(DeclarationError) as raised:
                type("Other", (Operation,), body)
            assert str(raised.value) == (
                "Two operations are called 'tests.before': tests.unit.test_declarations.Import and "
                "tests.unit.test_declarations.Other. Take it out of the `aliases` of one."
            )
        with pytest.raises(UnknownOperation):
            registry.get("tests.other")

    def test_former_names_are_neither_inherited_nor_listed(self) -> None:
        operation = declare(aliases=("tests.first", "tests.second"))
        heir = declare(operation, name="tests.heir")
        assert (operation.names(), heir.names()) == (
            ("tests.first", "tests.second", "tests.declared"),
            ("tests.heir",),
        )
        assert registry.get("tests.first") is registry.get("tests.second") is operation
        assert registry.every().count(operation) == 1

    def test_a_module_may_be_loaded_again(self) -> None:
        first, second = declare(), declare()
        assert first is not second
        assert registry.get("tests.declared") is second

    def test_a_class_outside_every_app_needs_a_name(self) -> None:
        with pytest.raises(DeclarationError) as raised:
            type("Import", (Operation,), {"items": items, "process": process, "__module__": "scripts.once"})
        assert str(raised.value) == (
            "scripts.once.Import stands in no installed app, so it has no name. "
            "Move it into an app's operations.py, or give it one: name = 'app.operation'."
        )

    def test_a_class_made_before_the_apps_are_loaded_is_told_where_it_belongs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("django.apps.apps.apps_ready", False)
        with pytest.raises(DeclarationError) as raised:
            type("Import", (Operation,), {"items": items, "process": process, "__module__": "airports.models"})
        assert str(raised.value) == (
            "airports.models.Import is imported before Django's apps are loaded. "
            "Keep operations in operations.py; import them from there, not from models.py or __init__.py."
        )

    def test_the_description_is_the_first_paragraph_of_its_own_docstring(self) -> None:
        assert ImportAirports.description() == "Create or update airports from a CSV file."
        assert declare(__doc__="One line\nor two.\n\nMore.").description() == "One line\nor two."
        assert declare(ImportAirports, name="tests.other").description() == ""


class TestRegistry:
    def test_an_unknown_name_is_answered_with_the_close_one(self) -> None:
        with pytest.raises(UnknownOperation) as raised:
            registry.get("airports.import_airport")
        assert str(raised.value) == (
            "There is no operation 'airports.import_airport'. Did you mean 'airports.import_airports'? "
            "Operations are found in operations.py of each installed app; one that was "
            "renamed keeps its old name in `aliases`."
        )
        assert raised.value.name == "airports.import_airport"

    @pytest.mark.parametrize(("known", "there"), [(["b", "a"], "a, b"), ([], "none")])
    def test_or_with_all_that_there_are(self, known: list[str], there: str) -> None:
        assert str(UnknownOperation("airports.import", known)) == (
            f"There is no operation 'airports.import'. There are: {there}. "
            "Operations are found in operations.py of each installed app; one that was "
            "renamed keeps its old name in `aliases`."
        )

    def test_the_operations_of_every_installed_app_are_found_by_themselves(self) -> None:
        names = [operation.name for operation in registry.every()]
        assert names == sorted(names)
        assert {"airports.import_airports", "tests.write_ledger"} <= set(names)


def items_of_table(self: Operation) -> sources.queryset[Any]:
    raise NotImplementedError


def test_items_can_be_found_on_the_way_only_where_those_of_the_beginning_are_known() -> None:
    assert refusal(discovers=True, items=items_of_table) == (
        "discovers is True, but items() gives a QuerysetSource, which can't tell the keys that it begins with. "
        "Use sources.roots or sources.selection, or leave discovers out."
    )
    assert refusal(discovers="yes").startswith("discovers is 'yes'; it must be True or False.")


@pytest.mark.parametrize("keep", [30, timedelta(0), timedelta(days=-1), "a month"])
def test_how_long_runs_are_kept_is_a_time_above_none(keep: Any) -> None:
    assert refusal(keep=keep).startswith(f"keep is {keep!r}; it must be a timedelta above 0")


def step(self: Operation) -> None: ...


async def step_async(self: Operation) -> None: ...


def step_yielding(self: Operation) -> Any:
    yield 1


def step_with(self: Operation, more: Any) -> None: ...


def of_steps(**attributes: Any) -> dict[str, Any]:
    """A class of one step, right but for what is given."""
    return {"items": Operation.items, "process": Operation.process, "steps": ("send",), "send": step} | attributes


@pytest.mark.parametrize(
    "declared",
    [{}, {"steps": {"send": "Send all"}}, {"steps": {"send": gettext_lazy("Send all")}}, {"steps": (), "run": step}],
)
def test_steps_take_the_place_of_items(declared: dict[str, Any]) -> None:
    made = declare(**of_steps(**declared))

    assert made.has_steps()
    assert made.item_timeout == 3600
    assert list(made.step_titles.values()) in (["Send"], ["Send all"], ["Import"])


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"steps": "send"}, "steps is 'send'; it must be a tuple of names of methods"),
        ({"steps": ("send", "send")}, "which has a name twice"),
        ({"steps": ([],)}, "steps names [], and there is no such method."),
        ({"steps": ("fetch",)}, "steps names 'fetch', and there is no such method. Declare `def fetch(self): …`."),
        ({"steps": ("on_finish",)}, "which has a meaning of its own here"),
        ({"steps": {"send": 3}}, "steps has the title 3; it must be text."),
        ({"send": step_async}, "send is async, and a worker is synchronous."),
        ({"send": step_yielding}, "send has a `yield`, so it would do nothing."),
        ({"send": step_with}, "send must take nothing: `def send(self)`."),
        ({"run": step}, "steps and `def run(self)` are both there"),
        ({"steps": (), "run": 3}, "run must be a method, `def run(self): …`, not 3."),
        ({"items": items}, "items is for operations with items, and this one has steps. Leave out one of them."),
        ({"process": process}, "process is for operations with items"),
        ({"process_chunk": process}, "process_chunk is for operations with items"),
        ({"prepare": process}, "prepare is for operations with items"),
        ({"parts": 2}, "parts is for items, and this operation has steps. Leave it out."),
        ({"threads": 2}, "threads is for items"),
        ({"rate": "5/s"}, "rate is for items"),
        ({"effects": "outside"}, "effects is for items, and no transaction is around a step anyway. Leave it out."),
        ({"tolerance": Tolerance(count=1)}, "tolerance is for items"),
        ({"keep_results": True}, "keep_results is for items"),
    ],
)
def test_what_does_not_go_with_steps_is_refused(attributes: dict[str, Any], said: str) -> None:
    assert said in refusal(**of_steps(**attributes))


class TestMisspelt:
    @pytest.mark.parametrize(
        ("name", "value", "meant"),
        [
            ("permision", "airports.add_airport", "permission"),
            ("permissions", "signed-in", "permission"),
            ("thread", 8, "threads"),
            ("part", 4, "parts"),
            ("error_code", {}, "error_codes"),
            ("param", NameForm, "params"),
            ("tolerence", None, "tolerance"),
            ("retries", 3, "retry"),
            ("max_retries", 3, "retry"),
            ("on_conflct", "reject", "on_conflict"),
            ("on_finished", lambda self: None, "on_finish"),
            ("lable", lambda self, item: None, "label"),
            ("prepere", lambda self, item: None, "prepare"),
            ("setle", lambda self, item: None, "settle"),
            ("proces", functools.lru_cache(lambda self, item: None), "process"),
            ("process_chunks", lambda self, rows: None, "process_chunk"),
        ],
    )
    def test_a_name_that_means_nothing_is_told_with_the_one_that_was_meant(
        self, name: str, value: Any, meant: str
    ) -> None:
        said = f"{name} is nothing that an operation can declare. Did you mean `{meant}`?"
        assert refusal(**{name: value}) == said
        assert refusal(declare(abstract=True, **{name: value})) == said

    def test_a_value_in_place_of_a_method_that_is_there_is_told(self) -> None:
        said = "effect is 'outside', and effect() is a method that each operation has. "
        assert refusal(effect="outside") == f"{said}Did you mean `effects`?"
        assert refusal(write=True) == "write is True, and write() is a method that each operation has. " + (
            "Call it something else."
        )

    def test_a_form_is_declared_as_params(self) -> None:
        assert refusal(form=NameForm) == "form is made from params. Declare `params = …`, a Django form class."

    @pytest.mark.parametrize(
        "honest",
        [
            {"steps_done": 0, "step": 3, "rate_limit": 4, "create": True, "state": "x", "columns": ("a",)},
            {"titles": {"a": "b"}, "title_field": "name", "queues": ["a"], "windows": [], "files": [], "versions": {}},
            {"version_1": 3, "scheduled": True, "keeps": 4, "file_name": "x", "model": NameForm},
            {"retries": 3, "process": lambda self, item: range(self.retries), "retried": 0, "retry_after": 5},
            {"item": lambda self, key: key, "prepared": lambda self: None, "labels": property(len)},
            {"process_row": lambda self, row: None, "on_error": lambda self: None, "_effect": "outside"},
            {"prepared": lambda self, item: None, "label": lambda self, item: [self.prepared(part) for part in item]},
            {"add": lambda self, row: None, "description": classmethod(lambda cls: "What it does.")},
        ],
    )  # fmt: skip
    def test_what_a_project_calls_its_own_is_left_alone(self, honest: dict[str, Any]) -> None:
        declare(**honest)

    def test_a_mixin_that_is_no_operation_may_have_any_name(self) -> None:
        declare(type("Mixin", (), {"thread": 8}), Operation)
