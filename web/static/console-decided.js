// The times of a decision on a case, "recorded 12:03:05, on trends 12:03:06", with Undo: on the same page, or on the next.
"use strict";

(() => {
  const NAME = "case decided";
  const clock = (atMs) => new Date(atMs).toISOString().slice(11, 19);
  const here = () => document.getElementById("case")?.dataset.case;
  const keep = (decided) => sessionStorage.setItem(NAME, JSON.stringify(decided));

  async function tell() {
    const kept = sessionStorage.getItem(NAME);
    if (!kept) return;
    sessionStorage.removeItem(NAME);
    const { id, display, atMs, hashtag, version } = JSON.parse(kept);
    const words = `${id === here() ? "Recorded" : `${display} recorded`} ${clock(atMs)}`;
    const opener = () => id === here() && document.querySelector('[data-opens="undo"]');
    const act = () => (opener() ? opener().click() : location.assign(`/console/cases/${id}#undo`));
    const toast = hushConsole.toast(words, { words: "Undo", key: "z", act });
    if (!hashtag) return;
    const query = new URLSearchParams({ version, wait: "5" });
    const answer = await fetch(`/v1/hashtags/${encodeURIComponent(hashtag)}/published?${query}`).catch(() => null);
    const plain = answer?.ok ? await answer.json() : {};
    if (plain.published) toast.firstChild.textContent = `${words}, on ${names(plain)} ${clock(plain.published_at_ms ?? Date.now())}`;
    else toast.firstChild.textContent = `${words}. ${plain.note ? `Not on the surfaces yet: ${plain.note}` : "Not on the surfaces yet"}`;
  }

  const names = ({ surfaces }) => [...new Set(surfaces.map((one) => one.surface))].join(" and ") || "the surfaces";

  window.hushDecided = { keep, tell };
  tell();
})();
