// Statements of reasons and orders' replies: the tree, the leaf, its opened fields, and what the file shows.
"use strict";

const FIELDS = [
  "type", "period", "time", "source", "key", "record", "note", "hashtag", "country", "action", "reason", "policy_revision",
];
const LEAF = utf8("hushtag-leaf-1\n");
const SHOWN = ["time", "hashtag", "country", "action", "reason", "policy_revision"];  // fields that a statement opens
const ACTIONS = new Map([  // actions in the log that can be behind each measure of a statement
  ["reduced", ["suppress", "block", "reduced"]], ["held", ["hold"]], ["discounted", ["discount"]],
  ["withheld", ["withheld"]], ["suspended", ["suspended"]],
]);
const BY_ORDER = ["reduced", "withheld", "suspended"];
const node = (left, right) => sha256(Uint8Array.of(1), left, right);
const leafHash = (leaf) => sha256(Uint8Array.of(0), leaf);

async function checkPath(leaf, index, size, path, root) {
  need(index < size, "wrong_index", `the proof names entry ${index}, but the log had ${size} entries`);
  const turns = [];
  for (let start = 0n, end = size; end - start > 1n;) {  // from the root down to the entry
    let half = 1n;
    while (half * 2n < end - start) half *= 2n;
    const left = index < start + half;
    turns.push(left);
    if (left) end = start + half;
    else start += half;
  }
  need(path.length === turns.length, "wrong_index", `the path does not fit entry ${index} of a log of ${size} entries`);
  let found = await leafHash(leaf);
  for (const sibling of path) found = turns.pop() ? await node(found, sibling) : await node(sibling, found);
  need(equal(found, root), "wrong_path", `the entry is not in the log at number ${index}: it does not lead to the signed root`);
}

const isSalt = (value) => typeof value === "string" && /^[A-Za-z0-9_-]{21}[AQgw]$/.test(value);
const isText = (value) => typeof value === "string" && !/\p{Surrogate}/u.test(value);
const isValue = (value) => value === null || isText(value) || Number.isSafeInteger(value);

async function isCommitted(leaf, name, salt, value) {
  const start = LEAF.length + 32 * FIELDS.indexOf(name);
  return equal(await sha256(utf8(JSON.stringify([salt, name, value]))), leaf.slice(start, start + 32));
}

async function openFields(leaf, opened) {
  const whole = leaf.length === LEAF.length + 32 * FIELDS.length && equal(leaf.slice(0, LEAF.length), LEAF);
  need(whole, "malformed", "the entry is of another kind");
  need(Array.isArray(opened), "malformed", "the opened fields are not a list");
  const values = new Map();
  for (const one of opened) {
    const complete = isObject(one) && Object.keys(one).sort().join() === "name,salt,value";
    need(complete && FIELDS.includes(one.name) && !values.has(one.name), "malformed", "an opened field is unknown, doubled or incomplete");
    const {name, salt, value} = one;
    need(isSalt(salt) && isValue(value), "malformed", `the field ${name} has a salt or a value that cannot be`);
    need(await isCommitted(leaf, name, salt, value), "wrong_field", `the field ${name} was changed: the log contains another value`, name);
    values.set(name, value);
  }
  return values;
}

function readProof(text) {
  const gap = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(gap, 0)).split("\n");
  need(gap >= 0 && lines.shift() === "c2sp.org/tlog-proof@v1", "malformed", "the proof is of another format");
  if (lines[0]?.startsWith("extra ")) fromBase64(lines.shift().slice(6), "the proof's extra data");
  need(lines[0]?.startsWith("index "), "malformed", "the proof does not name its entry");
  const index = toNumber(lines.shift().slice(6), "the number of the entry");
  const path = lines.map((line) => fromBase64(line, "a hash of the path"));
  need(path.length <= 63 && path.every((one) => one.length === 32), "malformed", "the path is not a list of hashes");
  return {index, path, checkpoint: text.slice(gap + 2)};
}

async function verifyProof(file, keys) {
  need(file.format === "hushtag-proof-1", "malformed", "the proof is of another format");
  const known = Object.keys(file).every((name) => ["format", "leaf", "opened", "proof"].includes(name));
  need(known, "malformed", "the proof has a member that no proof has, and that nothing proves");
  need(typeof file.leaf === "string" && typeof file.proof === "string", "malformed", "the proof has no entry or no path");
  const leaf = fromBase64(file.leaf, "the entry");
  const {index, path, checkpoint} = readProof(file.proof);
  const opened = await openCheckpoint(checkpoint, keys);
  await checkPath(leaf, index, opened.size, path, opened.root);
  const fields = await openFields(leaf, file.opened);
  return {index: Number(index), log: keys.name, ...opened, opened: fields};
}

function checkShown(name, value, opened) {
  need(value === opened.get(name), "wrong_field", `the file shows another ${name} than the log: ${value}, not ${opened.get(name)}`, name);
}

function checkEntry(entry, opened) {
  need(isObject(entry) && Object.keys(entry).length, "malformed", "the file does not say what the log contains about it");
  for (const [name, value] of Object.entries(entry)) {
    need(opened.has(name), "wrong_field", `the file shows the field ${name}, but does not open it in the log`, name);
    checkShown(name, value, opened);
  }
}

function checkRestriction(details, entry, opened) {
  need(isObject(details), "malformed", "the file's details are no object");
  for (const name of SHOWN) {
    need(Object.hasOwn(entry, name), "wrong_field", `the statement does not show the field ${name} of its entry in the log`, name);
  }
  const action = opened.get("action"), actions = ACTIONS.get(details.measure) ?? [];
  const fits = typeof action === "string" && action.split(", ").some((one) => actions.includes(one));
  need(fits, "wrong_field", `the statement's measure is ${details.measure}, but the log has the action ${action}`, "action");
  if (action !== "suspended" || details.country !== "*") checkShown("country", details.country ?? null, opened);
  const policy = details.policy_revision ?? null;
  checkShown("policy_revision", policy === "" && opened.get("policy_revision") === null ? null : policy, opened);
  if (opened.get("hashtag") !== null) {
    need(details.kind === "hashtag", "wrong_field", "the statement is about no hashtag, but its entry in the log is", "hashtag");
    checkShown("hashtag", details.target, opened);
  } else {
    need(BY_ORDER.includes(action), "wrong_field", "the statement's entry in the log is not about its target", "hashtag");
  }
}

// An entry about an order does not open the hashtags, accounts or tweets that it is about.
const targetIsOpen = (opened) => !(BY_ORDER.includes(opened.get("action")) && opened.get("hashtag") === null);

// Verify a statement, a reply or a proof file.
// `keys`: {logKey, witnessKeys, quorum}, texts; `seen`: a signed checkpoint that was seen before, or undefined.
async function verifyStatement(text, {logKey, witnessKeys, quorum}, seen) {
  const keys = await readKeys(logKey, witnessKeys, quorum);
  const file = readObject(text);
  const alone = file.format === "hushtag-proof-1";
  need(alone || file.proof !== null, "malformed", "the file has no proof yet: ask for it again later");
  need(alone || isObject(file.proof), "malformed", "the file has no proof: it is neither a statement nor a proof file");
  const verified = await verifyProof(alone ? file : file.proof, keys);
  if (!alone) {
    checkEntry(file.entry, verified.opened);
    if (Object.hasOwn(file, "restriction")) checkRestriction(file.restriction, file.entry, verified.opened);
  }
  if (seen !== undefined) {
    const before = await openLogCheckpoint(seen, keys);
    if (before.size >= verified.size) compareWithSeen(before, verified);
  }
  return verified;
}
