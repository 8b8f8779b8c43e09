// The review page: sign in, hand in, listen, see, decide, finish. docs/review.md is its guide.
//
// What holds everywhere here: text comes into the page as text (textContent, never as markup); the words of the
// original are in `job.original` and in the transcript while the unredacted view is held, and nowhere else; a decision
// is kept in this browser (ids, word indices and labels, no text) until the server has said that it is saved; a key
// touches what it changes and nothing besides.
"use strict";
(() => {

// ---- Small things ---------------------------------------------------------------------------------------------------

const $ = (id) => document.getElementById(id);
const API = "/review/api/jobs";

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, call] of Object.entries(value)) element.addEventListener(event, call);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

const two = (n) => String(n).padStart(2, "0");
function clock(ms, fine = false) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const whole = s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
  return fine ? `${whole}.${Math.floor((Math.max(0, ms) % 1000) / 100)}` : whole;
}
const many = (n, one, more = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;
const spoken = (label) => String(label).toLowerCase().replaceAll("_", " ");
const clamp = (low, value, high) => Math.max(low, Math.min(high, value));
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const unique = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
const when = (ms) => new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

// The first index at which `list[index]` is past `value`.
function after(list, value, of = (x) => x) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (of(list[middle]) <= value) low = middle + 1; else high = middle;
  }
  return low;
}

const say = (text) => { $("aloud").textContent = text; };
let toasted = 0;
function toast(text) {
  clearTimeout(toasted);
  $("toast").textContent = text;
  $("toast").hidden = false;
  toasted = setTimeout(() => { $("toast").hidden = true; }, 3000 + 60 * text.length);
}

function show(view) {
  for (const id of ["wait", "sign-in", "jobs", "work", "job"]) $(id).hidden = id !== view;
  document.body.classList.toggle("at-work", view === "job");
  $("tools").hidden = $("decided").hidden = $("saved").hidden = view !== "job";
  $("sign-out").hidden = view !== "jobs" || !session.needs_key;
}

// What was chosen on this page; a browser that keeps nothing forgets it.
const kept = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { if (value === null) localStorage.removeItem(name); else localStorage.setItem(name, value); } catch { /* not kept */ } },
  names() { try { return Object.keys(localStorage); } catch { return []; } },
};

// ---- Asking the server ----------------------------------------------------------------------------------------------

// Status 0: nobody answered, or what came was no answer; then nobody knows whether it was done.
class Refused extends Error {
  constructor(status, body) {
    super(body?.error || (status ? `The server answered with ${status}.` : "The server cannot be reached."));
    this.status = status;
    this.body = body || {};
  }
  get isPassing() { return this.status === 0 || this.status === 429 || this.status >= 500; }
}

async function ask(method, path, body, options = {}) {
  const headers = {};
  if (method !== "GET") headers["X-Offrecord"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response, answer = null;
  try {
    response = await fetch(path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin", cache: "no-store", ...options,
    });
    if (response.status === 204) return null;
    answer = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (!response || response.ok) throw new Refused(0);
  }
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

// ---- Session --------------------------------------------------------------------------------------------------------

let session = { signed_in: false, needs_key: true, reviewer: null, unredacted_allowed: false, labels: [] };

async function signIn(key) {
  await ask("POST", "/review/session", { key });
  session = await ask("GET", "/review/session");
}

async function enter() {
  session = await ask("GET", "/review/session");
  if (!session.signed_in && !session.needs_key) await signIn("");
  return session.signed_in;
}

function form(id, key, error, done) {
  $(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    $(error).textContent = "";
    try {
      await signIn($(key).value);
      $(key).value = "";
      done();
    } catch (refused) {
      $(error).textContent = refused.status === 401 ? "The server does not know this key." : refused.message;
      $(key).select();
    }
  });
}
form("sign-in-form", "key", "sign-in-error", () => start());
form("again-form", "again-key", "again-error", () => { $("again").close(); pump(); });
$("again").addEventListener("cancel", (event) => event.preventDefault());
$("sign-out").addEventListener("click", async () => {
  try {
    await ask("DELETE", "/review/session");
    location.assign("/");
  } catch (refused) { toast(refused.message); }
});

// ---- The list of jobs, and handing one in ---------------------------------------------------------------------------

const STAGES = { waiting: "waiting", transcribing: "recognising speech", redacting: "finding details", verifying: "listening again", writing: "writing", done: "done" };
const REVIEWS = { open: "to review", finishing: "is being finished", finished: "finished", failed: "finishing failed" };
let listed = [];

const kindOf = (info) => (info.timed === false ? "Text" : "Recording");
const titleOf = (info) => `${kindOf(info)} of ${when(info.created)}`;
const isAtWork = (info) => info.status === "queued" || info.status === "processing" || info.review === "finishing";

function leftOf(info) {
  const parts = [];
  if (typeof info.share === "number") parts.push(`${Math.floor(100 * info.share)}%`);
  if (typeof info.left_s === "number") parts.push(info.left_s < 60 ? `about ${Math.max(1, Math.round(info.left_s))} s left` : `about ${Math.round(info.left_s / 60)} min left`);
  return parts.join(", ");
}

function factsOf(info) {
  if (info.status === "error") return `failed: ${info.error || "no reason was given"}`;
  if (info.status === "deleted") return "erased";
  if (info.status !== "completed") return [STAGES[info.stage] || info.status, leftOf(info)].filter(Boolean).join(", ");
  const facts = [];
  if (info.timed !== false && typeof info.duration === "number") facts.push(clock(info.duration));
  if (typeof info.entities === "number") facts.push(many(info.entities, "detail"));
  if (info.timed !== false) facts.push(verifiedOf(info));
  facts.push(info.review ? REVIEWS[info.review] || info.review : "of the API, read only");
  if (info.review && info.original === false) facts.push("original erased");
  return facts.join(" · ");
}

function verifiedOf(info) {
  const done = info.verification;
  if (!done) return "not listened to again";
  return done.left ? `${many(done.left, "detail")} still to hear` : "listened to again: nothing left";
}

function rowOf(info) {
  const title = titleOf(info);
  const opens = info.status !== "deleted" && (info.review || info.status !== "completed");
  const row = make("li", { "data-id": info.id, class: info.status },
    opens ? make("a", { class: "name", href: `/review/${encodeURIComponent(info.id)}`, text: title }) : make("span", { class: "name", text: title }),
    make("span", { class: "facts", text: factsOf(info) }));
  if (info.status === "error" || (info.status === "completed" && info.review && !isAtWork(info)))
    row.append(make("span", { class: "ends" }, make("button", { type: "button", class: "grave", text: "Delete", "aria-label": `Delete ${title}`, on: { click: () => erase(info) } })));
  return row;
}

function showJobs() {
  const focused = document.activeElement?.closest?.("#jobs-list li")?.dataset.id;
  const tag = document.activeElement?.tagName;
  $("jobs-list").replaceChildren(...listed.map(rowOf));
  $("jobs-none").hidden = listed.length > 0;
  if (focused) $("jobs-list").querySelector(`[data-id="${CSS.escape(focused)}"] ${tag}`)?.focus();
}

async function erase(info) {
  const yes = await sure("Delete this job?", "The recording, its words, your decisions and what was made of them are erased. This cannot be undone.", "Delete it");
  if (!yes) return;
  try {
    await ask("DELETE", `${API}/${encodeURIComponent(info.id)}`);
    if ($("jobs").hidden) location.assign("/");
    else await refreshJobs();
  } catch (refused) { toast(refused.message); }
}

async function refreshJobs() {
  const answer = await ask("GET", `${API}?limit=50`);
  const first = new Set(answer.jobs.map((info) => info.id));
  const last = answer.jobs.at(-1);
  // Older pages that were fetched before stay below the first one.
  const older = answer.more && last ? listed.filter((info) => !first.has(info.id) && info.created <= last.created) : [];
  const more = older.length ? !$("jobs-more").hidden : answer.more;
  listed = [...answer.jobs, ...older];
  $("jobs-more").hidden = !more;
  showJobs();
}

$("jobs-more").addEventListener("click", async () => {
  try {
    const answer = await ask("GET", `${API}?limit=50&before=${encodeURIComponent(listed.at(-1).id)}`);
    listed.push(...answer.jobs);
    $("jobs-more").hidden = !answer.more;
    showJobs();
  } catch (refused) { $("jobs-error").textContent = refused.message; }
});

async function jobsPage() {
  $("heading").textContent = "Review";
  document.title = "Review · Offrecord";
  show("jobs");
  for (;;) {
    try {
      await refreshJobs();
      $("jobs-error").textContent = "";
    } catch (refused) {
      if (refused.status === 401) return start();
      $("jobs-error").textContent = refused.message;
    }
    await sleep(document.hidden ? 10_000 : listed.some(isAtWork) ? 1000 : 5000);
  }
}

