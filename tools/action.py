"""What ``action.yml`` makes of a run's folder: the outputs of a step, and a comment.

    python tools/action.py FOLDER >> "$GITHUB_OUTPUT"

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness import Report
from harness.report.summary import summary

# GitHub refuses a comment of 65,536 characters.
MOST: Final = 30_000  # Bytes of the summary, and characters of the difference


def main(folder: Path) -> None:
    """Write the comment, and print the outputs."""
    report = Report.read(folder / "report.jsonl")
    file = folder / "difference.md"
    difference = file.read_text(encoding="utf-8") if file.is_file() else ""
    comment = folder / "comment.md"
    comment.write_text(comment_of(report, difference), encoding="utf-8", errors="replace")
    for line in outputs(report, folder):
        print(line)


def outputs(report: Report, folder: Path) -> Iterator[str]:
    """Yield ``name=value``; JSON and paths of ours have no line ends."""
    yield f"report={folder / 'report.jsonl'}"
    yield f"badge={folder / 'badges' / report.frameworks[0]}.svg"
    yield f"counts={json.dumps(report.counts)}"
    yield f"comment={folder / 'comment.md'}"


def comment_of(report: Report, difference: str) -> str:
    """Write a comment, which its first line finds again; whom a report names is not notified."""
    marker = f"<!-- deconform: {' '.join(report.frameworks)} -->"
    if len(difference) > MOST:
        difference = difference[:MOST].rpartition("\n")[0] + "\n\nThe rest does not fit here.\n"
    text = f"{summary(report, MOST)}\n{difference}"
    return f"{marker}\n" + text.replace("@", "@\N{ZERO WIDTH SPACE}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
