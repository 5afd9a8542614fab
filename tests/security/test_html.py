"""The HTML report and the scan's page run nothing, fetch nothing and lead nowhere, whatever the texts in them are."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from mien.batch.find import Found, Unread
from mien.batch.rank import Rank, Standing
from mien.batch.summary import Asked, Summary, write_summary
from mien.batch.survey import Item

MARK = "x55x"
PAYLOADS = (
    f"<script>{MARK}()</script>",
    f"</script></style></title></textarea></svg><script>{MARK}()</script>",
    f'" onmouseover="{MARK}()" autofocus onfocus={MARK}() x="',
    f"' onload='{MARK}()' style='background:url(http://127.0.0.1/{MARK})'",
    f"<img src=x onerror={MARK}()>",
    f"<svg/onload={MARK}()><a xlink:href=javascript:{MARK}()>x</a></svg>",
    f"javascript:{MARK}()",
    f"data:text/html,<script>{MARK}()</script>",
    f"--><iframe src=//127.0.0.1/{MARK}><!--",
    f"]]><![CDATA[<script>{MARK}()</script>",
    f"&lt;script&gt;{MARK}()&lt;/script&gt;&#60;script&#62;",
    f"<base href=//127.0.0.1/><meta http-equiv=refresh content='0;url=//127.0.0.1/{MARK}'><link rel=import href=//{MARK}>",
    f"<scr\0ipt>{MARK}()</scr\0ipt>",
    f"\ufeff\u2028<script\u00a0>{MARK}()</script>",
    f"@y @h <rect onclick={MARK}()>",
    f"{{{{{MARK}}}}} ${{{MARK}}} <%= {MARK} %>",
    f"\ud800<script>{MARK}()</script>",
)


ALIVE = frozenset(
    (
        *(
            "script",
            "iframe",
            "object",
            "embed",
            "base",
            "form",
            "link",
            "input",
            "button",
            "frame",
            "applet",
            "portal",
        ),
        *("foreignobject", "animate", "set", "use", "audio", "video", "source", "template", "noscript", "textarea"),
    )
)
ADDRESSES = frozenset(
    ("href", "src", "xlink:href", "action", "formaction", "srcset", "data", "poster", "background", "ping", "cite")
)


class Page(HTMLParser):
    """What a browser would make of a page: live elements, handlers, addresses, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.tags: list[str] = []
        self.policy = ""
        self.comments = 0
        self.words = ""
        self._within = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self._within = tag
        if tag in ALIVE:
            self.found.append(f"<{tag}>")
        if tag == "meta" and "http-equiv" in given:
            assert given["http-equiv"] == "Content-Security-Policy"
            self.policy = given["content"]
        for name, value in given.items():
            if name.startswith("on"):
                self.found.append(f"{tag} {name}")
            if name in ADDRESSES and not re.match(
                r"(#[a-z0-9]+|\./[^:]*|data:image/jpeg;base64,[A-Za-z0-9+/=]+)\Z", value
            ):
                self.found.append(f"{tag} {name}={value}")
            if name == "style" and (
                "url" in value or "expression" in value or not re.fullmatch(r"[a-z0-9:;%. -]+", value)
            ):
                self.found.append(f"{tag} style={value}")
            if name in ("class", "id", "d", "x", "y", "width", "height", "viewbox", "tabindex"):
                assert MARK not in value, f"{tag} {name}={value}"

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "style":
            assert MARK not in data
            assert "@import" not in data
            assert "url(" not in data
        self.words += data

    def handle_comment(self, data: str) -> None:
        self.comments += 1

    def unknown_decl(self, data: str) -> None:
        self.found.append(f"declaration {data[:20]}")


def plain(payload: str) -> str:
    """A text of the same length and words, without any sign."""
    return re.sub(r"[^A-Za-z0-9 \n]", "z", payload)


def _check(page: Page, safe: Page) -> None:
    """Nothing is alive, and the payload has changed no element of the page."""
    assert page.found == []
    assert page.comments == 0
    drawn = [[tag for tag in one.tags if tag != "mark"] for one in (page, safe)]  # words that drove a score
    assert drawn[0] == drawn[1]
    assert "default-src 'none'" in page.policy
    assert "script" not in page.policy
    assert MARK in page.words


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_no_text_in_the_report_is_alive(
    poisoned: Callable[..., Any], written: Callable[..., Path], payload: str
) -> None:
    """Words, names of speakers, media, tracks, channels, units and plugins, notes, labels, parameters, corrections."""
    pages = [
        Page(written(poisoned(text), "report", thumbnails=0).read_text(encoding="utf-8"))
        for text in (payload, plain(payload))
    ]
    _check(*pages)
    assert pages[0].words.count(MARK) >= 20


def test_no_title_is_alive(poisoned: Callable[..., Any], written: Callable[..., Path]) -> None:
    for payload in PAYLOADS[:-1]:  # half a character is refused with the parameters
        page = Page(written(poisoned("plain"), "report", thumbnails=0, title=payload).read_text(encoding="utf-8"))
        assert page.found == []
        assert MARK in page.words


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_no_text_on_the_page_of_a_scan_is_alive(tmp_path: Path, payload: str) -> None:
    def page(text: str) -> Page:
        name = text.replace("/", "_").replace("\0", "").replace("\ud800", "\udcff")  # bytes that are no UTF-8
        root, out = tmp_path / f"media {name}", tmp_path / "out"
        out.mkdir(exist_ok=True)
        done = Item(Found(root / f"{name}.mp4", root, 1, "s"), state="done", medium="id", seconds=3.0, partial=text)
        done.standing, done.written = Standing(0.5, 1.0), (out / name / f"{name}-mien.html",)
        bad = Item(Found(root / f"{name}2.mp4", root, 1, "s"), state="failed", reason=text)
        late = Item(Found(root / f"{name}3.mp4", root, 1, "s"))
        rank = Rank(text, "highest", reading=text, unit=text)
        asked = Asked([root], rank, [text])
        summary = Summary(
            [done, bad, late], [Unread(root, text)], asked, lambda _: {"fusion.verdicts.count": 2, text: 1}
        )
        return Page(write_summary(summary, out)[0].read_text(encoding="utf-8"))

    _check(page(payload), page(plain(payload)))


def test_the_parser_sees_what_is_alive() -> None:
    """So that its silence above means something."""
    for payload in (*PAYLOADS[:3], *PAYLOADS[4:6]):
        page = Page(f'<p title="{payload}">{payload}</p>')
        assert page.found, payload