// A request of its own kind: `fetch` does not say how much of a body has gone.
function send(file, policy) {
  const isText = file.type.startsWith("text/") || /\.(txt|md|srt|vtt)$/i.test(file.name);
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${API}?policy=${encodeURIComponent(policy)}`);
    request.setRequestHeader("X-Offrecord", "1");
    request.setRequestHeader("Content-Type", isText ? "text/plain" : "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) $("sending-bar").value = event.loaded / event.total;
    });
    request.addEventListener("load", () => {
      let answer = null;
      try { answer = JSON.parse(request.responseText); } catch { /* no answer of ours */ }
      if (request.status === 201 && answer) done(answer); else failed(new Refused(request.status, answer));
    });
    request.addEventListener("error", () => failed(new Refused(0)));
    request.send(file);
  });
}

async function handIn(files) {
  if (!$("sending").hidden || !files.length) return;
  $("sending-error").textContent = "";
  $("sending").hidden = false;
  try {
    for (const [at, file] of files.entries()) {
      $("sending-bar").value = 0;
      $("sending-text").textContent = files.length > 1 ? `Sending ${at + 1} of ${files.length}` : "Sending";
      if (!file.size) throw new Refused(400, { error: "This file is empty." });
      const info = await send(file, $("policy").value);
      listed = [info, ...listed.filter((other) => other.id !== info.id)];
      showJobs();
      say("It is there and waits for its turn.");
    }
  } catch (refused) {
    $("sending-error").textContent = refused.message;
    if (refused.status === 401) start();
  } finally {
    $("sending").hidden = true;
    $("file").value = "";
  }
}

$("file").addEventListener("change", () => handIn([...$("file").files]));
// A file that misses the zone would be opened by the browser, and this page be gone.
for (const event of ["dragover", "drop"]) {
  document.addEventListener(event, (given) => {
    given.preventDefault();
    $("drop").classList.toggle("over", event === "dragover");
    if (event === "drop" && !$("jobs").hidden) handIn([...given.dataTransfer.files]);
  });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").classList.remove("over"); });

// ---- A job that is not there yet, or not any more -------------------------------------------------------------------

function nothing(title, text) {
  show("work");
  $("heading").textContent = "Review";
  $("work-title").textContent = title;
  $("work-text").textContent = text;
  $("stages").replaceChildren();
  $("work-progress").hidden = true;
  $("work-delete").hidden = true;
}

function progress(info) {
  show("work");
  $("heading").textContent = titleOf(info);
  $("work-title").textContent = info.status === "queued" ? "It waits for its turn" : "It is being worked on";
  $("work-text").textContent = "You may leave this page; the work goes on.";
  const names = Object.keys(STAGES).filter((name) => name !== "done");
  const at = Math.max(0, names.indexOf(info.stage));
  $("stages").replaceChildren(...names.map((name, i) => make("li", { text: STAGES[name], class: i < at ? "past" : i === at ? "now" : "", "aria-current": i === at && "step" })));
  $("work-progress").hidden = false;
  fill("work-bar", "work-left", info);
}

function fill(bar, left, info) {
  if (typeof info.share === "number") $(bar).value = info.share; else $(bar).removeAttribute("value");
  $(left).textContent = leftOf(info);
}

function missing(refused) {
  if (refused.status === 410) nothing("This job was deleted", "Its recording and its words are erased.");
  else if (refused.status === 404) nothing("There is no such job", "It may have been deleted, or it belongs to another key.");
  else nothing("The server cannot show this job", refused.message);
}

async function jobPage(id) {
  document.title = "Review · Offrecord";
  for (;;) {
    let info;
    try {
      info = await ask("GET", `${API}/${encodeURIComponent(id)}`);
    } catch (refused) {
      if (refused.status === 401) return start();
      missing(refused);
      if (!refused.isPassing) return null;
      await sleep(2000);
      continue;
    }
    if (info.status === "completed") {
      try { return await open(id); } catch (refused) { return missing(refused); }
    }
    if (info.status === "deleted") return missing({ status: 410 });
    if (info.status === "error") {
      nothing("This job failed", info.error || "No reason was given.");
      $("heading").textContent = titleOf(info);
      $("work-delete").hidden = false;
      $("work-delete").onclick = () => erase(info);
      return null;
    }
    progress(info);
    await sleep(1000);
  }
}

// ---- The document: what the server has saved, and what is seen here -------------------------------------------------

// base: the entities as saved, by id. pending: steps that are not saved yet. view: both together, which is what is seen.
const job = {
  id: null, api: "", info: null, revision: 0, canUndo: false, canRedo: false, words: [], blocks: [], blockOf: null, suspects: [], muted: [],
  base: new Map(), pending: [], view: new Map(), ents: [], current: null, suspect: -1, caret: 0, selection: null, stretch: null, original: null, lead: "",
  labels: new Set(), state: "", score: 100, isReadOnly: false,
};
const TEXT = 0, START = 1, END = 2, GAP = 3, UTTERANCE = 4, CONFIDENCE = 5;

const sorted = (entities) => [...entities].sort((a, b) => a.words[0] - b.words[0] || timesOf(a)[0] - timesOf(b)[0]);
const same = (a, b) => a === b || (a && b && a.state === b.state && a.label === b.label && a.score === b.score
  && a.words[0] === b.words[0] && a.words[1] === b.words[1] && a.pad[0] === b.pad[0] && a.pad[1] === b.pad[1]
  && a.time?.[0] === b.time?.[0] && a.time?.[1] === b.time?.[1] && a.source.join() === b.source.join());

// Of an entity without words: the place before the word where it is heard.
const normal = (entity) => ({ ...entity, words: entity.words ?? [entity.at, entity.at], pad: entity.pad ?? [0, 0], source: entity.source ?? [] });
const byId = (entities) => new Map(entities.map((entity) => [entity.id, normal(entity)]));

function timesOf(entity) {
  const [a, b] = entity.words;
  if (entity.time && a >= b) return entity.time;
  if (a >= b) { const at = job.words[Math.min(a, job.words.length - 1)]?.[START] ?? 0; return [at, at]; }
  return [Math.max(0, job.words[a][START] - entity.pad[0]), Math.max(job.words[b - 1][END], job.words[a][END]) + entity.pad[1]];
}

// The entity that a word belongs to; entities do not overlap.
function entityAt(word) {
  for (let i = after(job.ents, word, (e) => e.words[0]) - 1; i >= 0; i--) {
    const [a, b] = job.ents[i].words;
    if (b > word) return job.ents[i];
    if (a < b) return null;  // those without words lie between
  }
  return null;
}

function applied(view, decision, key) {
  const entity = view.get(decision.entity);
  const set = (change) => entity && view.set(entity.id, { ...entity, ...change });
  const decided = entity?.state === "added" ? "added" : "accepted";
  switch (decision.do) {
    case "accept": return set({ state: decided });
    case "reject": return set({ state: "rejected" });
    case "label": return set({ label: decision.label, state: decided });
    case "words": taken(view, decision.words, entity?.id); return set({ words: decision.words, state: decided });
    case "pad": return set({ pad: decision.pad, state: decided });
    case "everywhere": return applied(view, { ...decision, do: decision.decision }, key);
    case "add": taken(view, decision.words); return view.set(`new:${key}`, { id: `new:${key}`, words: decision.words, label: decision.label, source: ["reviewer"], score: 1, state: "added", pad: [0, 0] });
    case "add_time": {
      const time = [decision.start, decision.end];
      return view.set(`new:${key}`, { id: `new:${key}`, words: wordsIn(...time), time, label: decision.label, source: ["reviewer"], score: 1, state: "added", pad: [0, 0] });
    }
  }
  return null;
}

// Entities stay apart: words that one takes are taken from the others, as the server does it.
function taken(view, [a, b], by) {
  for (const other of [...view.values()]) {
    const [c, d] = other.words;
    if (other.id === by || c >= b || d <= a) continue;
    if (c >= a && d <= b) view.delete(other.id);
    else view.set(other.id, { ...other, words: c < a ? [c, a] : [b, d] });
  }
}

// The words that a stretch of sound touches; if none, the place between words where it is.
function wordsIn(start, end) {
  let first = -1, last = -1;
  for (let i = 0; i < job.words.length; i++) {
    if (job.words[i][START] < end && job.words[i][END] > start) { if (first < 0) first = i; last = i; }
  }
  if (first >= 0) return [first, last + 1];
  const next = job.words.findIndex((word) => word[START] >= start);
  const at = next < 0 ? job.words.length : next;
  return [at, at];
}

// Undo takes back the last step that is not saved yet, if there is one; else the server does, and its answer shows it.
function derived() {
  const done = [], undone = [];
  for (const step of job.pending) {
    if (step.kind === "decisions") { done.push(step); undone.length = 0; }
    else if (step.kind === "undo" && done.length) undone.push(done.pop());
    else if (step.kind === "redo" && undone.length) done.push(undone.pop());
  }
  const view = new Map(job.base);
  for (const step of done) for (const decision of step.decisions) applied(view, decision, step.key);
  return view;
}

// Brings the page from the old view to the new one, and touches only what differs. Gives back what does.
function refresh() {
  const before = job.view, view = derived(), changed = [];
  for (const [id, entity] of view) {
    const was = before.get(id);
    if (!same(was, entity)) changed.push([was, entity]);
    else if (was !== entity) view.set(id, was);
  }
  for (const [id, entity] of before) if (!view.has(id)) changed.push([entity, undefined]);
  job.view = view;
  if (changed.length) {
    if (changed.some(([a, b]) => !a || !b || a.words[0] !== b.words[0])) job.ents = sorted(view.values());
    else job.ents = job.ents.map((entity) => view.get(entity.id));
    const touched = new Set();
    for (const entity of changed.flat()) if (entity) for (const block of blocksOf(entity.words)) touched.add(block);
    for (const block of touched) if (block.isFilled) fillBlock(block);
    listChanged(changed);
    drawSoon();
  }
  if (job.current && !view.has(job.current)) job.current = null;
  showCard();
  showCounts();
  return changed;
}

async function load(id) {
  const path = `${API}/${encodeURIComponent(id)}`;
  const answer = await ask("GET", `${path}/document`);
  return { path, ...answer };
}

function take(document_) {
  job.info = document_.job;
  job.revision = document_.revision;
  job.canUndo = document_.can_undo;
  job.canRedo = document_.can_redo;
  job.words = document_.words;
  job.suspects = document_.suspects || [];
  job.muted = document_.muted || [];
  job.base = byId(document_.entities);
  job.lead = document_.lead || "";
}

async function open(id) {
  const answer = await load(id);
  job.id = id;
  job.api = answer.path;
  take(answer);
  job.isReadOnly = !job.info.review;
  job.view = new Map(job.base);
  job.ents = sorted(job.view.values());
  $("heading").textContent = [titleOf(job.info), job.info.timed !== false && clock(job.info.duration || 0)].filter(Boolean).join(" · ");
  document.title = `${titleOf(job.info)} · Offrecord`;
  $("unredacted").hidden = !session.unredacted_allowed || job.info.original === false;
  show("job");
  showOutcome();
  buildTranscript(answer.utterances || []);
  buildLists();
  openSound();
  showCounts();
  setSaved("saved");
  const wanted = decodeURIComponent(location.hash.slice(1));
  setCurrent(job.view.has(wanted) ? wanted : (job.ents.find((e) => e.state === "found") || job.ents[0])?.id ?? null, { quiet: true });
  await adopt();
  watch();
  if (job.info.review === "finishing") await finishing();
}

// A document anew, because somebody else has changed it or words came back that were hidden before.
async function reload() {
  const answer = await load(job.id);
  const before = job.base;
  const newWords = answer.words.length !== job.words.length || answer.words.some((word, i) => word[TEXT] !== job.words[i][TEXT]);
  take(answer);
  if (newWords) for (const block of job.blocks) if (block.isFilled) fillBlock(block);
  showOutcome();
  const changed = [];
  for (const [id, entity] of job.base) if (!same(before.get(id), entity)) changed.push([before.get(id), entity]);
  for (const [id, entity] of before) if (!job.base.has(id)) changed.push([entity, undefined]);
  return changed;
}

// A tab that slept, or a second reviewer: what they did is shown before anything is decided on what is gone.
async function lookAgain() {
  if (job.pending.length || isPumping || !job.id) return;
  try {
    const info = await ask("GET", job.api);
    if (info.status === "deleted") return leave({ status: 410 });
    if (typeof info.revision === "number" ? info.revision === job.revision && info.review === job.info.review : !document.hidden && info.review === job.info.review && !wasHidden) return;
    wasHidden = false;
    if (job.pending.length || isPumping) return;
    const changed = await reload();
    refresh();
    if (changed.length) toast(`Changed meanwhile elsewhere: ${many(changed.length, "detail")}. You see the present state.`);
  } catch (refused) {
    if (refused.status === 404 || refused.status === 410) leave(refused);
    else if (refused.status === 401) signedOut();
  }
}
let wasHidden = false;
function watch() {
  document.addEventListener("visibilitychange", () => { if (document.hidden) wasHidden = true; else lookAgain(); });
  addEventListener("focus", () => lookAgain());
  setInterval(() => { if (!document.hidden) lookAgain(); }, 20_000);
}

function leave(refused) {
  release({ tell: false });
  sound.pause();
  job.pending = [];
  keep();
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  job.id = null;
  $("transcript").replaceChildren();
  missing(refused);
}

function signedOut() {
  if (!$("again").open) $("again").showModal();
}

// ---- Saving ---------------------------------------------------------------------------------------------------------

// One step after the other, each on the revision that the one before it made. What is not saved is kept in the browser
// under the name of this tab, so that a crash loses nothing; another tab takes it over when this one is gone.
let isPumping = false, waits = 0, retrying = 0;
const UNSAVED = "offrecord:unsaved:";
let tab = unique();
const unsavedName = () => `${UNSAVED}${job.id}:${tab}`;

function keep() {
  kept.set(unsavedName(), job.pending.length ? JSON.stringify({ reviewer: session.reviewer, revision: job.revision, steps: job.pending }) : null);
}

async function hold(name) {
  if (!navigator.locks) return true;
  return new Promise((done) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      done(Boolean(lock));
      return lock ? new Promise(() => {}) : null;
    }).catch(() => done(true));
  });
}

async function adopt() {
  let mine = null;
  try { mine = sessionStorage.getItem("offrecord:tab"); } catch { /* nothing is kept here */ }
  if (mine && (await hold(`${UNSAVED}${mine}`))) tab = mine;
  else {
    await hold(`${UNSAVED}${tab}`);
    try { sessionStorage.setItem("offrecord:tab", tab); } catch { /* nothing is kept here */ }
  }
  const steps = [];
  let isStale = false;
  for (const name of kept.names().filter((n) => n.startsWith(`${UNSAVED}${job.id}:`))) {
    const other = name.slice(name.lastIndexOf(":") + 1);
    if (other !== tab && !(navigator.locks && (await hold(`${UNSAVED}${other}`)))) continue;
    let found = null;
    try { found = JSON.parse(kept.get(name)); } catch { /* not ours */ }
    kept.set(name, null);
    if (!found || found.reviewer !== session.reviewer || !Array.isArray(found.steps)) continue;
    steps.push(...found.steps.map((step) => ({ ...step, isTried: true })));
    isStale ||= found.revision !== job.revision;
  }
  if (!steps.length) return;
  job.pending = steps;
  keep();
  setSaved("saving");
  refresh();
  toast(`${many(steps.length, "decision")} from before ${steps.length === 1 ? "is" : "are"} sent now.`);
  if (isStale && !steps.every((step) => isIn(step, job.base))) await conflict([]);
  else if (isStale) { job.pending = []; keep(); refresh(); }
  else pump();
}

function setSaved(state) {
  $("saved").dataset.state = state;
  const n = job.pending.length;
  $("saved-text").textContent = state === "saved" ? "Saved" : state === "saving" ? "Saving …" : `Offline: ${many(n, "decision")} kept`;
  $("retry").hidden = state !== "offline";
  $("undo").disabled = job.isReadOnly || !(job.canUndo || n);
  $("redo").disabled = job.isReadOnly || !(job.canRedo || job.pending.some((step) => step.kind === "undo"));
  $("finish-open").disabled = job.isReadOnly || job.info.review === "finishing";
}

function step(kind, decisions) {
  job.pending.push({ kind, decisions, key: unique() });
  keep();
  refresh();
  setSaved(isPumping || !waits ? "saving" : "offline");
  pump();
}

async function pump() {
  if (isPumping || !job.id || $("conflict").open) return;
  isPumping = true;
  clearTimeout(retrying);
  try {
    while (job.pending.length && (await push(job.pending[0])));
  } finally { isPumping = false; }
  if (!job.id) return;
  if (!job.pending.length) { waits = 0; setSaved("saved"); }
}

// One step; false: no more for now.
async function push(first) {
  const body = { revision: job.revision, token: first.key };
  if (first.kind === "decisions") body.decisions = first.decisions;
  try {
    const answer = await ask("POST", `${job.api}/${first.kind}`, body);
    if (!Array.isArray(answer?.entities) || typeof answer.revision !== "number") throw new Refused(0);
    saved(first, answer);
    waits = 0;
    setSaved(job.pending.length ? "saving" : "saved");
    return true;
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (refused.isPassing) {
      first.isTried = true;
      keep();
      waits += 1;
      setSaved("offline");
      if (waits === 1) toast("The server cannot be reached. Your decisions are kept and sent again.");
      retrying = setTimeout(pump, Math.min(15_000, 500 * 2 ** waits));
    } else if (refused.status === 401) { setSaved("offline"); signedOut(); }
    else if (refused.status === 409 && refused.body.revision !== undefined) return stale(first, refused);
    else if (refused.status === 404 || refused.status === 410) leave(refused);
    else {
      job.pending.shift();
      keep();
      refresh();
      toast(refused.message);
      return true;
    }
    return false;
  }
}

function saved(done, answer) {
  const before = job.base;
  job.pending.shift();
  job.revision = answer.revision;
  job.canUndo = answer.can_undo;
  job.canRedo = answer.can_redo;
  job.base = byId(answer.entities);
  if (job.info.review !== "open") { job.info.review = "open"; showOutcome(); }
  renamed(done, before);
  keep();
  const changed = refresh();
  if (done.kind !== "decisions") tellUndone(done.kind, before);
  // Words that were hidden when the page was opened and are not any more: only the server has them.
  const bare = changed.some(([was]) => was && hasBare(was.words));
  if (bare && !job.pending.length) reload().then(refresh).catch(() => {});
}

const hasBare = ([a, b]) => {
  for (let i = a; i < b; i++) if (job.words[i][TEXT] === "" && !entityAt(i)) return true;
  return false;
};

// What was added here gets its id from the server: later steps on it, and the current place, follow.
function renamed(done, before) {
  const from = `new:${done.key}`;
  const added = done.decisions?.find((decision) => decision.do.startsWith("add"));
  if (!added) return;
  const fresh = [...job.base.values()].filter((entity) => !before.has(entity.id));
  const real = fresh.find((entity) => added.words && entity.words[0] === added.words[0]) || fresh[0];
  if (!real) return;
  for (const later of job.pending) for (const decision of later.decisions || []) if (decision.entity === from) decision.entity = real.id;
  if (job.current === from) job.current = real.id;
}

function tellUndone(kind, before) {
  const changed = [...job.base.values()].filter((entity) => !same(before.get(entity.id), entity));
  const gone = [...before.values()].filter((entity) => !job.base.has(entity.id));
  const word = kind === "undo" ? "Undone" : "Done again";
  if (changed.length) setCurrent(changed[0].id, { quiet: true });
  const one = changed[0] || gone[0];
  say(one ? `${word}: ${spoken(one.label)}${changed[0] ? ` is ${STATES[one.state]}` : " is gone"}` : `${word}.`);
}

// Whether a step has been done already, judged by what it leads to.
function isIn(first, base) {
  return first.kind === "decisions" && first.decisions.every((decision) => {
    const entity = base.get(decision.entity);
    switch (decision.do) {
      case "accept": return entity && entity.state !== "found" && entity.state !== "rejected";
      case "reject": return entity?.state === "rejected";
      case "label": return entity?.label === decision.label;
      case "words": return entity?.words.join() === decision.words.join();
      case "pad": return entity?.pad.join() === decision.pad.join();
      case "add": return [...base.values()].some((e) => e.words.join() === decision.words.join() && e.label === decision.label);
      case "add_time": return [...base.values()].some((e) => e.time && e.time[0] === decision.start && e.time[1] === decision.end);
    }
    return false;
  });
}

// The server has moved on. Either it had our step already (the answer was lost on its way), or another reviewer was
// there: where both touch different details, ours goes on top and the page says so; where they meet, a person chooses.
async function stale(first, refused) {
  let changed;
  const { revision } = job;
  try { changed = await reload(); } catch (again) {
    if (again.status === 404 || again.status === 410) leave(again);
    else if (again.status === 401) signedOut();
    else retrying = setTimeout(pump, 2000);
    return false;
  }
  if (first.isTried && isIn(first, job.base)) {
    job.pending.shift();
    keep();
    refresh();
    return true;
  }
  if (job.revision === revision) {
    // Not stale, but not to be decided on now: it is being finished, or its original is erased.
    job.pending.shift();
    keep();
    refresh();
    toast(refused.message);
    return true;
  }
  const touched = new Set(changed.flatMap(([a, b]) => [a?.id, b?.id]));
  const places = changed.flat().filter(Boolean).map((entity) => entity.words);
  const meets = (decision) => decision.do === "everywhere" || touched.has(decision.entity) || !job.base.has(decision.entity) && !decision.do.startsWith("add")
    || (decision.words && places.some(([a, b]) => a < decision.words[1] && b > decision.words[0]));
  if (job.pending.every((later) => later.kind === "decisions" && !later.decisions.some(meets))) {
    refresh();
    toast(`Another reviewer changed ${many(changed.length, "other detail")} meanwhile. Yours is saved as well.`);
    keep();
    return true;
  }
  await conflict(changed);
  return false;
}

function describe(entity) {
  const where = job.info.timed === false ? `word ${entity.words[0] + 1}` : clock(timesOf(entity)[0]);
  return `${spoken(entity.label)} at ${where}`;
}

function decisionText(decision) {
  const entity = job.base.get(decision.entity);
  const what = entity ? describe(entity) : decision.do.startsWith("add") ? spoken(decision.label) : "a detail that is gone";
  switch (decision.do) {
    case "accept": return `accept ${what}`;
    case "reject": return `reject ${what}`;
    case "label": return `${what}: label ${spoken(decision.label)}`;
    case "words": case "pad": return `${what}: other edges`;
    case "everywhere": return `${decision.decision} everywhere: ${what}`;
    default: return `add ${what}`;
  }
}

async function conflict(changed) {
  const mine = job.pending.flatMap((later) => (later.decisions ? later.decisions.map(decisionText) : [later.kind]));
  const theirs = changed.map(([was, is]) => (!was ? `${describe(is)}: added` : !is ? `${describe(was)}: taken out`
    : `${describe(is)}: ${was.state !== is.state ? `${STATES[was.state]}, now ${STATES[is.state]}` : was.label !== is.label ? `was ${spoken(was.label)}` : "other edges"}`));
  const held = job.pending;
  job.pending = [];
  refresh();
  job.pending = held;
  $("conflict-text").textContent = "You see their state now. Nothing of yours is lost: send it again, on top of theirs, or let it go.";
  const items = (texts) => [...texts.slice(0, 8), ...(texts.length > 8 ? [`and ${texts.length - 8} more`] : [])].map((text) => make("li", { text }));
  $("conflict-theirs").replaceChildren(...items(theirs.length ? theirs : ["The job has moved on since these were made."]));
  $("conflict-mine").replaceChildren(...items(mine));
  const sendsAgain = await choice("conflict", "conflict-send", "conflict-keep");
  if (!sendsAgain) job.pending = [];
  else for (const later of job.pending) { later.key = unique(); later.isTried = false; }
  keep();
  refresh();
  setSaved(sendsAgain ? "saving" : "saved");
  setTimeout(pump);
}

$("retry").addEventListener("click", () => pump());
addEventListener("online", () => pump());
addEventListener("beforeunload", (event) => { if (job.pending.length) event.preventDefault(); });

// A dialog with two ends: true for the first.
function choice(dialog, yes, no) {
  return new Promise((done) => {
    const finish = (answer) => { $(dialog).close(); done(answer); };
    $(yes).onclick = () => finish(true);
    $(no).onclick = () => finish(false);
    $(dialog).oncancel = (event) => { event.preventDefault(); finish(false); };
    $(dialog).showModal();
    $(yes).focus();
  });
}

function sure(title, text, yes, facts = []) {
  $("sure-title").textContent = title;
  $("sure-text").textContent = text;
  $("sure-yes").textContent = yes;
  $("sure-facts").replaceChildren(...facts.flatMap(([n, what]) => [make("dt", { text: n.toLocaleString("en") }), make("dd", { text: what })]));
  return choice("sure", "sure-yes", "sure-no");
}

// ---- Transcript -----------------------------------------------------------------------------------------------------

// In blocks of at most twice so many words, each filled when it comes near: the browser lays out only what is seen.
// Blocks stand in parts, so that of ten hours as well only a few hundred elements are looked at for each frame.
const BLOCK = 40, PART = 16;
const STATES = { found: "undecided", accepted: "accepted", rejected: "rejected", added: "added" };
let filling = null;
const oddWords = new Set();

function buildTranscript(utterances) {
  const parts = [];
  job.blocks = [];
  job.blockOf = new Int32Array(job.words.length);
  oddWords.clear();
  for (const suspect of job.suspects) if (suspect.words) for (let i = suspect.words[0]; i < suspect.words[1]; i++) oddWords.add(i);
  const isTimed = job.info.timed !== false;
  const turns = utterances.length ? utterances : [{ start: 0, end: job.words.length, speaker: null, channel: null }];
  for (const turn of turns) {
    for (let start = turn.start; start < turn.end;) {
      const end = cutAt(start, turn.end, isTimed);
      const said = make("div", { class: "said", dir: "auto" });
      const element = make("div", { class: `turn${start === turn.start ? " first" : ""}${isTimed ? "" : " bare"}` });
      if (isTimed) element.append(make("button", { type: "button", class: "at", tabindex: "-1", text: clock(job.words[start][START]), "data-ms": job.words[start][START], "aria-label": `Go to ${clock(job.words[start][START])}` }));
      element.append(said);
      const who = start === turn.start ? [turn.speaker && String(turn.speaker), turn.channel !== null && turn.channel !== undefined && `channel ${turn.channel}`].filter(Boolean).join(", ") : "";
      const block = { start, end, said, element, who, isFilled: false, units: [] };
      const tall = 8 + 28 * Math.ceil((end - start) / 11);
      element.style.containIntrinsicSize = `auto ${tall}px`;
      if (job.blocks.length % PART === 0) parts.push({ element: make("div", { class: "part" }), tall: 0 });
      parts.at(-1).element.append(element);
      parts.at(-1).tall += tall;
      job.blockOf.fill(job.blocks.length, start, end);
      element.dataset.block = job.blocks.length;
      job.blocks.push(block);
      start = end;
    }
  }
  for (const part of parts) part.element.style.containIntrinsicSize = `auto ${part.tall}px`;
  $("transcript").replaceChildren(...parts.map((part) => part.element));
  if (!job.words.length) $("transcript").append(make("p", { class: "soft", text: isTimed ? "No word was recognised in it. Drag in the waveform, or press B twice, to hide a stretch of sound." : "There are no words in it." }));
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) ensure(job.blocks[entry.target.dataset.block]);
  }, { root: $("transcript"), rootMargin: "900px 0px" });
  for (const block of job.blocks) near.observe(block.element);
  for (const block of job.blocks.slice(0, 8)) ensure(block);
  // What is not near yet is filled when there is nothing else to do, so that the browser's own search finds it.
  if (job.words.length <= 30_000) filling = idle(fillSome);
}

const idle = (call) => (window.requestIdleCallback ? requestIdleCallback(call, { timeout: 4000 }) : setTimeout(() => call({ timeRemaining: () => 4 }), 50));
let filled = 0;
function fillSome(deadline) {
  let n = 0;
  while (filled < job.blocks.length && n < 6 && deadline.timeRemaining() > 3) { if (!job.blocks[filled].isFilled) { ensure(job.blocks[filled]); n++; } filled++; }
  filling = filled < job.blocks.length ? idle(fillSome) : null;
}

// Speech: where a sentence ends, after some thirty words. A text: at a line break, so that its lines stay.
function cutAt(start, end, isTimed) {
  if (isTimed) {
    for (let i = start + BLOCK / 2; i < Math.min(end, start + 2 * BLOCK); i++) if (/[.?!…]$/.test(job.words[i - 1][TEXT])) return i;
    return Math.min(end, start + BLOCK);
  }
  for (let i = start + 1; i < Math.min(end, start + 400); i++) if (i - start >= BLOCK && job.words[i - 1][GAP].includes("\n")) return i;
  return Math.min(end, start + 400);
}

function blocksOf([a, b]) {
  if (!job.words.length || a >= job.words.length) return [];
  return job.blocks.slice(job.blockOf[a], job.blockOf[clamp(a, b - 1, job.words.length - 1)] + 1);
}

function ensure(block) { if (!block.isFilled) fillBlock(block); }

function fillBlock(block) {
  const hasFocus = block.isFilled && block.said.contains(document.activeElement);
  block.isFilled = true;
  block.units = new Array(block.end - block.start);
  const nodes = block.who ? [make("span", { class: "who", text: `${block.who}:` })] : [];
  if (block.start === 0 && job.lead) nodes.push(job.lead);
  for (let i = block.start; i < block.end;) {
    const entity = entityAt(i);
    const end = entity ? Math.min(entity.words[1], block.end) : i + 1;
    const unit = entity ? markOf(entity, i, end) : wordOf(i);
    block.units.fill(unit, i - block.start, end - block.start);
    let gap = job.words[end - 1][GAP] ?? " ";
    if (end === block.end) gap = gap.replace(/\n$/, "");
    nodes.push(unit, gap);
    i = end;
  }
  block.said.replaceChildren(...nodes);
  if (job.caret >= block.start && job.caret < block.end) {
    const unit = block.units[job.caret - block.start];
    unit.tabIndex = 0;
    if (hasFocus) unit.focus({ preventScroll: true });
  }
  if (job.selection) paintSelection(block);
}

function wordOf(i) {
  const word = job.words[i];
  const text = job.original ? job.original[i] ?? word[TEXT] : word[TEXT];
  const span = document.createElement("span");
  span.className = text === "" ? "w gone" : "w";
  if (word[CONFIDENCE] !== null && word[CONFIDENCE] < 0.5) span.classList.add("unsure");
  if (oddWords.has(i)) span.classList.add("odd");
  span.dataset.w = i;
  span.textContent = text === "" ? "▒▒" : text;
  if (text === "") span.title = "hidden when this page was opened";
  return span;
}

function markOf(entity, start, end) {
  const mark = document.createElement("mark");
  mark.className = entity.state;
  mark.dataset.w = start;
  mark.dataset.e = entity.id;
  mark.title = titleOfEntity(entity);
  if (entity.id === job.current) mark.classList.add("current");
  if (!isShown(entity)) mark.classList.add("off");
  const tag = document.createElement("span");
  tag.className = "tag";
  tag.textContent = spoken(entity.label);
  mark.append(tag);
  if (job.original) {
    const words = document.createElement("span");
    words.className = "w";
    for (let i = start; i < end; i++) words.append(job.original[i] ?? "", i + 1 < end ? job.words[i][GAP] ?? " " : "");
    mark.append(" ", words);
  }
  return mark;
}

const scoreOf = (entity) => (typeof entity.score === "number" ? entity.score.toFixed(2) : "–");
const titleOfEntity = (entity) => `${spoken(entity.label)}, ${STATES[entity.state]}, score ${scoreOf(entity)}, ${entity.source.join(", ")}`;

function unitAt(i) {
  if (i < 0 || i >= job.words.length) return null;
  const block = job.blocks[job.blockOf[i]];
  ensure(block);
  return block.units[i - block.start];
}

function marksOf(id) {
  const entity = job.view.get(id);
  if (!entity) return [];
  return blocksOf(entity.words).filter((block) => block.isFilled).flatMap((block) => [...block.said.querySelectorAll("mark")].filter((mark) => mark.dataset.e === id));
}

// Scrolling asks for the layout, so it is done once a frame, however many keys came before it.
const toReveal = { unit: null, row: null, isWaiting: false };
function reveal(unit, row = null) {
  if (unit) toReveal.unit = unit;
  if (row) toReveal.row = row;
  if (toReveal.isWaiting) return;
  toReveal.isWaiting = true;
  requestAnimationFrame(() => {
    const { unit: element, row: item } = toReveal;
    Object.assign(toReveal, { unit: null, row: null, isWaiting: false });
    const frame = $("transcript").getBoundingClientRect(), box = element?.getBoundingClientRect();
    if (element && (box.top < frame.top + 30 || box.bottom > frame.bottom - 60)) element.scrollIntoView({ block: "center" });
    item?.scrollIntoView({ block: "nearest" });
  });
}

$("transcript").addEventListener("click", (event) => {
  const at = event.target.closest(".at");
  if (at) { seek(Number(at.dataset.ms)); return; }
  const unit = event.target.closest("[data-w]");
  if (!unit || !getSelection().isCollapsed) return;
  moveCaret(Number(unit.dataset.w), { focus: false });
  if (unit.dataset.e) setCurrent(unit.dataset.e, { stay: true });
  else if (job.info.timed !== false) seek(job.words[unit.dataset.w][START]);
});
$("transcript").addEventListener("dblclick", (event) => { if (event.target.closest("mark")) listen(); });

function moveCaret(i, { focus = true } = {}) {
  const from = job.blocks[job.blockOf[job.caret]];
  if (from?.isFilled) from.units[job.caret - from.start]?.removeAttribute("tabindex");
  job.caret = clamp(0, i, Math.max(0, job.words.length - 1));
  const unit = unitAt(job.caret);
  if (!unit) return;
  unit.tabIndex = 0;
  if (focus) { unit.focus({ preventScroll: true }); reveal(unit); }
}

// ---- Selecting words ------------------------------------------------------------------------------------------------

let anchor = null, painted = [];

function paintSelection(block) {
  const [a, b] = job.selection;
  for (let i = Math.max(a, block.start); i < Math.min(b, block.end); i++) {
    block.units[i - block.start].classList.add("sel");
    painted.push(block.units[i - block.start]);
  }
}

function select(range) {
  for (const unit of painted) unit.classList.remove("sel");
  painted = [];
  job.selection = range;
  if (range) { job.stretch = null; for (const block of blocksOf(range)) { ensure(block); paintSelection(block); } }
  showAdding();
}

function showAdding() {
  const bar = $("adding");
  const what = job.selection ? many(job.selection[1] - job.selection[0], "word") : job.stretch ? `${clock(job.stretch[0], true)} to ${clock(job.stretch[1], true)}` : null;
  bar.hidden = !what;
  if (what) { $("adding-text").textContent = `${what} selected`; say(`${what} selected; I hides it`); }
}

function unselect() {
  anchor = null;
  begun = null;
  job.stretch = null;
  $("mark").setAttribute("aria-pressed", "false");
  $("mark").textContent = "Mark";
  select(null);
  getSelection().removeAllRanges();
  drawSoon();
}

// A browser selects nothing from a word on that can have the focus: while the mouse is down, none can.
$("transcript").addEventListener("pointerdown", () => {
  for (const unit of $("transcript").querySelectorAll("[data-w][tabindex]")) unit.removeAttribute("tabindex");
});
document.addEventListener("pointerup", (event) => {
  if (!job.id) return;
  moveCaret(job.caret, { focus: false });
  if (!event.target.closest?.("#transcript")) return;
  const chosen = getSelection();
  if (chosen.isCollapsed || !chosen.rangeCount) { if (job.selection && !event.target.closest("#adding")) unselect(); return; }
  const range = chosen.getRangeAt(0);
  const wordFrom = (node) => (node.nodeType === 1 ? node : node.parentElement)?.closest("[data-w]");
  const covered = [];
  const first = wordFrom(range.startContainer), last = wordFrom(range.endContainer);
  for (const unit of [first, last]) if (unit && $("transcript").contains(unit)) covered.push(...unitWords(unit));
  if (!covered.length) return;
  // A selection that ends before a word's first letter does not mean that word.
  if (last && first !== last && range.endOffset === 0) covered.splice(covered.indexOf(unitWords(last)[0]));
  select([Math.min(...covered), Math.max(...covered) + 1]);
});

function unitWords(unit) {
  const entity = unit.dataset.e && job.view.get(unit.dataset.e);
  const at = Number(unit.dataset.w);
  return entity ? [at, entity.words[1] - 1] : [at];
}

// The arrows of somebody who is in the words.
function inWords(event) {
  const block = job.blocks[job.blockOf[job.caret]];
  if (!block) return false;
  const entity = entityAt(job.caret);
  const [a, b] = entity ? entity.words : [job.caret, job.caret + 1];
  const column = job.caret - block.start;
  const index = job.blockOf[job.caret];
  const beside = (next) => (next ? Math.min(next.start + column, next.end - 1) : job.caret);
  const to = { ArrowLeft: a - 1, ArrowRight: b, ArrowUp: beside(job.blocks[index - 1]), ArrowDown: beside(job.blocks[index + 1]) }[event.key];
  if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (to < 0 || to >= job.words.length) return true;
  if (event.shiftKey) {
    anchor ??= [a, b];
    const aim = entityAt(to)?.words || [to, to + 1];
    // Towards the anchor the word that is left is let go of; away from it the next one is taken.
    const range = to >= anchor[0] ? [anchor[0], Math.max(anchor[1], aim[1])] : [aim[0], anchor[1]];
    moveCaret(to);
    select(range);
  } else {
    if (job.selection) unselect();
    moveCaret(to);
    const on = entityAt(to);
    if (on) setCurrent(on.id, { stay: true });
  }
  return true;
}

// ---- Sound ----------------------------------------------------------------------------------------------------------

const sound = $("sound");
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];
let at = 0, stopsAt = null, isLooping = false, isDeaf = false, nowUnit = null, byStart = [], startsOnly = null, seeking = 0, lastSecond = -1;
const length = () => job.info.duration || 0;
const isTimedJob = () => job.info?.timed !== false;

for (const speed of SPEEDS) $("speed").append(make("option", { value: speed, text: `${speed}×`, selected: speed === 1 }));

function openSound() {
  $("stage").hidden = !isTimedJob();
  for (const button of document.querySelectorAll(".timed")) button.hidden = !isTimedJob();
  document.querySelector('[data-do="listen"]').disabled = !isTimedJob();
  if (!isTimedJob()) return;
  byStart = job.words.map((word, i) => i).sort((a, b) => job.words[a][START] - job.words[b][START]);
  startsOnly = Float64Array.from(byStart, (i) => job.words[i][START]);
  sound.src = `${job.api}/sound`;
  $("clock-all").textContent = ` / ${clock(length())}`;
  $("wave").setAttribute("aria-valuemax", Math.round(length() / 1000));
  openWave();
  moveTo(0);
}

function load_(address) {
  const was = !sound.paused;
  isDeaf = false;
  $("sound-error").textContent = "";
  sound.src = address;
  sound.playbackRate = Number($("speed").value);
  if (at) sound.addEventListener("loadedmetadata", () => { sound.currentTime = at / 1000; }, { once: true });
  if (was) play();
}

sound.addEventListener("error", () => {
  if (!sound.getAttribute("src")) return;
  if (job.original) { lost(); return; }
  isDeaf = true;
  $("sound-error").textContent = "This browser cannot play the sound. Everything else works.";
});

function moveTo(ms) {
  at = clamp(0, ms, length());
  const second = Math.floor(at / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    $("clock").textContent = clock(at);
    $("wave").setAttribute("aria-valuenow", second);
    $("wave").setAttribute("aria-valuetext", `${clock(at)} of ${clock(length())}`);
  }
  placeHeads();
  const i = after(startsOnly, at) - 1;
  const word = i >= 0 && at < job.words[byStart[i]][END] + 300 ? byStart[i] : -1;
  const unit = word < 0 ? null : job.blocks[job.blockOf[word]].isFilled || !sound.paused ? unitAt(word) : null;
  if (unit === nowUnit) return;
  nowUnit?.classList.remove("now");
  nowUnit = unit;
  if (!unit) return;
  unit.classList.add("now");
  if (!sound.paused && Date.now() - scrolled > 4000) reveal(unit);
}

// Somebody who scrolls wants to see that place, and not to be pulled away from it.
let scrolled = 0;
for (const event of ["wheel", "touchmove"]) $("transcript").addEventListener(event, () => { scrolled = Date.now(); }, { passive: true });

function seek(ms, { keepStop = false } = {}) {
  if (!isTimedJob()) return;
  if (!keepStop) stopsAt = null;
  moveTo(ms);
  clearTimeout(seeking);
  // While a key is held, only the last place is asked for.
  const go = () => { seeking = 0; if (!isDeaf && sound.readyState) sound.currentTime = at / 1000; };
  if (sound.paused) seeking = setTimeout(go, 90); else go();
  showWindow();
}

function follow() {
  if (!seeking && sound.readyState && !sound.seeking) moveTo(sound.currentTime * 1000);
  const current = job.view.get(job.current);
  if (isLooping && current && !sound.paused) {
    const [start, end] = timesOf(current);
    if (at >= end + 600 || at < start - 1500) seek(start - 800);
  } else if (stopsAt !== null && at >= stopsAt) { stopsAt = null; sound.pause(); }
  if (!sound.paused) { showWindow(); requestAnimationFrame(follow); }
}

async function play() {
  if (!isTimedJob()) return;
  if (isDeaf) { toast("This browser cannot play the sound."); return; }
  if (seeking) { clearTimeout(seeking); seeking = 0; if (sound.readyState) sound.currentTime = at / 1000; }
  try { await sound.play(); } catch (error) {
    if (error.name === "NotAllowedError") toast("The browser does not let this page play yet: press the play button once.");
  }
}

const toggle = () => { if (sound.paused) { stopsAt = null; play(); } else sound.pause(); };
sound.addEventListener("play", () => { $("play-icon").setAttribute("href", "#i-pause"); $("play").setAttribute("aria-label", "Pause"); requestAnimationFrame(follow); });
sound.addEventListener("pause", () => { $("play-icon").setAttribute("href", "#i-play"); $("play").setAttribute("aria-label", "Play"); });
sound.addEventListener("timeupdate", () => { if (document.hidden) follow(); });

function listen() {
  const current = job.view.get(job.current);
  if (!current || !isTimedJob()) return;
  const [start, end] = timesOf(current);
  seek(start - 1200);
  stopsAt = end + 700;
  play();
}

function setLoop(on) {
  isLooping = on;
  $("loop").setAttribute("aria-pressed", on);
  say(on ? "Repeats the current detail" : "Does not repeat");
  if (on) { const current = job.view.get(job.current); if (current) { seek(timesOf(current)[0] - 800); play(); } }
}

function setSpeed(by) {
  const i = clamp(0, SPEEDS.indexOf(Number($("speed").value)) + by, SPEEDS.length - 1);
  $("speed").value = SPEEDS[i];
  sound.playbackRate = SPEEDS[i];
  say(`Speed ${SPEEDS[i]}`);
}

$("play").addEventListener("click", toggle);
$("loop").addEventListener("click", () => setLoop(!isLooping));
$("speed").addEventListener("change", () => setSpeed(0));
$("mark").addEventListener("click", () => markHere());

// Without a pointer: B where it begins, B where it ends.
let begun = null;
function markHere() {
  if (!isTimedJob()) return;
  if (begun === null) {
    select(null);
    begun = at;
    job.stretch = null;
    $("mark").setAttribute("aria-pressed", "true");
    $("mark").textContent = `From ${clock(at, true)} to …`;
    say(`Begins at ${clock(at, true)}`);
  } else {
    const [a, b] = [Math.min(begun, at), Math.max(begun, at)];
    unselect();
    if (b - a >= 10) job.stretch = [Math.round(a), Math.round(b)];
    showAdding();
  }
  drawSoon();
}

// ---- Waveform -------------------------------------------------------------------------------------------------------

const wave = { from: 0, to: 1, width: 0, heights: [0, 0], gain: 1, whole: null, detail: null, colours: {}, asking: null, timer: 0, isDrawing: false };
const SHORTEST = 1500;
const canvases = [$("wave-canvas"), $("whole-canvas")];

async function peaksOf(from, to, bars, signal) {
  const answer = await ask("GET", `${job.api}/peaks?start=${Math.floor(from)}&end=${Math.ceil(to)}&bars=${bars}`, undefined, { signal });
  return { from, to, peaks: answer.peaks };
}

function openWave() {
  wave.from = 0;
  wave.to = Math.max(SHORTEST, Math.min(length(), 60_000));
  readColours();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); drawSoon(); });
  new ResizeObserver(() => { measure(); drawSoon(); placeHeads(); wanted(); }).observe($("wave"));
  measure();
  // A quiet recording would be a flat line; what is hardly there at all stays one.
  peaksOf(0, length(), 1200).then((peaks) => { wave.whole = peaks; wave.gain = 1 / Math.max(0.05, ...peaks.peaks); drawSoon(); }).catch(() => { /* drawn without */ });
}

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["ink", "wave", "muted", "accent", "line", "edge", "found", "accepted", "rejected", "added", "suspect", "found-ground", "accepted-ground", "added-ground"])
    wave.colours[name] = style.getPropertyValue(`--${name}`).trim();
}

function measure() {
  const ratio = devicePixelRatio || 1;
  for (const canvas of canvases) {
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
  }
  wave.width = canvases[0].clientWidth;
  wave.heights = canvases.map((canvas) => canvas.clientHeight);
}

function drawSoon() {
  if (wave.isDrawing || !isTimedJob()) return;
  wave.isDrawing = true;
  requestAnimationFrame(() => {
    wave.isDrawing = false;
    draw(canvases[0], wave.from, wave.to, bestPeaks(), true);
    draw(canvases[1], 0, Math.max(1, length()), wave.whole, false);
  });
}

function bestPeaks() {
  const detail = wave.detail;
  return detail && detail.from <= wave.from + 1 && detail.to >= wave.to - 1 ? detail : wave.whole;
}

function draw(canvas, from, to, peaks, isLarge) {
  const context = canvas.getContext("2d"), ratio = devicePixelRatio || 1;
  // The sizes as measured: to ask for them would have the page laid out for each key.
  const { width, colours } = wave, height = wave.heights[canvases.indexOf(canvas)];
  const x = (ms) => ((ms - from) / (to - from)) * width;
  const bar = (start, end, colour, top, tall) => { context.fillStyle = colour; context.fillRect(x(start), top, Math.max(isLarge ? 2 : 1.5, x(end) - x(start)), tall); };
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  for (const [start, end] of job.muted) if (end > from && start < to) bar(start, end, colours.muted, 0, height);
  const seen = job.ents.filter((entity) => { const [s, e] = timesOf(entity); return e > from && s < to; });
  if (isLarge) for (const entity of seen) if (entity.state !== "rejected") bar(...timesOf(entity), colours[`${entity.state}-ground`], 0, height);
  if (peaks) drawPeaks(context, peaks, from, to, width, height, isLarge);
  for (const entity of seen) {
    bar(...timesOf(entity), colours[entity.state], 0, isLarge ? 4 : height / 3);
    // What is rejected is crossed out, not only coloured.
    if (isLarge && entity.state === "rejected") { const [s, e] = timesOf(entity); context.strokeStyle = colours.rejected; context.beginPath(); context.moveTo(x(s), height); context.lineTo(x(e), 0); context.stroke(); }
  }
  context.fillStyle = colours.suspect;
  for (const suspect of job.suspects) if (suspect.end > from && suspect.start < to) context.fillRect(x(suspect.start), height - 3, Math.max(3, x(suspect.end) - x(suspect.start)), 3);
  if (isLarge) {
    const current = job.view.get(job.current);
    if (current) { const [s, e] = timesOf(current); context.strokeStyle = colours.accent; context.lineWidth = 2; context.strokeRect(x(s) - 1, 1, x(e) - x(s) + 2, height - 2); }
    const stretch = job.stretch || (begun !== null ? [begun, Math.max(begun + 1, at)] : null);
    if (stretch) { context.globalAlpha = 0.35; bar(...stretch, colours.accent, 0, height); context.globalAlpha = 1; }
  } else {
    context.strokeStyle = colours.accent;
    context.lineWidth = 2;
    context.strokeRect(x(wave.from) + 1, 1, Math.max(3, x(wave.to) - x(wave.from) - 2), height - 2);
  }
}

function drawPeaks(context, { from: first, to: last, peaks }, from, to, width, height, isLarge) {
  const step = isLarge ? 3 : 2, middle = height / 2;
  context.fillStyle = wave.colours.wave;
  for (let left = 0; left < width; left += step) {
    const a = Math.floor((((left / width) * (to - from) + from - first) / (last - first)) * peaks.length);
    const b = Math.max(a + 1, Math.floor(((((left + step) / width) * (to - from) + from - first) / (last - first)) * peaks.length));
    let peak = 0;
    for (let i = Math.max(0, a); i < Math.min(peaks.length, b); i++) if (peaks[i] > peak) peak = peaks[i];
    const tall = Math.max(1, Math.min(1, peak * wave.gain) * (height - (isLarge ? 12 : 4)));
    context.fillRect(left, middle - tall / 2, step - 1, tall);
  }
}

function placeHeads() {
  const span = wave.to - wave.from, x = ((at - wave.from) / span) * wave.width;
  $("playhead").style.transform = `translateX(${x.toFixed(1)}px)`;
  $("whole-playhead").style.transform = `translateX(${((at / Math.max(1, length())) * wave.width).toFixed(1)}px)`;
}

// The finer peaks of what is seen, when those of the whole are too coarse; a little to each side, so that one can move.
function wanted() {
  const span = wave.to - wave.from;
  if (!wave.width || span / (wave.width / 3) >= length() / 1200) return;
  if (wave.detail && bestPeaks() === wave.detail && (wave.detail.to - wave.detail.from) / wave.detail.peaks.length < (2.2 * span) / (wave.width / 3)) return;
  clearTimeout(wave.timer);
  wave.timer = setTimeout(async () => {
    wave.asking?.abort();
    wave.asking = new AbortController();
    const from = Math.max(0, wave.from - span), to = Math.min(length(), wave.to + span);
    try {
      wave.detail = await peaksOf(from, to, clamp(10, Math.ceil(((to - from) / span) * (wave.width / 3)), 3000), wave.asking.signal);
      drawSoon();
    } catch { /* the coarse ones stay */ }
  }, 120);
}

function setWindow(from, to) {
  const span = clamp(SHORTEST, to - from, Math.max(SHORTEST, length()));
  const start = clamp(0, from, Math.max(0, length() - span));
  wave.from = start;
  wave.to = start + span;
  drawSoon();
  placeHeads();
  wanted();
}

// Turns the page when the sound has come to its end, or when a place outside is gone to.
function showWindow() {
  const span = wave.to - wave.from;
  if (at >= wave.from && at <= wave.to - span * 0.02) return;
  setWindow(at - span * (sound.paused ? 0.4 : 0.05), at + span);
}

function zoom(factor, around = at) {
  const span = (wave.to - wave.from) * factor, share = clamp(0, (around - wave.from) / (wave.to - wave.from), 1);
  setWindow(around - span * share, around + span * (1 - share));
}

$("zoom-in").addEventListener("click", () => zoom(0.5));
$("zoom-out").addEventListener("click", () => zoom(2));
$("zoom-all").addEventListener("click", () => setWindow(0, length()));

const timeAt = (event) => {
  const box = $("wave").getBoundingClientRect();
  return clamp(0, wave.from + ((event.clientX - box.left) / box.width) * (wave.to - wave.from), length());
};
let pressed = null;
$("wave").addEventListener("pointerdown", (event) => {
  if (event.button) return;
  pressed = { x: event.clientX, ms: timeAt(event), isDrag: false };
  $("wave").setPointerCapture(event.pointerId);
});
$("wave").addEventListener("pointermove", (event) => {
  if (!pressed || (!pressed.isDrag && Math.abs(event.clientX - pressed.x) < 5)) return;
  if (!pressed.isDrag) { unselect(); pressed.isDrag = true; }
  const ms = timeAt(event);
  job.stretch = [Math.round(Math.min(pressed.ms, ms)), Math.round(Math.max(pressed.ms, ms))];
  drawSoon();
});
$("wave").addEventListener("pointerup", (event) => {
  if (!pressed) return;
  const { isDrag, ms } = pressed;
  pressed = null;
  if (isDrag) { showAdding(); return; }
  if (job.stretch) unselect();
  seek(ms);
  const on = job.ents.find((entity) => { const [s, e] = timesOf(entity); return ms >= s && ms <= e; });
  if (on && event.detail !== 0) setCurrent(on.id, { stay: true });
});
$("wave").addEventListener("pointercancel", () => { pressed = null; });
$("wave").addEventListener("wheel", (event) => {
  event.preventDefault();
  const across = event.shiftKey ? event.deltaY : event.deltaX;
  const span = wave.to - wave.from;
  if (Math.abs(across) > Math.abs(event.shiftKey ? 0 : event.deltaY)) setWindow(wave.from + (span * across) / 800, wave.to + (span * across) / 800);
  else zoom(event.deltaY < 0 ? 0.8 : 1.25, timeAt(event));
}, { passive: false });
$("whole").addEventListener("pointerdown", (event) => {
  const box = $("whole").getBoundingClientRect(), ms = clamp(0, ((event.clientX - box.left) / box.width) * length(), length());
  const span = wave.to - wave.from;
  setWindow(ms - span / 2, ms + span / 2);
  seek(ms);
});

// ---- What stands beside: the current detail, the lists, the filters -------------------------------------------------

const rows = new Map();
const suspectRows = [];
const KINDS = { unsure_speech: "unsure speech beside a cue", unrecognised: "speech without words", verification: "heard again afterwards", single_claim: "claimed by one detector only" };

const isShown = (entity) => !job.labels.has(entity.label) && (!job.state || (job.state === "found") === (entity.state === "found"))
  && (job.score >= 100 || (typeof entity.score === "number" && entity.score * 100 <= job.score));

function rowFor(entity) {
  const row = make("li", {}, make("button", { type: "button", tabindex: "-1", "data-e": entity.id }, make("span", { class: "s" }), make("time"), make("span", { class: "tag" }), make("small")));
  fillRow(row, entity);
  return row;
}

function fillRow(row, entity) {
  row.className = entity.state;
  row.hidden = !isShown(entity);
  const [state, time, tag, score] = row.firstChild.children;
  state.title = STATES[entity.state];
  time.textContent = isTimedJob() ? clock(timesOf(entity)[0]) : String(entity.words[0] + 1);
  tag.textContent = spoken(entity.label);
  score.textContent = scoreOf(entity);
  row.firstChild.toggleAttribute("aria-current", entity.id === job.current);
  if (entity.id === job.current) row.firstChild.setAttribute("aria-current", "true");
}

function buildLists() {
  rows.clear();
  const list = document.createDocumentFragment();
  for (const entity of job.ents) { const row = rowFor(entity); rows.set(entity.id, row); list.append(row); }
  $("details").replaceChildren(list);
  suspectRows.length = 0;
  for (const [i, suspect] of job.suspects.entries()) {
    suspectRows.push(make("li", { class: "suspect" }, make("button", { type: "button", tabindex: i ? "-1" : "0", "data-s": i }, make("span", { class: "s" }),
      make("time", { text: isTimedJob() ? clock(suspect.start) : "" }), make("span", { class: "tag", text: KINDS[suspect.kind] || suspect.kind }))));
  }
  $("suspects").replaceChildren(...suspectRows);
  $("suspects-none").hidden = job.suspects.length > 0;
  $("count-suspects").textContent = job.suspects.length;
  showLabels();
  showNone();
}

// Only the rows of what has changed.
function listChanged(changed) {
  for (const [was, is] of changed) {
    if (!is) { rows.get(was.id)?.remove(); rows.delete(was.id); continue; }
    let row = rows.get(is.id);
    if (!row || was?.words[0] !== is.words[0]) {
      row?.remove();
      row = rowFor(is);
      rows.set(is.id, row);
      const next = job.ents.slice(job.ents.indexOf(job.view.get(is.id)) + 1).find((entity) => rows.has(entity.id));
      $("details").insertBefore(row, next ? rows.get(next.id) : null);
    } else fillRow(row, is);
  }
  if (changed.some(([was, is]) => was?.label !== is?.label)) showLabels();
  if (job.state) showNone();
}

function showLabels() {
  const counts = new Map();
  for (const entity of job.ents) counts.set(entity.label, (counts.get(entity.label) || 0) + 1);
  const focused = document.activeElement?.dataset?.label;
  const names = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a) || (a < b ? -1 : 1));
  $("filter-labels").replaceChildren(...names.map((label) => make("button", { type: "button", "data-label": label, "aria-pressed": String(!job.labels.has(label)) }, `${spoken(label)} `, make("small", { text: counts.get(label) }))));
  if (focused) $("filter-labels").querySelector(`[data-label="${CSS.escape(focused)}"]`)?.focus();
}

function showNone() {
  const shown = job.ents.filter(isShown).length;
  $("details-none").hidden = shown > 0;
  $("details-none").textContent = job.ents.length ? "None is left by the filter." : "No detail was found. Select words to hide them.";
  $("count-details").textContent = shown === job.ents.length ? shown : `${shown} of ${job.ents.length}`;
}

function filtered() {
  for (const entity of job.ents) {
    const shown = isShown(entity), row = rows.get(entity.id);
    if (row.hidden !== shown) continue;
    row.hidden = !shown;
    for (const mark of marksOf(entity.id)) mark.classList.toggle("off", !shown);
  }
  showNone();
}

$("filter-labels").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { label } = button.dataset;
  // With Alt or a double click, this label alone.
  if (event.altKey) { job.labels = new Set(job.ents.map((entity) => entity.label).filter((other) => other !== label)); showLabels(); }
  else if (!job.labels.delete(label)) job.labels.add(label);
  button.setAttribute("aria-pressed", String(!job.labels.has(label)));
  filtered();
});
$("filter-state").addEventListener("change", () => {
  const value = $("filter-state").value;
  job.state = value;
  filtered();
});
$("filter-score").addEventListener("input", () => {
  job.score = Number($("filter-score").value);
  $("filter-score-text").textContent = (job.score / 100).toFixed(2);
  filtered();
});

$("details").addEventListener("click", (event) => {
  const button = event.target.closest("[data-e]");
  if (button) setCurrent(button.dataset.e);
  document.body.classList.remove("listing");
  $("sheet").setAttribute("aria-expanded", "false");
});
$("suspects").addEventListener("click", (event) => {
  const button = event.target.closest("[data-s]");
  if (button) setSuspect(Number(button.dataset.s));
  document.body.classList.remove("listing");
  $("sheet").setAttribute("aria-expanded", "false");
});
$("sheet").addEventListener("click", () => {
  const on = document.body.classList.toggle("listing");
  $("sheet").setAttribute("aria-expanded", on);
  $("sheet").textContent = on ? "Transcript" : "Lists";
});

const tabs = [$("tab-details"), $("tab-suspects")];
function showTab(chosen, focus = false) {
  for (const tab_ of tabs) {
    const isIt = tab_ === chosen;
    tab_.setAttribute("aria-selected", isIt);
    tab_.tabIndex = isIt ? 0 : -1;
    $(tab_.getAttribute("aria-controls")).hidden = !isIt;
  }
  if (focus) chosen.focus();
}
for (const tab_ of tabs) tab_.addEventListener("click", () => showTab(tab_));
document.querySelector(".tabs").addEventListener("keydown", (event) => {
  if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
  showTab(tabs[1 - tabs.indexOf(event.target.closest("button"))], true);
  event.preventDefault();
  event.stopPropagation();
});

function showCounts() {
  const decided = job.ents.reduce((n, entity) => n + (entity.state !== "found"), 0);
  $("decided-text").textContent = `${decided} of ${job.ents.length} decided`;
  $("gauge").style.transform = `scaleX(${job.ents.length ? decided / job.ents.length : 1})`;
}

function showCard() {
  const entity = job.view.get(job.current);
  for (const button of $("card").querySelectorAll("[data-do]")) if (button.dataset.do !== "listen") button.disabled = !entity || job.isReadOnly;
  if (!entity) {
    $("card-title").textContent = job.ents.length ? "No detail chosen" : "No detail";
    $("card-facts").textContent = job.ents.length ? "J goes to the next." : "Select words to hide them.";
    return;
  }
  $("card-title").textContent = spoken(entity.label);
  const facts = [STATES[entity.state]];
  if (isTimedJob()) { const [s, e] = timesOf(entity); facts.push(`${clock(s, true)} to ${clock(e, true)}`); }
  facts.push(many(entity.words[1] - entity.words[0], "word"), `score ${scoreOf(entity)}`, entity.source.join(", "));
  if (entity.pad[0] || entity.pad[1]) facts.push(`edges ${signed(entity.pad[0])}, ${signed(entity.pad[1])} ms`);
  $("card-facts").textContent = facts.join(" · ");
  for (const [name, states] of [["accept", ["accepted", "added"]], ["reject", ["rejected"]]])
    $("acts").querySelector(`[data-do="${name}"]`).setAttribute("aria-pressed", String(states.includes(entity.state)));
}
const signed = (ms) => (ms >= 0 ? `+${ms}` : String(ms));

let hashing = 0;
function setCurrent(id, { quiet = false, stay = false } = {}) {
  const before = job.current;
  job.current = id;
  if (before !== id) {
    for (const mark of marksOf(before)) mark.classList.remove("current");
    const old = rows.get(before)?.firstChild;
    // One row can always be reached by the tabulator.
    if (old) { old.removeAttribute("aria-current"); if (id) old.tabIndex = -1; }
    if (id) for (const other of $("details").querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
  }
  const entity = job.view.get(id);
  showCard();
  if (!entity) return;
  const unit = entity.words[0] < entity.words[1] ? unitAt(entity.words[0]) : null;
  for (const mark of marksOf(id)) mark.classList.add("current");
  const row = rows.get(id)?.firstChild;
  if (row) {
    row.setAttribute("aria-current", "true");
    row.tabIndex = 0;
  }
  reveal(stay ? null : unit, row && !$("panel-details").hidden ? row.parentElement : null);
  if (entity.words[0] < job.words.length && !document.activeElement?.closest?.("#transcript [data-w]")) moveCaret(entity.words[0], { focus: false });
  if (isTimedJob()) {
    const [start, end] = timesOf(entity);
    if (!stay || isLooping) seek(isLooping || !sound.paused ? start - 800 : start);
    if (end > wave.to || start < wave.from) { const span = wave.to - wave.from; setWindow(start - span * 0.4, start + span * 0.6); }
    drawSoon();
  }
  clearTimeout(hashing);
  hashing = setTimeout(() => history.replaceState(null, "", `#${encodeURIComponent(id)}`), 300);
  if (!quiet) say(`${job.ents.indexOf(entity) + 1} of ${job.ents.length}: ${titleOfEntity(entity)}`);
}

