"""`python -m tools.measure [FOLDER]`: how the house is built, in figures, so that a redesign can be judged by them.

Of each folder: files, lines, floors (the longest chain of imports among its own modules), circles (modules that import
each other), names in `__all__`. Of all: how long functions are, which private names of others the code leans on, and
which names of functions and classes stand for different things in several rooms.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1] / "src"
MIGRATIONS = "migrations"
MANY_ROOMS = 3  # a name that is defined in so many folders is listed
OWN_NAMES = {"self", "cls", "super"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """One file."""

    path: Path
    name: str
    tree: ast.Module
    lines: int

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def package(self) -> str:
        """In which its relative imports begin."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def imports(self, known: set[str]) -> Iterator[str]:
        """Which of the modules that are known it imports."""
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom):
                package = self.package.split(".")
                base = package[: len(package) - node.level + 1] if node.level else []
                source = ".".join([*base, *filter(None, [node.module])])
                found = {f"{source}.{alias.name}" for alias in node.names}
                yield from found & known or {source} & known

    def public(self) -> int:
        """How many names `__all__` has."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and any(getattr(each, "id", "") == "__all__" for each in node.targets):
                return len(node.value.elts) if isinstance(node.value, ast.List | ast.Tuple) else 0
        return 0

    def functions(self) -> Iterator[Function]:
        yield from (node for node in self.nodes if isinstance(node, Function))

    def defined(self) -> set[str]:
        """The functions, methods and classes that it defines, by name."""
        found = [node for node in self.nodes if isinstance(node, Function | ast.ClassDef)]
        return {node.name for node in found if not node.name.startswith("_")}

    def private(self) -> set[str]:
        """Private attributes that it reads of what isn't its own object."""
        return {
            ast.unparse(node)
            for node in self.nodes
            if isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
            and ast.unparse(node.value).partition("(")[0] not in OWN_NAMES
        }


@dataclass
class Folder:
    """The modules of one folder, without those of the folders in it."""

    modules: list[Module] = field(default_factory=list)

    @cached_property
    def graph(self) -> dict[str, set[str]]:
        """Which of them imports which."""
        names = {module.name for module in self.modules}
        return {module.name: set(module.imports(names)) - {module.name} for module in self.modules}

    def circles(self) -> int:
        """How many of them can be reached from themselves."""
        return sum(name in reached(self.graph, name) for name in self.graph)

    def floors(self) -> int:
        """How many stand on each other at most; a circle counts as often as it has members."""

        def height(name: str, below: frozenset[str]) -> int:
            return 1 + max((height(each, below | {name}) for each in self.graph[name] - below), default=0)

        return max((height(name, frozenset({name})) for name in self.graph), default=0)


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """What can be come to from there."""
    found: set[str] = set()
    ahead = [*graph[start]]
    while ahead:
        if (name := ahead.pop()) not in found:
            found.add(name)
            ahead += graph[name]
    return found


def modules_in(folder: Path) -> Iterator[Module]:
    for path in sorted(folder.rglob("*.py")):
        if MIGRATIONS not in path.parts:
            text = path.read_text(encoding="utf-8")
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield Module(path, name, ast.parse(text), text.count("\n"))


def length(function: Function) -> int:
    """Lines of its body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def main(folder: Path) -> None:
    folders: defaultdict[str, Folder] = defaultdict(Folder)
    rooms: defaultdict[str, set[str]] = defaultdict(set)
    private: defaultdict[str, set[str]] = defaultdict(set)
    modules = list(modules_in(folder))
    for module in modules:
        room = module.path.parent.relative_to(ROOT).as_posix()
        folders[room].modules.append(module)
        for name in module.defined():
            rooms[name].add(room)
        for name in module.private():
            private[name].add(module.name)
    print("| Folder | Files | Lines | Floors | Circles | Names in `__all__` |\n| --- | --- | --- | --- | --- | --- |")
    for room, found in sorted(folders.items()):
        lines, names = (sum(each) for each in zip(*((one.lines, one.public()) for one in found.modules), strict=True))
        print(f"| {room} | {len(found.modules)} | {lines:,} | {found.floors()} | {found.circles()} | {names} |")
    lines, names = (sum(each) for each in zip(*((one.lines, one.public()) for one in modules), strict=True))
    print(f"| in all | {len(modules)} | {lines:,} | | | {names} |\n")
    lengths = sorted(length(function) for module in modules for function in module.functions())
    at = [lengths[int(len(lengths) * share)] for share in (0.95, 0.99)]
    print(
        f"{len(lengths):,} functions: median {median(lengths):g} lines, 95 % {at[0]}, 99 % {at[1]}, most {lengths[-1]}"
    )
    print("\nPrivate names of others:")
    for name, where in sorted(private.items()):
        print(f"- `{name}` in {', '.join(sorted(where))}")
    print(f"\nNames that are defined in {MANY_ROOMS} folders or more:")
    for name, where in sorted(rooms.items(), key=lambda each: (-len(each[1]), each[0])):
        if len(where) >= MANY_ROOMS:
            print(f"- `{name}`: {', '.join(sorted(where))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if sys.argv[1:] else ROOT / "headway")
