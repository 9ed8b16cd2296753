"""The pytest plugin: ``pytest --deconform`` runs cases as tests, and a fixture gives them to yours.

This module is imported by every run of pytest wherever deconform is installed, so it imports
nothing; what the plugin needs is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from harness.plugin.adopters import CaseOfYours

# Each is an option --deconform-NAME, and deconform_NAME in pytest's configuration file.
_LISTS: Final = {
    "framework": ("NAME|FILE.yaml", "only these: frameworks, or implementations by their files"),
    "select": ("SELECT", "only cases with this part in their id, or a glob"),
    "specs": ("PATH", "more cases: files, or folders of them"),
    "known": ("FILE.yaml", "known failures, in the format of deconform's limitations"),
    "python": ("NAME=PATH", "run a framework with this interpreter"),
}
_VALUES: Final = {
    "timeout": ("SECONDS", "time of one program"),
    "device": ("cpu|cuda", "where the frameworks compute"),
    "math": ("ieee|tf32", "how a GPU multiplies float32"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, each with a key of the configuration file."""
    group = parser.getgroup("deconform", "deconform: transposed convolutions in every framework")
    group.addoption(
        "--deconform",
        action="store_true",
        help="collect deconform's cases, *.deconform.yaml and what deconform_specs names",
    )
    for name, (metavar, about) in _LISTS.items():
        group.addoption(
            f"--deconform-{name}", action="append", metavar=metavar, help=f"{about} (repeatable)"
        )
        parser.addini(f"deconform_{name}", about, type="linelist")
    for name, (metavar, about) in _VALUES.items():
        group.addoption(f"--deconform-{name}", metavar=metavar, help=about)
        parser.addini(f"deconform_{name}", about)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; collect cases if that is asked for."""
    config.addinivalue_line(
        "markers",
        "deconform(select=None, checks=None): which cases the fixture deconform_case gives, "
        "and what its check must be given, 'value' or 'gradients'",
    )
    if config.getoption("deconform"):
        from harness.plugin.collection import Collection  # noqa: PLC0415 -- see the docstring

        config.pluginmanager.register(Collection.of(config), "deconform-collection")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for ``deconform_case`` with every case."""
    if "deconform_case" in metafunc.fixturenames:
        from harness.plugin.adopters import parametrize  # noqa: PLC0415

        parametrize(metafunc)


@pytest.fixture
def deconform_case(request: pytest.FixtureRequest) -> CaseOfYours:
    """One of deconform's cases, to call an implementation with and to check what it returns.

    ``deconform_case.check(conv_transpose(**deconform_case.arguments))``
    """
    case: CaseOfYours | str = request.param
    if isinstance(case, str):
        pytest.fail(case, pytrace=False)
    return case
