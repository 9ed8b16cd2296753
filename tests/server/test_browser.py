"""The look-up's page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from asked_calls import PYTORCH, SIZED

pytest.importorskip("playwright", reason="no Playwright here: pip install playwright")

from browsing import DESKTOP, PHONE, Tabs, check_everybody_can_use, chromium, show
from dashboards import timed, usual
from playwright.sync_api import FilePayload, Page, expect
from serving import served

from harness.dashboard import build

pytestmark = pytest.mark.browser

TEXT = "Code with calls, from any framework"
IN_MATLAB = "transposedConv2dLayer(4, 32, 'Stride', 2, 'Cropping', 1, 'NumChannels', 64"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def tabs() -> Iterator[Tabs]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(tabs: Tabs, address: str) -> Iterator[Page]:
    with tabs.opened(address) as found:
        yield found


def at(address: str, **query: str) -> str:
    return f"{address}/?{urlencode(query)}"


def test_a_newcomer_pastes_a_layer_and_copies_the_matlab_line(page: Page) -> None:
    expect(page.get_by_label(TEXT)).to_be_focused()
    page.keyboard.insert_text(PYTORCH)
    matlab = page.get_by_role("article", name="MATLAB")
    expect(matlab).to_contain_text(IN_MATLAB)
    matlab.get_by_role("button", name="Copy: MATLAB, the call").click()
    expect(matlab.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("layer = transposedConv2dLayer(4, 32, ")
    assert copied.splitlines()[-1] == "y_ = predict(net, x_);"


def test_an_answer_follows_each_change_and_so_does_the_address(page: Page) -> None:
    text = page.get_by_label(TEXT)
    text.press_sequentially("nn.ConvTranspose2d(8, 4, 3)")
    expect(page.get_by_role("heading", level=2)).to_contain_text("8 → 4 channels")
    text.fill(PYTORCH)
    expect(page.get_by_role("heading", level=2)).to_contain_text("64 → 32 channels")
    page.get_by_label("Answer for").select_option("Wolfram Language")
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_role("article")).to_contain_text("DeconvolutionLayer[32, {4, 4}")
    page.get_by_label("Written as").select_option("a function")
    expect(page.get_by_text("style=function")).to_have_count(0)
    page.wait_for_url("**style=function*")
    expect(page.get_by_role("status")).to_have_text(
        "64 -> 32 channels, kernel 4x4, stride 2, crop 1, bias. 1 answer."
    )


def test_an_address_is_the_answer_again(page: Page, tabs: Tabs) -> None:
    page.get_by_label(TEXT).fill(PYTORCH)
    page.wait_for_url("**text=*")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    with tabs.opened(page.url) as again:
        assert again.locator("#answer").inner_text() == page.locator(
            "#answer"
        ).inner_text().replace("Copied", "Copy link")
        assert again.get_by_label(TEXT).input_value() == PYTORCH


def test_what_is_wrong_is_shown_with_its_place_and_leads_to_the_field(page: Page) -> None:
    page.get_by_label(TEXT).fill(SIZED)
    wrong = page.get_by_role("region", name="What is wrong")
    expect(wrong).to_contain_text("target_shape chooses the output's size")
    page.get_by_text("Fill in the input shape").click()
    expect(page.get_by_label("Input shape")).to_be_focused()
    page.keyboard.insert_text("1, 64, 8, 8")
    expect(page.get_by_text("(1, 64, 8, 8) → (1, 4, 8, 8)")).to_be_visible()
    expect(wrong).to_have_count(0)


FILE = """\
class Net(nn.Module):
    def __init__(self, k):
        self.up1 = nn.ConvTranspose2d(64, 32, k, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.bad = nn.ConvTranspose2d(4, 6, 3, stride=0)
"""


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_a_file_is_listed_and_goes_on_as_text(page: Page, way: str) -> None:
    name = "<script>document.title='hit'</script>.py"
    if way == "chosen":
        content = FilePayload(name=name, mimeType="text/x-python", buffer=FILE.encode())
        page.get_by_label("Or a file").set_input_files(content)
    else:
        page.evaluate(
            """([name, text]) => {
                const dataTransfer = new DataTransfer();
                dataTransfer.items.add(new File([text], name));
                const drop = new DragEvent("drop", { dataTransfer, bubbles: true });
                document.getElementById("text").dispatchEvent(drop);
            }""",
            [name, FILE],
        )
    expect(page.get_by_role("status")).to_have_text(f"3 calls in {name}, 1 not read.")
    expect(page.get_by_label(TEXT)).to_have_value(FILE)
    page.get_by_role("row", name="up2").get_by_role("link").click()
    expect(page.get_by_role("article", name="Chainer of self.up2")).to_be_in_viewport()
    page.get_by_label("Answer for").select_option("Wolfram Language")
    expect(page.get_by_role("article")).to_have_count(2)
    expect(page.get_by_role("row", name="not read")).to_contain_text("stride is 0")
    assert "hit" not in page.title()


def test_a_file_that_is_too_large_is_not_sent(page: Page) -> None:
    size = page.evaluate("Number(document.getElementById('lookup').dataset.largest) + 1")
    page.evaluate(
        """size => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(size)], "large.py"));
            const drop = new DragEvent("drop", { dataTransfer, bubbles: true });
            document.getElementById("text").dispatchEvent(drop);
        }""",
        size,
    )
    expect(page.locator("#answer")).to_have_text(
        f"The file has {size} bytes, and {size - 1} are allowed."
    )


def test_values_are_typed_next_to_the_question(page: Page) -> None:
    page.get_by_label(TEXT).fill("nn.ConvTranspose1d(4, 6, k, stride=u, padding=(k - u) // 2)")
    page.get_by_label("k", exact=True).press_sequentially("16", delay=120)
    page.keyboard.press("Tab")
    page.keyboard.insert_text("8")
    heading = page.get_by_role("heading", level=2)
    expect(heading).to_have_text("4 → 6 channels, kernel 16, stride 8, crop 4, bias")
    expect(page.get_by_label("u", exact=True)).to_be_focused()
    page.wait_for_url("**set.k=16&set.u=8*")
    page.reload()
    expect(heading).to_have_text("4 → 6 channels, kernel 16, stride 8, crop 4, bias")
    expect(page.get_by_label("k", exact=True)).to_have_value("16")


def test_an_emptied_text_leads_back_to_the_examples(page: Page) -> None:
    text = page.get_by_label(TEXT)
    text.fill("f(")
    expect(page.get_by_role("region", name="What is wrong")).to_be_visible()
    text.fill("")
    page.get_by_role("link", name="Can TensorFlow do dilation 2 with stride 2?").click()
    expect(page.get_by_role("article", name="TensorFlow")).to_be_visible()


def test_what_is_typed_stays_text(page: Page) -> None:
    text = "nn.ConvTranspose2d(1, 2, <img src=x onerror=document.title='hit'>)"
    page.get_by_label(TEXT).fill(text)
    expect(page.get_by_role("region", name="What is wrong")).to_contain_text("<img src=x")
    assert page.locator("#answer img").count() == 0
    assert "hit" not in page.title()


def test_an_opened_program_stays_open_while_the_text_changes(page: Page) -> None:
    page.get_by_label(TEXT).fill(PYTORCH)
    chainer = page.get_by_role("article", name="Chainer")
    chainer.get_by_text("Whole program").click()
    expect(chainer.get_by_text("import chainer.links as L").first).to_be_visible()
    page.get_by_label(TEXT).fill(PYTORCH.replace("64", "16"))
    expect(chainer).to_contain_text("L.Deconvolution2D(16, 32, 4")
    expect(chainer.get_by_text("import chainer.links as L").first).to_be_visible()


def test_a_service_that_has_ended_is_told(tabs: Tabs) -> None:
    with served() as own:
        page = tabs.browser.new_page()
        page.goto(own)
    page.get_by_label(TEXT).fill(PYTORCH)
    expect(page.locator("#answer")).to_contain_text("The service does not answer.")
    page.close()


def test_without_javascript_the_form_answers(tabs: Tabs, address: str) -> None:
    with tabs.opened(address, scripts=False) as page:
        page.get_by_label(TEXT).fill(PYTORCH)
        page.get_by_role("button", name="Look up").click()
        expect(page.get_by_role("article", name="MATLAB")).to_contain_text(IN_MATLAB)
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        page.get_by_label(TEXT).fill(SIZED)
        page.get_by_role("button", name="Look up").click()
        page.get_by_text("Fill in the input shape").click()
        page.get_by_label("Input shape").fill("1,64,8,8")
        page.get_by_role("button", name="Look up").click()
        expect(page.get_by_text("(1, 64, 8, 8) → (1, 4, 8, 8)")).to_be_visible()


def test_without_javascript_a_file_and_values_are_sent(tabs: Tabs, address: str) -> None:
    with tabs.opened(address, scripts=False) as page:
        content = FilePayload(name="net.py", mimeType="text/x-python", buffer=FILE.encode())
        page.get_by_label("Or a file").set_input_files(content)
        page.get_by_role("button", name="Look up", exact=True).click()
        expect(page.get_by_role("heading", name="3 calls in net.py")).to_be_visible()
        page.get_by_label("k", exact=True).fill("4")
        page.get_by_role("button", name="Look up with these values").click()
        expect(page.get_by_role("row", name="up1")).to_contain_text("kernel 4x4")
        expect(page.get_by_label("k", exact=True)).to_have_value("4")
        expect(page.get_by_label("File name")).to_have_value("net.py")


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service with a dashboard beside it."""
    folder = tmp_path_factory.mktemp("made") / "dashboard"
    build([usual(), timed()], folder)
    with served("--reports", str(folder)) as found:
        yield found


