"""The reference page ``docs/conventions.md``, written from the conventions themselves.

``python tools/reference_page.py`` prints it; a test holds the committed page against it.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.convention.arguments import Form
from harness.convention.registry import Convention, convention, known_names, render
from harness.convention.signature import REQUIRED, Parameter, Style
from harness.convention.values import shown
from harness.core.operators import Operator
from harness.core.program import Unsupported
from harness.weights.layouts import layout

_HEAD = """\
# How each framework says a transposed convolution

Written by `python tools/reference_page.py` from `harness/frameworks/`; change what stands
there, not this page.

The canonical words: `x (n, c_in, *in_size)`, `w (c_in, c_out // groups, *kernel)`, `b (c_out,)`,
and

    out_size = (in_size - 1) * stride + dilation * (kernel - 1) + 1 - begin - end

where `crop = (begin, end)` is removed at the two ends of each axis; a negative crop extends.
Layouts name axes by letters: `I` input channels, `O` output channels of a group, `H`, `W` the
kernel. A small letter is an axis that runs backwards, as in JAX, whose convolutions do not flip
the kernel: it stands in the layouts of its libraries, which answers name.
"""

_EXAMPLES = {
    "twice the size": Operator.of(64, 32, (4, 4), stride=2, crop=1),
    "an odd crop": Operator.of(64, 32, (3, 3), stride=2, crop=((1, 0), (1, 0))),
    "one end only": Operator.of(16, 8, (5,), stride=2, crop=((0, 3),), bias=False),
    "groups and dilation": Operator.of(8, 4, (3, 3), dilation=2, groups=2, bias=False),
}


def page() -> str:
    """Write the page.

    >>> page().startswith("# How each framework says a transposed convolution")
    True
    """
    return "\n".join([_HEAD, *_contents(), *_sections()])


def frameworks(page: str = "") -> list[str]:
    """Write the table of frameworks, with links to their sections of the page.

    >>> frameworks()[2]
    '| [NumPy (impl)](#numpy) | `numpy` |  | no | yes |  |  |'
    """
    rows = ["| framework | `-f` | calls read | layers | gradients | variants | models |"]
    rows += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for name in known_names():
        each = convention(name)
        cells = (
            f"[{each.title}]({page}#{name})",
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


def _contents() -> Iterator[str]:
    yield from frameworks()
    yield ""


def _sections() -> Iterator[str]:
    for name in known_names():
        framework = convention(name)
        yield f'## <a id="{name}"></a>{framework.title}\n'
        yield from _about(framework)
        yield from _examples(framework)
        tables: dict[int, list[Form]] = {}
        for form in framework.forms:
            tables.setdefault(id(form.parameters), []).append(form)
        for forms in tables.values():
            yield from _table(sorted(forms, key=lambda form: form.rank or 0))


def _about(framework: Convention) -> Iterator[str]:
    layouts = ", ".join(f"`{layout(framework.name, rank)}`" for rank in (1, 2, 3))
    called = f"`-f {framework.name}`"
    if framework.is_text_only:
        called = f"Text only, `--to {framework.name}`: nothing here runs it"
    yield f"{called}. Weights for one, two and three spatial axes: {layouts}.\n"
    for remark in framework.remarks:
        yield f"- {remark}"
    for variant in framework.variants:
        yield f"- Only where it is asked for, `-f {variant.name}`: {variant.title}."
    if framework.remarks or framework.variants:
        yield ""


def _examples(framework: Convention) -> Iterator[str]:
    styles: tuple[Style, ...] = ("function", "layer") if framework.layer else ("function",)
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
    yield f"### {', '.join(f'`{form.name}`' for form in forms)}\n"
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


if __name__ == "__main__":
    print(page(), end="")