// The place in the order from which next and previous go.
function place() {
  const current = job.view.get(job.current);
  if (current) return job.ents.indexOf(current);
  return after(job.ents, job.caret, (entity) => entity.words[0]) - 0.5;
}

function go(by, wantsUndecided = false) {
  const from = place();
  for (let i = by > 0 ? Math.floor(from + 1) : Math.ceil(from - 1); i >= 0 && i < job.ents.length; i += by) {
    const entity = job.ents[i];
    if (isShown(entity) && (!wantsUndecided || entity.state === "found")) { setCurrent(entity.id); return true; }
  }
  say(wantsUndecided ? "Nothing undecided that way" : by > 0 ? "This is the last one" : "This is the first one");
  return false;
}

function goEnd(last) {
  const shown = job.ents.filter(isShown);
  if (shown.length) setCurrent(shown.at(last ? -1 : 0).id);
}

function setSuspect(i) {
  const suspect = job.suspects[i];
  if (!suspect) { say(job.suspects.length ? "No further suspect that way" : "Nothing was found suspect"); return; }
  const old = suspectRows[job.suspect]?.firstChild;
  if (old) { old.removeAttribute("aria-current"); old.tabIndex = -1; }
  job.suspect = i;
  showTab(tabs[1]);
  const row = suspectRows[i].firstChild;
  row.setAttribute("aria-current", "true");
  row.tabIndex = 0;
  reveal(null, row.parentElement);
  if (suspect.entity && job.view.has(suspect.entity)) setCurrent(suspect.entity, { quiet: true });
  else {
    setCurrent(null, { quiet: true });
    drawSoon();
    const word = suspect.words ? suspect.words[0] : wordsIn(suspect.start, suspect.end)[0];
    if (word < job.words.length) { moveCaret(word, { focus: false }); reveal(unitAt(word)); }
    if (isTimedJob()) seek(suspect.start);
    if (suspect.words) { anchor = null; select([...suspect.words]); }
    else if (isTimedJob()) { select(null); job.stretch = [suspect.start, suspect.end]; showAdding(); }
  }
  say(`Suspect ${i + 1} of ${job.suspects.length}: ${KINDS[suspect.kind] || suspect.kind}${job.selection || job.stretch ? "; I hides it" : ""}`);
}

