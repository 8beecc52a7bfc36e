// The page: reads the chosen files, runs a check, and shows its answer in plain words.
"use strict";

const NAMES = new Map([
  ["type", "Kind of entry"], ["period", "Day"], ["time", "Time"], ["source", "Source record"], ["key", "Key"],
  ["record", "Record"], ["note", "Note"], ["hashtag", "Hashtag"], ["country", "Country"], ["action", "Action"],
  ["reason", "Reason"], ["policy_revision", "Policy revision"],
]);
const MEANINGS = new Map([
  ["malformed", "This file is not complete, or not of the right kind"],
  ["wrong_log", "This file is about another log, or you gave the key of another log"],
  ["bad_signature", "A signature is wrong"],
  ["missing_cosignature", "Not enough witnesses have signed"],
  ["wrong_path", "The log does not contain this entry"],
  ["wrong_index", "The number of the entry is wrong"],
  ["wrong_field", "The file says something else than the log"],
  ["rolled_back", "The log has gone back to an earlier state"],
  ["split_view", "There are two different histories of this log"],
  ["omitted_entry", "Entries of the log are left out"],
  ["wrong_number", "A number of the report does not add up"],
  ["caller_mistake", "The keys cannot be used"],
]);
const ADVICE = new Map([
  ["malformed", "Get the file again from the platform. A statement that is new can take a minute until it has a proof."],
  ["wrong_log", "Compare your key of the log with the one that the log’s operator announces."],
  ["missing_cosignature", "Ask for a file with a checkpoint that the witnesses have signed. Without it, others may be shown another log."],
  ["caller_mistake", "Copy the whole key, with its name and both plus signs."],
  ["rolled_back", "Ask for a proof at the present checkpoint. If there is none, keep both checkpoints as evidence."],
  ["split_view", "Keep both checkpoints: together they prove that the log has shown two histories."],
]);
const DEFAULT_ADVICE = "Do not rely on this file. Ask the platform for a new one, and keep this one as evidence.";

const byId = (id) => document.getElementById(id);
let chosen = null;  // promise of the bytes of the file to check

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());
const contentOf = async (file) => fromUtf8(await bytesOf(file));

function isReport(text) {
  try {
    return isObject(JSON.parse(text)?.log);
  } catch {
    return false;
  }
}

async function choose(file, dropped) {
  byId("result").hidden = true;
  byId("file-name").textContent = dropped ? `Dropped: ${file.name}` : "";
  const bytes = await bytesOf(file);
  byId("report-files").hidden = !isReport(fromUtf8(bytes));
  return bytes;
}

function chooseNow(file, dropped = false) {
  chosen = choose(file, dropped);
  chosen.catch(showRefused);
}

function keysGiven() {
  const quorum = byId("quorum").value.trim();
  return {
    logKey: byId("log-key").value.trim().split(/\s+/),
    witnessKeys: byId("witness-keys").value.split("\n").filter((line) => line.trim()),
    quorum: quorum === "" ? undefined : Number(quorum),
  };
}

function seenGiven() {
  const text = byId("seen").value;
  return text.trim() === "" ? undefined : `${text.trimEnd()}\n`;
}

function readerOf(files) {
  const found = new Map(Array.from(files, (file) => [file.webkitRelativePath.split("/").slice(1).join("/"), file]));
  return async (path) => found.has(path) ? new Uint8Array(await found.get(path).arrayBuffer()) : null;
}

async function check() {
  if (!chosen) throw new Refused("malformed", "no file is chosen yet");
  const bytes = await chosen, text = fromUtf8(bytes);
  if (!isReport(text)) {
    const keys = keysGiven();
    showStatement(await verifyStatement(text, keys, seenGiven()), keys);
    return;
  }
  const [openings] = byId("openings").files, [publication] = byId("publication").files, folder = byId("folder").files;
  if (!openings || !folder.length) throw new Refused("malformed", "a report needs its openings and the published log");
  const lines = (await contentOf(openings)).split("\n"), keys = keysGiven();
  const proof = publication === undefined ? undefined : await contentOf(publication);
  showReport(await verifyReport(bytes, lines, readerOf(folder), keys, seenGiven(), proof), keys);
}

function show(title, good, ...parts) {
  const result = byId("result");
  const heading = element("h2", title, `verdict ${good ? "good" : "bad"}`);
  result.replaceChildren(heading, ...parts);
  result.hidden = false;
  result.focus();
}

function list(title, items, className) {
  const part = element("section", "", className);
  const entries = element("ul");
  entries.append(...items.map((item) => element("li", item)));
  part.append(element("h3", title), entries);
  return part;
}

function table(rows) {
  const made = element("table");
  made.append(...rows.map(([name, value]) => {
    const row = element("tr"), head = element("th", name);
    head.scope = "row";
    row.append(head, element("td", value));
    return row;
  }));
  return made;
}

