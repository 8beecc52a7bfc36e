// Statements of reasons and orders' replies: the tree, the leaf, its opened fields, and what the file shows.
"use strict";

const FIELDS = [
  "type", "period", "time", "source", "key", "record", "note", "hashtag", "country", "action", "reason", "policy_revision",
  "facts",
];
const LEAF = utf8("hushtag-leaf-1\n");
const SHOWN = ["time", "hashtag", "country", "action", "reason", "policy_revision", "facts"];  // opened by each statement
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
  const values = {};
  for (const one of opened) {
    const complete = isObject(one) && Object.keys(one).sort().join() === "name,salt,value";
    need(complete && FIELDS.includes(one.name) && !Object.hasOwn(values, one.name), "malformed", "an opened field is unknown, doubled or incomplete");
    const {name, salt, value} = one;
    need(isSalt(salt) && isValue(value), "malformed", `the field ${name} has a salt or a value that cannot be`);
    need(await isCommitted(leaf, name, salt, value), "wrong_field", `the field ${name} was changed: the log contains another value`, name);
    values[name] = value;
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
  const signed = await openCheckpoint(checkpoint, keys);
  await checkPath(leaf, index, signed.size, path, signed.root);
  const opened = await openFields(leaf, file.opened);
  const answer = {index: Number(index), log: keys.name, size: Number(signed.size), opened,
    cosigned_by: Object.fromEntries(signed.cosigned), not_verified: []};
  return {answer, signed};
}

const shown = (value) => String(JSON.stringify(value)).slice(0, 80);

function checkSame(name, value, logged) {
  const good = value !== undefined && sameJson(value, logged);
  need(good, "wrong_field", `the file shows another ${name} than the log: ${shown(value)}, not ${shown(logged)}`, name);
}

// What the log says of the restriction that a statement is about.
function restrictionIn(facts, reference) {
  const logged = typeof facts === "string" ? member(readObject(facts), "restrictions") : undefined;
  const found = (Array.isArray(logged) ? logged : []).filter(isObject)
    .find((one) => !Object.hasOwn(one, "reference") || one.reference === reference);
  need(found, "wrong_field", `the log's entry is about no restriction ${shown(reference)}`, "reference");
  return found;
}

// Compare a statement's details with the log; return the members that the log says nothing about.
function checkRestriction(details, logged) {
  const unbound = [], parts = isObject(logged.evidence) ? logged.evidence : {};
  const other = (path, value) => `the file shows another ${path} than the log: ${shown(value)}`;
  for (const [name, value] of Object.entries(details)) {
    const path = `restriction.${name}`;
    if (name === "evidence" && isObject(value) && isObject(logged.evidence)) {
      for (const [part, count] of Object.entries(value)) {
        if (Object.hasOwn(parts, part)) checkSame(`${path}.${part}`, count, parts[part]);
        else unbound.push(`${path}.${part}`);
      }
    } else if (Object.hasOwn(logged, name)) {
      checkSame(path, value, logged[name]);
    } else if (Object.hasOwn(logged, `most_${name}`)) {  // surfaces: a stronger decision may overrule it on some
      const most = logged[`most_${name}`];
      const good = Array.isArray(value) && value.every((one) => most.includes(one)) && new Set(value).size === value.length;
      need(good, "wrong_field", other(path, value), path);
      if (!sameJson(value, most)) unbound.push(path);
    } else if (Object.hasOwn(logged, `latest_${name}`)) {  // beginning: a decision may prolong an earlier one
      const latest = logged[`latest_${name}`];
      need(Number.isSafeInteger(value) && value <= latest, "wrong_field", other(path, value), path);
      if (value !== latest) unbound.push(path);
    } else {
      unbound.push(path);
    }
  }
  for (const name of Object.keys(logged).map((one) => one.replace(/^(most|latest)_/, ""))) {
    need(Object.hasOwn(details, name), "wrong_field", `the statement does not show ${name}`, `restriction.${name}`);
  }
  for (const part of Object.keys(parts)) {
    need(Object.hasOwn(details.evidence, part), "wrong_field", `it does not show ${part}`, `restriction.evidence.${part}`);
  }
  return unbound;
}

// Compare a statement or a reply with the opened fields; return the members that nothing binds to the log.
function checkStatement(file, opened) {
  const {entry} = file;
  need(isObject(entry) && Object.keys(entry).length, "malformed", "the file does not say what the log contains about it");
  for (const [name, value] of Object.entries(entry)) {
    need(Object.hasOwn(opened, name), "wrong_field", `the file shows the field ${name}, but does not open it in the log`, name);
    checkSame(name, value, opened[name]);
  }
  const unbound = Object.keys(file).filter((name) => name !== "entry" && name !== "proof");
  const texts = member(file, "text"), details = member(file, "restriction");
  if (details === undefined && !isObject(texts)) return unbound;  // a reply to an authority
  need(isObject(details), "malformed", "the statement's details are no object");
  need(isObject(texts) && Object.hasOwn(texts, "en"), "malformed", "the statement has no words in English", "text");
  for (const name of SHOWN) {
    need(Object.hasOwn(entry, name), "wrong_field", `the statement does not show the field ${name} of its entry in the log`, name);
  }
  const reference = member(details, "reference") ?? null;
  const logged = restrictionIn(opened.facts, reference);
  checkSame("reference", member(file, "reference") ?? null, reference);
  const others = unbound.filter((name) => !["restriction", "reference", "text"].includes(name));
  return [...others, ...checkRestriction(details, logged), ...checkWords(texts, details)];
}

// Verify a statement, a reply or a proof file.
// `keys`: {logKey, witnessKeys, quorum}, texts; `seen`: a signed checkpoint that was seen before, or undefined.
async function verifyStatement(text, {logKey, witnessKeys, quorum}, seen) {
  const keys = await readKeys(logKey, witnessKeys, quorum);
  const file = readObject(text);
  const alone = file.format === "hushtag-proof-1";
  need(alone || file.proof !== null, "malformed", "the file has no proof yet: ask for it again later");
  need(alone || isObject(file.proof), "malformed", "the file has no proof: it is neither a statement nor a proof file");
  const {answer, signed} = await verifyProof(alone ? file : file.proof, keys);
  if (!alone) answer.not_verified = checkStatement(file, answer.opened);
  if (seen !== undefined) {
    const before = await openLogCheckpoint(seen, keys);
    if (before.size >= signed.size) compareWithSeen(before, signed);
  }
  return answer;
}