$("previous").addEventListener("click", () => go(-1));
$("next").addEventListener("click", () => go(1));

// ---- Deciding -------------------------------------------------------------------------------------------------------

const BY = 50, WIDEST = 5000;

function decide(what, fields = {}) {
  const entity = job.view.get(job.current);
  if (!entity) { say("No detail is chosen; J goes to the next"); return; }
  if (isLocked()) return;
  step("decisions", [{ do: what, entity: entity.id, ...fields }]);
  const said = { accept: "Accepted", reject: "Rejected", label: "Label changed" }[fields.decision || what];
  const left = job.ents.reduce((n, e) => n + (e.state === "found"), 0);
  if (!said) return;
  const goesOn = $("advance").checked && (fields.decision || what) !== "label";
  if (goesOn && left && go(1, true)) { $("aloud").textContent = `${said}. ${left} undecided. ${$("aloud").textContent}`; return; }
  say(left ? `${said}. ${left} undecided` : `${said}. Everything is decided; Shift F finishes`);
}

function isLocked() {
  if (job.isReadOnly) { toast("This job came by the API: it can be looked at, not decided on."); return true; }
  if (job.info.review === "finishing") { toast("It is being finished; wait until that is done."); return true; }
  return false;
}

function edge(startBy, endBy) {
  const entity = job.view.get(job.current);
  if (!entity || isLocked()) return;
  const words = [entity.words[0] + startBy, entity.words[1] + endBy];
  if (words[0] < 0 || words[1] > job.words.length) { say("There is no further word"); return; }
  if (words[0] >= words[1]) { toast("It is one word only. X releases it."); return; }
  step("decisions", [{ do: "words", entity: entity.id, words }]);
  say(many(words[1] - words[0], "word"));
}