def test_the_dashboard_leads_back_to_the_look_up(tabs: Tabs, beside: str) -> None:
    with tabs.opened(beside) as page:
        page.get_by_role("link", name="Which framework is fastest").click()
        expect(page.get_by_text("Forward: PyTorch in")).to_be_visible()
        page.get_by_label("A call, or words").fill(PYTORCH)
        page.get_by_role("button", name="Translate the call").click()
        expect(page.get_by_role("article", name="MATLAB")).to_contain_text(IN_MATLAB)
        page.get_by_role("link", name="Reports").click()
        page.get_by_role("link", name="Look up", exact=True).click()
        expect(page.get_by_label(TEXT)).to_be_focused()


def test_a_layer_that_no_report_holds_is_looked_up(tabs: Tabs, beside: str) -> None:
    with tabs.opened(f"{beside}/reports/layers.html?{urlencode({'text': PYTORCH})}") as page:
        expect(page.get_by_text("deconform translate")).to_be_hidden()
        page.get_by_role("link", name="Look it up").click()
        expect(page.get_by_role("article", name="MATLAB")).to_contain_text(IN_MATLAB)


def test_a_case_is_looked_up_in_every_framework(tabs: Tabs, beside: str) -> None:
    with tabs.opened(f"{beside}/reports/cases/models_dcgan_up.html") as page:
        page.get_by_role("link", name="Look it up in every framework").click()
        expect(page.get_by_role("article", name="MATLAB")).to_contain_text(
            "transposedConv2dLayer(4, 8, 'Stride', 2, 'Cropping', 1, 'NumChannels', 16"
        )


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    page.keyboard.insert_text(PYTORCH)
    page.keyboard.press("Control+Enter")
    link = page.get_by_role("navigation", name="Frameworks").get_by_role("link", name="MATLAB")
    expect(link).to_be_visible()
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="MATLAB")).to_be_in_viewport()


PAGES = {
    "start": "/",
    "answer": f"/?{urlencode({'text': PYTORCH, 'input': '1,64,16,16'})}",
    "unsupported": f"/?{urlencode({'text': 'nn.ConvTranspose2d(8, 4, 3, groups=2)'})}",
    "refused": f"/?{urlencode({'text': SIZED})}",
    "list": f"/?{urlencode({'text': FILE, 'file': 'net.py', 'set.k': '4'})}",
    "names": f"/?{urlencode({'text': 'nn.ConvTranspose2d(c, c // 2, k, padding=p)'})}",
    "api": "/api",
}


@pytest.fixture(scope="module", params=PAGES)
def loaded(request: pytest.FixtureRequest, tabs: Tabs, address: str) -> Iterator[Page]:
    """A page for several tests, which show it on one screen after the other."""
    with tabs.opened(address + PAGES[request.param], PHONE, dark=True) as page:
        yield page


@pytest.mark.parametrize(
    ("size", "dark"), [(PHONE, True), (DESKTOP, False)], ids=["dark phone", "light desktop"]
)
def test_everybody_can_use_every_page(loaded: Page, size: tuple[int, int], dark: bool) -> None:
    show(loaded, size, dark=dark)
    check_everybody_can_use(loaded)
