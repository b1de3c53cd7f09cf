// What every page does: appearance, menus, asking before something is taken away, keys.
import { forgetDrafts, forgetOthers } from "./keep.js";

const root = document.documentElement;
const all = (selector) => document.querySelectorAll(selector);

/** An element with a class and a text. */
export function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

/** Tell people who listen to the page. */
export function announce(words) {
  document.getElementById("announcer").textContent = words;
}

/** Send a form's fields; resolves to the response, or to null without a connection. */
export function send(address, fields) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  const body = new URLSearchParams({ ...fields, csrfmiddlewaretoken: token });
  return fetch(address, { method: "POST", body }).catch(() => null);
}

/** A piece of a page of ours as nodes; null when it is not to be had (signed out, gone, offline). */
export async function fragment(address) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok || response.redirected) return null;
  // The templates escape what they show, and the policy of the page lets no script of it run.
  return document.createRange().createContextualFragment(await response.text());
}

for (const node of all("[data-scripted], [data-themes]")) node.hidden = false;

// --- Appearance: in a cookie, so that the server writes it into the page before it is drawn ------

function showTheme() {
  for (const node of all("[data-theme-choice]")) {
    node.setAttribute("aria-pressed", String(node.dataset.themeChoice === (root.dataset.theme ?? "")));
  }
}
for (const node of all("[data-theme-choice]")) {
  node.addEventListener("click", () => {
    const theme = node.dataset.themeChoice;
    document.cookie = `theme=${theme}; path=/; samesite=lax; max-age=${theme ? 31536000 : 0}`;
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    showTheme();
  });
}
showTheme();

// --- On a phone the places do not fit side by side: the one we are at is brought into view ----------

const here = document.querySelector(".places [aria-current]");
if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 24;

// --- Menus close when one goes elsewhere ----------------------------------------------------------

function closeMenus(except) {
  for (const menu of all("[data-menu][open]")) if (menu !== except) menu.open = false;
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("[data-menu]")));
document.addEventListener("focusin", (event) => closeMenus(event.target.closest("[data-menu]")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
  event.stopImmediatePropagation();
});

// --- Forms ----------------------------------------------------------------------------------------

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
  else if ("signOut" in event.target.dataset) forgetDrafts();
});

for (const box of all("[data-reveal]")) {
  box.addEventListener("change", () => {
    for (const id of box.dataset.reveal.split(" ")) {
      document.getElementById(id).type = box.checked ? "text" : "password";
    }
  });
}

if (document.body.dataset.person) forgetOthers();

// --- Keys -----------------------------------------------------------------------------------------

export const singleKeys = () => localStorage.getItem("single-keys") !== "off";
export const isTyping = (event) => Boolean(event.target.closest("input, textarea, select"));
export const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;

for (const box of all("[data-single-keys]")) {
  box.checked = singleKeys();
  box.addEventListener("change", () => {
    localStorage.setItem("single-keys", box.checked ? "on" : "off");
    for (const other of all("[data-single-keys]")) other.checked = box.checked;
  });
}

const showKeys = () => document.getElementById("keys")?.showModal();
for (const node of all("[data-show-keys]")) {
  node.addEventListener("click", () => {
    closeMenus();
    showKeys();
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && singleKeys() && isPlain(event) && !isTyping(event)) showKeys();
});