function pad(beforeBy, afterBy) {
  const entity = job.view.get(job.current);
  if (!entity || !isTimedJob() || isLocked()) return;
  const next = [clamp(-WIDEST, entity.pad[0] + beforeBy, WIDEST), clamp(-WIDEST, entity.pad[1] + afterBy, WIDEST)];
  step("decisions", [{ do: "pad", entity: entity.id, pad: next }]);
  say(`Edges ${signed(next[0])}, ${signed(next[1])} milliseconds`);
}

async function label(everywhere) {
  const entity = job.view.get(job.current);
  if (!entity || isLocked()) return;
  const chosen = await pick(everywhere ? "Label everywhere" : "Label", entity.label);
  if (chosen && job.view.get(job.current)?.id === entity.id) decide(everywhere ? "everywhere" : "label", everywhere ? { decision: "label", label: chosen } : { label: chosen });
}

async function add() {
  if (isLocked()) return;
  const stretch = job.stretch;
  let words = job.selection;
  if (!words && !stretch && document.activeElement?.closest?.("#transcript [data-w]") && !entityAt(job.caret)) words = [job.caret, job.caret + 1];
  if (!words && !stretch) { say("Nothing is selected"); toast("Select words first: with the mouse, or T and Shift with the arrows. In the waveform: drag, or B twice."); return; }
  const chosen = await pick(stretch && !words ? "Hide this stretch of sound as" : "Hide this as");
  if (!chosen) return;
  const key = unique();
  unselect();
  job.pending.push({ kind: "decisions", key, decisions: [words ? { do: "add", words, label: chosen } : { do: "add_time", start: stretch[0], end: stretch[1], label: chosen }] });
  keep();
  refresh();
  setCurrent(`new:${key}`, { stay: true, quiet: true });
  setSaved("saving");
  say(`Added: ${spoken(chosen)}`);
  pump();
}

