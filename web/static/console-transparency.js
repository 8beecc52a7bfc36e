// Transparency: periods by one button, and the pages that follow a preview and a publication.
"use strict";

document.addEventListener("click", ({ target }) => {
  const preset = target.closest("[data-first]");
  if (preset) {
    const { elements } = preset.closest("form");
    elements.from.value = preset.dataset.first;
    elements.to.value = preset.dataset.last;
  }
  const words = target.closest("[data-fill]");
  if (words) {
    const { reason } = words.closest("form").elements;
    reason.value = words.textContent;
    reason.dispatchEvent(new Event("input", { bubbles: true }));
    reason.focus();
  }
});

document.addEventListener("written", ({ target, detail }) => {
  if ("begins" in target.dataset) location.assign(`/console/transparency?preview=${encodeURIComponent(detail.id)}`);
  if ("publishes" in target.dataset) location.assign(`/console/transparency?published=${encodeURIComponent(detail.name)}`);
});
