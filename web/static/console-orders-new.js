// A new order. The first press of the button checks and writes nothing; the second one, with nothing changed in between,
// takes the order in. Files are read here, so that a person can correct their rows in the field.
"use strict";

(() => {
  const form = document.querySelector("[data-intake]");
  const text = form.elements.text;
  const send = form.querySelector("[data-send]");
  const check = form.querySelector("[data-check]");
  const next = form.querySelector("[data-next]");
  const numbers = new Intl.NumberFormat("en");
  const counted = (many, noun) => `${numbers.format(many)} ${noun}${many === 1 ? "" : "s"}`;
  let checked = null; // the body that the last check was about
  let sent = null; // the fields and faults of the intake under way

  const FIELDS = ["authority", "country", "legal_basis", "reference", "issued", "received", "deadline"];

  function body(more) {
    const plain = { text: text.value, reason: "intake", confidential: form.elements.confidential.checked };
    for (const name of FIELDS) plain[name] = form.elements[name].value;
    return JSON.stringify({ ...plain, ...more });
  }

  function label(words) {
    send.replaceChildren(`${words} `, Object.assign(document.createElement("kbd"), { textContent: "Ctrl+Enter", ariaHidden: "true" }));
  }

  function stale() {
    checked = null;
    label("Check the order");
    next.textContent = "Nothing is written by the check.";
    form.querySelector("[data-problem]").hidden = true;
  }

  // Before console-forms.js hears of it: the first press only checks.
  form.addEventListener("submit", (event) => {
    if (checked !== null && checked === body()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!form.dataset.checking) dryRun();
  });

  async function dryRun() {
    hushConsole.keep(form);
    if (!text.value.trim()) return hushConsole.problem(form, { title: "No targets", detail: "Give one target a line, or read a file.", fix: "" });
    form.dataset.checking = "true";
    form.setAttribute("aria-busy", "true");
    const about = body();
    const answer = await hushConsole.call("POST", form.dataset.write, body({ dry_run: true }), crypto.randomUUID());
    delete form.dataset.checking;
    form.removeAttribute("aria-busy");
    if (about !== body()) return stale();
    if (answer.problem) {
      check.hidden = true;
      return hushConsole.problem(form, { status: answer.status, ...answer.problem });
    }
    hushConsole.problem(form, null);
    show(answer.plain, about);
  }

  function show({ orders, problems, unusable, notes }, about) {
    check.hidden = false;
    const added = orders.reduce((sum, one) => sum + one.added, 0);
    const bad = counted(unusable, "row");
    form.querySelector("[data-check-title]").textContent = unusable ? `${bad} cannot be used` : "Every row can be used";
    const lines = orders.map(found).concat(notes);
    form.querySelector("[data-found]").replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line, dir: "auto" })));
    faults(problems, unusable);
    if (added > 0) {
      checked = about;
      label(`Take in ${counted(added, "target")}${unusable ? `, leave out ${bad}` : ""}`);
      next.textContent = "Nothing is written yet. Changing any field asks for a new check.";
      sent = { bad: problems.map((one) => one.where) };
    } else {
      next.textContent = orders.some((one) => one.fate === "known") ? "All targets are known already: there is nothing to take in." : "There is nothing to take in.";
    }
    check.scrollIntoView({ block: "nearest" });
    (unusable ? check : send).focus();
  }

  function found(one) {
    const due = `${one.deadline_ms < Date.now() ? "overdue since" : "due"} ${new Date(one.deadline_ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
    if (one.fate === "conflict") return `${one.reference}: cannot be taken in. ${one.why}`;
    if (one.fate === "known") return `${one.reference}: known already as ${one.order}, with all ${counted(one.known, "target")}`;
    const what = one.fate === "new" ? "a new order" : `more targets of ${one.order}`;
    const known = one.known ? `, ${numbers.format(one.known)} known before` : "";
    const speakers = one.protected ? `, among them ${counted(one.protected, "protected speaker")} (proposed: decline)` : "";
    return `${one.reference}: ${what}, ${counted(one.added, "target")}${known}${speakers}, ${due}`;
  }

  function faults(problems, unusable) {
    const place = form.querySelector("[data-faults]");
    place.hidden = problems.length === 0;
    form.querySelector("[data-faults-title]").textContent = unusable > problems.length ? `The first ${numbers.format(problems.length)} of ${numbers.format(unusable)} rows` : "";
    form.querySelector("[data-fault-rows]").replaceChildren(...problems.map((one) => {
      const row = document.createElement("tr");
      const line = Number(/^line ([0-9]+)$/.exec(one.where)?.[1] ?? 0);
      const where = document.createElement("td");
      if (line) {
        const jump = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: one.where });
        jump.onclick = () => goTo(line);
        where.append(jump);
      } else where.textContent = one.where;
      const cells = [one.value ? `${one.field === "target" ? "" : `${one.field}: `}${one.value}` : one.field, one.problem, one.fix];
      row.append(where, ...cells.map((words) => {
        const cell = document.createElement("td");
        cell.append(Object.assign(document.createElement("bdi"), { textContent: words }));
        return cell;
      }));
      return row;
    }));
  }

  function goTo(line) {
    const lines = text.value.split("\n");
    const begin = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    text.focus();
    text.setSelectionRange(begin, begin + (lines[line - 1] ?? "").length);
    text.scrollTop = Math.max(0, (text.scrollHeight / lines.length) * (line - 4));
  }

  // Changing anything asks for a new check.
  form.addEventListener("input", stale);
  form.addEventListener("restored", stale);

  // Files
  form.querySelector("[data-file]").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    const place = form.querySelector("[data-file-problem]");
    place.hidden = true;
    if (!file) return;
    try {
      if (file.size > 7_000_000) throw new Error("It is larger than 7 MB: split it, or give it to `hushtag orders intake FILE`.");
      const bytes = new Uint8Array(await file.arrayBuffer());
      const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
      const name = wide ? (bytes[0] === 0xff ? "utf-16le" : "utf-16be") : "utf-8";
      text.value = decoded(bytes, name).replaceAll("\r\n", "\n").replaceAll("\r", "\n");
      text.dispatchEvent(new Event("input", { bubbles: true }));
      next.textContent = `${file.name} is in the field. Nothing is written by the check.`;
    } catch (error) {
      place.textContent = `${file.name}: ${error.message}`;
      place.hidden = false;
    }
    target.value = "";
  });

  function decoded(bytes, name) {
    try {
      return new TextDecoder(name, { fatal: true }).decode(bytes);
    } catch {
      throw new Error('It is not text in UTF-8 or UTF-16: save it as "CSV UTF-8" from the spreadsheet.');
    }
  }

  // The form is emptied once it is written; rows that were left out stay in it.
  form.addEventListener("submit", () => {
    sent = { ...sent, fields: Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value])), text: text.value, confidential: form.elements.confidential.checked };
  });
  form.addEventListener("written", ({ detail }) => {
    const done = detail.orders.filter((one) => one.added > 0 || one.fate === "known");
    const words = `${counted(done.reduce((sum, one) => sum + one.added, 0), "target")} taken in`;
    checked = null;
    if (done.length === 1 && detail.unusable === 0) {
      sessionStorage.setItem(`order ${done[0].order} after`, JSON.stringify({ words, left: [] }));
      return location.assign(`/console/orders/${done[0].order}`);
    }
    keepRows(detail);
    stale();
    check.hidden = false;
    form.querySelector("[data-check-title]").textContent = `${words}${detail.unusable ? `; ${counted(detail.unusable, "row")} left out, still in the field` : ""}`;
    form.querySelector("[data-found]").replaceChildren(...detail.orders.map((one) => {
      const item = Object.assign(document.createElement("li"), { dir: "auto" });
      const link = Object.assign(document.createElement("a"), { href: `/console/orders/${one.order}`, textContent: one.reference });
      item.append(link, one.fate === "conflict" ? `: not taken in. ${one.why}` : `: ${counted(one.added, "target")} taken in`);
      return item;
    }));
    check.focus();
    hushConsole.toast(words);
  });

  function keepRows({ problems, unusable }) {
    if (unusable === 0) return;
    for (const name of FIELDS) form.elements[name].value = sent.fields[name];
    form.elements.confidential.checked = sent.confidential;
    const lines = sent.text.split("\n");
    const bad = new Set(problems.map((one) => Number(/^line ([0-9]+)$/.exec(one.where)?.[1] ?? 0)));
    const isTable = /(^|[,;\t])\s*"?target"?\s*($|[,;\t])/i.test(lines[0]);
    const isJson = /^\s*[[{]/.test(sent.text);
    text.value = isJson || unusable > problems.length ? sent.text : lines.filter((_, at) => bad.has(at + 1) || (isTable && at === 0)).join("\n");
    hushConsole.keep(form);
  }
})();
