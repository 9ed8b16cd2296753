"""The rules of ``ARCHITECTURE.md``: who may import whom, and what may stand where."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from command_line import every_option

from harness.convention.registry import known_names

ROOT = Path(__file__).parent.parent

# Rule a.  Each room with the rooms that it may import, from the top down: a room imports only what
# stands below it, and itself.
ROOMS: Final[Mapping[str, frozenset[str]]] = {
    room: frozenset(allowed.split())
    for room, allowed in {
        "cli": "root server dashboard history audit report bench conformance execution doors suite "
        "lookup weights frameworks convention syntax records engines drawing core",
        "plugin": "report bench conformance execution doors suite convention records core impl",
        # The public API.
        "root": "conformance execution doors lookup suite convention records core",
        "server": "pages lookup convention syntax core",
        "dashboard": "pages history report bench conformance suite lookup convention records "
        "drawing core",
        "pages": "core",
        "history": "report records core",
        "audit": "report suite lookup convention syntax records core",
        "report": "bench conformance records core",
        "bench": "conformance execution doors suite convention records engines core impl",
        "conformance": "execution doors suite convention records engines core impl",
        "execution": "doors suite convention records engines core impl",
        "doors": "suite convention records engines core",
        "suite": "lookup convention records core impl",
        "lookup": "weights convention syntax core",
        "weights": "convention core",
        "frameworks": "convention syntax core",
        "convention": "syntax core",
        "syntax": "core",
        "records": "core",
        "engines": "core",
        "drawing": "core",
        "core": "",
        "impl": "",
    }.items()
}
# What a person starts; the modules that stand at harness/'s root.
AT_THE_ROOT: Final = {"harness", "harness.__main__"}


@cache
def modules() -> Mapping[str, Path]:
    """Every module of ours by its dotted name."""
    paths = [path for package in ("impl", "harness") for path in (ROOT / package).rglob("*.py")]
    paths = [path for path in paths if "templates" not in path.parts]  # They are users' code.
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return {name.removesuffix(".__init__"): path for name, path in zip(names, paths, strict=True)}


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text(encoding="utf-8"))


@cache
def nodes(name: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(name)))


@cache
def imported(name: str) -> tuple[tuple[str, str], ...]:
    """Each import of ours in a module, those for types too: the module, and the name out of it."""
    return tuple(imports(name))


def imports(name: str) -> Iterator[tuple[str, str]]:
    for node in nodes(name):
        if isinstance(node, ast.Import):
            pairs = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            pairs = [(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        for module, attribute in pairs:
            whole = f"{module}.{attribute}"
            if module.partition(".")[0] in {"harness", "impl"}:
                yield (whole, "") if whole in modules() else (module, attribute)


def room(name: str) -> str:
    first, *rest = name.split(".")
    return "impl" if first == "impl" else "root" if name in AT_THE_ROOT else rest[0]


def test_every_module_stands_in_a_room() -> None:
    assert {room(name) for name in modules()} == set(ROOMS)
    assert len({name for name in modules() if name.count(".") <= 1 and room(name) == "root"}) <= 3


def test_rooms_import_what_stands_below_them() -> None:
    for place, (name, allowed) in enumerate(ROOMS.items()):
        above = set(list(ROOMS)[: place + 1])
        assert not above & allowed, f"{name} stands below {above & allowed}"


def test_imports_point_one_way() -> None:
    assert [module for module, _ in imported("harness.__main__")] == ["harness.cli.main"]
    upward = [
        f"{name} imports {other}"
        for name in modules().keys() - {"harness.__main__"}
        for other, _ in imported(name)
        if room(other) not in ROOMS[room(name)] | {room(name)}
    ]
    assert sorted(upward) == []


def test_no_circle_of_imports() -> None:
    """Rule b: modules whose every import has been removed are removed, until nothing is left."""
    graph = {name: {other for other, _ in imported(name)} - {name} for name in modules()}
    while leaves := {name for name, others in graph.items() if not others}:
        graph = {name: others - leaves for name, others in graph.items() if name not in leaves}
    assert not graph, "a circle among, or above: " + ", ".join(sorted(graph))


def test_frameworks_do_not_know_each_other() -> None:
    """Rule c; CuPy's call is NumPy's, on arrays of a GPU."""
    for name in modules():
        folder = ".".join(name.split(".")[:3])
        for other, _ in imported(name) if room(name) == "frameworks" else ():
            if room(other) == "frameworks" and not is_inside(other, folder):
                assert (folder.split(".")[-1], other.split(".")[2]) == ("cupy", "numpy"), other


# What a report's header calls the version of NumPy, which a worker's answer holds.
NUMPY_IS_A_VERSION: Final = {
    "harness.engines.worker",
    *("harness.core.column_info", "harness.engines.protocol", "harness.engines.process"),
    *("harness.bench.comparison", "harness.conformance.difference", "harness.report.words"),
}


# Modules that texts import Keras's layers from: both frameworks have them.
KERAS_IS_A_MODULE: Final = {
    "harness.convention.keras_layers.plain": {"keras", "tensorflow"},
    "harness.convention.keras_layers.training": {"keras"},
    "harness.frameworks.tensorflow": {"keras"},
    "harness.frameworks.tensorflow.models": {"keras"},
    "harness.frameworks.keras.backends": {"jax", "tensorflow"},
}


def test_a_framework_is_named_in_its_own_folder_only() -> None:
    """Rule d; what ``syntax`` names are languages, and CuPy's call is NumPy's."""
    named = {}
    for name in modules():
        if room(name) in {"impl", "syntax"}:
            continue
        mine = "".join(name.split(".")[2:3]) if room(name) == "frameworks" else ""
        known = {"numpy"} if name in NUMPY_IS_A_VERSION or mine == "cupy" else set()
        known |= KERAS_IS_A_MODULE.get(name, set())
        constants = {node.value for node in nodes(name) if isinstance(node, ast.Constant)}
        named[name] = constants & (set(known_names()) - {mine} - known)
    assert not {name: frameworks for name, frameworks in named.items() if frameworks}


def is_inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_private_names_stay_in_their_folder() -> None:
    """Rule e."""
    for name in modules():
        for module, attribute in imported(name):
            private = [part for part in (*module.split("."), attribute) if is_private(part)]
            assert not private or room(module) == room(name), f"{name} imports {private}"


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_module_names_say_what_is_inside() -> None:
    """Rule e: no drawer for this and that, and nothing that hides the standard library."""
    banned = {"utils", "util", "helpers", "common", "manager", "misc"}
    parts = {part for name in modules() for part in name.split(".")}
    assert not parts & (banned | sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("file", "minor"),
    [
        *(("engines/worker", 7), ("doors/guard", 7)),
        *(("frameworks/matlab/execute", 11), ("frameworks/wolfram/kernel", 11)),
    ],
)
def test_workers_import_the_standard_library_and_numpy_only(file: str, minor: int) -> None:
    path = ROOT / f"harness/{file}.py"
    tree = ast.parse(path.read_text(), feature_version=(3, minor))
    # threadpoolctl says what the report says of threads, where a framework's environment has it.
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    assert names - set(sys.stdlib_module_names) - {"threadpoolctl"} == {"numpy"}


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        (
            "harness, harness.convention.registry, harness.cli.main, harness.drawing, "
            "harness.syntax.python, harness.syntax.matlab, harness.syntax.wolfram",
            {"numpy", "rich", "yaml", "lark"},
        ),
        ("harness.conformance.pipeline", {"rich", "torch", "tensorflow", "mxnet", "chainer"}),
        ("impl", {"harness", "rich", "yaml", "torch", "tensorflow", "numba"}),
    ],
)
def test_import_is_light(modules: str, unwanted: set[str]) -> None:
    code = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not unwanted & set(done.stdout.split())


def test_options_are_named_in_the_command_line_alone() -> None:
    """Rule f: elsewhere an error names what it asks for, and each face words that."""
    options = every_option() - {"--help", "--exclude"}  # Programs of others have them too.
    for name in modules():
        for node in nodes(name) if room(name) != "cli" else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named = options & set(re.findall("--[a-z][a-z-]*", node.value))
                assert not named, f"{name} names {named}"


def test_the_document_names_what_is_there() -> None:
    """``ARCHITECTURE.md`` is short, lists the rooms in order, and names files that exist."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 80
    rooms = re.findall(r"`(\w+)/`", text.partition("| room |")[2].partition("`impl/`")[0])
    assert rooms == [name for name in ROOMS if name not in {"root", "impl"}]
    for path in re.findall(r"`(\w+/[\w./]*)`", text):
        if path.split("/")[0] in ROOMS and path == path.lower():
            assert (ROOT / "harness" / path).exists() or (ROOT / path).exists(), path


def test_only_a_column_starts_an_engine() -> None:
    """Rule h."""
    starting = {
        room(name)
        for name in modules()
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Engine"
    }
    assert starting == {"execution"}