const undo = () => { if (!isLocked() && !$("undo").disabled) step("undo"); else say("Nothing to undo"); };
const redo = () => { if (!isLocked() && !$("redo").disabled) step("redo"); else say("Nothing to do again"); };

const ACTS = {
  accept: () => decide("accept"), reject: () => decide("reject"), label: () => label(false), listen,
  "accept-all": () => decide("everywhere", { decision: "accept" }), "reject-all": () => decide("everywhere", { decision: "reject" }), "label-all": () => label(true),
  "start-out": () => edge(-1, 0), "start-in": () => edge(1, 0), "end-in": () => edge(0, -1), "end-out": () => edge(0, 1),
  "before-out": () => pad(BY, 0), "before-in": () => pad(-BY, 0), "after-in": () => pad(0, -BY), "after-out": () => pad(0, BY),
};
$("card").addEventListener("click", (event) => ACTS[event.target.closest("[data-do]")?.dataset.do]?.());
$("undo").addEventListener("click", undo);
$("redo").addEventListener("click", redo);
$("add").addEventListener("click", add);
$("add-cancel").addEventListener("click", unselect);

// The quick list of labels: what was used last comes first, a few letters find the rest.
const recent = [];
let picking = null;

function pick(title, present = null) {
  $("pick-title").textContent = title;
  $("pick-text").value = "";
  return new Promise((done) => {
    picking = { done, present, shown: [], at: 0 };
    showPicks();
    $("pick").showModal();
    $("pick-text").focus();
  });
}

