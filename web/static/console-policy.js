// The editor of the policy: line numbers, checks by the API, faults at their lines, and dialogs that send the text.
// The text is a draft of this tab (console-forms.js). `base` is the live revision that the draft was compared with.
"use strict";

(() => {
  const form = document.getElementById("policy-form");
  const text = form.elements.policy;
  const base = form.elements.base;
  const gutter = form.querySelector(".gutter");
  const title = document.querySelector("[data-check-title]");
  const body = document.querySelector("[data-check-body]");
  let faults = new Set();

  function make(name, words = "", css = "") {
    const element = document.createElement(name);
    if (words) element.textContent = words;
    if (css) element.className = css;
    return element;
  }

  // Line numbers: a text beside the field that scrolls with it. A policy has at most 20,000 lines.
  function number() {
    const lines = Math.min(text.value.split("\n").length, 20_001);
    gutter.replaceChildren();
    let plain = "";
    for (let line = 1; line <= lines; line += 1) {
      if (faults.has(line)) {
        gutter.append(plain, make("b", `${line}\n`));
        plain = "";
      } else plain += `${line}\n`;
    }
    gutter.append(plain);
    gutter.scrollTop = text.scrollTop;
  }

  // Columns count code points, offsets of the field count UTF-16 units.
  function jump({ line, column, length }) {
    const lines = text.value.split("\n");
    const points = [...(lines[line - 1] ?? "")];
    const units = (from, to) => points.slice(from, to).join("").length;
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + units(0, column - 1);
    text.focus();
    text.setSelectionRange(start, start + units(column - 1, column - 1 + length));
    const height = text.scrollHeight / lines.length;
    text.scrollTop = Math.max(0, (line - 4) * height);
    text.scrollLeft = 0;
    gutter.scrollTop = text.scrollTop;
  }

  function showFault(fault) {
    const item = make("li", "", "fault");
    const button = make("button", `Line ${fault.line}: ${fault.message}`, "quiet");
    button.type = "button";
    button.addEventListener("click", () => jump(fault));
    item.append(button);
    if (fault.source.trim()) {
      const points = [...fault.source];
      const from = Math.max(0, fault.column - 25);
      const shown = points.slice(from, from + 80).join("");
      const carets = " ".repeat(fault.column - 1 - from) + "^".repeat(Math.max(1, Math.min(fault.length, 80)));
      item.append(make("pre", `${shown}\n${carets}`, "scroll"));
    }
    if (fault.expected) item.append(make("p", `Expected: ${fault.expected}`, "hint"));
    if (fault.hint) item.append(make("p", `Hint: ${fault.hint}`));
    return item;
  }

  function list(lines) {
    const found = make("ul", "", "differences");
    for (const line of lines) {
      const item = make("li");
      item.append(make("bdi", line));
      found.append(item);
    }
    return found;
  }

  function show(found) {
    faults = new Set(found.problems.map((one) => one.line));
    number();
    body.replaceChildren();
    const count = found.problem_count;
    title.textContent = found.valid ? "No faults" : count === 1 ? "1 fault" : `${count} faults`;
    if (!found.valid) {
      const faultList = make("ol", "", "faults");
      faultList.append(...found.problems.map(showFault));
      body.append(faultList);
      if (count > found.problems.length) body.append(make("p", `And ${count - found.problems.length} more.`, "hint"));
      jump(found.problems[0]);
    } else if (found.changes.length === 0) {
      body.append(make("p", "It has the settings of the live policy: nothing would change."));
    } else {
      body.append(make("p", `Against the live policy ${found.live_revision} it changes:`), list(found.changes));
      for (const line of found.restarts) body.append(make("p", `Restart first: ${line}`, "notice"));
    }
    if (found.warnings.length) {
      const warningList = make("ol", "", "faults");
      warningList.append(...found.warnings.map(showFault));
      body.append(warningList);
    }
  }

  // Calls that write nothing to the log; a refusal shows in place, and the text stays.
  async function post(path, content) {
    form.setAttribute("aria-busy", "true");
    const answer = await window.hushConsole.call("POST", path, JSON.stringify(content), crypto.randomUUID());
    form.removeAttribute("aria-busy");
    window.hushConsole.problem(form, answer.problem ? { status: answer.status, ...answer.problem } : null);
    return answer.plain;
  }

  async function check() {
    title.textContent = "Checking…";
    const found = await post("/v1/policy/check", { policy: text.value });
    if (!found) title.textContent = "Not checked";
    else show(found);
    return found;
  }

  async function impact() {
    const begun = await post("/v1/policy/impacts", { policy: text.value, since: form.querySelector("[data-since]").value });
    if (!begun) return;
    await htmx.ajax("GET", `/console/policy/impacts/${begun.id}`, { target: "#impact", swap: "innerHTML" });
    document.getElementById("impact").scrollIntoView({ block: "nearest" });
  }

  function open(id, found) {
    const dialog = document.getElementById(id);
    const fields = dialog.querySelector("form").elements;
    fields.policy.value = text.value;
    if (fields.if_live) fields.if_live.value = base.value;
    dialog.querySelector("[data-serial]")?.replaceChildren(String(found.serial));
    dialog.querySelector("[data-changes]")?.replaceChildren(...list(found.changes).children);
    dialog.showModal();
    fields.reason.focus();
  }

  const acts = {
    check: () => title.focus(),
    impact,
    shadow: (found) => open("shadow", found),
    propose: (found) => found.changes.length > 0 && open("propose", found),
  };

  form.addEventListener("click", async ({ target }) => {
    const act = target.closest("[data-act]")?.dataset.act;
    if (!act || form.hasAttribute("aria-busy")) return;
    const checked = text.value;
    const found = await check();
    if (!found?.valid) return;
    if (text.value === checked) await acts[act](found);
    else title.textContent = "The text has changed meanwhile: try it again"; // a dialog names the changes of what it sends
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  const draft = () => `draft ${form.dataset.draft}`;
  function mark() {
    const differs = text.value !== text.defaultValue;
    form.querySelector("[data-drafted]").hidden = !differs;
    form.querySelector("[data-discard]").hidden = !differs;
    document.querySelector("[data-moved]").hidden = base.value === form.dataset.live || !differs;
    if (!differs) base.value = form.dataset.live;
  }

  text.addEventListener("input", () => {
    faults = new Set();
    number();
    mark();
  });
  text.addEventListener("scroll", () => (gutter.scrollTop = text.scrollTop));
  form.querySelector("[data-discard]").addEventListener("click", () => {
    sessionStorage.removeItem(draft());
    text.value = text.defaultValue;
    number();
    mark();
  });
  document.querySelector("[data-rebase]").addEventListener("click", () => {
    base.value = form.dataset.live;
    window.hushConsole.keep(form);
    mark();
    check();
  });

  form.querySelector("[data-pick]").addEventListener("click", () => form.querySelector("[data-file]").click());
  form.querySelector("[data-file]").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (!file) return;
    try {
      if (file.size > 400_000) throw new RangeError(`${file.name} is too large to be a policy`);
      text.value = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
      text.dispatchEvent(new Event("input", { bubbles: true }));
      await check();
    } catch (error) {
      const detail = error instanceof RangeError ? error.message : `${file.name} is not text in UTF-8`;
      window.hushConsole.problem(form, { status: 422, title: "Unusable file", detail, fix: "save it as UTF-8, and open it again" });
    }
    target.value = "";
  });

  document.addEventListener("click", ({ target }) => {
    if (target.closest("[data-close]")) target.closest("dialog").close();
    const words = target.closest("[data-fill]");
    if (words) {
      const reason = words.closest("form").elements.reason;
      reason.value = words.textContent;
      reason.dispatchEvent(new Event("input", { bubbles: true }));
      reason.focus();
    }
  });
  document.addEventListener("written", ({ target }) => {
    if ("proposes" in target.dataset) sessionStorage.removeItem(draft());
  });
  // After a conflict the text stays, and the page shows what the other person changed.
  document.addEventListener("refused", ({ target, detail }) => {
    if (!("proposes" in target.dataset) || detail.status !== 409) return;
    const button = make("button", "Load the live policy; my text stays", "quiet");
    button.type = "button";
    button.addEventListener("click", () => {
      window.hushConsole.keep(form);
      location.reload();
    });
    target.querySelector("[data-problem]").append(button);
  });

  number();
  mark();
})();
