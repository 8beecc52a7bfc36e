// Decisions on the page of a hashtag: when each was recorded and reached the surfaces, conflicts in place, and the same
// decision for look-alikes (`data-relative` boxes), where a refused one stays checked with its reason.
"use strict";

(() => {
  const PAST = { block: "Blocked", allow: "Allowed", hold: "On hold", undo: "Undone" };
  const part = () => document.getElementById("hashtag");

  document.addEventListener("written", ({ target: form, detail }) => {
    if (!form.dataset.verb) return;
    const act = () => document.querySelector('[data-key="z"][data-opens]')?.click();
    hushHashtag.announce(PAST[detail.action] ?? "Decided", detail, detail.action === "undo" ? null : act);
  });

  // A conflict: who changed what is in the form already; the new state can be read without losing what is typed.
  document.addEventListener("refused", ({ target: form, detail }) => {
    if (detail.status !== 409 || !form.dataset.part) return;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "quiet", textContent: "Load the new state; your text stays" });
    button.onclick = () => reopen(form.dataset.part, form.closest("dialog").id);
    form.querySelector("[data-problem]").append(button);
    button.focus();
  });

  async function reopen(url, name) {
    await htmx.ajax("GET", url, { target: "#hashtag", swap: "outerHTML" });
    const dialog = document.getElementById(name);
    if (dialog) dialog.showModal();
    else hushConsole.toast("That decision is no longer in force");
  }

  // Look-alikes: one decision for each, in one call.
  const relatives = (form) => [...form.querySelectorAll("[data-relative]:checked:not(:disabled)")];

  async function sendFamily(form) {
    if (form.dataset.sending) return;
    const value = (name) => form.elements[name].value;
    const surfaces = [...form.querySelectorAll('[name="surfaces"]:checked')].map((box) => box.value);
    const shared = { action: value("action"), country: value("country"), surfaces, lasts: value("lasts") };
    const boxes = relatives(form);
    const own = form.dataset.recorded ? [] : [{ hashtag: value("hashtag"), if_version: value("if_version") }];
    const rows = [...own, ...boxes.map((box) => ({ hashtag: box.value, if_version: box.dataset.version }))];
    const content = JSON.stringify({ reason: value("reason"), items: rows.map((row) => ({ ...row, ...shared })) });
    if (form.dataset.bulk !== content) Object.assign(form.dataset, { bulk: content, bulkKey: crypto.randomUUID() });
    form.dataset.sending = "true";
    const { status, plain, problem } = await hushConsole.call("POST", "/v1/overrides/bulk", content, form.dataset.bulkKey);
    delete form.dataset.sending;
    if (problem) return hushConsole.problem(form, { status, ...problem });
    delete form.dataset.bulk;
    const refused = plain.items.filter((row) => row.problem);
    const writtenNow = plain.items.filter((row) => row.written);
    for (const box of boxes) if (writtenNow.some((row) => row.hashtag === box.value)) Object.assign(box, { disabled: true });
    if (writtenNow.some((row) => row.hashtag === value("hashtag"))) form.dataset.recorded = "true";
    if (refused.length > 0) {
      const errors = refused.map((row) => ({ detail: `#${row.hashtag}: ${hushConsole.inWords(row.status, row.problem).detail}` }));
      const reread = () => htmx.ajax("GET", form.dataset.part, { target: "#hashtag", swap: "outerHTML" });
      if (writtenNow.length > 0) form.closest("dialog").addEventListener("close", reread, { once: true });
      const detail = `${writtenNow.length} recorded, ${refused.length} refused. The refused ones stay checked.`;
      return hushConsole.problem(form, { status: 200, title: "Not all were recorded", detail, errors });
    }
    sessionStorage.removeItem(`draft ${form.dataset.draft}`);
    form.closest("dialog").close();
    const last = writtenNow.at(-1).written; // the surfaces get the decisions in this order
    hushHashtag.announce(`${PAST[value("action")]}, ${writtenNow.length} hashtags`, last, null);
    htmx.ajax("GET", form.dataset.part, { target: "#hashtag", swap: "outerHTML" });
  }

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!form.dataset.verb || relatives(form).length === 0) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      sendFamily(form);
    },
    true,
  );

  document.addEventListener("htmx:load", ({ target }) => {
    if (target === part() && document.activeElement === document.body) document.getElementById("page").focus({ preventScroll: true });
  });
})();
