"""Keys of a Latin and of a Hindi keyboard for browser tests, counted, and a watch that no pointer is used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Page

Layout = Literal["latin", "hindi"]
_INSCRIPT = "ो व म ् ा ि ु प ग र क त स ल द ज ौ ी े ू ह न ै ं ब ॆ"
_LETTERS = dict(zip("abcdefghijklmnopqrstuvwxyz", _INSCRIPT.split(" "), strict=True))
_DIGITS = dict(zip("0123456789", "०१२३४५६७८९", strict=True))
HINDI = _LETTERS | _DIGITS
"""Character that the InScript layout gives for the key with a Latin letter or digit on it."""
WATCH_POINTER = """
window.pointerUsed = false;
for (const kind of ["pointerdown", "mousedown", "touchstart", "wheel"]) {
  addEventListener(kind, () => (window.pointerUsed = true), true);
}
"""
_NAMED = re.compile(r"[a-z0-9]")


@dataclass(slots=True)
class Keyboard:
    """Keyboard of a person in front of a page; it counts the keys that are pressed, a chord as one.

    Args:
        page: the page; `watch` makes it notice pointers.
        layout: layout of the letters and digits.
    """

    page: Page
    layout: Layout = "latin"
    pressed: int = 0

    def watch(self) -> None:
        """Let every further document of the page note whether a pointer is used."""
        self.page.add_init_script(WATCH_POINTER)

    def press(self, *keys: str) -> None:
        """Press keys by their Latin names one after the other."""
        for key in keys:
            self.pressed += 1
            if self.layout == "latin" or not _NAMED.fullmatch(key):
                self.page.keyboard.press(key)
            else:
                self._press_hindi(key)

    def type(self, text: str) -> None:
        """Type a text into the focused field."""
        self.page.keyboard.insert_text(text)
        self.pressed += len(text)

    def _press_hindi(self, key: str) -> None:
        """Send the events that a browser gets from a Hindi layout: `code` names the place, `key` the character."""
        code = f"Digit{key}" if key.isdigit() else f"Key{key.upper()}"
        session = self.page.context.new_cdp_session(self.page)
        for kind in ("keyDown", "keyUp"):
            event = {"type": kind, "key": HINDI[key], "code": code, "windowsVirtualKeyCode": ord(key.upper())}
            session.send("Input.dispatchKeyEvent", event)
        session.detach()
