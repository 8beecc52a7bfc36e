// Forms that write by the API: `<form data-write="/v1/...">` sends its fields as JSON. A refusal shows in place, and what
// was typed stays. A form keeps its idempotency key until it is answered, so that a repetition makes no second decision.
//
//   data-write="/v1/cases/case-1/decision"   address of the call
//   data-method="POST"                       its method, POST by default
//   data-then="reload" | "close" | "/path"   what follows; the event `written` (detail: the answer) bubbles in any case
//   data-part="/console/..." data-into="#id" a part of the page to read again afterwards
//   data-draft="name"                        keep what is typed in this tab until it is sent, also over a reload
//   on a field: data-list (an array, one entry a value), data-lines (an array, one entry a line), data-number,
//   data-json (parsed), data-optional (left out when empty)
"use strict";

(() => {
  // What this tab keeps is of one person: nothing of it is shown to, or sent by, the next one who logs in here.
  const person = document.querySelector(".person")?.textContent ?? "";
  if (person && sessionStorage.getItem("person") !== person) {
    sessionStorage.clear();
    sessionStorage.setItem("person", person);
  }

  const NAMES = { 401: "Your session has ended", 0: "The server does not answer" };
  const REFUSALS = JSON.parse(document.body.dataset.refusals); // moderation/console/refusals.py
  const API_WORDS = new RegExp(REFUSALS.api);
  const UNKNOWN = { detail: "It is not known whether this was recorded.", fix: "Send it again: it is recorded once." };

  // A problem of the API in the words of the pages: what happened, and what to do next.
  function inWords(status, problem) {
    const kind = problem.type?.split("/").at(-1) ?? "";
    if (!kind && status >= 500) return { ...problem, status, title: "The server does not answer", ...UNKNOWN };
    const detail = (problem.detail ?? "").replace(/^case-[0-9a-f]{16}: /, "").replace(/ ?\([^()]*\)/g, (aside) => (API_WORDS.test(aside) ? "" : aside));
    const fix = problem.fix && !API_WORDS.test(problem.fix) ? problem.fix : (REFUSALS.steps[kind] ?? REFUSALS.steps[""]);
    return { ...problem, status, title: REFUSALS.titles[kind] ?? problem.title, detail: API_WORDS.test(detail) ? "" : detail, fix };
  }

  function body(form) {
    const fields = {};
    for (const field of form.elements) {
      if (!field.name || field.disabled || field.type === "submit" || field.type === "button") continue;
      if ((field.type === "checkbox" || field.type === "radio") && !field.checked) {
        if ("list" in field.dataset) fields[field.name] ??= [];
        continue;
      }
      if (!field.value && "optional" in field.dataset) continue;
      if ("list" in field.dataset) (fields[field.name] ??= []).push(field.value);
      else if ("lines" in field.dataset) fields[field.name] = field.value.split("\n").map((line) => line.trim()).filter(Boolean);
      else if ("number" in field.dataset) fields[field.name] = Number(field.value);
      else if ("json" in field.dataset) fields[field.name] = JSON.parse(field.value);
      else if (field.type === "checkbox" && field.value === "on") fields[field.name] = true;
      else fields[field.name] = field.value;
    }
    return fields;
  }

  async function once(method, url, content, key) {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
    const csrf = document.querySelector('meta[name="csrf"]');
    if (csrf.content) headers["X-CSRF-Token"] = csrf.content;
    let answer;
    try {
      answer = await fetch(url, { method, headers, body: content });
    } catch {
      return { status: 0, problem: { ...UNKNOWN, status: 0 } };
    }
    const plain = await answer.json().catch(() => ({}));
    return answer.ok ? { status: answer.status, plain } : { status: answer.status, problem: inWords(answer.status, plain) };
  }

  // A new login in another tab has another token, which this page does not know yet. If another person has logged in,
  // nothing is sent: it would be recorded under that name.
  async function sendAgain(refused, method, url, content, key) {
    const me = await fetch("/v1/me").then((answer) => (answer.ok ? answer.json() : {})).catch(() => ({}));
    const csrf = document.querySelector('meta[name="csrf"]');
    if (!me.csrf || me.csrf === csrf.content) return refused;
    const mine = document.querySelector(".person").textContent;
    if (me.reads_as !== mine) {
      const detail = `You are logged in as ${me.reads_as} now, and this page is ${mine}'s. Nothing was sent.`;
      const fix = "Log in as yourself, or reload the page and go on under the other name.";
      return { status: 403, problem: { status: 403, title: "Another person has logged in", detail, fix } };
    }
    csrf.content = me.csrf;
    return once(method, url, content, key);
  }

  async function call(method, url, content, key) {
    const answer = await once(method, url, content, key);
    const old = answer.status === 403 && answer.problem.type?.endsWith("/csrf");
    return old ? sendAgain(answer, method, url, content, key) : answer;
  }

  async function send(form) {
    if (form.dataset.sending) return;
    const content = JSON.stringify(body(form));
    if (form.dataset.content !== content || !form.dataset.attempt) {
      form.dataset.content = content;
      form.dataset.attempt = crypto.randomUUID();
    }
    form.dataset.sending = "true";
    form.setAttribute("aria-busy", "true");
    const method = form.dataset.method ?? "POST";
    const answer = await call(method, form.dataset.write, content, form.dataset.attempt);
    delete form.dataset.sending;
    form.removeAttribute("aria-busy");
    if (answer.problem) return refuse(form, answer);
    delete form.dataset.attempt;
    show(form, null);
    forget(form);
    finish(form, answer.plain);
  }

  function finish(form, plain) {
    form.dispatchEvent(new CustomEvent("written", { bubbles: true, detail: plain }));
    form.closest("dialog")?.close();
    if (form.dataset.part) htmx.ajax("GET", form.dataset.part, { target: form.dataset.into, swap: "outerHTML" });
    const then = form.dataset.then;
    if (then === "reload") location.reload();
    else if (then?.startsWith("/")) location.assign(then);
  }

  function refuse(form, { status, problem }) {
    // Only an answer that is final ends the attempt; after 401, 429, 503 or "in progress" the same key is sent again.
    const open = [401, 429].includes(status) || problem.type?.endsWith("/under_way");
    if (status >= 400 && status < 500 && !open) delete form.dataset.attempt;
    show(form, { status, ...problem });
    form.dispatchEvent(new CustomEvent("refused", { bubbles: true, detail: { status, ...problem } }));
  }

  function show(form, problem) {
    const place = form.querySelector("[data-problem]");
    place.hidden = problem === null;
    place.replaceChildren();
    if (problem === null) return;
    add(place, "strong", NAMES[problem.status] ?? problem.title ?? "It was refused");
    const faults = problem.errors ?? [];
    const repeats = faults.length > 0 && problem.type?.endsWith("/mistake"); // its detail has the first faults
    if (!repeats) add(place, "p", problem.detail ?? "");
    for (const fault of faults.slice(0, 20)) {
      const where = fault.parameter ?? fault.pointer?.replace(/^#\/?/, "").replaceAll("/", " › ") ?? "";
      add(place, "p", `${where ? `${where}: ` : ""}${fault.detail}`);
    }
    for (const change of problem.changed ?? []) {
      if (typeof change === "string") problem.detail?.includes(change) || add(place, "p", change);
      else if (change.actor) add(place, "p", `${change.actor}: ${change.action ?? change.kind ?? "change"}. ${change.reason ?? ""}`);
    }
    if (problem.fix) add(place, "p", problem.fix).className = "hint";
    if (problem.status === 401) link(place, `/console/login?next=${encodeURIComponent("/console/closed")}`, "Log in again in a new tab; what you typed stays here");
    if (problem.status === 409) link(place, location.pathname + location.search, "Show what it is now in a new tab");
    place.scrollIntoView({ block: "nearest" });
  }

  function add(place, name, words) {
    const element = document.createElement(name);
    element.textContent = words;
    element.dir = "auto";
    if (words) place.append(element);
    return element;
  }

  function link(place, url, words) {
    const element = add(place, "a", words);
    element.href = url;
    element.target = "_blank";
  }

  // Drafts: what is typed is kept in this tab, so that a reload or a killed server loses nothing.
  const draftOf = (form) => (form.dataset.draft ? `draft ${form.dataset.draft}` : null);

  function keep(form) {
    const name = draftOf(form);
    if (!name) return;
    const values = {};
    for (const field of form.elements) {
      if (!field.name || field.type === "hidden") continue;
      if (field.type === "checkbox" || field.type === "radio") (values[field.name] ??= []).push([field.value, field.checked]);
      else values[field.name] = field.value;
    }
    try {
      sessionStorage.setItem(name, JSON.stringify({ values, key: form.dataset.attempt, content: form.dataset.content }));
    } catch {
      sessionStorage.removeItem(name); // too long for the browser: it stays in the form alone, and can still be sent
    }
  }

  function restore(form) {
    const kept = draftOf(form) && sessionStorage.getItem(draftOf(form));
    if (!kept) return;
    const { values, key, content } = JSON.parse(kept);
    for (const field of form.elements) {
      if (!(field.name in values) || field.type === "hidden") continue;
      const value = values[field.name];
      if (Array.isArray(value)) field.checked = value.some(([one, checked]) => one === field.value && checked);
      else field.value = value;
    }
    if (key) Object.assign(form.dataset, { attempt: key, content });
    form.dispatchEvent(new CustomEvent("restored", { bubbles: true }));
  }

  function forget(form) {
    if (draftOf(form)) sessionStorage.removeItem(draftOf(form));
    form.reset();
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-write]")) return;
    event.preventDefault();
    keep(event.target);
    send(event.target).finally(() => event.target.dataset.attempt && keep(event.target));
  });
  document.addEventListener("input", ({ target }) => target.form?.matches("form[data-draft]") && keep(target.form));
  const restoreAll = (root) => root.querySelectorAll("form[data-draft]").forEach(restore);
  document.addEventListener("htmx:load", ({ target }) => restoreAll(target));
  restoreAll(document);

  // A short message at the edge of the page, for what has worked: `toast("Recorded", {words: "Undo", act: () => ...})`.
  function toast(words, action = null) {
    const place = document.querySelector("[data-toasts]");
    const element = document.createElement("p");
    element.className = "toast";
    add(element, "span", words);
    if (action) {
      const button = add(element, "button", action.words);
      button.type = "button";
      button.dataset.key = action.key ?? "";
      button.onclick = () => {
        element.remove();
        action.act();
      };
    }
    [...place.children].filter((one) => !one.querySelector("button")).slice(2).forEach((one) => one.remove());
    place.prepend(element);
    setTimeout(() => element.remove(), 20_000);
    return element;
  }

  // A part of the page that could not be read.
  function unread(status, text) {
    let problem = {};
    try {
      problem = JSON.parse(text);
    } catch {
      status = status < 500 ? status : 0; // of something between this page and the server
    }
    const { title, detail, fix } = status ? inWords(status, problem) : { title: NAMES[0], fix: "Wait a moment, then try again." };
    toast([NAMES[status] ?? title, detail, fix].filter(Boolean).map((one) => one.replace(/[.\s]*$/, ".")).join(" "));
  }
  document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => unread(xhr.status, xhr.responseText));
  document.addEventListener("htmx:sendError", () => unread(0, ""));

  window.hushConsole = { send, call, toast, keep, unread, inWords, problem: show };
})();
