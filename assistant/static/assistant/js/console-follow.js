// Following: asks for what is new every few seconds, and ends after half an hour or with the page.
import { announce, send } from "./page.js";

const EVERY = 2500;
const SAY_EVERY = 15000;
const MOST_ROWS = 500;
const QUIET = { "X-Quiet": "yes" };

export function enlivenFollow(place, rows) {
  const button = place.querySelector("[data-follow-button]");
  const label = place.querySelector("[data-follow-label]");
  const pause = place.querySelector("[data-pause]");
  const words = place.querySelector("[data-follow-words]");
  let token = "";
  let since = "";
  let timer = 0;
  let shown = 0;
  let unsaid = 0;
  let saidAt = 0;
  let paused = false;

  place.hidden = false;

  function tell() {
    words.textContent = `${shown} new${paused ? ", paused" : ""}`;
    if (!unsaid || Date.now() - saidAt < SAY_EVERY) return;
    announce(`${unsaid} new event${unsaid === 1 ? "" : "s"}.`);
    unsaid = 0;
    saidAt = Date.now();
  }

  function add(fresh) {
    const known = new Set([...rows.children].map((row) => row.dataset.event));
    const lines = [...fresh.querySelectorAll("tr")];
    if (lines[0]) since = lines[0].dataset.time;
    const added = lines.filter((row) => !known.has(row.dataset.event));
    for (const row of added) row.classList.add("fresh");
    rows.prepend(...added);
    while (rows.children.length > MOST_ROWS) rows.lastElementChild.remove();
    shown += added.length;
    unsaid += added.length;
  }

  async function look() {
    const address = `${place.dataset.more}?${new URLSearchParams({ token, since })}`;
    const response = await fetch(address, { headers: QUIET }).catch(() => null);
    if (!token) return;
    if (response && (response.status === 410 || response.redirected || response.status === 404)) {
      stop("Following ended after half an hour. Follow again to go on.");
      return;
    }
    if (response?.ok && !paused) {
      // The templates escape what they show, and the policy of the page lets no script of it run.
      const range = document.createRange();
      range.selectNodeContents(rows);
      add(range.createContextualFragment(await response.text()));
      tell();
    }
    timer = setTimeout(look, EVERY);
  }

  async function start() {
    button.disabled = true;
    const response = await send(place.dataset.follow, { query: place.dataset.query });
    button.disabled = false;
    if (!response?.ok) {
      words.textContent = "The record cannot be followed now. Load the page anew and try again.";
      return;
    }
    ({ token } = await response.json());
    shown = 0;
    paused = false;
    since = "";
    button.setAttribute("aria-pressed", "true");
    label.textContent = "Stop following";
    pause.hidden = false;
    announce("Following. New events stand on top.");
    tell();
    look();
  }

  function stop(why) {
    clearTimeout(timer);
    const ended = token;
    token = "";
    button.setAttribute("aria-pressed", "false");
    label.textContent = "Follow live";
    pause.hidden = true;
    words.textContent = why ?? "";
    announce(why ?? `Stopped. ${shown} new events were shown.`);
    return send(place.dataset.end, { token: ended });
  }

  button.addEventListener("click", () => (token ? stop() : start()));
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    tell();
  });
  addEventListener("pagehide", () => {
    if (!token) return;
    const csrfmiddlewaretoken = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    navigator.sendBeacon(place.dataset.end, new URLSearchParams({ token, csrfmiddlewaretoken }));
    token = "";
  });
}
