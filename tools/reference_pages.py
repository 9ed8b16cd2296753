"""The reference pages of ``docs/conventions``, written from the conventions themselves.

    python tools/reference_pages.py [FOLDER]

A page for each framework, with its traps first, and the table of all; a test holds the committed
pages against what this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from findings import FOLDER as FINDINGS
from findings import read as read_finding

from harness.convention.arguments import Form
from harness.convention.registry import Convention, convention, known_names, render
from harness.convention.signature import REQUIRED, Parameter, Style
from harness.convention.values import shown
from harness.core.operators import Operator
from harness.core.program import Unsupported
from harness.suite.case import SIGNIFICANT_BITS as DTYPES
from harness.suite.limitations import Limitation, load_limitations
from harness.weights.layouts import layout

FOLDER = Path(__file__).parent.parent / "docs" / "conventions"
_HEAD = """\
# How each framework says a transposed convolution

Written by `python tools/reference_pages.py` from `harness/frameworks/`; change what stands
there, not these pages.

The canonical words: `x (n, c_in, *in_size)`, `w (c_in, c_out // groups, *kernel)`, `b (c_out,)`,
and

    out_size = (in_size - 1) * stride + dilation * (kernel - 1) + 1 - begin - end

where `crop = (begin, end)` is removed at the two ends of each axis; a negative crop extends.
Layouts name axes by letters: `I` input channels, `O` output channels of a group, `H`, `W` the
kernel. A small letter is an axis that runs backwards, as in JAX, whose convolutions do not flip
the kernel: it stands in the layouts of its libraries, which answers name.

Each framework's page opens with its traps: what its words hide, and what its code gets wrong.
"""

_EXAMPLES = {
    "twice the size": Operator.of(64, 32, (4, 4), stride=2, crop=1),
    "an odd crop": Operator.of(64, 32, (3, 3), stride=2, crop=((1, 0), (1, 0))),
    "one end only": Operator.of(16, 8, (5,), stride=2, crop=((0, 3),), bias=False),
    "groups and dilation": Operator.of(8, 4, (3, 3), dilation=2, groups=2, bias=False),
}


def pages() -> dict[str, str]:
    """Write the pages, by the names of their files.

    >>> pages()["README.md"].startswith("# How each framework says a transposed convolution")
    True
    """
    written = {f"{name}.md": "\n".join(_page(convention(name))) for name in known_names()}
    return {"README.md": "\n".join([_HEAD, *frameworks(), ""]), **written}


def frameworks(folder: str = "") -> list[str]:
    """Write the table of frameworks, with links to their pages.

    >>> frameworks()[2]
    '| [NumPy (impl)](numpy.md) | `numpy` |  | no | yes |  |  |'
    """
    rows = ["| framework | `-f` | calls read | layers | gradients | variants | models |"]
    rows += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for name in known_names():
        each = convention(name)
        cells = (
            f"[{each.title}]({folder}{name}.md)",
            f"text only: `--to {name}`" if each.is_text_only else f"`{name}`",
            str(len(each.forms)) if each.calls else "",
            "yes" if each.layer else "no",
            "yes" if _has_gradients(each) else "no",
            ", ".join(f"`{variant.name}`" for variant in each.variants),
            ", ".join(f"`{suffix}`" for suffix in each.model_suffixes),
        )
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def _has_gradients(framework: Convention) -> bool:
    program = render(_EXAMPLES["twice the size"], framework.name)
    return not isinstance(program, Unsupported) and not program.forward_only


def _page(framework: Convention) -> Iterator[str]:
    yield f"# {framework.title}: a transposed convolution\n"
    yield from _about(framework)
    yield from _traps(framework)
    yield from _refusals(framework)
    yield from _faults(framework)
    yield from _examples(framework)
    for forms in _tables(framework):
        yield from _table(forms)
    yield "[All frameworks](README.md)\n"


def _tables(framework: Convention) -> list[list[Form]]:
    """The calls, those with the same parameters together."""
    tables: dict[int, list[Form]] = {}
    for form in framework.forms:
        tables.setdefault(id(form.parameters), []).append(form)
    return [sorted(forms, key=lambda form: form.rank or 0) for forms in tables.values()]


def _about(framework: Convention) -> Iterator[str]:
    layouts = ", ".join(f"`{layout(framework.name, rank)}`" for rank in (1, 2, 3))
    called = f"`-f {framework.name}`"
    if framework.is_text_only:
        called = f"Text only, `--to {framework.name}`: nothing here runs it"
    yield f"{called}. Weights for one, two and three spatial axes: {layouts}.\n"
    for variant in framework.variants:
        yield f"- Only where it is asked for, `-f {variant.name}`: {variant.title}."
    if framework.variants:
        yield ""


def _traps(framework: Convention) -> Iterator[str]:
    """What its manuals say elsewhere, or not at all; a parameter's once, wherever it stands."""
    pitfalls: dict[str, dict[str, None]] = {}
    for forms in _tables(framework):
        for parameter in forms[0].parameters:
            if parameter.pitfall:
                name = f"`{parameter.name}` of `{forms[0].name}`"
                pitfalls.setdefault(parameter.pitfall, {})[name] = None
    if framework.remarks or pitfalls:
        yield "## Traps\n"
        yield from (f"- {remark}" for remark in framework.remarks)
        yield from (f"- {', '.join(names)}: {pitfall}" for pitfall, names in pitfalls.items())
        yield ""


