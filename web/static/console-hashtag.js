// Forms that decide on a hashtag, press the stop button or end an appeal: templates of reasons, and a button that says
// what it does.
//
//   data-fills="id" data-text-of-reason="..."    on a button: put the text into the field with this id
//   data-says="Block in {country}, {lasts}"      on a form: the words of its button `data-saying`, from what is chosen
//   data-some="Choose a surface"                 on a fieldset: at least one of its boxes must be checked
//   data-closes                                  on a button: close the dialog
//   data-scope                                   on a form: read the page's part for its scope whenever it changes
"use strict";

(() => {
  const { toast } = window.hushConsole;

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
    button.textContent = complete ? form.dataset.says.replace(/\{(\w+)\}/g, (_, name) => chosen(form, name)) : button.dataset.saying;
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

  window.hushHashtag = { listed, check, toast };
})();
