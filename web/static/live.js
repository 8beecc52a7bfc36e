// Live rows: applies the messages of the page's stream to its lists, in place, so that focus and selection stay.
"use strict";

(() => {
  const workerUrl = document.currentScript.dataset.worker;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let wanted = null; // the url of the stream that this page shows
  let listen; // (url or null) => void

  if ("SharedWorker" in window) {
    const { port } = new SharedWorker(workerUrl);
    port.onmessage = ({ data }) => receive(data);
    listen = (url) => port.postMessage(url);
  } else {
    let source = null;
    listen = (url) => {
      source?.close();
      source = url === null ? null : new EventSource(url);
      if (!source) return;
      source.onopen = () => receive({ url, live: true });
      source.onerror = () => receive({ url, live: false });
      source.onmessage = ({ data }) => receive({ url, page: JSON.parse(data) });
    };
  }

  function follow() {
    const url = document.getElementById("page").dataset.stream;
    if (url !== wanted) listen((wanted = url));
  }

  function receive({ url, live, page }) {
    if (url !== wanted) return;
    if (live !== undefined) showConnection(live);
    if (!page) return;
    for (const [name, list] of Object.entries(page.lists ?? {})) {
      const element = document.querySelector(`[data-list="${name}"]`);
      if (element) update(element, list);
    }
    for (const [name, text] of Object.entries(page.texts ?? {})) {
      const element = document.querySelector(`[data-text="${name}"]`);
      if (element && element.textContent !== text) element.textContent = text;
    }
  }

  function showConnection(live) {
    const element = document.querySelector("[data-live]");
    const state = live ? "live" : "connecting";
    if (element.dataset.live === state) return;
    element.dataset.live = state;
    element.firstElementChild.textContent = live ? "Live" : "Reconnecting";
  }

  function update(element, { order, rows = {} }) {
    const known = new Map();
    for (const row of element.children) if (!("leaving" in row.dataset)) known.set(row.dataset.key, row);
    for (const [key, html] of Object.entries(rows)) {
      const row = parsed(html);
      if (known.has(key)) {
        morph(known.get(key), row);
      } else {
        known.set(key, row);
        htmx.process(row);
      }
    }
    if (order) arrange(element, known, order);
    number(element);
  }

  function arrange(element, known, order) {
    const top = (row) => row.getBoundingClientRect().top; // what the eye sees, so also of a row that moves already
    const before = new Map([...known].filter(([, row]) => row.isConnected).map(([key, row]) => [key, top(row)]));
    const wantedKeys = new Set(order);
    for (const [key, row] of known) if (row.isConnected && !wantedKeys.has(key)) leave(row);
    let place = first(element.firstElementChild);
    for (const key of order) {
      const row = known.get(key);
      if (!row) continue;
      if (row === place) place = first(place.nextElementSibling);
      else move(element, row, place);
    }
    if (calm.matches) return;
    const rows = order.filter((key) => known.has(key)).map((key) => [key, known.get(key)]);
    for (const [, row] of rows) moving(row).forEach((animation) => animation.cancel());
    const after = new Map(rows.map(([key, row]) => [key, top(row)]));
    for (const [key, row] of rows) {
      if (!before.has(key)) {
        row.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 350 });
      } else if (Math.abs(before.get(key) - after.get(key)) >= 1) {
        const from = `translateY(${before.get(key) - after.get(key)}px)`;
        row.animate([{ transform: from }, { transform: "none" }], { id: "move", duration: 350, easing: "ease-out" });
      }
    }
  }

  function moving(row) {
    return row.getAnimations().filter(({ id }) => id === "move");
  }

  // The number of a row is its place. While rows slide to their places, each shows the place where it is now.
  function number(list) {
    if (list.tagName !== "OL") return;
    const rows = [...list.children].filter((row) => !("leaving" in row.dataset));
    const slides = rows.some((row) => moving(row).length > 0);
    const tops = new Map(slides ? rows.map((row) => [row, row.getBoundingClientRect().top]) : []);
    if (slides) rows.sort((one, other) => tops.get(one) - tops.get(other));
    rows.forEach((row, place) => {
      const rank = row.querySelector(".rank");
      if (rank && rank.textContent !== String(place + 1)) rank.textContent = place + 1;
    });
    if (slides) requestAnimationFrame(() => list.isConnected && number(list));
  }

  // Moving a row takes the focus from what is in it; the mover gives it back.
  function move(element, row, place) {
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    element.insertBefore(row, place);
    focused?.focus({ preventScroll: true });
  }

  function first(row) {
    while (row && "leaving" in row.dataset) row = row.nextElementSibling;
    return row;
  }

  function leave(row) {
    if (calm.matches || row.contains(document.activeElement)) {
      row.remove();
      return;
    }
    row.dataset.leaving = "";
    row.querySelector(".rank")?.replaceChildren(); // its place belongs to the next row
    row.setAttribute("aria-hidden", "true");
    row.animate(
      [{ opacity: 1, height: `${row.offsetHeight}px` }, { opacity: 0, height: "0", paddingBlock: "0" }],
      { duration: 350, easing: "ease-in" },
    ).onfinish = () => row.remove();
  }

  function parsed(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  }

  // Make one element like another of the same shape, touching only what differs; replace what has another shape.
  function morph(now, then) {
    for (const { name, value } of [...then.attributes]) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
    for (const { name } of [...now.attributes]) if (!then.hasAttribute(name) && name !== "class") now.removeAttribute(name);
    const ours = [...now.childNodes];
    const theirs = [...then.childNodes];
    if (ours.length !== theirs.length || ours.some((node, i) => node.nodeName !== theirs[i].nodeName)) {
      now.replaceChildren(...theirs);
      htmx.process(now);
      return;
    }
    ours.forEach((node, i) => {
      if (node.nodeType === Node.ELEMENT_NODE) morph(node, theirs[i]);
      else if (node.nodeValue !== theirs[i].nodeValue) node.nodeValue = theirs[i].nodeValue;
    });
  }

  document.addEventListener("htmx:afterSettle", follow);
  document.addEventListener("htmx:historyRestore", follow);
  addEventListener("pagehide", () => listen((wanted = null)));
  addEventListener("pageshow", ({ persisted }) => persisted && follow());
  follow();
})();
