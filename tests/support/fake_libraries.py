"""Shared libraries for tests: the example of the C door, and ones that misbehave."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).parents[2] / "harness" / "doors" / "templates" / "c"
HAS_COMPILER: Final = shutil.which("cc") is not None

# What stands in the place of ``deconform_conv_transpose``: it is given p, x, w, b, y and the number
# of bytes of y; ``honest`` is the example's own function, which a fake may call.
BEHAVIOURS: Final = {
    "honest": "return honest(p, x, w, b, y);",
    "zeros": "memset(y, 0, bytes); return 0;",
    "writes_an_element_after_y": """
        memset((char *)y + bytes, 0, p->dtype / 8);
        return honest(p, x, w, b, y);""",
    "writes_a_byte_before_y": "((char *)y)[-1] = 0; return honest(p, x, w, b, y);",
    "writes_twice_y": """
        int s = honest(p, x, w, b, y);
        memcpy((char *)y + bytes, y, bytes);
        return s;""",
    "adds_zero_beyond_y": """
        if (p->dtype == 32) ((volatile float *)y)[bytes / 4] += 0;
        return honest(p, x, w, b, y);""",
    "writes_before_x": "memset((char *)x - 8, 1, 8); return honest(p, x, w, b, y);",
    "changes_x": "((char *)x)[0] ^= 1; return honest(p, x, w, b, y);",
    "changes_w": "int s = honest(p, x, w, b, y); ((char *)w)[2] ^= 1; return s;",
    "changes_b": "int s = honest(p, x, w, b, y); if (b) ((char *)b)[2] ^= 1; return s;",
    "changes_the_problem": """
        int s = honest(p, x, w, b, y);
        ((deconform_problem *)p)->stride[0] = 1;
        return s;""",
    "leaves_half": """
        void *whole = malloc(bytes + 1);
        int s = honest(p, x, w, b, whole);
        memcpy(y, whole, bytes / 2);
        free(whole);
        return s;""",
    "leaves_all": "return 0;",
    "adds_to_y": """
        const struct arrays a = {.dtype = p->dtype, .x = x, .w = w, .y = y};
        scatter(p, &a, add_to_y);
        return 0;""",
    "reads_before_x": """
        int s = honest(p, x, w, b, y);
        volatile float negative = -((volatile const float *)x)[-1];
        if (p->dtype == 32) *(float *)y += negative;
        return s;""",
    "reads_b_always": """
        static volatile float first;
        first = *(const float *)b;
        return honest(p, x, w, b, y);""",
    "returns_the_previous_output": """
        static void *previous;
        void *whole = malloc(bytes + 1);
        int s = honest(p, x, w, b, whole);
        memcpy(y, previous ? previous : whole, bytes);
        previous = whole;
        return s;""",
    "is_right_three_times": """
        static int calls;
        int s = honest(p, x, w, b, y);
        if (++calls > 3) memset(y, 0, bytes);
        return s;""",
    "knows_sizes": """
        int s = honest(p, x, w, b, y);
        for (int axis = 0; axis < p->rank; axis++)
            if (p->in_size[axis] > 8) memset(y, 0, bytes);
        return s;""",
    "rounds_to_half": """
        int s = honest(p, x, w, b, y);
        uint32_t *bits = y;
        for (size_t i = 0; i < bytes / 4; i++)
            bits[i] = (bits[i] + 0xFFF + (bits[i] >> 13 & 1)) & ~0x1FFFu;
        return s;""",
    "remembers": """
        static const void *last;
        int is_known = last == y;
        last = y;
        return is_known ? 0 : honest(p, x, w, b, y);""",
    "hangs": "for (;;) pause();",
    "aborts": "abort();",
    "exits": "exit(0);",
    "returns_7": 'message = "no such kernel"; return 7;',
    "tells": """
        static char text[999];
        const void *arrays[] = {x, w, b, y};
        int size = 0;
        for (int i = 0; i < sizeof *p / 8; i++)
            size += sprintf(text + size, "%ld ", (long)((const int64_t *)p)[i]);
        for (int i = 0; i < 4; i++)
            size += sprintf(text + size, "%d ", (int)((uintptr_t)arrays[i] % 64));
        sprintf(text + size, "%d", !b);
        message = text;
        return 2;""",
    "returns_minus_1": "message = NULL; return -1;",
    "refuses": 'message = "no kernel for this"; return 1;',
    "floods": """
        for (int i = 0; i < 10000; i++) printf("%s", "{\\"op\\": \\"result\\"}\\n");
        return honest(p, x, w, b, y);""",
}

_SOURCE: Final = """
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#define deconform_conv_transpose honest
#include "NAME.c"
#undef deconform_conv_transpose

static volatile char behaviour[] = "BEHAVIOUR=@@";

int deconform_conv_transpose(const deconform_problem *p, const void *x, const void *w,
                             const void *b, void *y)
{
    const size_t bytes = p->dtype / 8 * p->batch * p->out_channels * volume(p->out_size);
    switch (behaviour[10] * 100 + behaviour[11]) {
    CASES
    }
    return 99;
}
"""


def compile_library(path: Path, source: str) -> Path:
    """Compile C, with the example's folder on the path of its includes."""
    command = ["cc", "-std=c99", "-O1", "-w", "-fPIC", "-shared", "-x", "c", "-", "-o", str(path)]
    subprocess.run([*command, "-I", str(TEMPLATE)], input=source, text=True, check=True)
    return path


def fake_libraries(folder: Path) -> dict[str, Path]:
    """Make a library for each behaviour, compiled once: they differ in two characters."""
    marks = [f"{number:02d}" for number in range(len(BEHAVIOURS))]
    cases = "".join(
        f"case {ord(mark[0])} * 100 + {ord(mark[1])}: {{ {text} }}"
        for mark, text in zip(marks, BEHAVIOURS.values(), strict=True)
    )
    compiled = compile_library(folder / "all.so", _SOURCE.replace("CASES", cases)).read_bytes()
    paths = {name: folder / f"lib{name}.so" for name in BEHAVIOURS}
    for mark, path in zip(marks, paths.values(), strict=True):
        path.write_bytes(compiled.replace(b"BEHAVIOUR=@@", b"BEHAVIOUR=" + mark.encode()))
    return paths
