// The conversation: asks, shows what comes, opens sources.
import { Composer } from "./composer.js";
import { draft, newKey, pending } from "./keep.js";
import { Line } from "./line.js";
import { announce, fragment, isPlain, isTyping, make, send, singleKeys } from "./page.js";
import { Pane } from "./pane.js";
import { Turn, whyNot } from "./turn.js";

const LOST = "The connection is lost. It is being made again; nothing you typed is gone.";
const WAIT = "Wait for the answer, or stop it, before you ask on.";
const NEAR_END = 80;

const desk = document.querySelector("[data-chat]");
const find = (selector) => desk.querySelector(selector);
const column = find("[data-turns]");
const banner = find("[data-banner]");
const latest = find("[data-latest]");
const stopButton = find("[data-stop]");
const side = find("#side");
const pane = new Pane(find("[data-evidence]"));
const turns = Array.from(column.querySelectorAll("[data-turn]"), (node) => Turn.adopt(node));
const sent = new Map();
const here = { conversation: desk.dataset.conversation || null, matter: desk.dataset.matter || null, edited: null };

const place = () => here.conversation ?? here.matter;
const openTurns = () => turns.filter((turn) => turn.isOpen && turn.id);
const turnOf = (answer) => turns.find((turn) => turn.id === answer);

// --- The line -------------------------------------------------------------------------------------

const line = new Line({
  onOpen() {
    if (banner.textContent === LOST) say("");
    for (const { message } of sent.values()) if (message.type === "ask") line.send(message);
    openTurns().forEach(follow);
  },
  onLost() {
    say(LOST);
    // Asked again anew, an answer would come twice; a question has its key against that.
    for (const [key, { message }] of sent) if (message.type === "again") giveBack(key);
  },
  onMessage(message) {
    ({ accepted, refused, event: live, snapshot, bye })[message.type]?.(message);
  },
});

function follow(turn) {
  line.send({ type: "follow", answer: turn.id, after: turn.lastId });
}

/** Put a sentence above the conversation; an empty one takes it away. */
function say(words, ...more) {
  banner.replaceChildren(words, ...more);
  banner.hidden = !words;
}

function accepted(message) {
  const waiting = sent.get(message.key);
  if (!waiting) return;
  forget(message.key);
  waiting.turn.accept(message);
  if (!here.conversation) begun(message);
  announce("Answer started");
  refresh();
}

function begun({ conversation, title }) {
  here.conversation = conversation;
  desk.dataset.conversation = conversation;
  history.replaceState(null, "", `/chat/${conversation}/`);
  find("[data-title]").textContent = title;
  document.title = `${title} · Cloister`;
  find("#new-title").value = title;
  for (const form of desk.querySelectorAll("[data-verb]")) form.action = `/chat/${conversation}/${form.dataset.verb}/`;
  find("[data-talk-menu]").hidden = false;
  list("");
}

function refused({ key, code, message, reference }) {
  // A line that could not be followed is tried again; the answer is being written all the same.
  if (!key && code === "unavailable") setTimeout(() => openTurns().forEach(follow), 2000);
  if (!sent.has(key)) return;
  const { message: asked } = giveBack(key);
  if (asked.type === "ask") {
    if (composer.text.trim()) draft.write(place(), asked.text);
    else composer.text = asked.text;
  }
  say(`${message} Reference: ${reference}`);
}

/** Take back what was sent: the turns it displaced return. */
function giveBack(key) {
  const waiting = sent.get(key);
  forget(key);
  waiting.turn.node.remove();
  turns.splice(turns.indexOf(waiting.turn), 1);
  for (const turn of waiting.displaced) {
    turns.push(turn);
    column.append(turn.node);
  }
  refresh();
  return waiting;
}

function forget(key) {
  sent.delete(key);
  pending.drop(key);
}

function bye({ message }) {
  const link = make("a", "", "Sign in");
  link.href = `/sign-in/?next=${encodeURIComponent(location.pathname)}`;
  say(`${message} `, link);
}

