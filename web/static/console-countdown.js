// Countdowns: `<time data-countdown datetime="2026-11-28T12:00:00Z">in 1:05</time>` ticks every second, in digits of one
// width. The live stream may put a new moment into the element as its text; "" empties it. The clock is the server's:
// the page carries its time (`<body data-now-ms>`).
"use strict";

(() => {
  const ahead = Number(document.body.dataset.nowMs) - Date.now();
  const two = (number) => String(number).padStart(2, "0");

  function words(left) {
    if (left <= 0) return "now";
    const seconds = Math.floor(left / 1000);
    const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor((seconds % 86_400) / 3_600), Math.floor((seconds % 3_600) / 60)];
    const clock = days || hours ? `${hours}:${two(minutes)}` : `${minutes}`;
    return `in ${days ? `${days} d ` : ""}${clock}:${two(seconds % 60)}`;
  }

  function tick() {
    for (const element of document.querySelectorAll("[data-countdown]")) {
      if (/^\d{4}-\d\d-\d\dT/.test(element.textContent)) element.dateTime = element.textContent;
      if (!element.textContent) continue;
      const shown = words(Date.parse(element.dateTime) - Date.now() - ahead);
      if (element.textContent !== shown) element.textContent = shown;
    }
  }

  tick();
  setInterval(tick, 1000);
  const observer = new MutationObserver(tick);
  document.querySelectorAll("[data-countdown][data-text]").forEach((one) => observer.observe(one, { childList: true, characterData: true, subtree: true }));
})();
