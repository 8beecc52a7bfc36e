// The finder (Ctrl+K): a combobox over the matches that the server lists; Enter opens the chosen one.
"use strict";

(() => {
  const dialog = document.getElementById("finder");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  let asked = 0;

  const options = () => [...dialog.querySelectorAll("[role=option]")];
  const chosen = () => dialog.querySelector('[role=option][aria-selected="true"]');

  async function ask() {
    const number = ++asked;
    const answer = await fetch(`/console/finder?q=${encodeURIComponent(input.value)}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (number !== asked) return false;
    if (!answer?.ok) {
      dialog.querySelector("[data-finder-hint]").textContent = answer?.status === 401 ? "Your session has ended." : "The server does not answer.";
      return false;
    }
    const part = document.createElement("template");
    part.innerHTML = await answer.text();
    dialog.querySelector("ul").replaceWith(part.content.querySelector("ul"));
    dialog.querySelector("[data-finder-hint]").textContent = part.content.querySelector("[data-finder-hint]").textContent;
    input.setAttribute("aria-expanded", String(options().length > 0));
    mark(chosen());
    return true;
  }

  function mark(option) {
    options().forEach((one) => one.setAttribute("aria-selected", String(one === option)));
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  let waiting = null;
  let current = true;
  input.addEventListener("input", () => {
    current = false;
    clearTimeout(waiting);
    waiting = setTimeout(async () => (current = (await ask()) || current), 80);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    const all = options();
    const at = all.indexOf(chosen());
    if (all.length) mark(event.key === "ArrowDown" ? all[(at + 1) % all.length] : all.at(at < 0 ? -1 : at - 1));
  });
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    if (!current) current = await ask(); // Enter came before the answer
    const option = current && chosen();
    if (option) location.assign(option.dataset.href);
  });
  dialog.addEventListener("click", ({ target }) => {
    const option = target.closest("[role=option]");
    if (option) location.assign(option.dataset.href);
    else if (target === dialog) dialog.close();
  });
  dialog.addEventListener("opens", () => {
    input.value = "";
    current = true;
    ask();
  });
})();