function live({ answer, id, event }) {
  const turn = turnOf(answer);
  if (!turn?.isOpen) return;
  const stays = isAtEnd();
  const outcome = turn.apply(event);
  if (outcome === "gap") {
    Object.assign(turn, { lastId: "0", askedAgain: true });
    turn.clear();
    follow(turn);
    return;
  }
  turn.lastId = id;
  if (outcome === "evidence") pane.show(turn);
  if (outcome === "final") {
    if (event.withheld) pane.show(turn);
    finished(turn);
  }
  if (stays) toEnd();
  else latest.hidden = false;
}

function snapshot(message) {
  const turn = turnOf(message.answer);
  if (!turn?.isOpen) return;
  turn.end(message);
  pane.show(turn);
  finished(turn);
}

function finished(turn) {
  const { state, reason } = turn.data;
  announce(state === "failed" || state === "refused" ? reason : "Answer finished");
  refresh();
}

// --- Asking ---------------------------------------------------------------------------------------

function dispatch(message, turn, displaced) {
  find("[data-empty]")?.remove();
  for (const old of displaced) {
    turns.splice(turns.indexOf(old), 1);
    old.node.remove();
  }
  turns.push(turn);
  column.append(turn.node);
  turn.progress("Sending…");
  sent.set(message.key, { message, turn, displaced });
  line.send(message);
  refresh();
  toEnd();
}

function ask(text) {
  if (sent.size || openTurns().length) {
    composer.say(WAIT);
    return false;
  }
  const { edited } = here;
  here.edited = null;
  const displaced = edited ? turns.slice(turns.indexOf(edited)) : [];
  const follows = edited ? edited.data.follows : (turns.findLast((turn) => turn.id)?.id ?? "");
  const documents = composer.documents.checked;
  const message = { type: "ask", key: newKey(), text, documents, follows: follows || null, conversation: here.conversation, matter: here.matter };
  pending.add(message);
  say("");
  dispatch(message, Turn.begin(text, { follows, documents, branches: [...(edited?.data.branches ?? [])] }), displaced);
  return true;
}

function again(turn) {
  if (!line.isOpen) return say(LOST);
  const { asked, follows, documents, branches, branch, takes, question } = turn.data;
  const fresh = Turn.begin(asked, { follows, documents, branches: [...branches], takes: [...takes] });
  Object.assign(fresh.data, { question, branch });
  dispatch({ type: "again", key: newKey(), answer: turn.id }, fresh, turns.slice(turns.indexOf(turn)));
}

/** Questions that were on their way when the page was left: their key makes sure they are asked once. */
function sendWhatWaits() {
  for (const message of pending.all()) {
    if (message.conversation !== here.conversation || message.matter !== here.matter) continue;
    dispatch(message, Turn.begin(message.text, message), []);
  }
}

function stop() {
  const stopped = openTurns().filter((turn) => line.send({ type: "stop", answer: turn.id }));
  for (const turn of stopped) turn.progress("Stopping…");
  return stopped.length > 0;
}

function edit(turn) {
  if (!turn || turn.isOpen) return;
  here.edited = turn;
  composer.edit(turn.data.asked);
}

function leaveEdit() {
  here.edited = null;
  composer.leave();
}

/** Bring what depends on the state of the conversation in line with it. */
function refresh() {
  if (!composer) return;
  stopButton.hidden = !openTurns().length;
  composer.grow();
}

// --- What one can do with an answer ---------------------------------------------------------------

const acts = {
  again,
  edit,
  cite: (turn, target) => pane.cite(turn, Number(target.dataset.value), target),
  passage: (turn, target) => pane.passage(Number(target.dataset.value), target),
  evidence: (turn, target) => {
    pane.from = target;
    pane.show(turn, { open: true });
  },
  async copy(turn, target) {
    const done = await copy(turn.asText);
    target.textContent = done ? "Copied" : "Not copied";
    announce(done ? "Copied with its sources" : "The browser did not let it be copied");
  },
  helpful: (turn) => judge(turn, { helpful: "yes" }),
  unhelpful(turn) {
    turn.node.querySelector(".feedback")?.remove();
    const form = whyNot((why) => judge(turn, { helpful: "no", ...why }), () => form.remove());
    turn.meta.after(form);
    form.scrollIntoView({ block: "nearest" });
    form.querySelector("input").focus({ preventScroll: true });
  },
};

