// Forms that decide on a hashtag, press the stop button or end an appeal: templates of reasons, and a button that says
// what it does.
//
//   data-fills="id" data-text-of-reason="..."    on a button: put the text into the field with this id
//   data-says="Block in {country}, {lasts}"      on a form: the words of its button `data-saying`, from what is chosen
//   data-some="Choose a surface"                 on a fieldset: at least one of its boxes must be checked
//   data-closes                                  on a button: close the dialog
//   data-back                                    on a link: to the page from which the reader came
//   data-scope                                   on a form: read the page's part for its scope whenever it changes
"use strict";

(() => {
  function fill(button) {
    const field = document.getElementById(button.dataset.fills);
    field.value = button.dataset.textOfReason;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  }

  // Names in a list: "a, b and c".
  const listed = (words) => [words.slice(0, -1).join(", "), ...words.slice(-1)].filter(Boolean).join(" and ");

  function chosen(form, name) {
    const found = [...form.elements].filter((field) => field.name === name && !field.disabled);
    const words = found.flatMap((field) => {
      if (field.type === "checkbox" || field.type === "radio") return field.checked ? [field.dataset.words ?? field.value] : [];
      if (field.tagName === "SELECT") return field.value ? [field.selectedOptions[0].dataset.words ?? field.selectedOptions[0].text] : [];
      return field.value ? [field.value] : [];
    });
    return listed(words);
  }

  function say(form) {
    const button = form.querySelector("[data-saying]");
    if (!button) return;
    button.dataset.saying ||= button.textContent;
    const names = [...form.dataset.says.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const complete = names.every((name) => chosen(form, name));
    const alike = form.querySelectorAll("[data-relative]:checked:not(:disabled)").length;
    const more = alike ? `, with ${alike} look-alike${alike === 1 ? "" : "s"}` : "";
    button.textContent = complete ? form.dataset.says.replace(/\{(\w+)\}/g, (_, name) => chosen(form, name)) + more : button.dataset.saying;
  }

  function check(form) {
    for (const group of form.querySelectorAll("[data-some]")) {
      const boxes = [...group.querySelectorAll("input[type=checkbox]")];
      boxes[0]?.setCustomValidity(boxes.some((box) => box.checked) ? "" : group.dataset.some);
    }
    if (form.dataset.says) say(form);
  }

  const formsIn = (root) => [...root.querySelectorAll("form[data-says], form:has([data-some])")];
  const checkAll = (root) => formsIn(root.matches?.("form") ? root.parentElement : root).forEach(check);

  async function readScope(form) {
    const url = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    history.replaceState(null, "", url);
    await htmx.ajax("GET", url, { target: "#stop-scope", select: "#stop-scope", swap: "outerHTML" });
  }

  document.addEventListener("click", ({ target }) => {
    const filler = target.closest("[data-fills]");
    if (filler) fill(filler);
    if (target.closest("[data-closes]")) target.closest("dialog").close();
  });
  for (const name of ["input", "change", "restored"]) {
    document.addEventListener(name, ({ target }) => {
      const form = target.form ?? target.closest?.("form");
      if (form) check(form);
    });
  }
  document.addEventListener("change", ({ target }) => target.form?.matches("[data-scope]") && readScope(target.form));
  document.addEventListener("htmx:load", ({ target }) => checkAll(target));
  checkAll(document);

  // The times of a decision: "recorded 12:03:05, on search and trends 12:03:06". `act` undoes it; null: it cannot be undone.
  const clock = (atMs) => new Date(atMs).toISOString().slice(11, 19);
  async function announce(name, { at_ms: atMs, hashtag, version }, act) {
    const words = `${name}: recorded ${clock(atMs)}`;
    const toast = hushConsole.toast(words, act && { words: "Undo", key: "z", act });
    const query = new URLSearchParams({ wait: "5", ...(version && { version }) });
    const answer = await fetch(`/v1/hashtags/${encodeURIComponent(hashtag)}/published?${query}`).catch(() => null);
    const plain = answer?.ok ? await answer.json() : {};
    const names = listed([...new Set((plain.surfaces ?? []).map((one) => one.surface))]);
    const late = `. Not on the surfaces yet${plain.note ? `: ${plain.note}` : ""}`;
    toast.firstChild.textContent = words + (plain.published ? `, on ${names} ${clock(plain.published_at_ms ?? Date.now())}` : late);
  }

  // An appeal: the page shows its outcome, and when a reversal reached the surfaces.
  document.addEventListener("written", ({ target: form, detail }) => {
    if (detail.kind !== "appeal_outcome") return;
    const reversed = detail.effect?.hashtag;
    if (reversed) announce("Reversed", { ...detail, hashtag: reversed }, null);
    else hushConsole.toast(`Recorded ${clock(detail.at_ms)}`);
    htmx.ajax("GET", location.pathname, { target: "#page", select: "#page", swap: "outerHTML" });
  });

  document.querySelectorAll("a[data-back]").forEach((link) => {
    const from = document.referrer && new URL(document.referrer);
    if (from && from.origin === location.origin && from.pathname !== location.pathname) link.href = document.referrer;
  });

  window.hushHashtag = { announce };
})();