function rank([name, meaning], typed) {
  const text = spoken(name);
  if (!typed) return recent.includes(name) ? recent.indexOf(name) : 1000;
  const words = text.split(" ");
  const tests = [text === typed, text.startsWith(typed), words.some((word) => word.startsWith(typed)),
    words.map((word) => word[0]).join("").startsWith(typed), text.includes(typed), spoken(meaning).includes(typed)];
  return tests.indexOf(true);
}

function showPicks() {
  const typed = spoken($("pick-text").value).trim();
  picking.shown = session.labels.map((row) => [rank(row, typed), row]).filter(([n]) => n >= 0).sort((a, b) => a[0] - b[0]).map(([, row]) => row);
  picking.at = Math.max(0, typed ? 0 : picking.shown.findIndex(([name]) => name === (recent[0] ?? picking.present)));
  $("pick-list").replaceChildren(...picking.shown.map(([name, meaning], i) => make("li", { role: "option", id: `pick-${i}`, "data-at": i, "aria-selected": "false" }, spoken(name), make("small", { text: meaning }))));
  aim(picking.at);
}

function aim(i) {
  $("pick-list").children[picking.at]?.setAttribute("aria-selected", "false");
  picking.at = clamp(0, i, picking.shown.length - 1);
  const item = $("pick-list").children[picking.at];
  item?.setAttribute("aria-selected", "true");
  item?.scrollIntoView({ block: "nearest" });
  if (item) $("pick-text").setAttribute("aria-activedescendant", item.id); else $("pick-text").removeAttribute("aria-activedescendant");
}

function picked(name) {
  const { done } = picking;
  $("pick").close();
  if (name) { const i = recent.indexOf(name); if (i >= 0) recent.splice(i, 1); recent.unshift(name); }
  done(name);
}

