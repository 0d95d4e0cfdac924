"""Every module imports only from lower layers, and no two modules need each other to be loaded."""

import ast
import graphlib
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

# From the bottom up. What stands in one row separated by `|` never meets; within a part, a word may import
# those left of it. A package may import itself. `__init__` is the public package: nothing below imports it.
LAYERS = [
    "errors bounded limits logs trace",
    "wire",
    "jelly",
    "objects live | broker | adapters",
    "serving",
    "sockets",
    "asyncio | spread",
    "cluster",
    "inspector",
    "testing | cli",
    "__init__ __main__",
]
NO_IO = {"bounded", "errors", "limits", "trace", "wire", "jelly", "objects", "live", "broker", "adapters", "serving"}
IO_MODULES = {"asyncio", "select", "selectors", "socket", "ssl", "subprocess", "twisted"}
IMPORTING_CALLS = {"__import__", "import_module", "importlib.import_module"}

PLACES = {
    word: (level, part, position)
    for level, row in enumerate(LAYERS)
    for part, words in enumerate(row.split("|"))
    for position, word in enumerate(words.split())
}


def may_import(importer: str, imported: str) -> bool:
    level, part, position = PLACES[importer]
    other_level, other_part, other_position = PLACES[imported]
    if level == other_level:
        return part == other_part and other_position <= position
    return other_level < level


@dataclass(frozen=True)
class Import:
    importer: str  # dotted, as is `imported`; a package is named without its `__init__`
    imported: str
    line: int
    when_loaded: bool  # at module level and outside of `if TYPE_CHECKING:`
    for_types: bool = False  # inside of one: nothing is imported when the program runs


def package_directory() -> Path:
    found = importlib.util.find_spec("likewise")
    assert found is not None and found.origin is not None, "likewise is not installed"
    return Path(found.origin).parent


def dotted_name(path: Path, package: Path) -> str:
    parts = ["likewise", *path.relative_to(package).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def import_nodes(node: ast.AST, when_loaded: bool = True, for_types: bool = False) -> Iterator[tuple[ast.AST, bool, bool]]:
    """Every statement or call that imports, wherever it stands."""
    by_call = isinstance(node, ast.Call) and ast.unparse(node.func) in IMPORTING_CALLS
    if by_call or isinstance(node, ast.Import | ast.ImportFrom):
        yield node, when_loaded, for_types
    if isinstance(node, ast.If) and is_type_checking(node.test):
        for child in node.body:
            yield from import_nodes(child, when_loaded=False, for_types=True)
        for child in node.orelse:
            yield from import_nodes(child, when_loaded, for_types)
        return
    inside_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from import_nodes(child, when_loaded and not inside_function, for_types)


def imported_names(node: ast.AST, module: str, is_package: bool) -> Iterator[tuple[str, str | None]]:
    """Pairs (module, name taken from it or None), with relative imports made absolute."""
    home = module if is_package else module.rpartition(".")[0]
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, None
    elif isinstance(node, ast.ImportFrom):
        base = home.split(".")[: len(home.split(".")) - node.level + 1] if node.level else []
        source = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            yield source, alias.name
    elif isinstance(node, ast.Call) and node.args:
        name = ast.literal_eval(node.args[0]) if isinstance(node.args[0], ast.Constant) else None
        assert isinstance(name, str), f"{module}:{node.lineno}: an import that only running it can tell"
        yield (importlib.util.resolve_name(name, home), None)


def pxd_statements(text: str) -> Iterator[tuple[ast.AST, bool, bool]]:
    """`cimport` read as `import`; Cython loads what it names when the module is loaded."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*(from\s+\S+\s+)?c?import\s", line):
            statement = ast.parse(re.sub(r"\bcimport\b", "import", line).strip()).body[0]
            yield ast.increment_lineno(statement, number - 1), True, False


def imports_of(path: Path, package: Path, modules: set[str]) -> Iterator[Import]:
    module = dotted_name(path, package)
    text = path.read_text(encoding="utf-8")
    nodes = pxd_statements(text) if path.suffix == ".pxd" else import_nodes(ast.parse(text, str(path)))
    for node, when_loaded, for_types in nodes:
        line = getattr(node, "lineno", 0)
        for source, name in imported_names(node, module, path.name == "__init__.py"):
            target = f"{source}.{name}" if name is not None and f"{source}.{name}" in modules else source
            yield Import(module, target, line, when_loaded, for_types)


PACKAGE = package_directory()
FILES = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pxd")])
MODULES = {dotted_name(path, PACKAGE) for path in FILES}
ALL_IMPORTS = list(dict.fromkeys(each for path in FILES for each in imports_of(path, PACKAGE, MODULES)))
OWN_IMPORTS = [each for each in ALL_IMPORTS if each.imported.partition(".")[0] == "likewise"]
OUTER_IMPORTS = [each for each in ALL_IMPORTS if each not in OWN_IMPORTS]


def label(each: Import) -> str:
    importer, imported = (name.removeprefix("likewise.") for name in (each.importer, each.imported))
    return f"{importer}:{each.line} imports {imported}"


@pytest.mark.parametrize("word", sorted({layer(module) for module in MODULES}))
def test_a_module_has_its_place_in_the_layers(word: str) -> None:
    assert word in PLACES


@pytest.mark.parametrize("each", OWN_IMPORTS, ids=label)
def test_a_module_imports_only_lower_layers(each: Import) -> None:
    assert each.imported in MODULES, "no such module in the package"
    importer, imported = layer(each.importer), layer(each.imported)
    if importer in PLACES and imported in PLACES:  # where not, the test above says so
        assert importer == imported or may_import(importer, imported)


@pytest.mark.parametrize("word", sorted(NO_IO))
def test_nothing_down_to_the_broker_does_io(word: str) -> None:
    found = [label(each) for each in OUTER_IMPORTS if layer(each.importer) == word and not each.for_types]
    assert [text for text in found if text.split()[-1].partition(".")[0] in IO_MODULES] == []


def test_no_import_leads_in_a_circle_though_it_be_late_or_for_types_only() -> None:
    needs: dict[str, set[str]] = {module: set() for module in MODULES}
    for each in OWN_IMPORTS:
        if each.importer != each.imported:
            needs[each.importer].add(each.imported)
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError, which names the cycle


def test_the_rules_themselves() -> None:
    assert may_import("jelly", "wire") and not may_import("wire", "jelly")
    assert not may_import("broker", "objects") and not may_import("objects", "broker")
    assert may_import("live", "objects") and not may_import("objects", "live")
    assert not may_import("live", "broker") and not may_import("broker", "live")
    assert not may_import("asyncio", "spread") and not may_import("spread", "asyncio")
    assert all(may_import("__init__", word) for word in PLACES if word != "__main__")
    assert not any(may_import(word, "__init__") for word in PLACES if word not in ("__init__", "__main__"))
