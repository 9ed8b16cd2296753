"""Spoil what readers read, guided by the lines that run, and keep what they should have refused.

``tox run -e fuzz-parsers -- --minutes 30`` gives every reader of ``readers.py`` an equal share of
the time, one after the other, with libFuzzer by way of atheris.  A finding is an exception that is
not the project's own, more than two seconds, more than 500 MB, or the end of the process; its input
is kept in ``--output``, next to the corpora, with which another run begins.

``--mutants 120000`` spoils the seeds of look-ups instead, by characters, tokens and lines.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

SECONDS: Final = 2.0
MEGABYTES: Final = 500
_LANGUAGES: Final = ("python", "matlab", "wolfram")
_CRASHED: Final = 77  # What libFuzzer ends with
_LIMITS: Final = ("-max_len=4096", "-timeout=20", "-rss_limit_mb=4096", "-verbosity=0")


@dataclass
class Watch:
    """What one process has given to a reader, and what came of it."""

    reader: str
    read: Callable[[bytes], object]
    folder: Path
    inputs: int = 0
    refused: int = 0
    slowest: float = 0.0
    peak: int = 0
    kept: dict[str, str] = field(default_factory=dict)  # An input of each kind of finding

    def give(self, content: bytes) -> None:
        """Give the reader an input; keep it where it is the first finding of a kind."""
        from harness.core.errors import InputError  # noqa: PLC0415 -- instrumented by then

        before, kind = time.process_time(), ""
        try:
            self.read(content)
        except InputError:
            self.refused += 1
        except Exception as error:  # noqa: BLE001 -- what is looked for
            frame = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__}-{Path(frame.filename).stem}-{frame.lineno}"
        spent = time.process_time() - before
        peak = most_memory()
        if self.inputs and peak - self.peak > MEGABYTES:
            kind = kind or "memory"
        kind = kind or "slow" * (spent > SECONDS)
        self.inputs, self.peak, self.slowest = self.inputs + 1, peak, max(self.slowest, spent)
        if kind and kind not in self.kept:
            path = self.folder / f"{self.reader}-{kind}-{sha256(content).hexdigest()[:8]}"
            path.write_bytes(content)
            self.kept[kind] = str(path)
        if kind or self.inputs % 100 == 0:
            self.save()

    def save(self) -> None:
        """Leave the figures for whoever started this process, which may end at any time."""
        figures = {"inputs": self.inputs, "refused": self.refused, "slowest": self.slowest}
        path = self.folder / f"{self.reader}-{os.getpid()}.json"
        path.write_text(json.dumps(figures | {"kept": self.kept}))


def most_memory() -> int:
    """Return the most memory that this process has used so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def fuzz(name: str, folder: Path, seconds: float) -> None:
    """Spoil what one reader reads, for some time; then end the process."""
    import atheris  # noqa: PLC0415 -- instruments what is imported after it

    with atheris.instrument_imports(include=["harness", "wolframclient"]):
        from readers import READERS  # noqa: PLC0415

    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in READERS[name].seeds():
        (corpus / sha256(seed).hexdigest()).write_bytes(seed)
    watch, end = Watch(name, READERS[name].read, folder), time.monotonic() + seconds

    def once(content: bytes) -> None:
        watch.give(content)
        if time.monotonic() > end:
            watch.save()
            os._exit(0)  # To libFuzzer any other end is a crash.

    ended = f"-artifact_prefix={folder / name}-ended-"
    atheris.Setup([sys.argv[0], str(corpus), ended, *_LIMITS], once)
    atheris.Fuzz()


def fuzz_all(names: Sequence[str], folder: Path, minutes: float) -> None:
    """Fuzz one reader after the other, in processes that are started again where they end."""
    command = [sys.executable, __file__, "--output", str(folder)]
    for name in names:
        end, status = time.monotonic() + 60 * minutes / len(names), _CRASHED
        with (folder / f"{name}.log").open("w") as log, tempfile.TemporaryDirectory() as scratch:
            environment = os.environ | {"TMPDIR": scratch}
            # 0 where the time is over, 1 where nothing can be tried, else by what an input did.
            while status not in {0, 1} and (left := end - time.monotonic()) > 1:
                own = [*command, "--reader", name, "--seconds", str(left)]
                done = subprocess.run(own, stdout=log, stderr=log, env=environment, check=False)
                status = done.returncode


