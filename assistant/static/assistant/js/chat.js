// The conversation: asks, shows what comes, opens sources.
import { announce, isTyping, send, singleKeys } from "./page.js";
import { Line } from "./line.js";
import { Turn, passages, whyNot } from "./turn.js";

const desk = document.querySelector("[data-chat]");
const find = (selector) => desk.querySelector(selector);
const turnsNode = find("[data-turns]");
const composer = find("[data-composer]");
const field = find("[data-question]");
const stopButton = find("[data-stop]");
const evidence = find("[data-evidence]");
const evidenceList = find("[data-evidence-list]");
const source = find("[data-source]");
const sourcePage = find("[data-source-page]");
const banner = find("[data-banner]");
const latest = find("[data-latest]");

const state = { conversation: desk.dataset.conversation || null, matter: desk.dataset.matter, follows: null, shown: null, cite: 0 };
const turns = Array.from(turnsNode.querySelectorAll(".turn"), (node) => Turn.adopt(node));
const sent = new Map();
const last = () => turns[turns.length - 1];
const open = () => turns.filter((turn) => turn.isOpen && turn.answer);
if (last()) state.follows = last().answer;

// --- The line ----------------------------------------------------------------------------------

const line = new Line({
  onMessage(message) {
    const handle = { accepted, refused, event: showEvent, snapshot: showSnapshot, bye }[message.type];
    handle?.(message);
  },
  onState(now) {
    banner.hidden = now === "open";
    if (now === "lost") banner.textContent = "The connection is lost. It is being made again; nothing you typed is gone.";
    else for (const turn of open()) line.send({ type: "follow", answer: turn.answer, after: turn.lastId });
    if (now === "open") for (const { message } of sent.values()) line.send(message);
  },
});

function accepted(message) {
  const waiting = sent.get(message.key);
  if (!waiting) return;
  sent.delete(message.key);
  const { turn } = waiting;
  turn.answer = turn.node.dataset.answer = message.answer;
  turn.question = turn.node.dataset.question = message.question;
  state.follows = message.answer;
  if (waiting.isQuestion) localStorage.removeItem(draftKey());
  if (!state.conversation) {
    state.conversation = message.conversation;
    history.replaceState(null, "", `/chat/${message.conversation}/`);
    find(".talk-head h1").textContent = message.title;
    refreshHistory("");
  }
  turn.progress("Waiting for a worker…");
  announce("Answer started");
  buttons();
}

function refused(message) {
  const waiting = sent.get(message.key);
  if (waiting) {
    sent.delete(message.key);
    turns.splice(turns.indexOf(waiting.turn), 1);
    waiting.turn.node.remove();
    if (waiting.isQuestion && !field.value) field.value = waiting.message.text;
    state.follows = waiting.message.follows ?? state.follows;
  }
  banner.textContent = `${message.message} (reference ${message.reference})`;
  banner.hidden = false;
  buttons();
}

function bye(message) {
  banner.replaceChildren(`${message.message} `, Object.assign(document.createElement("a"), { href: "/sign-in/", textContent: "Sign in" }));
  banner.hidden = false;
}

function showEvent({ answer, id, event }) {
  const turn = turns.find((candidate) => candidate.answer === answer);
  if (!turn || !turn.isOpen) return;
  turn.lastId = id;
  const stick = isAtEnd();
  const isLast = turn.apply(event);
  if (event.type === "evidence") showEvidence(turn);
  if (isLast) finished(turn);
  if (stick) toEnd();
  else latest.hidden = false;
}

function showSnapshot(message) {
  const turn = turns.find((candidate) => candidate.answer === message.answer);
  if (!turn) return;
  turn.end(message);
  showEvidence(turn);
  finished(turn);
}

function finished(turn) {
  announce(turn.state === "failed" ? "The answer failed" : "Answer finished");
  if (turn.evidence.length) showEvidence(turn);
  buttons();
}

