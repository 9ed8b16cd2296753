"""All that a GPU is needed for, one after the other; the reports go to ``reports/``.

The tests marked ``gpu``; the default suite through CuPy and PyTorch; the layers of ``specs/bench``
through our CuPy path beside PyTorch's cuDNN, with the share of the card's ceilings: in float32 as
IEEE says, and in float16.

    python benchmarks/gpu.py [--python cupy=PATH] [--python pytorch=PATH] [--out DIR]

Where there is no network, ``--python`` names interpreters that have CuPy and PyTorch already.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def main() -> int:
    """Run everything, whatever fails; 0 where nothing did."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR")
    options = parser.parse_args()
    pythons = [word for each in options.python for word in ("--python", each)]
    failed = []
    for command in _commands(options.out, pythons):
        print("$", *command, flush=True)
        if subprocess.run([sys.executable, "-m", *command], check=False).returncode:
            failed.append(command)
    for command in failed:
        print("failed:", *command)
    return bool(failed)


def _commands(out: Path, pythons: list[str]) -> Iterator[list[str]]:
    both = ["-f", "cupy", "-f", "pytorch", "--device", "cuda", *pythons]
    yield ["pytest", "-m", "gpu"]
    run = ["harness", "run", *both, "--require", "cupy", "--require", "pytorch"]
    yield [*run, *_files(out / "gpu")]
    for dtype in ("float32", "float16"):
        bench = ["harness", "bench", *both, "--baseline", "pytorch", "--detail", "--dtype", dtype]
        yield [*bench, *_files(out / f"gpu-bench-{dtype}")]


def _files(path: Path) -> list[str]:
    return ["-o", f"{path}.jsonl", "--markdown", f"{path}.md"]


if __name__ == "__main__":
    raise SystemExit(main())
