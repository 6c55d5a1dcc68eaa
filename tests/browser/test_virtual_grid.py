"""A grid of 50,000 items that holds only the visible ones, in Chromium."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from sdui.ui.mounting import ASSETS

pytestmark = pytest.mark.browser

MAKE = """async () => {
  const { VirtualGrid } = await import("/ui/virtual_grid.js");
  document.body.innerHTML =
    '<button id="before">before</button><div id="grid" style="width:700px;height:500px"></div>';
  window.total = 50000;
  window.asked = []; window.clicked = []; window.aborted = 0; window.prefix = "item";
  window.hold = null; window.broken = false; window.told = [];
  const fetchPage = async (offset, count, signal) => {
    asked.push(offset);
    if (broken) throw new Error("gone");
    signal.addEventListener("abort", () => aborted++);
    const length = Math.max(0, Math.min(count, total - offset));
    const answer = { total, items: Array.from({ length }, (_, i) => `${prefix} ${offset + i}`) };
    await hold;
    return answer;
  };
  const render = (item, index) => {
    const button = document.createElement("div");
    button.textContent = item;
    button.addEventListener("click", () => clicked.push(index));
    return button;
  };
  window.grid = new VirtualGrid(document.getElementById("grid"), {
    fetchPage, render, label: (item) => `picture ${item}`,
    failed: (error) => told.push(error.message), itemWidth: 150, itemHeight: 120, gap: 8, pageSize: 60,
  });
  await grid.reset();
}"""


def asset(route: Route) -> None:
    name = urlsplit(route.request.url).path.removeprefix("/ui/")
    if name == "blank":
        route.fulfill(body="", content_type="text/html")
    else:
        route.fulfill(path=ASSETS / name)


@pytest.fixture(scope="module")
def grid(lasting_visitor) -> Page:
    page = lasting_visitor.page
    page.route("http://grid.test/ui/*", asset)
    page.goto("http://grid.test/ui/blank")
    return page


@pytest.fixture
def made(grid: Page) -> Page:
    grid.set_viewport_size({"width": 1440, "height": 900})
    grid.evaluate(MAKE)
    return grid


def cells(page: Page) -> int:
    return page.locator(".virtual-grid-cell").count()


def focused(page: Page) -> str | None:
    return page.evaluate("document.activeElement?.ariaLabel")


def test_only_what_is_near_is_in_the_page_and_asked_for(made):
    expect(made.locator(".virtual-grid-cell").first).to_have_text("item 0")
    assert cells(made) < 50
    assert made.evaluate("asked") == [0]
    made.evaluate("document.getElementById('grid').scrollTop = 128 * 6000")
    expect(made.get_by_text("item 24000", exact=True)).to_be_visible()
    assert cells(made) < 50
    assert made.evaluate("asked.length") <= 3
    assert made.evaluate("[grid.itemAt(24000), grid.itemAt(49999)]") == ["item 24000", None]


def test_screen_readers_hear_where_they_are(made):
    assert made.get_attribute("#grid", "role") == "grid"
    assert made.get_attribute("#grid", "aria-rowcount") == "12500"
    row = made.locator("#grid [role=row]").nth(2)
    assert row.get_attribute("aria-rowindex") == "3"
    assert row.locator("[role=gridcell]").nth(1).get_attribute("aria-colindex") == "2"
    assert row.locator("[role=gridcell]").nth(1).get_attribute("aria-label") == "picture item 9"


@pytest.mark.parametrize(
    "keys, arrived",
    [
        (["ArrowRight"], 1),
        (["ArrowLeft"], 0),
        (["ArrowDown", "ArrowDown", "ArrowUp"], 4),
        (["End"], 49999),
        (["End", "ArrowUp", "ArrowDown"], 49999),
        (["End", "Home"], 0),
        (["PageDown"], 12),
        (["PageDown", "PageUp"], 0),
    ],
)
def test_keys_move_the_focus(made, keys, arrived):
    made.focus("#before")
    made.keyboard.press("Tab")
    for key in keys:
        made.keyboard.press(key)
    assert made.evaluate("document.activeElement.dataset.index") == str(arrived)
    expect(made.locator(f"[data-index='{arrived}']")).to_be_in_viewport()
    expect(made.locator(f"[data-index='{arrived}']")).to_have_text(f"item {arrived}")
    made.keyboard.press("Enter")
    made.keyboard.press(" ")
    assert made.evaluate("clicked") == [arrived, arrived]


def test_tab_finds_an_item_after_scrolling_and_focus_survives_it(made):
    made.evaluate("document.getElementById('grid').scrollTop = 128 * 1000")
    expect(made.get_by_text("item 4000", exact=True)).to_be_visible()
    made.focus("#before")
    made.keyboard.press("Tab")
    expect(made.locator("[data-index='4000']")).to_be_focused()
    made.evaluate("document.getElementById('grid').scrollTop = 0")
    expect(made.get_by_text("item 0", exact=True)).to_be_visible()
    assert focused(made) == "picture item 4000"
    made.keyboard.press("ArrowRight")
    expect(made.locator("[data-index='4001']")).to_be_focused()


def test_columns_fill_the_width_and_the_place_stays(made):
    made.evaluate("document.getElementById('grid').scrollTop = 128 * 100")
    expect(made.get_by_text("item 400", exact=True)).to_be_visible()
    made.evaluate("document.getElementById('grid').style.width = '330px'")
    expect(made.locator("#grid")).to_have_attribute("aria-rowcount", "25000")
    expect(made.get_by_text("item 400", exact=True)).to_be_in_viewport()
    boxes = [made.locator(f"[data-index='{index}']").bounding_box() for index in (400, 401)]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["width"] + boxes[1]["width"] > 300


def test_large_contents_do_not_make_a_row_higher(made):
    made.evaluate("document.querySelector('.virtual-grid-cell > *').style.fontSize = '300px'")
    assert made.locator("[data-index='0']").bounding_box()["height"] == 120


def test_a_new_question_starts_over_and_a_refresh_stays(made):
    made.evaluate("document.getElementById('grid').scrollTop = 128 * 100; ")
    expect(made.get_by_text("item 400", exact=True)).to_be_visible()
    made.evaluate("prefix = 'fresh'; grid.refresh()")
    expect(made.get_by_text("fresh 400", exact=True)).to_be_in_viewport()
    made.evaluate("prefix = 'found'; total = 3; grid.reset()")
    expect(made.locator(".virtual-grid-cell")).to_have_text(["found 0", "found 1", "found 2"])
    made.evaluate("total = 0; grid.reset()")
    expect(made.locator(".virtual-grid-cell")).to_have_count(0)


def test_a_refresh_without_news_leaves_the_cells_as_they_are(made):
    made.evaluate("document.querySelector('.virtual-grid-cell').dataset.mark = 'same'; grid.refresh()")
    made.wait_for_function("asked.length === 2")
    made.evaluate("grid.refresh()")
    expect(made.locator(".virtual-grid-cell").first).to_have_attribute("data-mark", "same")
    made.evaluate("total = 49999; grid.refresh()")
    expect(made.locator("[data-mark]")).to_have_count(0)


def test_an_item_far_away_can_be_asked_for(made):
    assert made.evaluate("grid.load(30000)") == "item 30000"
    assert made.evaluate("grid.load(50000)") is None


def test_the_last_question_is_the_one_that_is_answered(made):
    made.evaluate("""async () => {
      hold = new Promise((resolve) => (window.release = resolve));
      prefix = "slow"; const slow = grid.reset();
      const before = hold; hold = null; prefix = "quick";
      await grid.reset(); release(); await slow; await before;
    }""")
    expect(made.locator(".virtual-grid-cell").first).to_have_text("quick 0")
    assert made.evaluate("aborted") == 1


def test_a_failed_request_is_told_and_scrolling_asks_again(made):
    made.evaluate("broken = true; document.getElementById('grid').scrollTop = 128 * 100")
    made.wait_for_function("told.length")
    expect(made.locator("[data-index='400']")).to_have_attribute("aria-busy", "true")
    made.evaluate("broken = false; document.getElementById('grid').scrollTop += 1")
    expect(made.get_by_text("item 400", exact=True)).to_be_visible()
    assert set(made.evaluate("told")) == {"gone"}
