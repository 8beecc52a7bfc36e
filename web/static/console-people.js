// People and keys: the dialog of a session, and a new key, which stays in this page only.
"use strict";

(() => {
  const made = document.querySelector("[data-made]");
  const place = (name) => made.querySelector(`[data-made-${name}]`);

  document.addEventListener("opens", ({ target, detail }) => {
    if (target.id !== "end-session") return;
    const { session, name, yours } = detail.opener.dataset;
    target.querySelector("form").dataset.write = `/v1/people/sessions/${session}/end`;
    target.querySelector("[data-end-name]").textContent = name;
    target.querySelector("[data-end-yours]").hidden = !yours;
  });

  document.addEventListener("written", ({ target, detail }) => {
    if (!("makes" in target.dataset)) return;
    for (const name of ["name", "key", "line"]) place(name).textContent = detail[name];
    made.hidden = false;
    requestAnimationFrame(() => {
      made.focus();
      made.scrollIntoView({ block: "start" });
    });
  });

  // The button "Back" of a browser shows a page as it was left.
  addEventListener("pagehide", () => {
    made.hidden = true;
    for (const name of ["name", "key", "line"]) place(name).textContent = "";
  });

  document.addEventListener("click", async ({ target }) => {
    const copy = target.closest("[data-copy]");
    if (copy) {
      const from = place(copy.dataset.copy);
      try {
        await navigator.clipboard.writeText(from.textContent);
        window.hushConsole.toast("Copied");
      } catch {
        getSelection().selectAllChildren(from);
        window.hushConsole.toast("The browser does not let this page copy: it is selected, so copy it yourself");
      }
    }
    const words = target.closest("[data-fill]");
    if (words) {
      const { reason } = words.closest("form").elements;
      reason.value = words.textContent;
      reason.focus();
    }
  });
})();
