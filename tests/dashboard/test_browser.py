"""The dashboard in a real browser, opened from disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright", reason="no Playwright here: pip install playwright")
pytest.importorskip("jinja2", reason="no Jinja2 here: pip install jinja2")
pytest.importorskip("plotly", reason="no plotly here: pip install plotly")

from browsing import (
    DESKTOP,
    LAPTOP,
    PHONE,
    Tabs,
    check_everybody_can_use,
    chromium,
    show,
)
from dashboards import DCGAN, GROUPED, STRIDED, timed, usual
from playwright.sync_api import Locator, Page, expect
from saved_runs import BEGAN, benchmark
from saved_runs import conformance as saved_conformance

from harness import translate
from harness.core.program import Program
from harness.dashboard import build
from harness.history import store
from harness.records.status import Status
from harness.suite.case import case_from_descriptor

pytestmark = pytest.mark.browser

PAGES = {
    "start": "index.html",
    "matrix": "conformance.html",
    "suite": "suites/grid.html",
    "case": "cases/models_dcgan_up.html",
    "illegal": "cases/rejects_stride_zero.html",
    "parameters": "parameters.html?framework=tensorflow&stride=2",
    "layers": "layers.html?text=dcgan",
    "not found": "layers.html?text=nn.ConvTranspose2d(7,7,7)",
    "limitations": "limitations.html",
    "benchmarks": "benchmarks.html",
    "history": "history.html",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a dashboard with everything, of which a history whose times change once."""
    place = tmp_path_factory.mktemp("made")
    kept = store.opened(f"sqlite:///{place / 'history.sqlite'}")
    for day in range(24):
        noise = 1 + (day * 7 % 5) / 100
        kept.save(benchmark(day, noise * (0.001 if day < 12 else 0.002), case="bench/a"))
        kept.save(saved_conformance(day, [Status.PASSED, Status.FAILED][: 1 + (day > 5)]))
    build([usual(), timed()], place / "dashboard", kept)
    return (place / "dashboard").as_uri()


@pytest.fixture(scope="module")
def tabs() -> Iterator[Tabs]:
    with chromium() as found:
        yield found