def mutate(count: int, folder: Path, seed: int) -> None:
    """Spoil calls in three languages: characters, tokens and lines go, come and move."""
    from readers import READERS  # noqa: PLC0415

    rng = random.Random(seed)  # noqa: S311 -- repeatable
    texts = {name: [each.decode() for each in READERS[name].seeds()] for name in _LANGUAGES}
    for name in _LANGUAGES:
        watch = Watch(name, READERS[name].read, folder)
        for _ in range(count // len(_LANGUAGES)):
            text = spoilt(rng.choice(texts[name]), rng.choice(texts[name]), rng)
            watch.give(text.encode(errors="surrogateescape"))
        watch.save()


_PIECES: Final = (r"(?s:.)", r"\w+|\s+|[^\w\s]", r"[^\n]*\n|[^\n]+")  # Characters, tokens, lines
_ODD: Final = (
    *("(", ")", "[", "]", "{", "}", "'", '"', '"""', "\\", "%{", "(*", "...", "#", "=", "-1", "0"),
    *("1e999", "9" * 20, "0x", "**", ":=", "->", "@", "if", "for", "lambda", "return", "import"),
    *("\n", "\t", "\r", "\f", "\0", "\udcff", "é", "\u200b", "\u202e"),
)


def spoilt(text: str, other: str, rng: random.Random) -> str:
    """Change a text in up to four places, by pieces of its own, of another one, and odd ones.

    >>> spoilt("f(1, 2)", "g[x]", random.Random(4)) == "f(1, 2)"
    False
    """
    for _ in range(rng.randint(1, 4)):
        pattern = rng.choice(_PIECES)
        pieces = re.findall(pattern, text)
        at, length = rng.randrange(len(pieces) + 1), rng.choice((0, 1, 1, 1, 2, 5))
        donors = (*pieces, *re.findall(pattern, other), *_ODD)
        new = rng.choices(donors, k=rng.choice((0, 1, 1, 2)))
        pieces[at : at + length] = new * rng.choice((1, 1, 1, 1, 30))
        text = "".join(pieces)
    return text


def show(name: str, folder: Path) -> int:
    """Print a line of figures, and where the inputs are that were findings; count the inputs."""
    figures = [json.loads(path.read_text()) for path in folder.glob(f"{name}-*.json")]
    inputs, refused = (sum(int(each[key]) for each in figures) for key in ("inputs", "refused"))
    slowest = max((each["slowest"] for each in figures), default=0)
    shown = f"{name:<13} {inputs:>9} inputs, {refused / max(inputs, 1):4.0%} refused"
    print(f"{shown}, slowest {slowest:.2f} s", *kept(name, folder), sep="\n    ")
    return inputs


def kept(name: str, folder: Path) -> list[str]:
    """Return the inputs that were findings of a reader."""
    return sorted(str(path) for path in folder.glob(f"{name}-*") if path.suffix != ".json")


def main() -> int:
    """Run the command; return its exit status, 1 where there are findings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="for all readers (10)")
    parser.add_argument("--output", type=Path, default=Path("build/fuzz"), metavar="FOLDER")
    parser.add_argument("--only", action="append", metavar="READER", help="one, or several")
    parser.add_argument("--mutants", type=int, metavar="N", help="spoil N calls instead")
    parser.add_argument("--seed", type=int, default=0, help="of the mutants (0)")
    parser.add_argument("--reader", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.output.resolve()
    if options.reader:
        fuzz(options.reader, folder, options.seconds)
    from readers import READERS  # noqa: PLC0415 -- is instrumented where it is fuzzed

    names = _LANGUAGES if options.mutants else tuple(options.only or READERS)
    folder.mkdir(parents=True, exist_ok=True)
    for figures in folder.glob("*.json"):
        figures.unlink()
    if options.mutants:
        mutate(options.mutants, folder, options.seed)
    else:
        fuzz_all(names, folder, options.minutes)
    tried = [show(name, folder) for name in names]
    findings = sum(len(kept(name, folder)) for name in names)
    print(f"{sum(tried)} inputs, {findings} findings")
    return int(findings > 0 or not all(tried))


if __name__ == "__main__":
    sys.exit(main())
