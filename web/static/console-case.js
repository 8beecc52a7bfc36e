// The case page: reasons from templates, buttons that say what they send, the way to the next case, conflicts in place,
// and the heartbeat of a claim.
"use strict";

(() => {
  const page = document.getElementById("case");
  const id = page.dataset.case;
  const rest = () => document.getElementById("case-rest");
  const BEAT_MS = 10_000;
  // Filters of the queue that this tab has shown last: the next case and the way back keep them.
  const filters = sessionStorage.getItem("queue filters") ?? "";
  const goNext = () => location.assign(`${rest().dataset.next}${filters && `&${filters}`}`);

  // Templates and buttons
  document.addEventListener("click", ({ target }) => {
    const ground = target.closest("[data-ground]");
    if (ground) fill(ground);
    if (target.closest("[data-closes]")) target.closest("dialog").close();
    if (target.closest("[data-load]")) load();
  });

  function fill(ground) {
    const form = ground.form;
    const grounds = [...form.querySelectorAll("[data-ground]")];
    const reason = form.elements.reason;
    const typed = reason.value.trim();
    reason.value = !typed || grounds.some((one) => one.dataset.ground === typed) ? ground.dataset.ground : `${ground.dataset.ground} ${typed}`;
    press(form);
    reason.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function press(form) {
    for (const one of form.querySelectorAll("[data-ground]")) {
      one.setAttribute("aria-pressed", String(form.elements.reason.value.startsWith(one.dataset.ground)));
    }
  }

  // The button says what it sends: "Keep hidden in India, 7 days".
  function say(form) {
    press(form);
    const button = form.querySelector("[data-submit]");
    button.dataset.words ??= button.textContent;
    const chosen = (name) => [...form.querySelectorAll(`[name="${name}"]:checked`)].map((one) => one.dataset.words);
    const [places, surfaces, [lasts]] = [chosen("countries"), chosen("surfaces"), chosen("lasts")];
    const where = places.length > 0 ? `${form.dataset.verb} ${places.join(" and ")}` : button.dataset.words;
    button.textContent = [[where, ...surfaces].join(" "), lasts].filter(Boolean).join(", ");
  }

  for (const kind of ["input", "restored"]) {
    document.addEventListener(kind, ({ target }) => {
      const form = target.closest?.("form") ?? target.form;
      if (form?.matches("[data-decide]")) say(form);
      else if (form?.querySelector("[data-ground]")) press(form);
    });
  }

  // After an answer
  document.addEventListener("written", ({ target: form, detail }) => {
    if (form.matches("[data-decide]")) {
      const effect = detail.effects?.[0];
      hushDecided.keep({ id, display: page.querySelector("h1").textContent.trim(), atMs: detail.at_ms, hashtag: effect?.hashtag, version: detail.left?.version });
      if (form.dataset.next) return goNext();
      load().then(hushDecided.tell);
    } else if (form.matches("[data-goes-next]")) {
      goNext();
    } else if (form.dataset.says) {
      hushConsole.toast(form.dataset.says);
    }
  });

  document.addEventListener("refused", ({ target: form, detail }) => {
    delete form.dataset.next;
    if (detail.status !== 409 || !form.matches("dialog form")) return;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "quiet", textContent: "Load the new state; your reason stays" });
    button.onclick = () => reopen(form.closest("dialog").id);
    form.querySelector("[data-problem]").append(button);
    button.focus();
  });

  async function reopen(name) {
    await load();
    const dialog = document.getElementById(name);
    if (dialog) dialog.showModal();
    else hushConsole.toast("Nothing of this case is open to this decision any more: see its history, or go on with the next case");
  }

  // The answer replaced the button that had the focus: the numbers get it, where a screen reader goes on.
  document.addEventListener("htmx:load", () => {
    const title = document.getElementById("machine-title");
    if (title && document.activeElement === document.body) title.focus({ preventScroll: true });
  });

  const load = () => htmx.ajax("GET", `/console/cases/${id}/part`, { target: "#case-rest", swap: "outerHTML" });

  function openUndo() {
    page.querySelector('[data-opens="undo"]')?.click();
  }

  // Claim and presence, while the page is open
  async function beat() {
    const call = (path) => hushConsole.call("POST", `/v1/cases/${id}/${path}`, "", crypto.randomUUID());
    const people = document.getElementById("case-people");
    if (people.dataset.mine === "true") await call("heartbeat");
    if (!document.hidden) await call("presence");
    const query = new URLSearchParams({ seen: rest().dataset.version });
    const answer = await fetch(`/console/cases/${id}/people?${query}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok || people.contains(document.activeElement)) return;
    const text = await answer.text();
    const part = new DOMParser().parseFromString(text, "text/html").getElementById("case-people");
    if (part && part.innerHTML !== people.innerHTML) people.replaceWith(part);
  }

  setInterval(beat, BEAT_MS);
  beat();
  if (location.hash === "#undo") openUndo();
  // The way back, also after the top of the page was replaced
  const keepFilters = () => {
    const back = page.querySelector("[data-back]");
    if (filters && !back.search) back.href += `?${filters}`;
  };
  document.addEventListener("htmx:oobAfterSwap", keepFilters);
  keepFilters();
})();
