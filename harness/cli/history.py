"""``deconform history``: the trend of times over saved runs, and since when a case fails."""

from __future__ import annotations

import argparse

from harness.cli.exit_statuses import OK
from harness.cli.options import UsageError, add_shared


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", nargs="?", metavar="CASE", help="part of a case's id, or a glob")
    add_shared(parser, "framework", default=[])
    parser.add_argument("--direction", choices=("forward", "gradient"), help="only this one")
    parser.add_argument(
        "--machine", metavar="FINGERPRINT", help="only this one's runs; its beginning is enough"
    )
    parser.add_argument("--branch", metavar="NAME", help="only runs of this branch")
    parser.add_argument(
        "--database", metavar="URL", help="sqlite:///FILE or postgresql://... (DECONFORM_DATABASE)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    import json

    from harness.cli.consoles import terminal
    from harness.convention.registry import that_is_run
    from harness.doors.implementation import is_file, name_of, subject_of
    from harness.history.console import print_history, to_json
    from harness.history.store import Selection, opened
    from harness.suite.specs import selected

    columns = [name_of(subject_of(name)) if is_file(name) else name for name in options.framework]
    case = options.case
    selection = Selection(
        cases=None if case is None else lambda name: selected(name, case),
        frameworks=columns,
        direction=options.direction,
        machine=options.machine,
        branch=options.branch,
    )
    store = opened(options.database or None, create=False)
    times = store.times(selection)
    histories = () if options.direction else store.case_histories(selection)
    if not times and not histories:
        for name in columns:
            that_is_run(name)  # Misspelt, it is an error of its own.
        raise UsageError(f"no run in {store.database.name} holds what is asked for.")
    if options.json:
        print(json.dumps(to_json(times, histories), indent=2))
    else:
        print_history(times, histories, terminal(), has_choice=case is not None)
    return OK
