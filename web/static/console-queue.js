// The queue: changes rows in place, keeps new ones behind a button, and greys those that are decided elsewhere. Nothing
// moves by itself. The event `queue-changed` lets the bar of the selection follow.
"use strict";

(() => {
  const list = document.querySelector('[data-list="queue"]');
  const showNew = document.querySelector("[data-show-new]");
  const tidy = document.querySelector("[data-tidy]");
  const status = document.querySelector("[data-list-status]");
  const KEPT = new Set(["data-at", "class"]);
  let order = []; // ids of the server's list, as far as it is sent
  let complete = list.dataset.complete === "yes";
  const html = new Map(); // latest rows by id
  const gone = new Map();
  const applied = new WeakMap(); // row to the text that it shows
  // After a sleep the server no longer says what became of each row: those that are not in its list are greyed, too.
  const SLEPT_MS = 300_000;
  let slept = false;
  let awake = Date.now();
  setInterval(() => {
    slept ||= Date.now() - awake > SLEPT_MS;
    awake = Date.now();
  }, 30_000);

  const rows = () => [...list.children];
  const idOf = (row) => row.dataset.id;

  function parsed(text) {
    const template = document.createElement("template");
    template.innerHTML = text;
    return template.content.firstElementChild;
  }

  // Make a row like another of the same shape; focus, selection, countdowns and ticked boxes stay.
  function morph(now, then) {
    if (now.matches("[data-countdown]")) {
      if (now.dateTime !== then.dateTime) now.replaceWith(then);
      return;
    }
    if (now.matches("[data-row]")) now.classList.toggle("gone", then.classList.contains("gone"));
    else if (now.className !== then.className) now.className = then.className;
    for (const { name, value } of then.attributes) if (!KEPT.has(name) && now.getAttribute(name) !== value) now.setAttribute(name, value);
    for (const { name } of [...now.attributes]) if (!then.hasAttribute(name) && !KEPT.has(name)) now.removeAttribute(name);
    const [ours, theirs] = [[...now.childNodes], [...then.childNodes]];
    if (ours.length !== theirs.length || ours.some((node, i) => node.nodeName !== theirs[i].nodeName)) {
      const focused = now.contains(document.activeElement);
      now.replaceChildren(...theirs);
      if (focused) now.closest("[data-row]")?.querySelector("[data-open]")?.focus({ preventScroll: true });
      return;
    }
    ours.forEach((node, i) => {
      if (node.nodeType === Node.ELEMENT_NODE) morph(node, theirs[i]);
      else if (node.nodeValue !== theirs[i].nodeValue) node.nodeValue = theirs[i].nodeValue;
    });
  }

  function receive(page) {
    const queue = page.lists?.queue;
    for (const [id, text] of Object.entries(page.lists?.gone?.rows ?? {})) gone.set(id, text);
    for (const [id, text] of Object.entries(queue?.rows ?? {})) html.set(id, text);
    if (queue?.order) order = queue.order;
    if (page.texts?.["queue-complete"]) complete = page.texts["queue-complete"] === "yes";
    const waits = new Set(order);
    for (const id of html.keys()) if (!waits.has(id)) html.delete(id);
    for (const row of rows()) update(row, waits);
    if (queue?.order) slept = false;
    show();
  }

  function update(row, waits) {
    const id = idOf(row);
    if (waits.has(id)) {
      if (html.has(id) && applied.get(row) !== html.get(id)) {
        morph(row, parsed(html.get(id)));
        applied.set(row, html.get(id));
      }
      gone.delete(id);
    } else if (!("gone" in row.dataset) && (gone.has(id) || complete || slept)) {
      applied.delete(row);
      leave(row, gone.get(id));
    }
  }

  function leave(row, text) {
    if (text) morph(row, parsed(text));
    else {
      row.classList.add("gone");
      row.dataset.gone = "";
      row.querySelector(".who").textContent = complete ? "no longer in this list" : "no longer among the first rows";
      row.querySelector(".act").replaceChildren();
      row.querySelector(".when").replaceChildren();
      row.querySelector(".pick").replaceChildren();
    }
  }

  // New rows stand before the last row of the page in the server's order, or the page shows all.
  function fresh() {
    const shown = new Set(rows().map(idOf));
    const known = order.filter((id) => shown.has(id));
    const end = complete || known.length === 0 ? order.length : order.indexOf(known.at(-1));
    return order.filter((id, i) => i < end && !shown.has(id) && html.has(id));
  }

  function show() {
    const [added, left] = [fresh().length, list.querySelectorAll("[data-gone]").length];
    counted(showNew, "[data-new-count]", added);
    counted(tidy, "[data-gone-count]", left);
    document.querySelector("[data-empty]").hidden = list.children.length > 0;
    document.dispatchEvent(new CustomEvent("queue-changed"));
  }

  function counted(button, place, count) {
    if (count === 0 && button === document.activeElement) focusNear(null);
    button.hidden = count === 0;
    button.querySelector(place).textContent = count.toLocaleString("en");
  }

  function focusNear(row) {
    const target = row ?? list.querySelector("[data-row][data-at]") ?? list.firstElementChild;
    (target?.querySelector("[data-open]") ?? document.getElementById("page")).focus({ preventScroll: true });
  }

  showNew.addEventListener("click", () => {
    const added = new Set(fresh());
    const place = new Map(rows().map((row) => [idOf(row), row]));
    let next = null;
    let first = null;
    for (const id of [...order].reverse()) {
      if (place.has(id)) next = place.get(id);
      else if (added.has(id)) {
        const row = parsed(html.get(id));
        row.classList.add("fresh");
        list.insertBefore(row, next);
        next = first = row;
      }
    }
    status.textContent = `${added.size} new ${added.size === 1 ? "row is" : "rows are"} in the list`;
    if (document.activeElement === showNew) focusNear(first);
    show();
  });

  tidy.addEventListener("click", () => {
    const left = [...list.querySelectorAll("[data-gone]")];
    const here = list.querySelector("[data-row][data-at]");
    let near = here;
    while (near && "gone" in near.dataset) near = near.nextElementSibling ?? null;
    near ??= rows().filter((row) => !("gone" in row.dataset)).at(-1) ?? null;
    const moves = document.activeElement === tidy || left.some((row) => row.contains(document.activeElement));
    left.forEach((row) => row.remove());
    left.forEach((row) => gone.delete(idOf(row)));
    if (moves) focusNear(near);
    else if (near && here && !here.isConnected) near.dataset.at = "";
    show();
  });

  list.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-claim]");
    if (!button || button.ariaBusy === "true") return;
    button.ariaBusy = "true";
    const row = button.closest("[data-row]");
    const answer = await hushConsole.call("POST", `/v1/cases/${button.dataset.claim}/claim`, "{}", crypto.randomUUID());
    button.ariaBusy = null;
    if (answer.problem) {
      hushConsole.toast(`${row.querySelector("[data-open]").textContent}: ${[answer.problem.detail || answer.problem.title, answer.problem.fix].join(". ")}`);
      return;
    }
    const name = Object.assign(document.createElement("bdi"), { textContent: answer.plain.claimed_by ?? "" });
    const claimant = row.querySelector(".claimant") ?? Object.assign(document.createElement("span"), { className: "claimant" });
    claimant.replaceChildren("claimed by ", name);
    row.querySelector(".who").prepend(claimant);
    status.textContent = "Claimed: it is yours for a minute, and while it is open";
  });

  document.addEventListener("live-page", ({ detail }) => detail.lists && receive(detail));
  if (list.firstElementChild && !list.querySelector("[data-at]")) list.firstElementChild.dataset.at = "";
  show();
  sessionStorage.setItem("queue filters", location.search.slice(1)); // the page of a case goes on and back with them
})();