def test_from_the_matrix_down_to_a_program(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/index.html") as page:
        page.get_by_role("navigation").get_by_role("link", name="Conformance").click()
        page.get_by_role("link", name="models/dcgan in TensorFlow").click()
        expect(page.get_by_role("combobox", name="in", exact=True)).to_have_value("1")
        page.get_by_role("link", name="up").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("up")
        expect(page.locator("main")).to_contain_text("Equals the mutant: kernel flipped")
        picture = page.get_by_role("img", name="Geometry: 16 -> 8 channels")
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        page.get_by_role("row", name="TensorFlow").get_by_role("link").click()
        expect(page.get_by_role("heading", name="TensorFlow", exact=False).last).to_be_in_viewport()


def test_a_program_is_copied_as_it_was_run(tabs: Tabs, site: str) -> None:
    program = translate(case_from_descriptor(DCGAN), "pytorch")
    assert isinstance(program, Program)
    name = "cases/models_dcgan_up.html#in-pytorch"
    with tabs.opened(f"{site}/{name}") as page:
        section = page.locator("#in-pytorch")
        section.get_by_text("The whole program that was run").click()
        section.get_by_role("button", name="Copy").nth(1).click()
        expect(section.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == program.text


def test_the_command_that_reproduces_is_copied(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/cases/models_dcgan_up.html") as page:
        page.locator(".findings").get_by_role("button", name="Copy").click()
        expect(page.locator(".findings").get_by_role("button", name="Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == f"deconform reproduce {DCGAN} -f tensorflow"


def test_a_case_leads_to_what_is_like_it(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/cases/grid_grouped.html") as page:
        expect(page.locator("#texts")).to_contain_text(
            "Given are arrays in one layout for all: x (n,"
        )
        expect(page.locator("#texts")).to_contain_text(f"deconform translate {GROUPED} --to NAME")
        page.get_by_role("link", name="stride 2, dilation 2").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Parameters")
        for name in ("stride", "dilation"):
            expect(page.get_by_role("combobox", name=name, exact=True)).to_have_value("2")


def test_an_illegal_case_leads_to_nothing_like_it(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/cases/rejects_stride_zero.html") as page:
        expect(page.locator("#in-pytorch")).to_contain_text("stride=0")
        assert "More like it" not in page.locator("main").inner_text()
        assert "--to NAME" not in page.locator("main").inner_text()
        expect(page.locator("#picture")).to_have_count(0)


@pytest.mark.parametrize("framework", ["pytorch", "tensorflow"])
def test_a_permalink_leads_to_a_frameworks_program(tabs: Tabs, site: str, framework: str) -> None:
    with tabs.opened(f"{site}/cases/grid_strided.html#in-{framework}") as page:
        expect(page.locator(f"#in-{framework}")).to_be_in_viewport()
        expect(page.locator("#case")).to_contain_text(STRIDED)


@pytest.mark.parametrize(
    ("name", "label", "value", "shown"),
    [
        ("conformance.html", "suite", "dcgan", "1 of 3 shown"),
        ("suites/grid.html", "case", "s2x2_d2x2_g2", "1 of 3 shown"),
        ("limitations.html", "search", "float64-dilation", "2 of"),
    ],
)
def test_what_is_typed_filters_and_is_in_the_address(
    tabs: Tabs, site: str, name: str, label: str, value: str, shown: str
) -> None:
    with tabs.opened(f"{site}/{name}") as page:
        page.get_by_label(label, exact=True).fill(value)
        expect(page.locator("form.filters output").first).to_contain_text(shown)
        page.wait_for_url(f"**?q={value}")
        address = page.url
    with tabs.opened(address) as again:
        expect(again.get_by_label(label, exact=True)).to_have_value(value)
        expect(again.locator("form.filters output").first).to_contain_text(shown)


def test_a_suite_is_filtered_by_what_became_of_its_cases(tabs: Tabs, site: str) -> None:
    query = "?framework=tensorflow&support=rewritten&status=PASSED"
    with tabs.opened(f"{site}/suites/grid.html{query}") as page:
        rows = page.locator("#cases tbody tr:visible")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("grouped")
        page.get_by_role("combobox", name="status").select_option("KNOWN")
        expect(rows).to_have_count(0)


def test_the_start_page_says_whether_a_framework_can(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/index.html") as page:
        answer = page.locator("#can .answer")
        expect(answer).to_contain_text("Yes. A single call in 2 of 3 cases; 1 need more code")
        expect(answer).to_contain_text("Always more code with: groups 2")
        expect(answer.get_by_role("link", name="tensorflow-float64-dilation")).to_be_visible()
        page.get_by_role("combobox", name="framework").select_option("pytorch")
        expect(answer).to_contain_text("Yes. A single call in all of 3 cases.")
        page.get_by_role("combobox", name="stride").select_option("3")
        expect(answer).to_contain_text("No case in this report matches.")
        page.wait_for_url("**?framework=pytorch&stride=3")
        address = page.url
    with tabs.opened(address) as again:
        expect(again.locator("#can .answer")).to_contain_text("No case in this report matches.")
        again.get_by_role("combobox", name="stride").select_option("2")
        again.get_by_role("button", name="Show the cases").click()
        again.wait_for_url("**/parameters.html?framework=pytorch&dilation=2&stride=2*")
        expect(again.get_by_role("heading", name="3 cases")).to_be_visible()
        expect(again.get_by_role("combobox", name="dilation", exact=True)).to_have_value("2")


@pytest.mark.parametrize(
    ("question", "card"),
    [
        ("Can TensorFlow do dilation 2 with stride 2?", "Can it do that?"),
        ("What is this PyTorch layer in MATLAB?", "What is this layer in another framework?"),
        ("Which framework is fastest for FCN-32s here?", "Which is fastest here?"),
    ],
)
def test_the_start_page_leads_to_what_people_ask(
    tabs: Tabs, site: str, question: str, card: str
) -> None:
    with tabs.opened(f"{site}/index.html", (390, 700)) as page:
        page.get_by_role("link", name=question).click()
        expect(page.get_by_role("heading", name=card)).to_be_in_viewport()


def test_a_layer_is_shown_in_a_framework_that_did_not_run(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/index.html") as page:
        page.get_by_label("A call, or words").fill("dcgan")
        page.keyboard.press("Enter")
        matlab = page.locator("#results .side").nth(1)
        expect(matlab).to_contain_text("MATLAB ● native not run in this report")
        expect(matlab).to_contain_text("transposedConv2dLayer(4, 8, 'Stride', 2, 'Cropping', 1,")


def test_verdicts_are_in_sight_on_a_phone(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/suites/grid.html", PHONE) as page:
        expect(page.locator("#cases tbody td").first).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("index.html", "These questions are answered with JavaScript."),
        ("benchmarks.html", "Charts need JavaScript."),
        ("parameters.html", "the legality map below is not"),
        ("cases/models_dcgan_up.html", f"deconform translate {DCGAN} --program"),
        ("cases/models_dcgan_up.html", "F failed all 5"),
    ],
)
def test_without_javascript_a_page_says_what_there_is(
    tabs: Tabs, site: str, name: str, said: str
) -> None:
    with tabs.opened(f"{site}/{name}", scripts=False) as page:
        expect(page.locator("main")).to_contain_text(said)
        for plot in page.locator(".plot").all():
            expect(plot).to_be_hidden()
        expect(page.get_by_role("link", name="Look up", exact=True)).to_be_hidden()


def test_a_cell_of_two_parameters_leads_to_its_cases(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/parameters.html?framework=tensorflow&rows=groups") as page:
        page.get_by_role("button", name="groups 2, stride 2: 1 cases").click()
        found = page.locator("#pivot-cases")
        expect(found.get_by_role("heading")).to_have_text("groups 2, stride 2: 1 cases")
        found.get_by_role("link", name="grid/grouped").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("grouped")


@pytest.mark.parametrize(
    "text",
    [
        "nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1)",
        "self.up = nn.ConvTranspose2d(16,8,4,  stride=2, padding=1),",
        "torch.nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1)",
        "dcgan",
    ],
)
def test_a_layer_is_found_in_another_framework(tabs: Tabs, site: str, text: str) -> None:
    with tabs.opened(f"{site}/index.html") as page:
        page.get_by_label("A call, or words").fill(text)
        page.get_by_role("combobox", name="to", exact=True).select_option("tensorflow")
        page.get_by_role("button", name="Find the layer").click()
        found = page.locator("#results li")
        expect(found).to_have_count(1)
        expect(found.locator(".side").nth(0)).to_contain_text("nn.ConvTranspose2d(16, 8, 4,")
        expect(found.locator(".side").nth(1)).to_contain_text("Conv2DTranspose(8, 4,")


def test_another_call_is_not_taken_for_one_that_is_there(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/layers.html?to=tensorflow") as page:
        field = page.get_by_label("call or words")
        field.fill("nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1, bias='no')")
        command = page.locator("#results .notice pre")
        expect(command).to_have_text(
            "deconform translate 'nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1, "
            "bias='\\''no'\\'')' --to tensorflow --style layer"
        )


def test_charts_are_drawn_of_the_chosen_layer(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/index.html") as page:
        expect(page.locator("#fastest .answer")).to_contain_text("Forward: PyTorch in")
        page.get_by_role("button", name="Show the times").click()
        page.wait_for_url("**/benchmarks.html?case=bench%2Fsegmentation%2Ffcn32s-upscore")
        expect(page.locator("#answer")).to_contain_text("PyTorch in")
        for name in ("plot-time", "plot-cold", "plot-roof"):
            page.locator(f"#{name}").scroll_into_view_if_needed()
            expect(page.locator(f"#{name} svg.main-svg").first).to_be_visible()
        expect(page.locator("#plot-time .bars .point")).to_have_count(2)
        expect(page.locator("#plot-cold .bars .point")).to_have_count(8)


def test_the_history_marks_its_step(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/history.html") as page:
        expect(page.locator("main")).to_contain_text("commit c11..c12")
        expect(page.locator("#plot-history .scatterlayer .point")).to_have_count(24)
        expect(page.locator("#plot-history .shapelayer path")).to_have_count(1)
        expect(page.locator("main")).to_contain_text(f"since {BEGAN:%Y-%m}-07")


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until something has the focus, as somebody without a mouse does."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{wanted} cannot be reached by keyboard")


def test_from_a_filter_to_a_copied_program_by_keyboard(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/suites/grid.html") as page:
        tab_to(page, page.get_by_label("case", exact=True))
        page.keyboard.type("grouped")
        expect(page.locator("form.filters output")).to_contain_text("1 of 3 shown")
        tab_to(page, page.get_by_role("link", name="grouped"))
        page.keyboard.press("Enter")
        copy = page.locator("#in-pytorch").get_by_role("button", name="Copy").first
        expect(copy).to_be_visible()
        tab_to(page, copy)
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert "nn.ConvTranspose2d(" in page.evaluate("navigator.clipboard.readText()")


def test_a_case_is_printed_without_what_only_a_screen_has(tabs: Tabs, site: str) -> None:
    name = "cases/models_dcgan_up.html"
    with tabs.opened(f"{site}/{name}", dark=True) as page:
        page.wait_for_selector("html[data-ready=yes]")
        page.emulate_media(media="print")
        expect(page.get_by_text("Equals the mutant: kernel flipped")).to_be_visible()
        expect(page.locator("#picture img")).to_be_visible()
        # Its own style sheet follows that of the page.
        expect(page.locator("#picture img")).to_have_css("color-scheme", "light")
        for hidden in ("nav", "button", ".skip"):
            assert not [each for each in page.locator(hidden).all() if each.is_visible()]
        colour = "element => getComputedStyle(element).backgroundColor"
        assert page.locator("body").evaluate(colour) == "rgb(255, 255, 255)"
        assert page.locator(".mark.bad").first.evaluate(colour) == "rgb(251, 230, 228)"


def test_charts_of_a_dark_screen_are_printed_in_dark_ink(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/benchmarks.html", dark=True) as page:
        page.wait_for_selector("#plot-time[data-drawn=yes]")
        page.emulate_media(media="print")
        for text in page.locator("#plot-time text").all():
            expect(text).to_have_css("fill", "rgb(0, 0, 0)")


def test_descriptors_keep_to_their_column_on_a_phone(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/suites/grid.html", PHONE) as page:
        inside = "cell => cell.scrollWidth <= cell.clientWidth"
        assert all(cell.evaluate(inside) for cell in page.locator("#cases tbody th").all())


def test_no_program_of_an_illegal_case_is_called_support(tabs: Tabs, site: str) -> None:
    with tabs.opened(f"{site}/{PAGES['illegal']}") as page:
        page.wait_for_selector("html[data-ready=yes]")
        expect(page.locator(".program h3")).to_have_text(["PyTorch ", "TensorFlow "])


@pytest.fixture(scope="module", params=PAGES)
def loaded(request: pytest.FixtureRequest, tabs: Tabs, site: str) -> Iterator[Page]:
    """A page for several tests, which show it on one screen after the other."""
    with tabs.opened(f"{site}/{PAGES[request.param]}", PHONE, dark=True) as page:
        if request.param not in {"matrix", "suite", "limitations"}:
            page.wait_for_selector("html[data-ready=yes]")
        yield page


@pytest.mark.parametrize(
    ("size", "dark"), [(PHONE, True), (DESKTOP, False)], ids=["dark phone", "light desktop"]
)
def test_everybody_can_use_every_page(loaded: Page, size: tuple[int, int], dark: bool) -> None:
    show(loaded, size, dark=dark)
    check_everybody_can_use(loaded, from_disk=True)


def test_every_page_can_be_walked_by_keyboard(loaded: Page) -> None:
    show(loaded, LAPTOP, dark=False)
    loaded.keyboard.press("Tab")
    expect(loaded.get_by_role("link", name="Skip to the content")).to_be_focused()
    loaded.keyboard.press("Enter")
    loaded.keyboard.press("Tab")
    assert loaded.evaluate("document.querySelector('main').contains(document.activeElement)")
