// The live stream: one for all tabs (stream-worker.js). Fills `data-text` elements on every page and sends the event
// `live-page` (detail: the message) to the queue. While the stream is away the page says so, and what is typed stays.
"use strict";

(() => {
  const workerUrl = document.currentScript.dataset.worker;
  const address = document.getElementById("page").dataset.stream;
  if (!address) return;
  // The worker outlives a login: the pages of each person have a stream of their own, which sends no other one's rows.
  const url = `${address}#${encodeURIComponent(document.querySelector(".person").textContent)}`;
  const PROBE_MS = 3000;
  let listen;
  let away = null;

  if ("SharedWorker" in window) {
    const { port } = new SharedWorker(workerUrl);
    port.onmessage = ({ data }) => receive(data);
    listen = (wanted) => port.postMessage(wanted);
  } else {
    let source = null;
    listen = (wanted) => {
      source?.close();
      source = wanted === null ? null : new EventSource(wanted);
      if (!source) return;
      source.onopen = () => receive({ url, live: true });
      source.onerror = ({ target }) => {
        receive({ url, live: false });
        if (target.readyState === EventSource.CLOSED) setTimeout(() => source === target && listen(wanted), PROBE_MS);
      };
      source.onmessage = ({ data }) => receive({ url, page: JSON.parse(data) });
    };
  }

  function receive({ url: from, live, page }) {
    if (from !== url) return;
    if (live !== undefined) connection(live);
    if (!page) return;
    connection(true);
    for (const [name, text] of Object.entries(page.texts ?? {})) {
      for (const element of document.querySelectorAll(`[data-text="${CSS.escape(name)}"]`)) {
        if (element.textContent !== text) element.textContent = text;
      }
    }
    document.dispatchEvent(new CustomEvent("live-page", { detail: page }));
  }

  function connection(live) {
    const element = document.querySelector("[data-live]");
    const state = live ? "live" : "connecting";
    if (element.dataset.live === state) return;
    element.dataset.live = state;
    element.firstElementChild.textContent = live ? "Live" : "Reconnecting";
    clearTimeout(away);
    if (live) banner("");
    else away = setTimeout(probe, 1500);
  }

  // The browser does not say why a stream ends: ask whether the session has.
  async function probe() {
    const status = await fetch("/v1/me").then(({ status }) => status).catch(() => 0);
    if (document.querySelector("[data-live]").dataset.live === "live") return;
    if (status === 401) banner("Your session has ended. What you typed stays on this page.", true);
    else banner("The server does not answer: reconnecting. What you typed stays on this page.");
    away = setTimeout(probe, PROBE_MS);
  }

  function banner(words, login = false) {
    const element = document.querySelector("[data-banner]");
    if (element.querySelector("[data-banner-words]").textContent !== words) element.querySelector("[data-banner-words]").textContent = words;
    element.querySelector("[data-banner-login]").hidden = !login;
    element.hidden = !words;
  }

  // Cases that this browser has opened: only these can be selected in the queue.
  const OPENED = "opened cases";
  const SHIFT_MS = 8 * 3_600_000;
  function opened() {
    const known = JSON.parse(localStorage.getItem(OPENED) ?? "{}");
    return Object.fromEntries(Object.entries(known).filter(([, at]) => Date.now() - at < SHIFT_MS));
  }
  const here = location.pathname.match(/^\/console\/cases\/(case-[0-9a-f]{16})$/);
  if (here && document.querySelector("h1")) localStorage.setItem(OPENED, JSON.stringify({ ...opened(), [here[1]]: Date.now() }));
  window.hushLive = { opened: () => new Set(Object.keys(opened())) };

  addEventListener("pagehide", () => listen(null));
  addEventListener("pageshow", ({ persisted }) => persisted && listen(url));
  // Not before the page's own scripts listen: they run later than this one, and the first message is the whole page.
  document.addEventListener("DOMContentLoaded", () => listen(url));
})();
