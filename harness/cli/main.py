"""The command line: ``deconform translate | run | reproduce | report | compare | ...``.

Only what parses is imported here; ``harness.cli.commands`` and all it needs come when a command
runs.
"""

from __future__ import annotations

import argparse
import io
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from harness.cli.option_values import part, port, positive, seconds, shape
from harness.core.errors import InputError

OK, BAD, USAGE, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


class Terminated(KeyboardInterrupt):
    """SIGTERM, where it ends a command as Ctrl-C does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    0: nothing bad. 1: something FAILED, ERRORED, CRASHED, TIMEDOUT, MISTRUSTED or FIXED, or a
    required framework was SKIPPED. 2: bad usage or a bad spec. 130: interrupted. 143: terminated.
    """
    options = _parser().parse_args(arguments)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        status: int = getattr(import_module(options.module), options.command)(options)
    except KeyboardInterrupt as interrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        return status_of(interrupt)
    except BrokenPipeError:
        sys.stderr.close()
        return BAD
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return BAD
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return USAGE
    return status


def status_of(interrupt: KeyboardInterrupt) -> int:
    """Give the exit status that a shell gives to the signal."""
    return TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise :class:`Terminated` inside, so that workers end with their parent."""
    chosen = signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    if chosen or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # A second one would cut the ending short.
    raise Terminated


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 -- it has no other name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deconform",
        description="Say a transposed convolution in every framework, and prove it.",
    )
    parser.set_defaults(module="harness.cli.commands")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (
        _add_translate,
        _add_draw,
        _add_serve,
        _add_run,
        _add_bench,
        _add_reproduce,
        _add_report,
        _add_compare,
        _add_diff,
        _add_history,
        _add_export,
        _add_import,
        _add_doctor,
        _add_envs,
        _add_weights,
    ):
        add(commands)
    return parser


def _add_translate(commands: _Commands) -> None:
    translate = commands.add_parser(
        "translate", help="say a framework's call in the other frameworks"
    )
    translate.set_defaults(command="translate", module="harness.cli.translate")
    _add_text(translate)
    translate.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="NAME",
        help="only these (all others); or benchdnn",
    )
    translate.add_argument(
        "--style",
        choices=("function", "layer"),
        default="function",
        help="what is executed (the default), or what people put in a network",
    )
    translate.add_argument("--program", action="store_true", help="print whole programs")
    translate.add_argument(
        "--check", action="store_true", help="run the answer in the frameworks that are here"
    )
    translate.add_argument("--json", action="store_true", help="print one JSON object")


def _add_serve(commands: _Commands) -> None:
    serve = commands.add_parser("serve", help="look calls up in a browser, and by a JSON API")
    serve.set_defaults(command="serve", module="harness.cli.serve")
    serve.add_argument("--port", type=port, default=8000, metavar="N", help="0 takes a free one")
    serve.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="this machine alone")
    beside = serve.add_mutually_exclusive_group()
    beside.add_argument(
        "--reports", type=Path, metavar="DIR", help="what `report --html` built, shown beside it"
    )
    beside.add_argument(
        "--database", metavar="URL", help="a history, whose dashboard is built and shown beside it"
    )


def _add_draw(commands: _Commands) -> None:
    draw = commands.add_parser(
        "draw", help="draw which input elements of a call reach which output elements, as SVG"
    )
    draw.set_defaults(command="draw", module="harness.cli.draw")
    _add_text(draw)
    draw.add_argument("--axis", metavar="NAME", help="only this one, such as width, or 0")
    draw.add_argument(
        "-o", "--output", required=True, metavar="FILE.svg", help="write it; - prints it"
    )


def _add_text(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text", metavar="TEXT", help="a call, a descriptor or a line of benchdnn; - reads it"
    )
    parser.add_argument("--from", dest="source", metavar="NAME", help="whose call it is")
    parser.add_argument(
        "--input", type=shape, metavar="N,C,H,W", help="the input's shape, channels first"
    )
    parser.add_argument(
        "--weight",
        type=shape,
        metavar="I,O,H,W",
        help="the weights' shape, (c_in, c_out/groups, ...)",
    )


def _add_run(commands: _Commands) -> None:
    run = commands.add_parser(
        "run", help="run suites through the frameworks and compare with the reference"
    )
    _add_python(run)
    _add_device(run)
    run.set_defaults(command="run")
    _add_cases(run)
    run.add_argument("-f", "--framework", action="append", metavar="NAME", help="only these")
    _add_outputs(run)
    run.add_argument(
        "--require", action="append", default=[], metavar="NAME", help="fail if NAME is SKIPPED"
    )
    run.add_argument(
        "-j", "--jobs", type=positive, default=0, metavar="N", help="frameworks at once (all)"
    )
    run.add_argument(
        "--timeout", type=seconds, default=60.0, metavar="S", help="seconds per program (60)"
    )
    _add_save(run)


def _add_bench(commands: _Commands) -> None:
    bench = commands.add_parser("bench", help="time the frameworks' programs side by side")
    bench.set_defaults(command="bench", module="harness.cli.bench")
    _add_python(bench)
    _add_device(bench)
    _add_cases(bench, "specs/bench")
    bench.add_argument("-f", "--framework", action="append", metavar="NAME", help="only these")
    bench.add_argument(
        "--dtype", choices=("float16", "float32", "float64"), help="instead of the cases' own"
    )
    bench.add_argument(
        "--threads", type=positive, default=1, metavar="N", help="threads of each framework (1)"
    )
    bench.add_argument(
        "--rounds", type=positive, default=200, metavar="N", help="most turns of each (200)"
    )
    bench.add_argument(
        "--budget", type=seconds, default=6.0, metavar="S", help="seconds for all turns (6)"
    )
    bench.add_argument(
        "--seconds", type=seconds, default=0.002, metavar="S", help="a turn's least length (0.002)"
    )
    bench.add_argument(
        "--timeout", type=seconds, default=300.0, metavar="S", help="seconds per program (300)"
    )
    bench.add_argument("-o", "--output", type=Path, metavar="FILE.jsonl", help="write the report")
    bench.add_argument("--markdown", type=Path, metavar="FILE", help="write the table as Markdown")
    bench.add_argument(
        "--resume", type=Path, metavar="FILE.jsonl", help="go on with an interrupted run"
    )
    bench.add_argument(
        "--self-check", action="store_true", help="say what the figures are worth on this machine"
    )
    _add_benchmark_view(bench)
    _add_save(bench)


def _add_reproduce(commands: _Commands) -> None:
    reproduce = commands.add_parser("reproduce", help="run one case; show its program and numbers")
    _add_python(reproduce)
    _add_device(reproduce)
    reproduce.set_defaults(command="reproduce")
    reproduce.add_argument("case", metavar="DESCRIPTOR", help="a descriptor, or a case's id")
    reproduce.add_argument("-f", "--framework", required=True, metavar="NAME")
    reproduce.add_argument("--timeout", type=seconds, default=60.0, metavar="S")


def _add_report(commands: _Commands) -> None:
    report = commands.add_parser("report", help="show report files again, or as other formats")
    report.set_defaults(command="report")
    report.add_argument("files", nargs="+", type=Path, metavar="FILE")
    report.add_argument("--junit", type=Path, metavar="FILE")
    report.add_argument("--markdown", type=Path, metavar="FILE")
    _add_ci(report)
    report.add_argument("--badges", type=Path, metavar="DIR", help="draw one for each framework")
    report.add_argument(
        "--html",
        type=Path,
        metavar="DIR",
        help="write a dashboard of all FILEs: one conformance run at most, and benchmarks",
    )
    report.add_argument(
        "--database",
        metavar="URL",
        help="show this history in the dashboard too: sqlite:///FILE or postgresql://...",
    )
    _add_benchmark_view(report)
    _add_save(report)


def _add_history(commands: _Commands) -> None:
    history = commands.add_parser(
        "history", help="show the trend of times over saved runs, and since when a case fails"
    )
    history.set_defaults(command="history", module="harness.cli.history")
    history.add_argument("case", nargs="?", metavar="CASE", help="part of a case's id, or a glob")
    history.add_argument(
        "-f", "--framework", action="append", default=[], metavar="NAME", help="only these"
    )
    history.add_argument("--direction", choices=("forward", "gradient"), help="only this one")
    history.add_argument(
        "--machine", metavar="FINGERPRINT", help="only this one's runs; its beginning is enough"
    )
    history.add_argument("--branch", metavar="NAME", help="only runs of this branch")
    history.add_argument(
        "--database", metavar="URL", help="sqlite:///FILE or postgresql://... (DECONFORM_DATABASE)"
    )
    history.add_argument("--json", action="store_true", help="print one JSON object")


def _add_compare(commands: _Commands) -> None:
    compare = commands.add_parser(
        "compare", help="say what became slower or faster from one benchmark to another"
    )
    compare.set_defaults(command="compare", module="harness.cli.compare")
    compare.add_argument("old", type=Path, metavar="OLD", help="a benchmark's report")
    compare.add_argument("new", type=Path, metavar="NEW", help="another one's")
    compare.add_argument(
        "--threshold",
        type=part,
        default=0.05,
        metavar="5%",
        help="how much slower is too slow: exit 1 (5%%)",
    )
    compare.add_argument(
        "--baseline", metavar="NAME", help="a framework that did not change (all others, each)"
    )
    compare.add_argument(
        "--markdown", metavar="FILE", help="write it for a pull request's comment; - prints it"
    )


def _add_diff(commands: _Commands) -> None:
    diff = commands.add_parser(
        "diff", help="say what fails, or is fixed, from one conformance report to another"
    )
    diff.set_defaults(command="diff", module="harness.cli.diff")
    diff.add_argument("old", type=Path, metavar="OLD", help="a conformance run's report")
    diff.add_argument("new", type=Path, metavar="NEW", help="another one's")
    diff.add_argument(
        "--markdown", metavar="FILE", help="write it for a pull request's comment; - prints it"
    )


def _add_export(commands: _Commands) -> None:
    export = commands.add_parser(
        "export", help="write suites as one script, for a MATLAB or Wolfram on another machine"
    )
    export.set_defaults(command="export")
    _add_cases(export)
    export.add_argument("--to", required=True, metavar="NAME", help="matlab or wolfram")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")


def _add_import(commands: _Commands) -> None:
    back = commands.add_parser(
        "import", help="judge what an exported script has left, as a column of a report"
    )
    back.set_defaults(command="import_")
    back.add_argument("result", type=Path, metavar="RESULT", help="the file, or its folder")
    back.add_argument("specs", nargs="*", metavar="SPEC", help="what was exported (default suite)")
    _add_outputs(back)


def _add_doctor(commands: _Commands) -> None:
    doctor = commands.add_parser("doctor", help="what is here, what is missing, how to get it")
    _add_python(doctor)
    _add_device(doctor)
    doctor.set_defaults(command="doctor")


def _add_envs(commands: _Commands) -> None:
    envs = commands.add_parser("envs", help="build the frameworks' environments, through tox")
    envs.set_defaults(command="envs")
    envs.add_argument("frameworks", nargs="*", metavar="NAME", help="all that can be used here")
    envs.add_argument("-j", "--jobs", type=positive, default=2, metavar="N", help="at once (2)")


def _add_weights(commands: _Commands) -> None:
    weights = commands.add_parser(
        "weights", help="convert arrays of weights between frameworks' layouts"
    )
    weights.set_defaults(command="weights")
    weights.add_argument("file", type=Path, metavar="IN", help=".npy .npz .safetensors .mat .wxf")
    weights.add_argument("out", type=Path, metavar="OUT", help="any of these, another file")
    weights.add_argument("--from", dest="source", required=True, metavar="NAME")
    weights.add_argument("--to", dest="target", required=True, metavar="NAME")
    weights.add_argument("--groups", type=positive, default=1, metavar="N", help="channel groups")
    weights.add_argument(
        "--rank", type=int, choices=(1, 2, 3), help="spatial axes, where MATLAB leaves it open"
    )
    weights.add_argument(
        "--weight-name",
        action="append",
        default=[],
        metavar="NAME",
        help="the array of weights; may be repeated (the one of three axes or more)",
    )
    weights.add_argument(
        "--bias-name",
        action="append",
        default=[],
        metavar="NAME",
        help="the array of each one's bias (the one vector that fits)",
    )


def _add_cases(parser: argparse.ArgumentParser, suite: str = "default suite") -> None:
    parser.add_argument("specs", nargs="*", metavar="SPEC", help=f"file or folder ({suite})")
    parser.add_argument(
        "-k",
        "--select",
        action="append",
        metavar="SELECT",
        help="only cases with this part in their id, or a glob; another -k adds more",
    )


def _add_python(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="run a framework with this interpreter instead of the one that tox built",
    )


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="where the frameworks compute (cpu); cupy always on a GPU",
    )
    parser.add_argument(
        "--math",
        choices=("ieee", "tf32"),
        default="ieee",
        help="how a GPU multiplies float32 (ieee)",
    )


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.jsonl", help="write the report")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the matrix as Markdown"
    )
    _add_ci(parser)


def _add_ci(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sarif", type=Path, metavar="FILE", help="write what is bad as SARIF")
    parser.add_argument(
        "--summary",
        nargs="?",
        const="",
        metavar="FILE",
        help="write it in short as Markdown (after what $GITHUB_STEP_SUMMARY holds)",
    )
    parser.add_argument(
        "--annotations",
        action="store_true",
        default=None,
        help="print what is bad as annotations of GitHub Actions",
    )


def _add_benchmark_view(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--baseline", metavar="NAME", help="whose times a benchmark's ratios are to (the first's)"
    )
    parser.add_argument(
        "--detail", action="store_true", help="print every figure of a benchmark's programs"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a benchmark's table")
    parser.add_argument(
        "--pytest-benchmark", type=Path, metavar="FILE", help="write a benchmark as it saves them"
    )


def _add_save(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--save",
        nargs="?",
        const="",
        metavar="URL",
        help="add the run to the history in this database, such as sqlite:///FILE "
        "(DECONFORM_DATABASE, else a file of yours)",
    )