def _refusals(framework: Convention) -> Iterator[str]:
    """Which types and numbers of axes it does not have."""
    asked = [(Operator.of(4, 2, (3,) * rank), dtype) for rank in (1, 2, 3) for dtype in DTYPES]
    answers = [render(operator, framework.name, dtype=dtype) for operator, dtype in asked]
    reasons = dict.fromkeys(each.reason for each in answers if isinstance(each, Unsupported))
    if reasons:
        yield "## What it does not have\n"
        yield from (f"- {reason[0].upper()}{reason[1:]}" for reason in reasons)
        yield ""


def _faults(framework: Convention) -> Iterator[str]:
    """What its code is known to get wrong or to refuse, as the suite meets it."""
    columns = [framework.name, *(variant.name for variant in framework.variants)]
    known = [each for each in load_limitations() if each.framework in columns]
    if known:
        yield "## Known to be wrong, or refused\n"
        yield from (_fault(each, framework) for each in known)
        yield ""


def _fault(known: Limitation, framework: Convention) -> str:
    where = [] if known.framework == framework.name else [f"`{known.framework}`"]
    where += [] if known.device == "any" else [f"on {known.device}"]
    where += [f"only with {known.depends_on}"] if known.depends_on else []
    within = f" ({', '.join(where)})" if where else ""
    links = [f"[upstream]({known.upstream})"] if known.upstream else []
    links += [f"[program](../../reports/findings/{name})" for name in _programs(known)]
    ending = f" {', '.join(links)}." if links else ""
    return f"- `{known.id}`{within}: {known.reason}{ending}"


def _programs(known: Limitation) -> list[str]:
    """The programs of ``reports/findings`` that show it."""
    return [name for name, ids in _shown() if known.id in ids]


@cache
def _shown() -> list[tuple[str, list[str]]]:
    """The names of the programs, each with the limitations that it shows."""
    every = map(read_finding, sorted(FINDINGS.glob("*.py")))
    return [(each.file.name, each.keys.get("Limitation", "").split(", ")) for each in every]


def _examples(framework: Convention) -> Iterator[str]:
    styles: tuple[Style, ...] = ("function", "layer") if framework.layer else ("function",)
    yield "## Written\n"
    for what, operator in _EXAMPLES.items():
        yield f"{what.capitalize()}, `{operator.descriptor}`:\n"
        for style in styles:
            answer = render(operator, framework.name, style=style)
            if isinstance(answer, Unsupported):
                yield f"- as a {style}: {answer.reason}\n"
                continue
            reason = f" ({answer.reason})" if answer.reason else ""
            yield f"- as a {style}, {answer.support}{reason}\n"
            yield f"  ```{framework.language}"
            yield from (f"  {line}" for line in answer.call.splitlines())
            yield "  ```\n"


def _table(forms: list[Form]) -> Iterator[str]:
    yield f"## {', '.join(f'`{form.name}`' for form in forms)}\n"
    links = dict.fromkeys(form.source for form in forms)
    yield f"Documents: {', '.join(f'<{link}>' for link in links)}."
    if also := [alias for form in forms if form.rank in {2, None} for alias in form.aliases]:
        yield f"Also read as {', '.join(f'`{alias}`' for alias in also)}, and so on."
    yield "\n| parameter | meaning | default | mind |"
    yield "| --- | --- | --- | --- |"
    for parameter in forms[0].parameters:
        yield _row(parameter)
    yield ""


def _row(parameter: Parameter) -> str:
    default = "" if parameter.default is REQUIRED else f"`{shown(parameter.default)}`"
    names = ", ".join(f"`{name}`" for name in (parameter.name, *parameter.aliases))
    meaning = parameter.meaning + (" (a note)" if parameter.ignored else "")
    cells = (names, meaning, default, parameter.pitfall)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Write the pages to the folder that is given, or to ours; take away those of no framework."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    written = pages()
    for stale in folder.glob("*.md"):
        if stale.name not in written:
            stale.unlink()
    for name, text in written.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