// --- Asking ------------------------------------------------------------------------------------

const draftKey = () => `draft:${state.conversation ?? state.matter}`;

function ask(text) {
  const key = crypto.randomUUID();
  find("[data-empty]")?.remove();
  const turn = Turn.begin(text, turnsNode);
  turn.follows = state.follows;
  turns.push(turn);
  const message = { type: "ask", key, text, matter: state.matter, conversation: state.conversation, follows: state.follows, documents: find("[data-documents]").checked };
  sent.set(key, { turn, message, isQuestion: true });
  banner.hidden = true;
  if (line.isOpen) line.send(message);
  field.value = "";
  grow();
  buttons();
  toEnd();
}

function again(turn) {
  const key = crypto.randomUUID();
  const fresh = Turn.begin(turn.text, turnsNode);
  fresh.follows = turn.follows;
  cutAfter(turn, fresh);
  const message = { type: "again", key, answer: turn.answer };
  sent.set(key, { turn: fresh, message });
  if (line.isOpen) line.send(message);
  toEnd();
}

/** The new turn takes the place of `turn` and of what followed it. */
function cutAfter(turn, fresh) {
  for (const old of turns.splice(turns.indexOf(turn))) old.node.remove();
  turns.push(fresh);
}

function edit(turn) {
  field.value = turn.text;
  state.follows = turn.follows;
  for (const old of turns.splice(turns.indexOf(turn))) old.node.remove();
  grow();
  field.focus();
}

function stop() {
  for (const turn of open()) line.send({ type: "stop", answer: turn.answer });
}

function buttons() {
  const working = open().length > 0 || sent.size > 0;
  stopButton.hidden = !working;
}

function grow() {
  field.rows = Math.min(10, Math.max(2, field.value.split("\n").length));
  const count = find("[data-count]");
  count.textContent = field.value.length > 6000 ? `${field.value.length.toLocaleString()} of 8,000 characters` : "";
}

composer?.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (text) ask(text);
});

field?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    composer.requestSubmit();
  } else if (event.key === "ArrowUp" && !field.value && last() && !last().isOpen) {
    event.preventDefault();
    edit(last());
  }
});
field?.addEventListener("input", () => {
  localStorage.setItem(draftKey(), field.value);
  grow();
});
if (field && !field.value) field.value = localStorage.getItem(draftKey()) ?? "";
stopButton?.addEventListener("click", stop);

// --- Evidence and sources ----------------------------------------------------------------------

function showEvidence(turn) {
  state.shown = turn;
  source.hidden = true;
  evidenceList.hidden = false;
  evidenceList.replaceChildren(...passages(turn));
  if (!turn.evidence.length) evidenceList.textContent = "No passage was found.";
}

function openEvidence(isOpen) {
  evidence.classList.toggle("open", isOpen);
  find("[data-evidence-toggle]")?.setAttribute("aria-expanded", String(isOpen));
}

async function openSource(place) {
  openEvidence(true);
  const address = `/documents/${place.document}/?version=${place.version}&page=${place.page}&span=${place.start}-${place.end}&fragment=1`;
  evidenceList.hidden = true;
  source.hidden = false;
  sourcePage.textContent = "Opening the page…";
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) {
    sourcePage.textContent = "This page cannot be shown: it was removed, or it is not for you any more.";
    return;
  }
  // Our own template, escaped by the server.
  sourcePage.replaceChildren(document.createRange().createContextualFragment(await response.text()));
  source.focus({ preventScroll: true });
  (sourcePage.querySelector(".lit") ?? sourcePage.querySelector("mark"))?.scrollIntoView({ block: "center" });
}

function cite(turn, number) {
  const place = turn.citations.get(number);
  if (!place) return;
  state.shown = turn;
  state.cite = number;
  for (const mark of desk.querySelectorAll(".cite.shown")) mark.classList.remove("shown");
  turn.node.querySelector(`[data-cite="${number}"]`)?.classList.add("shown");
  openSource(place);
}