async function judge(turn, fields) {
  const response = await send(`/chat/answers/${turn.id}/feedback/`, fields);
  if (!response?.ok) {
    say("Your judgement could not be stored. Try again.");
    return;
  }
  turn.node.querySelector(".feedback")?.remove();
  turn.judged(fields.helpful === "yes");
  announce("Thank you. Your judgement is stored.");
}

/** Without TLS a browser offers no clipboard; a selected text can be copied all the same. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const area = Object.assign(make("textarea"), { value: text });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

desk.addEventListener("click", (event) => {
  const target = event.target.closest("button");
  if (!target) return;
  const { act, step } = target.dataset;
  if (act) acts[act]?.(turns.find((turn) => turn.node.contains(target)), target);
  else if (step) pane.step(Number(step));
  else if ("back" in target.dataset) pane.show(pane.turn);
  else if ("closeEvidence" in target.dataset) pane.close();
  else if ("toggleSide" in target.dataset) showSide(!side.classList.contains("open"));
});
latest.addEventListener("click", toEnd);
stopButton?.addEventListener("click", stop);

// --- Scrolling: follows the answer until the reader goes elsewhere --------------------------------

function isAtEnd() {
  return column.scrollHeight - column.scrollTop - column.clientHeight < NEAR_END;
}

function toEnd() {
  column.scrollTop = column.scrollHeight;
  latest.hidden = true;
}

column.addEventListener("scroll", () => {
  if (isAtEnd()) latest.hidden = true;
});

// --- History --------------------------------------------------------------------------------------

const words = find("#history-words");
const listed = find("[data-history]");
let pause = 0;

async function list(text) {
  const fresh = await fragment(`/chat/search/?${new URLSearchParams({ q: text, fragment: 1 })}`);
  if (!fresh || words.value !== text) return;
  listed.replaceChildren(fresh);
  tellLocalTime();
  listed.querySelector(`[data-id="${here.conversation}"]`)?.setAttribute("aria-current", "page");
}

/** The server speaks UTC, people speak the time on their wall. */
function tellLocalTime() {
  for (const node of listed.querySelectorAll("time")) {
    node.textContent = new Date(node.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  }
}

words.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => list(words.value), 250);
});
words.form.addEventListener("submit", (event) => event.preventDefault());

function showSide(isOpen) {
  side.classList.toggle("open", isOpen);
  const toggle = find("[data-toggle-side]");
  toggle.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) words.focus();
  else toggle.focus();
}
document.addEventListener("pointerdown", (event) => {
  if (side.classList.contains("open") && !event.target.closest("#side, [data-toggle-side]")) showSide(false);
});

// --- Keys -----------------------------------------------------------------------------------------

function escape() {
  if (side.classList.contains("open")) showSide(false);
  else if (pane.isOver) pane.close();
  else if (stop()) return;
  else if (here.edited) leaveEdit();
  else if (pane.at >= 0) {
    pane.from?.focus();
    pane.show(pane.turn);
  }
}

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if (document.querySelector("dialog[open]")) return;
  if (key === "escape") escape();
  else if (key === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    showSide(true);
  } else if (isTyping(event) || !singleKeys() || !isPlain(event)) return;
  else if (key === "/") {
    event.preventDefault();
    composer?.focus();
  } else if (key === "n") pane.step(1);
  else if (key === "p") pane.step(-1);
});

// --- Begin ----------------------------------------------------------------------------------------

const form = find("[data-composer]");
const composer = form && new Composer(form, { place, onAsk: ask, onEarlier: () => edit(turns.at(-1)), onLeave: leaveEdit });
tellLocalTime();
if (turns.length) pane.show(turns.at(-1));
if (composer) sendWhatWaits();
refresh();
toEnd();
if (matchMedia("(pointer: fine)").matches) composer?.focus();
desk.dataset.ready = "yes";
