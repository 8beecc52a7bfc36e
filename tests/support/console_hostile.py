"""Hashtags, reasons and names that break pages, put on every page of a console."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from moderation.access.services import Services
from moderation.log.drafts import STOP, OverrideDraft
from streams.clock import now_ms
from streams.constants import HOUR_MS
from streams.log.decisions import Decision
from streams.naming import tag_of
from tests.support.live_decisions import case_decision

ZALGO = "z" + "".join(chr(0x300 + number) for number in range(60)) + "algo"
HOSTILE = {
    "markup": "<img src=x onerror=pwned=1>",
    "reversing": "\u202egnp.evil\u2066",
    "long": "x" * 200,
    "zalgo": ZALGO,
}
"""Markup, marks that reverse what follows, a word without a place to break, and letters with sixty accents."""


def hostile_decisions() -> list[Decision]:
    """Build a held hashtag with each hostile spelling, and one that is hidden."""
    held = [
        case_decision(key, "hold", display=text, number=number, lasts_ms=(number + 1) * HOUR_MS)
        for number, (key, text) in enumerate(HOSTILE.items(), 1)
    ]
    return [*held, case_decision("hidden", "suppress", display=HOSTILE["markup"], number=9)]


async def write_everywhere(services: Services) -> dict[str, str]:
    """Let people with hostile names claim, note, block, pause and appeal for hostile reasons; return cases by tag."""
    names = cycle(text for key, text in HOSTILE.items() if key != "reversing")  # refused as the name of an actor
    reasons = cycle(HOSTILE.values())
    cases = services.cases
    found = {tag: (await cases.log.find(tag)).id for tag in HOSTILE}
    for tag in HOSTILE:
        await cases.note(tag, actor=next(names), reason=f"{next(reasons)} {HOSTILE['long']}")
        await cases.answer(tag, "unsure", actor="asha", reason="first answer")
    await cases.claim("long", actor=HOSTILE["markup"])
    for country, (_, text) in zip(("IN", "DE", "FR", "BR"), HOSTILE.items(), strict=True):
        draft = OverrideDraft(tag_of("written"), "block", country, ("search",), text, text, now_ms() + HOUR_MS)
        await services.moderation.override([draft])
    for country, text in zip(("IN", "DE"), (HOSTILE["markup"], HOSTILE["reversing"]), strict=True):
        pause = OverrideDraft(STOP, "allow", country, ("search", "trends"), text, text, now_ms() + HOUR_MS)
        await services.moderation.pause(pause)
    await services.reviews.refresh()
    for reference, text in zip(list(services.reviews.automated.restrictions), HOSTILE.values(), strict=False):
        await services.reviews.appeal(reference, actor="desk", reason=text)
    return found


def faults_of_texts(page: Any) -> list[str]:
    """Return where a page runs hostile markup, lets a mark reverse its own words, or is wider than the window."""
    found: list[str] = page.evaluate(_FAULTS)
    return found


_FAULTS = r"""() => {
  const found = [];
  const note = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 160)}`);
  if (window.pwned) found.push("a script ran");
  for (const one of document.querySelectorAll("img, [onerror], [style], script:not([src])")) note("markup", one);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const around = walker.currentNode.parentElement;
    const isolated = around.closest("bdi, [dir], option, textarea, svg");
    // A mark that nothing closes ends the isolation of an inline element.
    const open = !isolated || getComputedStyle(isolated).display === "inline";
    if (walker.currentNode.nodeValue.includes("\u202e") && open) note("not isolated", around);
  }
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) found.push(`${wide} px too wide`);
  for (const one of document.querySelectorAll("main *, header *, dialog[open] *")) {
    const box = one.getBoundingClientRect();
    let clip = one;
    while (clip && getComputedStyle(clip).overflowX === "visible") clip = clip.parentElement;
    if (box.width > 0 && box.right > innerWidth + 1 && !clip?.closest("main, header")) note("outside", one);
  }
  return found.slice(0, 8);
}"""