function step(by) {
  const turn = state.shown ?? last();
  if (!turn?.citations.size) return;
  const count = turn.citations.size;
  cite(turn, ((state.cite - 1 + by + count) % count) + 1);
}

desk.addEventListener("click", (event) => {
  const target = event.target.closest("button");
  if (!target) return;
  const turn = turns.find((candidate) => candidate.node.contains(target));
  if (target.dataset.cite) cite(turn, Number(target.dataset.cite));
  else if (target.dataset.open) openSource(state.shown.evidence.find((p) => p.rank === Number(target.dataset.open)));
  else if ("back" in target.dataset) showEvidence(state.shown ?? last());
  else if (target.dataset.step) step(Number(target.dataset.step));
  else if ("evidenceToggle" in target.dataset) openEvidence(!evidence.classList.contains("open"));
  else if ("evidenceClose" in target.dataset) openEvidence(false);
  else if (target.dataset.toggle) target.setAttribute("aria-expanded", String(find(`#${target.dataset.toggle}`).classList.toggle("open")));
  else if ("latest" in target.dataset) toEnd();
  else if (target.dataset.act) act(turn, target);
});

async function act(turn, target) {
  const kind = target.dataset.act;
  if (kind === "again") again(turn);
  else if (kind === "edit") edit(turn);
  else if (kind === "copy") {
    await navigator.clipboard?.writeText(turn.copyText());
    target.textContent = "Copied";
  } else if (kind === "helpful") judge(turn, { helpful: "yes" });
  else if (kind === "unhelpful") {
    turn.node.querySelector(".why-not")?.remove();
    turn.meta.after(whyNot((why) => judge(turn, { helpful: "no", ...why })));
    turn.node.querySelector(".why-not select").focus();
  }
}

async function judge(turn, fields) {
  const response = await send(`/chat/answers/${turn.answer}/feedback/`, fields);
  announce(response.ok ? "Thank you. Your judgement is stored." : "Your judgement could not be stored.");
  const chosen = fields.helpful === "yes" ? "helpful" : "unhelpful";
  for (const node of turn.meta.querySelectorAll("[data-act=helpful], [data-act=unhelpful]")) {
    node.setAttribute("aria-pressed", String(node.dataset.act === chosen && response.ok));
  }
}

// --- Scrolling, history, keys ------------------------------------------------------------------

const isAtEnd = () => turnsNode.scrollHeight - turnsNode.scrollTop - turnsNode.clientHeight < 80;
function toEnd() {
  turnsNode.scrollTop = turnsNode.scrollHeight;
  latest.hidden = true;
}
turnsNode.addEventListener("scroll", () => isAtEnd() && (latest.hidden = true));

async function refreshHistory(words) {
  const response = await fetch(`/chat/search/?q=${encodeURIComponent(words)}`);
  if (!response.ok) return;
  find("[data-history]").replaceChildren(document.createRange().createContextualFragment(await response.text()));
}
const words = find("#history-words");
let pause = 0;
words.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => refreshHistory(words.value), 250);
});
find("[data-history-search]").addEventListener("submit", (event) => event.preventDefault());
find("[data-go]").addEventListener("change", (event) => event.target.form.submit());

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (evidence.classList.contains("open")) openEvidence(false);
    else stop();
  } else if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    find("#side").classList.add("open");
    words.focus();
  } else if (!isTyping(event) && singleKeys() && !event.ctrlKey && !event.metaKey && !event.altKey) {
    if (event.key === "/") {
      event.preventDefault();
      field?.focus();
    } else if (event.key === "n") step(1);
    else if (event.key === "p") step(-1);
  }
});

if (last()?.evidence.length) showEvidence(last());
grow();
buttons();
toEnd();
if (matchMedia("(pointer: fine)").matches) field?.focus();
desk.dataset.ready = "yes";
