// What every page does: theme, the place one is at, asking before something is taken away, keys.
const root = document.documentElement;
const kept = localStorage.getItem("theme");
if (kept) root.dataset.theme = kept;

document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
  const dark = getComputedStyle(root).colorScheme === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});

for (const link of document.querySelectorAll("[data-place]")) {
  const place = link.dataset.place;
  const here = location.pathname;
  const isChat = place === "/" && (here === "/" || here.startsWith("/chat/"));
  if (isChat || (place !== "/" && here.startsWith(place))) link.setAttribute("aria-current", "page");
}

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

export const singleKeys = () => localStorage.getItem("single-keys") !== "off";
const keySwitch = document.querySelector("[data-single-keys]");
if (keySwitch) {
  keySwitch.checked = singleKeys();
  keySwitch.addEventListener("change", () => localStorage.setItem("single-keys", keySwitch.checked ? "on" : "off"));
}

export const isTyping = (event) => event.target.closest("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.key === "?" && singleKeys() && !isTyping(event)) location.href = "/help/";
});

/** Tell people who listen to the page. */
export function announce(words) {
  document.getElementById("announcer").textContent = words;
}

/** Send a form's fields; resolves to the response. */
export function send(address, fields) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  return fetch(address, { method: "POST", body: new URLSearchParams({ ...fields, csrfmiddlewaretoken: token }) });
}