const timeOf = (seconds) => seconds < 1e11 ? new Date(seconds * 1000).toISOString().replace(".000Z", "Z") : `second ${seconds}`;
const witnessed = (cosigned) => Object.entries(cosigned).map(([name, seconds]) => `${name} signed the same checkpoint at ${timeOf(seconds)}.`);

function notVerified(names) {
  return names.length ? [list("Not verified", [
    `The log does not say whether these members of the file are true: ${names.join(", ")}.`,
  ], "unverified")] : [];
}

function limits(keys, ...more) {
  const alone = keys.witnessKeys.length === 0 || keys.quorum === 0;
  return list("What this does not prove", [
    ...(alone ? ["You required no witness: others may be shown another history of the log."] : []),
    ...more,
  ], "limits");
}

function showStatement(verified, keys) {
  const rows = Object.entries(verified.opened).filter(([name]) => name !== "facts")
    .map(([name, value]) => [NAMES.get(name), value === null ? "(none)" : String(value)]);
  const stated = Object.hasOwn(verified.opened, "facts") && verified.not_verified.length;
  show("It is in the log, as shown here", true, table(rows), list("What was checked", [
    `Every line above is what the log contains in its entry ${verified.index}.`,
    ...(stated ? ["All other members of the statement, and its words, say what the log says; those below are the exception."] : []),
    `The entry is one of the ${verified.size} that ${verified.log} signed.`,
    ...witnessed(verified.cosigned_by),
  ], "checked"), ...notVerified(verified.not_verified), limits(
    keys,
    "That the decision was right, or lawful.",
    "That the log still contains the entry today. Check a newer proof, or the published log, to see that.",
  ));
}

function showReport(verified, keys) {
  const rows = [
    ...Object.entries(verified.numbers).map(([name, count]) => [name, String(count)]),
    ...Object.entries(verified.at_least).map(([name, count]) => [name, `at least ${count}`]),
  ];
  const title = rows.length ? "The report’s numbers are those of the log" : "The log is unchanged, but no number was counted again";
  const count = verified.later_entries, later = `${count} later ${count === 1 ? "entry of the log is" : "entries of the log are"} not in it.`;
  const at = verified.as_of_seconds === null ? "" : timeOf(verified.as_of_seconds), over = verified.period_over;
  show(title, rows.length > 0, table(rows), list("What was checked", [
    `The first ${verified.size} entries of the log were opened and counted again; none of them is left out.`,
    rows.length ? `The numbers are those of ${verified.days[0]} to ${verified.days[1]}, UTC.` : "No number was counted again: the report is not of whole days in UTC.",
    ...(verified.published_as === null ? [] : [`The log has the publication of exactly this file, as ${verified.published_as}. That holds for its other numbers too, which were not counted again.`]),
    ...(over ? [`The report counts as of ${at}. ${later}`] : []),
    `The published log of ${verified.published_size} entries has the root that ${verified.log} signed, and contains the report’s checkpoint.`,
    ...witnessed(verified.cosigned_by),
  ], "checked"), ...notVerified(verified.not_verified), limits(
    keys,
    ...(over === null ? [`That the report counts up to the end of its period: no witness gives a time. ${later}`] : []),
    ...(over === false ? [`That the numbers are final: the report counts as of ${at}, before its period ended. ${later}`] : []),
    "That every decision was logged, or that it was right.",
  ));
}

function showRefused(error) {
  if (!(error instanceof Refused)) {
    show("This browser cannot check it", false, element("p", `${error.name}: ${error.message}. Use a current browser over https, or verify_proof.py.`));
    return;
  }
  const mistake = error.code === "caller_mistake";
  show(mistake ? "Nothing was checked" : "It does not verify", false,
    element("p", MEANINGS.get(error.code), "meaning"),
    element("p", `${error.message[0].toUpperCase()}${error.message.slice(1)}.`),
    element("p", ADVICE.get(error.code) ?? DEFAULT_ADVICE, "advice"),
    element("p", error.field ? `Reason: ${error.code} (${error.field})` : `Reason: ${error.code}`, "code"));
}

byId("file").addEventListener("change", (event) => {
  if (event.target.files.length) chooseNow(event.target.files[0]);
});
for (const kind of ["dragenter", "dragover"]) {
  byId("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    byId("drop").classList.add("over");
  });
}
byId("drop").addEventListener("dragleave", () => byId("drop").classList.remove("over"));
byId("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  byId("drop").classList.remove("over");
  if (event.dataTransfer.files.length) chooseNow(event.dataTransfer.files[0], true);
});
byId("check").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  try {
    await check();
  } catch (error) {
    showRefused(error);
  } finally {
    button.disabled = false;
  }
});
