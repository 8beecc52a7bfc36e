// One order: what is selected, the dialogs of rulings and steps, and what happened after each.
//
// A ruling is checked by a dry run when its dialog opens, so that the dialog names what it leaves out. What was left out
// stays selected after the reload, with the reason in its row.
"use strict";

(() => {
  const id = document.querySelector("[data-order]").dataset.order;
  const AFTER = `order ${id} after`;
  const numbers = new Intl.NumberFormat("en");
  const counted = (many, noun) => `${numbers.format(many)} ${noun}${many === 1 ? "" : "s"}`;
  const dialog = document.getElementById("ruling");
  const form = dialog?.querySelector("form");
  const table = document.querySelector("[data-rows]");
  const bar = document.querySelector("[data-selection]");
  let every = false; // all targets that match the filter are selected, also those of other pages
  let chosen = null; // what the dialog rules on: {outcome, verb, place, many, body, speakers}

  const ticks = () => [...(table?.querySelectorAll("[data-target]") ?? [])];
  const ticked = () => ticks().filter((one) => one.checked);

  // The selection
  function select() {
    const picked = ticked();
    if (!bar) return;
    const many = every ? Number(table.dataset.matching) : picked.length;
    bar.hidden = many === 0;
    bar.querySelector("[data-selected]").textContent = `${numbers.format(many)} selected`;
    const all = bar.querySelector("[data-select-all]");
    if (all) all.hidden = every || picked.length < ticks().length;
    const kinds = every ? Object.keys(JSON.parse(table.dataset.matchingKinds)) : picked.map((one) => one.dataset.kind);
    for (const button of bar.querySelectorAll("[data-outcome]")) {
      button.hidden = !button.dataset.kinds.split(" ").some((kind) => kinds.includes(kind));
    }
    const page = table.querySelector("[data-select-page]");
    page.checked = picked.length > 0 && picked.length === ticks().length;
    page.indeterminate = picked.length > 0 && !page.checked;
  }

  table?.addEventListener("change", ({ target }) => {
    every = false;
    if ("selectPage" in target.dataset) ticks().forEach((one) => (one.checked = target.checked));
    select();
  });
  bar?.querySelector("[data-select-all]")?.addEventListener("click", () => {
    every = true;
    select();
    bar.querySelector("[data-outcome]").focus();
  });
  bar?.querySelector("[data-clear]").addEventListener("click", () => {
    every = false;
    ticks().forEach((one) => (one.checked = false));
    select();
    table.querySelector("[data-select-page]").focus();
  });

  // The dialog of a ruling
  function choose(opener) {
    const { outcome, targets } = opener.dataset;
    const button = bar?.querySelector(`[data-outcome="${outcome}"]`) ?? opener;
    const { verb = outcome, place = "", effectWords = "", kinds = "" } = button.dataset;
    const common = { outcome, verb, place, effect: effectWords, kinds: kinds.split(" ") };
    if (targets) {
      const many = Number(opener.dataset.confirms);
      return { ...common, many, noun: "protected speaker", body: { targets: JSON.parse(targets) }, speakers: [], second: opener.dataset.first, reason: opener.dataset.reason };
    }
    if (every) {
      const found = JSON.parse(table.dataset.matchingKinds);
      const fit = common.kinds.filter((kind) => found[kind]);
      const many = fit.reduce((sum, kind) => sum + found[kind], 0);
      return { ...common, many, noun: fit.length === 1 ? fit[0] : "target", body: JSON.parse(table.dataset.matchingBody), speakers: [], protected: Number(table.dataset.matchingProtected) };
    }
    const picked = ticked();
    const fit = picked.filter((one) => common.kinds.includes(one.dataset.kind));
    const speakers = fit.filter((one) => one.dataset.speaker);
    const others = fit.filter((one) => outcome === "declined" || !one.dataset.speaker);
    return { ...common, many: fit.length, noun: nounOf(others), nounOfAll: nounOf(fit), body: { targets: picked.map((one) => one.dataset.target) }, speakers, protected: speakers.length };
  }

  function nounOf(targets) {
    if (targets.length > 0 && targets.every((one) => one.dataset.speaker)) return "protected speaker";
    const kinds = new Set(targets.map((one) => one.dataset.kind));
    return kinds.size === 1 ? [...kinds][0] : "target";
  }

  const BLANK = { targets: [], everything: false, kinds: [], outcomes: [], categories: [], undecided: false, waiting: false, protected: null };

  function fill(wanted) {
    chosen = wanted;
    form.elements.outcome.value = wanted.outcome;
    for (const [name, value] of Object.entries({ ...BLANK, ...wanted.body })) form.elements[name].value = JSON.stringify(value);
    for (const part of form.querySelectorAll("[data-for]")) {
      part.hidden = part.dataset.for !== wanted.outcome;
      for (const field of part.matches("fieldset") ? [part] : part.querySelectorAll("select")) field.disabled = part.hidden;
    }
    form.querySelector("[data-effect]").textContent = wanted.second
      ? `${wanted.second} ruled this first: “${wanted.reason}”. With your ruling it takes effect.`
      : wanted.effect;
    const list = form.querySelector("[data-protected-list]");
    list.replaceChildren(...wanted.speakers.slice(0, 50).map((one) => {
      const item = document.createElement("li");
      const name = Object.assign(document.createElement("bdi"), { textContent: one.dataset.name });
      item.append(name, `, ${one.dataset.speaker}`);
      return item;
    }));
    list.hidden = wanted.speakers.length === 0 || wanted.outcome === "declined";
    const against = form.elements.against_protected;
    against.checked = Boolean(wanted.second);
    const asks = wanted.outcome !== "declined" && wanted.protected > 0 && !wanted.second;
    form.querySelector("[data-against]").hidden = !asks;
    form.querySelector("[data-against-words]").textContent = `Include ${counted(wanted.protected ?? 0, "protected speaker")}: a second person must rule the same`;
    form.querySelector("[data-problem]").hidden = true;
    form.elements.ground.autofocus = wanted.outcome === "declined";
    form.elements.reason.autofocus = wanted.outcome !== "declined";
    title(wanted.second || !asks ? wanted.many : wanted.many - wanted.protected);
    tryOut();
  }

  function title(many) {
    const { verb, place, second } = chosen;
    const noun = form.elements.against_protected.checked ? (chosen.nounOfAll ?? chosen.noun) : chosen.noun;
    const words = `${verb} ${counted(many, noun)}${place}`;
    dialog.querySelector("[data-title]").textContent = second ? `Confirm: ${words}` : words;
    const send = form.querySelector("[data-send]");
    send.replaceChildren(second ? `Confirm: ${words} ` : `${words} `, Object.assign(document.createElement("kbd"), { textContent: "Ctrl+Enter", ariaHidden: "true" }));
    send.disabled = many === 0;
    count(many);
  }

  // Above 20 a person types the number.
  function count(many) {
    const label = form.querySelector("[data-count-label]");
    const field = label.querySelector("input");
    label.hidden = many <= 20;
    field.disabled = label.hidden;
    field.required = !label.hidden;
    field.dataset.counts = many;
    label.querySelector("[data-count-words]").textContent = `${counted(many, chosen.noun)}: type ${many}`;
    validate(field);
  }

  function validate(field) {
    const wrong = !field.disabled && field.value.replace(/\D/g, "") !== field.dataset.counts;
    field.setCustomValidity(wrong ? `Type ${field.dataset.counts}, the number of targets` : "");
  }

  async function tryOut() {
    const mine = chosen;
    const place = form.querySelector("[data-dry]");
    const body = { ...BLANK, ...mine.body, outcome: mine.outcome, if_version: form.elements.if_version.value, reason: "dry run", dry_run: true, against_protected: form.elements.against_protected.checked };
    const answer = await hushConsole.call("POST", form.dataset.write, JSON.stringify(body), crypto.randomUUID());
    if (mine !== chosen) return;
    if (answer.problem) {
      place.replaceChildren();
      return hushConsole.problem(form, { status: answer.status, ...answer.problem });
    }
    const { decides, proposes, spared, unfit, unchanged, replaces } = answer.plain;
    title(decides + proposes);
    const lines = [];
    for (const [outcome, many] of Object.entries(mine.second ? {} : replaces)) {
      const is = `${numbers.format(many)} ${many === 1 ? "is" : "are"} ${outcome} now`;
      lines.push(outcome === mine.outcome ? `${is}: your reason replaces the one given` : `${is}: your ruling replaces that one`);
    }
    if (proposes) lines.push(`${counted(proposes, "protected speaker")} then wait${proposes === 1 ? "s" : ""} for a second person`);
    if (spared) lines.push(`${counted(spared, "protected speaker")} left out`);
    if (unfit) lines.push(`${counted(unfit, "target")} left out: of a kind that cannot be ${mine.outcome}`);
    if (unchanged) lines.push(`${counted(unchanged, "target")} left out: ruled so already`);
    if (decides + proposes === 0) lines.push("Nothing would change.");
    place.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  }

  dialog?.addEventListener("opens", ({ detail }) => fill(choose(detail.opener)));
  form?.elements.against_protected.addEventListener("change", tryOut);

  // Fields of all dialogs
  document.addEventListener("input", ({ target }) => "counts" in target.dataset && validate(target));
  document.querySelectorAll("[data-counts]").forEach(validate);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    const own = button.closest("form");
    if ("closes" in button.dataset) button.closest("dialog").close();
    if ("fills" in button.dataset) put(own.elements[button.dataset.fills], button.dataset.textOf);
    if ("hours" in button.dataset) {
      const until = new Date(Math.ceil(Date.now() / 60_000) * 60_000 + Number(button.dataset.hours) * 3_600_000);
      put(own.elements.until, until.toISOString().slice(0, 16));
    }
  });

  function put(field, value) {
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  }

  // Another person was first: what they did is in the problem; the form can go on from the present state.
  document.addEventListener("refused", async ({ target, detail }) => {
    if (detail.status !== 409 || !detail.changed || !target.elements.if_version) return;
    hushConsole.problem(target, { ...detail, detail: "", fix: "" }); // `changed` says it all
    const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: "Go on from the present state; what I typed stays" });
    target.querySelector("[data-problem]").append(button);
    button.addEventListener("click", async () => {
      const order = await fetch(`/v1/orders/${id}`).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
      if (!order) return hushConsole.toast("The server does not answer");
      document.querySelectorAll("input[name=if_version]").forEach((field) => (field.value = order.version));
      hushConsole.problem(target, null);
      hushConsole.toast(`The order is ${order.state.replaceAll("_", " ")} now. Read the dialog again, then send.`);
      if (target === form) tryOut();
    });
  });

  // After a write the page is read again; the message and what was left out survive that.
  document.addEventListener("written", ({ target, detail }) => {
    const words = target === form ? ruled(detail) : target.dataset.step ? `${target.dataset.step}: done` : "";
    if (!words) return;
    sessionStorage.setItem(AFTER, JSON.stringify({ words, left: detail.left_out ?? [] }));
    location.reload();
  });

  function ruled({ outcome, decides, proposes, left_out: left }) {
    const parts = [];
    if (decides) parts.push(`${counted(decides, "target")} ${outcome}`);
    if (proposes) parts.push(`${counted(proposes, "target")} wait${proposes === 1 ? "s" : ""} for a second person`);
    if (left.length) parts.push(`${numbers.format(left.length)} left out, still selected`);
    return parts.join("; ") || "Nothing changed";
  }

  async function tellAfter() {
    const kept = sessionStorage.getItem(AFTER);
    if (!kept) return;
    sessionStorage.removeItem(AFTER);
    const { words, left } = JSON.parse(kept);
    for (const { number, why } of left) {
      const row = table?.querySelector(`[data-number="${number}"]`);
      if (!row) continue;
      const tick = row.querySelector("[data-target]");
      if (tick) tick.checked = true;
      const place = row.querySelector("[data-left]");
      place.textContent = `Left out: ${why}`;
      place.hidden = false;
    }
    const notice = document.querySelector("[data-left-notice]");
    if (left.length && notice) {
      notice.textContent = `${counted(left.length, "target")} left out of the last ruling: ${[...new Set(left.map((one) => one.why))].join("; ")}.`;
      notice.hidden = false;
    }
    select();
    const shown = hushConsole.toast(words);
    const found = await fetch(`/v1/orders/${id}/published?wait=8`).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
    if (!found) return;
    const clock = (at) => new Date(at).toISOString().slice(11, 19);
    const then = found.published === null ? "nothing changes on surfaces" : found.published ? `on surfaces ${clock(found.on_surfaces_ms)}` : `not on surfaces yet: ${found.note}`;
    shown.querySelector("span").textContent = `${words}; recorded ${clock(found.recorded_ms)}, ${then}`;
  }

  select();
  tellAfter();
})();
