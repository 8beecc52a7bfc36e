// Sampled tweets: a text is fetched when its reader opens it, and leaves the page when it is masked again. The markings
// of others come after the first answer.
"use strict";

(() => {
  const id = document.getElementById("case").dataset.case;
  const all = document.querySelector("[data-mask-all]");
  const sampled = () => [...document.querySelectorAll("#sample [data-tweet]")];
  const isOpen = (row) => row.querySelector("[data-unmask]").getAttribute("aria-expanded") === "true";

  document.addEventListener("click", ({ target }) => {
    const row = target.closest("[data-tweet]");
    const mark = target.closest("[data-mark]");
    if (target.closest("[data-mask-all]")) switchAll();
    else if (mark) setMark(row, mark);
    else if (target.closest("[data-unmask]")) isOpen(row) ? mask(row) : open([row], row);
  });

  async function open(rows, place) {
    const query = new URLSearchParams(rows.map((row) => ["tweet", row.dataset.tweet]));
    if (rows.some((row) => "highest" in row.dataset)) query.set("highest", "true");
    place.setAttribute("aria-busy", "true");
    const answer = await fetch(`/v1/cases/${id}/texts?${query}`).catch(() => null);
    place.removeAttribute("aria-busy");
    if (!answer) return hushConsole.problem(place, { status: 0, fix: "Wait a moment, then try again." });
    const plain = await answer.json().catch(() => ({}));
    if (!answer.ok) return hushConsole.problem(place, hushConsole.inWords(answer.status, plain));
    hushConsole.problem(place, null);
    const texts = new Map([...plain.items, ...(plain.highest.items ?? [])].map((one) => [one.id, one]));
    for (const row of rows) show(row, texts.get(row.dataset.tweet));
    count();
  }

  // The number of opened texts, where a limit makes the page show it.
  async function count() {
    const place = document.querySelector("[data-exposure]");
    const answer = place && (await fetch("/v1/exposure").catch(() => null));
    if (answer?.ok) place.textContent = (await answer.json()).opened;
  }

  function show(row, text) {
    const place = row.querySelector("[data-place]");
    place.textContent = text?.state === "shown" ? text.text : `No text: ${text?.note ?? "it is not in the sample"}.`;
    place.lang = text?.lang && text.lang !== "und" ? text.lang : "";
    set(row, true);
  }

  function mask(row) {
    row.querySelector("[data-place]").textContent = "";
    set(row, false);
  }

  function set(row, opened) {
    row.querySelector("[data-place]").hidden = !opened;
    row.querySelector("[data-mask]").hidden = opened;
    const button = row.querySelector("[data-unmask]");
    button.setAttribute("aria-expanded", String(opened));
    button.textContent = opened ? "Mask" : "Open";
    button.setAttribute("aria-label", button.getAttribute("aria-label").replace(/^\w+/, button.textContent));
    if (!all) return;
    const rows = sampled();
    const every = rows.every(isOpen);
    all.setAttribute("aria-pressed", String(every));
    all.firstChild.textContent = every ? "Mask all " : "Open all ";
  }

  function switchAll() {
    const closed = sampled().filter((row) => !isOpen(row));
    if (closed.length === 0) sampled().forEach(mask);
    else open(closed, document.getElementById("sample"));
  }

  async function setMark(row, button) {
    if (row.getAttribute("aria-busy")) return;
    const mark = button.getAttribute("aria-pressed") === "true" ? "none" : button.dataset.mark;
    row.setAttribute("aria-busy", "true");
    const content = JSON.stringify({ tweet: row.dataset.tweet, mark });
    const answer = await hushConsole.call("POST", `/v1/cases/${id}/markings`, content, crypto.randomUUID());
    row.removeAttribute("aria-busy");
    hushConsole.problem(row, answer.problem ? { status: answer.status, ...answer.problem } : null);
    if (answer.problem) return;
    for (const one of row.querySelectorAll("[data-mark]")) one.setAttribute("aria-pressed", String(one.dataset.mark === answer.plain.mark));
  }

  // Markings of others, once the person has answered.
  document.addEventListener("written", async ({ target }) => {
    if (!target.matches("[data-first]")) return;
    const answer = await fetch(`/v1/cases/${id}/sample`).catch(() => null);
    if (!answer?.ok) return;
    for (const one of (await answer.json()).items) {
      const place = document.querySelector(`#sample [data-tweet="${CSS.escape(one.id)}"] [data-others]`);
      if (place && one.others?.length) place.textContent = `Others: ${one.others.map(({ mark }) => mark.replace("_", "-")).join(", ")}`;
    }
  });
})();
