"""The system's Chromium, driven by Playwright; nothing is downloaded."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

# On a busy machine a page may be slow, and is not wrong for that.
expect.set_options(timeout=60_000)

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


LAPTOP = (1280, 720)
DESKTOP = (1400, 900)
PHONE = (390, 900)


class Tabs:
    """Pages of one browser, one after the other in as few tabs as will do.

    Every tab is a process, which takes longer to start than a page to load.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self._free: dict[bool, list[Page]] = defaultdict(list)

    @contextmanager
    def opened(
        self,
        address: str,
        size: tuple[int, int] = LAPTOP,
        *,
        dark: bool = False,
        scripts: bool = True,
    ) -> Iterator[Page]:
        """Open a page, on whose console nothing may be said, and which may load no more."""
        free = self._free[scripts]
        page = free.pop() if free else self._tab(scripts)
        said: list[str] = []
        listeners = {
            "console": lambda message: said.append(message.text),
            "pageerror": lambda error: said.append(str(error)),
            "requestfailed": partial(_tell, said),
        }
        for event, listener in listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]
        show(page, size, dark=dark)
        page.goto(address)
        yield page
        # Ends what the page still does.  The tab of a test that fails is not used again.
        page.goto("about:blank")
        for event, listener in listeners.items():
            page.remove_listener(event, listener)
        assert not said, "\n".join(said)
        free.append(page)

    def _tab(self, scripts: bool) -> Page:
        rights = ["clipboard-read", "clipboard-write"]
        return self.browser.new_context(java_script_enabled=scripts, permissions=rights).new_page()


def show(page: Page, size: tuple[int, int], *, dark: bool) -> None:
    """Show the page on a screen of this size and brightness."""
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    # What scrolls smoothly may leave the place at which the mouse is pressed.
    page.emulate_media(
        media="screen", color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )


def _tell(said: list[str], request: Request) -> None:
    """Tell of what could not be loaded; whoever leaves a page ends what it still loads."""
    if request.failure != "net::ERR_ABORTED":
        said.append(f"{request.url} failed: {request.failure}")


def check_everybody_can_use(page: Page, *, from_disk: bool = False) -> None:
    """Look for barriers, and for what stands beyond the right edge of the screen."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"{AXE_SCRIPT};null")
    # Preloading loads the style sheet once more, which a page from disk may not.
    options = {"preload": not from_disk, "resultTypes": ["violations"]}
    results = AxeResults(page.evaluate("options => axe.run(options)", options))
    assert results.violations_count == 0, results.generate_report()
    assert page.viewport_size is not None
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@contextmanager
def chromium() -> Iterator[Tabs]:
    """Start a browser; skip the test if none is installed."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        # As root in a container, Chromium cannot use its sandbox.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield Tabs(browser)
        browser.close()
