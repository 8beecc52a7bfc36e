// Selection of the queue and one decision on it. Selectable are cases that this browser has opened in this shift, or one
// look-alike family. What is refused stays selected, with its reason.
"use strict";

(() => {
  const list = document.querySelector('[data-list="queue"]');
  const bar = document.querySelector("[data-bulk-bar]");
  const dialog = document.getElementById("bulk");
  const undo = document.querySelector("[data-bulk-undo]");
  const MOST = 200;
  const refusals = new Map(); // id to the reason of the last decision

  const picks = () => [...list.querySelectorAll("[data-pick]:checked")];
  const rowOf = (pick) => pick.closest("[data-row]");
  const nameOf = (row) => row.querySelector("[data-open]").textContent;

  function why(pick, others) {
    if (others.length >= MOST) return `At most ${MOST} at once`;
    const known = hushLive.opened();
    const rows = [...others, pick].map(rowOf);
    if (rows.every((row) => known.has(row.dataset.id))) return "";
    const families = new Set(rows.map((row) => row.dataset.family));
    const alike = [...list.children].filter((row) => row.dataset.family === rowOf(pick).dataset.family).length;
    if (families.size === 1 && alike > 1) return "";
    return "Open it first: only cases that you have opened, or look-alikes of one hashtag, are decided together";
  }

  list.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-pick]")) return;
    const reason = target.checked ? why(target, picks().filter((one) => one !== target)) : "";
    if (reason) {
      target.checked = false;
      hushConsole.toast(`${nameOf(rowOf(target))}: ${reason}`);
    }
    if (!target.checked) refusals.delete(rowOf(target).dataset.id);
    show();
  });

  function show() {
    const chosen = picks();
    const ids = new Set(chosen.map((pick) => rowOf(pick).dataset.id));
    for (const id of refusals.keys()) if (!ids.has(id)) refusals.delete(id);
    if (chosen.length === 0 && bar.contains(document.activeElement)) list.querySelector("[data-at] [data-open]")?.focus();
    bar.hidden = chosen.length === 0;
    bar.querySelector("[data-bulk-count]").textContent = `${chosen.length} selected`;
    const place = bar.querySelector("[data-bulk-refusals]");
    const lines = chosen.filter((pick) => refusals.has(rowOf(pick).dataset.id)).map((pick) => `${nameOf(rowOf(pick))}: ${refusals.get(rowOf(pick).dataset.id)}`);
    if (place.textContent !== lines.join("")) {
      place.replaceChildren(...lines.map((words) => Object.assign(document.createElement("li"), { textContent: words, dir: "auto" })));
    }
  }

  bar.querySelector("[data-bulk-clear]").addEventListener("click", () => {
    picks().forEach((pick) => (pick.checked = false));
    show();
  });

  bar.addEventListener("click", async ({ target }) => {
    const verdict = target.closest("[data-bulk]")?.dataset.bulk;
    if (!verdict || bar.ariaBusy === "true") return;
    bar.ariaBusy = "true"; // a second press must not replace the dialog under what is typed
    await openBulk(verdict).finally(() => (bar.ariaBusy = null));
  });

  async function openBulk(verdict) {
    const cases = picks().map((pick) => `case=${encodeURIComponent(rowOf(pick).dataset.id)}`).join("&");
    const answer = await fetch(`/console/queue/bulk?verdict=${verdict}&${cases}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) {
      hushConsole.unread(answer?.status ?? 0, (await answer?.text()) ?? "");
      return;
    }
    dialog.innerHTML = await answer.text();
    dialog.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true })); // console-forms.js restores what was typed
    dialog.showModal();
  }

  document.addEventListener("click", ({ target }) => {
    target.closest("[data-closes]")?.closest("dialog").close();
    const filler = target.closest("[data-fills]");
    if (!filler) return;
    const field = filler.closest("form").querySelector("textarea");
    field.value = filler.dataset.fills;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  document.addEventListener("written", ({ target, detail }) => {
    if (!target.matches("[data-bulk-form], [data-bulk-undo-form]")) return;
    const done = detail.items.filter((item) => item.status === 201).map((item) => item.case);
    for (const item of detail.items) {
      const pick = list.querySelector(`[data-id="${CSS.escape(item.case)}"] [data-pick]`);
      if (item.status === 201) {
        if (pick) pick.checked = false;
      } else if (target.matches("[data-bulk-form]")) {
        const { title, detail } = hushConsole.inWords(item.status, item.problem);
        refusals.set(item.case, detail || title);
      }
    }
    const undone = target.matches("[data-bulk-undo-form]");
    const words = undone ? `Undone: ${done.length}` : `${target.dataset.verb}: ${done.length} recorded`;
    hushConsole.toast(words + (detail.refused ? `, ${detail.refused} refused` : ""));
    offer(undone ? [] : done);
    show();
  });

  function offer(cases) {
    const words = `${cases.length} ${cases.length === 1 ? "case" : "cases"}`;
    undo.hidden = cases.length === 0;
    document.querySelectorAll("[data-undo-count]").forEach((one) => (one.textContent = words));
    document.querySelector("[data-bulk-undo-form] [name=cases]").value = JSON.stringify(cases);
  }

  document.addEventListener("queue-changed", show);
  show();
})();