$("pick-text").addEventListener("input", showPicks);
$("pick-text").addEventListener("keydown", (event) => {
  const to = { ArrowDown: picking.at + 1, ArrowUp: picking.at - 1, PageDown: picking.at + 8, PageUp: picking.at - 8 }[event.key];
  if (to !== undefined) aim(to);
  else if (event.key === "Enter") { if (picking.shown.length) picked(picking.shown[picking.at][0]); }
  else return;
  event.preventDefault();
});
$("pick-list").addEventListener("click", (event) => {
  const item = event.target.closest("li");
  if (item) picked(picking.shown[item.dataset.at][0]);
});
$("pick").addEventListener("cancel", (event) => { event.preventDefault(); picked(null); });

// ---- The unredacted view --------------------------------------------------------------------------------------------

// Asked for per job, held as long as this page is looked at, let go of when it is left. The words are in memory alone.
async function unredacted() {
  if (job.original) { release(); return; }
  if (!session.unredacted_allowed) { toast("This server does not show originals (OFFRECORD_REVIEW_UNREDACTED)."); return; }
  if (job.info.original === false) { toast("The original has been erased."); return; }
  const { id } = job;
  try {
    await ask("POST", `${job.api}/unredacted`, { held: true });
    const answer = await ask("GET", `${job.api}/original/words`);
    if (job.id !== id || !Array.isArray(answer?.words)) throw new Refused(0);
    job.original = answer.words;
  } catch (refused) {
    toast(refused.message);
    if (refused.status === 0) release();
    return;
  }
  showHeld();
  if (isTimedJob()) load_(`${job.api}/original/sound`);
  say("You see and hear the original. U lets go.");
}

function showHeld() {
  const isHeld = Boolean(job.original);
  document.body.classList.toggle("holding", isHeld);
  $("held").hidden = !isHeld;
  $("unredacted").setAttribute("aria-pressed", isHeld);
  for (const block of job.blocks) if (block.isFilled) fillBlock(block);
  nowUnit = null;
  reveal(null, rows.get(job.current));
}

function release({ tell = true, leaving = false } = {}) {
  const wasHeld = Boolean(job.original);
  job.original = null;
  if (wasHeld) {
    showHeld();
    if (isTimedJob()) { sound.removeAttribute("src"); sound.load(); if (!leaving) load_(`${job.api}/sound`); }
    say("The original is hidden again.");
  }
  if (tell && job.id) ask("POST", `${job.api}/unredacted`, { held: false }, { keepalive: true }).catch(() => { /* the server lets go by itself */ });
}

// The server has let go by itself: the session ended, the server was started again.
function lost() {
  release();
  toast("The original is not held any more.");
}

$("unredacted").addEventListener("click", unredacted);
$("let-go").addEventListener("click", () => { release(); $("unredacted").focus(); });
addEventListener("pagehide", () => { if (job.original) release({ leaving: true }); });
addEventListener("pageshow", (event) => { if (event.persisted && job.id && isTimedJob()) { load_(`${job.api}/sound`); lookAgain(); } });

// ---- Finishing ------------------------------------------------------------------------------------------------------

async function finish() {
  if (isLocked()) return;
  const count = (state) => job.ents.filter((entity) => entity.state === state).length;
  const undecided = count("found");
  const facts = [[count("accepted"), "accepted"], [count("added"), "added by you"], [count("rejected"), "rejected: will be released"], [undecided, undecided ? "undecided: will be hidden, as accepted ones" : "undecided"]];
  const yes = await sure("Finish the review?", "Text, subtitles and sound are made anew from the decisions, and listened to again.", "Finish", facts);
  if (!yes) return;
  while (isPumping) await sleep(50);
  if (job.pending.length) { toast("Not everything is saved yet. Finish again when it is."); return; }
  release({ tell: Boolean(job.original) });
  try {
    job.info = await ask("POST", `${job.api}/finish`, { revision: job.revision });
  } catch (refused) {
    if (refused.status === 409 && refused.body.revision !== undefined) {
      try { await reload(); refresh(); } catch { /* the next step finds out */ }
      toast("Somebody else decided meanwhile. Look at it and finish again.");
    } else if (refused.status === 401) signedOut();
    else toast(refused.message);
    return;
  }
  showOutcome();
  await finishing();
}

async function finishing() {
  const { id } = job;
  while (job.id === id && job.info.review === "finishing") {
    await sleep(1000);
    try { job.info = await ask("GET", job.api); } catch (refused) {
      if (refused.status === 404 || refused.status === 410) { leave(refused); return; }
      if (refused.status === 401) signedOut();
    }
    showOutcome();
  }
  if (job.id !== id) return;
  setSaved("saved");
  if (job.info.review === "finished") { say("Finished. The files can be downloaded."); $("outcome").scrollIntoView({ block: "nearest" }); $("download").focus(); }
  else say("Finishing failed.");
}

function showOutcome() {
  const state = job.info.review;
  $("outcome").hidden = !state || state === "open";
  $("outcome").classList.toggle("failed", state === "failed");
  $("outcome-progress").hidden = state !== "finishing";
  $("outcome-links").hidden = state !== "finished";
  if (state === "finishing") {
    $("outcome-title").textContent = "It is being finished";
    $("outcome-text").textContent = STAGES[job.info.stage] || "";
    fill("outcome-bar", "outcome-left", job.info);
  } else if (state === "finished") {
    $("outcome-title").textContent = "Finished";
    $("outcome-text").textContent = [isTimedJob() && verifiedOf(job.info), job.info.original === false ? "The original is erased." : "The original is still on the server."].filter(Boolean).join(". ").replace(/^./, (c) => c.toUpperCase());
    $("download").href = `${job.api}/files.zip`;
    $("audit-json").href = `${job.api}/audit.json`;
    $("audit-csv").href = `${job.api}/audit.csv`;
    $("erase").hidden = job.info.original === false;
  } else if (state === "failed") {
    $("outcome-title").textContent = "Finishing failed: nothing was released";
    $("outcome-text").textContent = job.info.error || "No reason was given.";
  }
  $("finish-open").disabled = job.isReadOnly || state === "finishing";
}

$("finish-open").addEventListener("click", finish);
$("erase").addEventListener("click", async () => {
  const yes = await sure("Erase the original?", "The recording, its words and what undo knows of them are erased. The redacted files and the audit record stay. This cannot be undone.", "Erase it");
  if (!yes) return;
  release({ tell: Boolean(job.original) });
  try {
    await ask("DELETE", `${job.api}/original`);
    job.info = { ...job.info, original: false };
    job.canUndo = job.canRedo = false;
    $("unredacted").hidden = true;
    showOutcome();
    setSaved("saved");
    say("The original is erased.");
    $("download").focus();
  } catch (refused) { toast(refused.message); }
});

// ---- Keys -----------------------------------------------------------------------------------------------------------

const KEYS = {
  " ": toggle, j: () => go(1), k: () => go(-1), ArrowDown: () => go(1), ArrowUp: () => go(-1), n: () => go(1, true), N: () => go(-1, true),
  s: () => setSuspect(job.suspect + 1), S: () => setSuspect(Math.max(-1, job.suspect - 1)), Home: () => goEnd(false), End: () => goEnd(true),
  a: ACTS.accept, x: ACTS.reject, l: ACTS.label, A: ACTS["accept-all"], X: ACTS["reject-all"], L: ACTS["label-all"],
  q: ACTS["start-out"], w: ACTS["start-in"], e: ACTS["end-in"], r: ACTS["end-out"],
  Q: ACTS["before-out"], W: ACTS["before-in"], E: ACTS["after-in"], R: ACTS["after-out"],
  z: undo, Z: redo, Enter: listen, o: () => setLoop(!isLooping), ",": () => setSpeed(-1), ".": () => setSpeed(1),
  ArrowLeft: (event) => seek(at - (event.shiftKey ? 1000 : 5000)), ArrowRight: (event) => seek(at + (event.shiftKey ? 1000 : 5000)),
  "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => setWindow(0, length()),
  t: () => { if (job.words.length) moveCaret(job.caret); }, i: add, b: markHere, u: unredacted, F: finish, "?": () => $("help").showModal(),
  f: () => { document.body.classList.add("listing"); showTab(tabs[0]); $("filter-state").focus(); },
  Escape: () => { if (job.selection || job.stretch || begun !== null) unselect(); else document.activeElement?.blur?.(); document.body.classList.remove("listing"); },
};

const KEYS_OFF = "offrecord:keys-off";
$("keys-on").checked = kept.get(KEYS_OFF) !== "1";
$("keys-on").addEventListener("change", () => kept.set(KEYS_OFF, $("keys-on").checked ? null : "1"));
$("advance").checked = kept.get("offrecord:stay") !== "1";
$("advance").addEventListener("change", () => kept.set("offrecord:stay", $("advance").checked ? null : "1"));

const dialogs = [...document.querySelectorAll("dialog")];
const openDialog = () => dialogs.find((dialog) => dialog.open);
// Closed at once, not a moment later as the browser does it: the next key is for the page again.
document.addEventListener("keydown", (event) => {
  const dialog = openDialog();
  if (event.key !== "Escape" || !dialog || event.isComposing) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (dialog.dispatchEvent(new Event("cancel", { cancelable: true }))) dialog.close();
}, true);
document.addEventListener("keydown", (event) => {
  if (!job.id || $("job").hidden || openDialog() || event.isComposing) return;
  const { key } = event;
  // A dialog that has just been closed keeps the focus until the next frame: its field is none any more.
  const target = event.target.closest("dialog") ? document.body : event.target;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && /^[zy]$/i.test(key)) {
    if (/y/i.test(key) || event.shiftKey) redo(); else undo();
    event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isField = target.matches("input, select, textarea");
  if (isField && key !== "Escape") return;
  if (target.closest("[data-w]")) {
    if (inWords(event)) { event.preventDefault(); return; }
    if (key === "Enter" && !target.dataset.e) { seek(job.words[job.caret][START]); play(); event.preventDefault(); return; }
  }
  if ((key === " " || key === "Enter") && target.closest("button, a, summary")) return;
  if (!$("keys-on").checked && key.length === 1 && key !== "?" && key !== " ") return;
  const call = KEYS[key];
  if (!call || (event.repeat && call === toggle)) return;
  event.preventDefault();
  call(event);
});
$("wave").addEventListener("keydown", (event) => {
  const to = { Home: 0, End: length(), PageUp: at + 30_000, PageDown: at - 30_000, ArrowUp: at + 5000, ArrowDown: at - 5000 }[event.key];
  if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  seek(to);
  event.preventDefault();
  event.stopPropagation();
});
for (const list of [$("details"), $("suspects")]) {
  list.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const by = event.key === "ArrowDown" ? 1 : -1;
    if (list.id === "details") go(by); else setSuspect(clamp(0, job.suspect + by, job.suspects.length - 1));
    list.querySelector("[aria-current]")?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
}
$("help-open").addEventListener("click", () => $("help").showModal());
$("help-close").addEventListener("click", () => $("help").close());
// A button that was clicked keeps the focus; the next Space is for the player all the same, unless it came by the keyboard.
document.addEventListener("pointerup", (event) => {
  const button = event.target.closest?.("#card button, .player button, .rows button, .tools button");
  if (button && !button.matches(":focus-visible")) button.blur();
});

// ---- Start ----------------------------------------------------------------------------------------------------------

async function start() {
  try {
    if (!(await enter())) {
      show("sign-in");
      $("key").focus();
      return;
    }
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    show("wait");
    $("wait").textContent = `${refused.message} This page tries again.`;
    setTimeout(start, 2000);
    return;
  }
  const id = location.pathname.match(/^\/review\/([^/]+)$/)?.[1];
  if (id) await jobPage(decodeURIComponent(id)); else await jobsPage();
}
start();
})();
