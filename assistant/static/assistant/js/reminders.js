// Keeps the reminders of an open page up to date: counts in the bar, the banner of break-glass.
import { announce, make } from "./page.js";

const EVERY_MS = 1200;
const bar = document.querySelector("[data-reminders]");
const all = (selector) => document.querySelectorAll(selector);
const state = document.querySelector("[data-state]");

// --- Break-glass that is open: the time left, and its end --------------------------------------------

function ended(banner) {
  banner.removeAttribute("data-glass");
  const words = "Break-glass has ended. What is still on this page is no longer yours to read.";
  const away = make("a", "button button-small", "Leave this page");
  away.href = "/";
  banner.replaceChildren(make("p", "", words), away);
  announce(words);
}

function tick() {
  for (const banner of all("[data-glass]")) {
    const left = Date.parse(banner.dataset.until) - Date.now();
    const minutes = Math.ceil(left / 60_000);
    if (left <= 0) ended(banner);
    else banner.querySelector("[data-left]").textContent = minutes === 1 ? "1 minute" : `${minutes} minutes`;
  }
}

// --- What the server says ----------------------------------------------------------------------------

let known = new Set([...all("[data-glass]")].map((banner) => banner.dataset.glass));
let asked = null;
const announced = { notices: "There is a new notice about break-glass.", glass: "A break-glass request waits for you." };

function count(name, number) {
  for (const node of all(`[data-count="${name}"]`)) {
    const shown = node.querySelector("[data-number]");
    if (number > Number(shown.textContent) && announced[name]) announce(announced[name]);
    shown.textContent = number;
    node.hidden = !number;
  }
}

function opened(now) {
  for (const banner of all("[data-glass]")) if (!now.has(banner.dataset.glass)) ended(banner);
  const isNew = [...now].some((id) => !known.has(id));
  known = now;
  return isNew;
}

function show(told) {
  count("notices", told.notices);
  count("glass", told.decide + told.review);
  count("places", told.places);
  const isNew = opened(new Set(told.opened.map((each) => each.id)));
  const isDecided = asked !== null && told.asked !== asked;
  asked = told.asked;
  // Whoever waits on the page of the request sees the decision; nothing is being typed there.
  if (state && (isNew || isDecided)) location.reload();
}

async function look() {
  if (document.visibilityState === "visible") {
    // Says that it asks by itself: it must not keep the session from going idle.
    const headers = { "X-Quiet": "1" };
    const response = await fetch(bar.dataset.reminders, { headers }).catch(() => null);
    if (response && (!response.ok || response.redirected)) return;
    if (response) show(await response.json());
  }
  setTimeout(look, EVERY_MS);
}

tick();
if (all("[data-glass]").length) setInterval(tick, 1000);
if (bar) setTimeout(look, EVERY_MS);
