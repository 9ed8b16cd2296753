"""Run everything that needs a GPU, one after another; the reports go to ``reports/``.

That is: the tests marked ``gpu``; the default suite in CuPy and PyTorch; and the layers of
``specs/bench`` in our CuPy path and PyTorch's cuDNN, with their share of the GPU's ceilings, in
IEEE float32 and in float16.

    python benchmarks/gpu.py [--python cupy=PATH] [--python pytorch=PATH] [--out DIR]

Without a network, use ``--python`` to name interpreters that already have CuPy and PyTorch.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def main() -> int:
    """Run everything, even after failures; return 0 if there were none."""
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
