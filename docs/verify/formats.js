// Texts of the log, each with exactly one spelling: base64, numbers, keys, signed notes, checkpoints.
"use strict";

const GREATEST = 2n ** 63n - 1n;
const LOG = 1, WITNESS = 4;  // signature types of keys

class Refused extends Error {
  // Something does not verify, or the keys cannot be used (`caller_mistake`).
  constructor(code, what, field = "") {
    super(what);
    this.code = code;
    this.field = field;
  }
}

function need(condition, code, what, field = "") {
  if (!condition) throw new Refused(code, what, field);
}

const utf8 = (text) => new TextEncoder().encode(text);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function equal(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

function fromUtf8(bytes) {
  try {
    return new TextDecoder("utf-8", {fatal: true}).decode(bytes);
  } catch {
    throw new Refused("malformed", "the file is not text in UTF-8");
  }
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

function fromBase64(text, what) {
  const shape = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
  const binary = shape ? atob(text) : "";
  need(shape && btoa(binary) === text, "malformed", `${what} is not base64`);
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function toNumber(text, what) {
  const shape = /^(?:0|[1-9][0-9]{0,18})$/.test(text);
  need(shape && BigInt(text) <= GREATEST, "malformed", `${what} is not a whole number`);
  return BigInt(text);
}

// Compare two JSON values; the order of an object's members says nothing.
function sameJson(one, other) {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((value, at) => sameJson(value, other[at]));
  }
  if (!isObject(one) || !isObject(other)) return one === other;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && sameJson(one[name], other[name]));
}

const member = (object, name) => Object.hasOwn(object, name) ? object[name] : undefined;

// A person reads the first of two values of one name, and JSON.parse takes the last.
function refuseDoubled(json) {
  const open = [];
  for (const [token, name, colon] of json.matchAll(/[{}]|("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/gs)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon) {
      const names = open.at(-1), plain = JSON.parse(name);
      need(!names.has(plain), "malformed", `the file gives ${name} twice in one place`);
      names.add(plain);
    }
  }
}

function readObject(text) {
  let found = null;
  try {
    found = JSON.parse(text);
  } catch {
    found = null;
  }
  need(isObject(found), "malformed", "the file is not a JSON object");
  refuseDoubled(text);
  return found;
}

async function readKey(text, kind) {
  const wrong = kind === LOG ? "the log's key is not a log's public key" : "a witness's key is not a witness's public key";
  const parts = text.trim().split("+");
  const name = parts[0], identifier = parts[1], material = parts.slice(2).join("+");
  need(parts.length >= 3 && /^\S+$/.test(name), "caller_mistake", wrong);
  let data = null;
  try {
    data = fromBase64(material, "the key");
  } catch {
    throw new Refused("caller_mistake", wrong);
  }
  need(data.length === 33 && data[0] === kind, "caller_mistake", wrong);
  const id = (await sha256(utf8(`${name}\n`), data)).slice(0, 4);
  const hex = Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
  need(hex === identifier, "caller_mistake", `${wrong}: it is damaged`);
  return {name, id, bytes: data.slice(1)};
}

// `logKey`: the log's key, or a list of its keys after a change; keys of one name are one witness.
async function readKeys(logKey, witnessKeys, quorum) {
  const logs = [], distinct = new Map(), witnesses = new Map();
  for (const text of [logKey].flat()) logs.push(await readKey(text, LOG));
  need(new Set(logs.map((key) => key.name)).size === 1, "caller_mistake", "the keys are not those of one log");
  for (const text of witnessKeys) {
    const key = await readKey(text, WITNESS);
    const other = logs.every((log) => !equal(key.bytes, log.bytes));
    need(other, "caller_mistake", "a witness has the key of the log itself, so it witnesses nothing");
    distinct.set(String(key.bytes), key);  // a key with two names counts once
  }
  for (const key of distinct.values()) witnesses.set(key.name, [...witnesses.get(key.name) ?? [], key]);
  const needed = quorum ?? witnesses.size;
  need(isCount(needed) && needed <= witnesses.size, "caller_mistake", "more cosignatures are asked for than there are witnesses");
  return {name: logs[0].name, logs, witnesses, needed};
}

async function signedBy(key, signature, message) {
  try {
    const imported = await crypto.subtle.importKey("raw", key.bytes, {name: "Ed25519"}, false, ["verify"]);
    return await crypto.subtle.verify({name: "Ed25519"}, imported, signature, message);
  } catch (error) {
    if (error.name === "NotSupportedError") throw error;  // the browser is too old
    return false;
  }
}

function readNote(note) {
  need(!/[\x00-\x09\x0b-\x1f]/.test(note), "malformed", "a signed note has a control character");
  const gap = note.lastIndexOf("\n\n");
  need(gap > 0 && gap + 2 < note.length && note.endsWith("\n"), "malformed", "a signed note has no text or no signature");
  const signatures = note.slice(gap + 2, -1).split("\n").map((line) => {
    const parts = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line);
    need(parts, "malformed", "a line of a signed note is no signature");
    const data = fromBase64(parts[2], "a signature");
    need(data.length >= 5, "malformed", "a signature is too short");
    return {name: parts[1], id: data.slice(0, 4), signature: data.slice(4)};
  });
  need(signatures.length <= 100, "malformed", "a signed note has more than 100 signatures");
  return {text: note.slice(0, gap + 1), signatures};
}

const ownSignatures = (note, key) => note.signatures.filter((one) => one.name === key.name && equal(one.id, key.id));

async function openLogCheckpoint(text, {name, logs}) {
  const note = readNote(text);
  const lines = note.text.slice(0, -1).split("\n");
  need(lines.length >= 3 && !lines.includes(""), "malformed", "a checkpoint has fewer than three lines");
  const root = fromBase64(lines[2], "the root"), size = toNumber(lines[1], "the size");
  need(root.length === 32, "malformed", "the root has not 32 bytes");
  need(lines[0] === name, "wrong_log", `the checkpoint is of the log ${lines[0]}, not of ${name}`);
  const own = logs.flatMap((key) => ownSignatures(note, key).map(({signature}) => ({key, signature})));
  need(own.length, "wrong_log", `the checkpoint is not signed by a key of ${name} that you gave`);
  for (const {key, signature} of own) {
    const good = await signedBy(key, signature, utf8(note.text));
    need(good, "bad_signature", "the log's signature does not fit the checkpoint: the checkpoint was changed");
  }
  return {size, root, note, cosigned: new Map()};
}

async function openCheckpoint(text, keys) {
  const {size, root, note} = await openLogCheckpoint(text, keys);
  const cosigned = new Map();
  for (const witness of [...keys.witnesses.values()].flat()) {
    for (const {signature} of ownSignatures(note, witness)) {
      const time = signature.length === 72 ? new DataView(signature.buffer, signature.byteOffset).getBigUint64(0) : -1n;
      const message = utf8(`cosignature/v1\ntime ${time}\n${note.text}`);
      const good = time >= 0n && time <= GREATEST && await signedBy(witness, signature.slice(8), message);
      need(good, "bad_signature", `the cosignature of the witness ${witness.name} does not fit the checkpoint`);
      cosigned.set(witness.name, Math.min(Number(time), cosigned.get(witness.name) ?? Infinity));  // its earliest
    }
  }
  const missing = [...keys.witnesses.keys()].filter((name) => !cosigned.has(name));
  need(cosigned.size >= keys.needed, "missing_cosignature", `the checkpoint is not cosigned by ${missing.join(", ")}`);
  return {size, root, note, cosigned};
}

function compareWithSeen(seen, now) {
  need(seen.size <= now.size, "rolled_back", `the log had ${seen.size} entries before and now has ${now.size}`);
  need(equal(seen.root, now.root), "split_view", `there are two histories of the log with ${now.size} entries`);
}
