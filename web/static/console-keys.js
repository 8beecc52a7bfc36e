// Keys: an element with `data-key="c"` is clicked by that key, one with `data-key-focus="/"` gets the focus. Lists with
// `data-rows` are walked by j and k, row by row (`data-row`); Enter opens a row's `data-open`, x its checkbox.
// A single key never writes: it opens a form or a dialog. Ctrl+Enter sends the form that has the focus, also a dialog's.
"use strict";

(() => {
  const SWITCH = "single keys are off";
  const WORDS = { j: "Next row", k: "Row before", Enter: "Open the row", Escape: "Back", x: "Select the row", "?": "Keys", "Ctrl+K": "Any hashtag", "Ctrl+Enter": "Send the form" };

  // Letters by their place on the keyboard where the layout is not Latin (Devanagari, Arabic), and digits.
  function keyOf(event) {
    if (/^[a-z?/]$/i.test(event.key)) return event.key.toLowerCase();
    if (event.key.length > 1 && event.key !== "Unidentified" && event.key !== "Process") return event.key;
    if (/^Key[A-Z]$/.test(event.code)) return event.code.slice(3).toLowerCase();
    if (/^Digit[0-9]$/.test(event.code) && !event.shiftKey) return event.code.slice(5);
    if (event.code === "Slash") return event.shiftKey ? "?" : "/";
    return event.key;
  }

  const isTyping = (element) => element.closest("input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]") !== null;
  const rows = () => [...document.querySelectorAll("[data-rows] [data-row]:not([hidden])")];
  const current = () => document.activeElement.closest?.("[data-row]") ?? document.querySelector("[data-row][data-at]");

  function walk(step) {
    const all = rows();
    if (all.length === 0) return;
    const at = all.indexOf(current());
    const row = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    document.querySelectorAll("[data-row][data-at]").forEach((one) => delete one.dataset.at);
    row.dataset.at = "";
    (row.querySelector("[data-open]") ?? row).focus();
    row.scrollIntoView({ block: "nearest" });
  }

  function act(event, element) {
    event.preventDefault();
    if ("keyFocus" in element.dataset) element.focus();
    else element.click();
  }

  const shown = (element) => element && !element.disabled && element.getClientRects().length > 0;
  function find(root, key) {
    const name = CSS.escape(key);
    const all = [...root.querySelectorAll(`[data-key="${name}"], [data-key-focus="${name}"]`)];
    return all.find((one) => shown(one) && (root !== document || !one.closest("[data-row]"))); // a row's keys work on it alone
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return; // 229: Safari, for the Enter that ends a composition
    const key = keyOf(event);
    if (event.repeat && key !== "j" && key !== "k") return; // a key that is held down acts once
    const dialog = document.querySelector("dialog[open]");
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      if (key === "Enter") {
        const form = event.target.form ?? event.target.closest("form") ?? dialog?.querySelector("form[data-write]");
        if (form?.matches("form[data-write]") && form.getClientRects().length > 0) {
          event.preventDefault();
          form.dataset.next = "true";
          form.requestSubmit();
          if (!form.dataset.sending) delete form.dataset.next; // a field is missing: a click on the button stays here
        }
      } else if (key === "k" && !event.shiftKey) {
        const finder = find(document, "Ctrl+K");
        if (finder) act(event, finder);
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem(SWITCH) || isTyping(event.target)) return;
    if (dialog) {
      const element = find(dialog, key);
      if (element) act(event, element);
      return;
    }
    const row = current();
    if (key === "j" || key === "k") {
      event.preventDefault();
      walk(key === "j" ? 1 : -1);
    } else if (key === "x" && row?.querySelector("input[type=checkbox]")) {
      act(event, row.querySelector("input[type=checkbox]"));
    } else if (key === "Enter") {
      const open = event.target.closest("a, button, summary, input") ? null : row?.querySelector("[data-open]");
      if (open) act(event, open);
    } else {
      const element = (row && find(row, key)) || find(document, key);
      if (element) act(event, element);
    }
  });

  document.addEventListener("focusin", ({ target }) => {
    const row = target.closest("[data-row]");
    if (!row) return;
    document.querySelectorAll("[data-row][data-at]").forEach((one) => delete one.dataset.at);
    row.dataset.at = "";
  });

  // Dialogs: `data-opens="id"` opens one; the focus goes back by itself when it closes.
  document.addEventListener("click", ({ target }) => {
    const opener = target.closest("[data-opens]");
    if (!opener) return;
    const dialog = document.getElementById(opener.dataset.opens);
    if (opener.dataset.opens === "keys") list(dialog.querySelector("[data-keys]"));
    dialog.dispatchEvent(new CustomEvent("opens", { bubbles: true, detail: { opener } }));
    if (!dialog.open) dialog.showModal();
  });

  function list(place) {
    const found = new Map();
    for (const key of rows().length > 0 ? ["j", "k", "Enter"] : []) found.set(key, WORDS[key]);
    if (document.querySelector("[data-row] input[type=checkbox]")) found.set("x", WORDS.x);
    for (const element of document.querySelectorAll("[data-key], [data-key-focus]")) {
      if (element.closest("dialog")) continue;
      const key = element.dataset.key || element.dataset.keyFocus;
      if (key && !found.has(key)) found.set(key, element.dataset.keyWords ?? WORDS[key] ?? words(element));
    }
    found.set("Ctrl+Enter", WORDS["Ctrl+Enter"]);
    place.replaceChildren();
    for (const [key, meaning] of found) {
      const name = document.createElement("dt");
      name.append(Object.assign(document.createElement("kbd"), { textContent: key === "Escape" ? "Esc" : key }));
      place.append(name, Object.assign(document.createElement("dd"), { textContent: meaning }));
    }
  }

  function words(element) {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("kbd").forEach((one) => one.remove());
    return (element.ariaLabel || copy.textContent || element.title || "").trim().replace(/\s+/g, " ");
  }

  const toggle = document.querySelector("[data-keys-switch]");
  toggle.checked = !localStorage.getItem(SWITCH);
  const apply = () => (document.documentElement.dataset.keys = toggle.checked ? "on" : "off");
  toggle.addEventListener("change", () => {
    if (toggle.checked) localStorage.removeItem(SWITCH);
    else localStorage.setItem(SWITCH, "true");
    apply();
  });
  apply();
})();
