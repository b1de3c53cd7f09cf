// The audit console: suggestions while typing, the drawer, choosing a range, following live.
import { announce, fragment, isPlain, isTyping, make, singleKeys } from "./page.js";
import { enlivenChart } from "./console-chart.js";
import { enlivenSearch } from "./console-search.js";
import { enlivenFollow } from "./console-follow.js";

const one = (selector, place = document) => place.querySelector(selector);

// --- Small things -----------------------------------------------------------------------------------

const narrow = matchMedia("(max-width: 860px)");
const facets = one("[data-facets]");
if (facets && narrow.matches) facets.open = false;
one("[data-submits]")?.addEventListener("change", (event) => event.target.form.requestSubmit());

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-raw]");
  if (!button) return;
  const raw = one("[data-raw]", button.closest("section")).textContent;
  await navigator.clipboard?.writeText(raw).then(() => announce("Copied."), () => announce("Select the text to copy it."));
});

// --- The drawer ---------------------------------------------------------------------------------------

const drawer = one("[data-drawer]");
let opener = null;

function remember(event) {
  const address = new URL(location);
  if (event) address.searchParams.set("event", event);
  else address.searchParams.delete("event");
  history.replaceState(null, "", address);
}

function head(address) {
  const line = make("div", "drawer-head");
  const back = make("button", "button button-small", "Previous");
  const next = make("button", "button button-small", "Next");
  const close = make("button", "button button-small", "Close");
  for (const button of [back, next, close]) button.type = "button";
  back.addEventListener("click", () => step(-1));
  next.addEventListener("click", () => step(1));
  close.addEventListener("click", shut);
  line.append(make("span", "", "Event"), back, next, close);
  return line;
}

function mark(row) {
  for (const other of document.querySelectorAll(".chosen-row")) other.classList.remove("chosen-row");
  row?.classList.add("chosen-row");
}

async function open(link) {
  const zone = one("[name=zone]")?.value ?? "";
  const fresh = await fragment(`${link.pathname}?part=drawer&zone=${encodeURIComponent(zone)}`);
  if (!fresh) {
    location.assign(link.href);
    return;
  }
  const row = link.closest("tr");
  if (row) opener = link;
  drawer.replaceChildren(head(), fresh);
  for (const node of drawer.querySelectorAll("[data-scripted]")) node.hidden = false;
  drawer.hidden = false;
  drawer.scrollTop = 0;
  mark(row ?? one(`[data-event="${link.pathname.split("/").at(-2)}"]`));
  remember(one("[data-event-detail]", drawer).dataset.eventDetail);
  one("[data-event-title]", drawer).focus({ preventScroll: true });
}

function shut() {
  drawer.hidden = true;
  mark(null);
  remember(null);
  (opener?.isConnected ? opener : one("[data-rows] a"))?.focus();
}

function step(by) {
  const links = [...document.querySelectorAll("[data-rows] [data-open]")];
  const at = links.findIndex((link) => link.closest("tr").classList.contains("chosen-row"));
  const link = links[at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)];
  if (!link) return;
  link.scrollIntoView({ block: "nearest" });
  open(link);
}

if (drawer) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-open]");
    if (!link || event.button || !isPlain(event) || event.shiftKey) return;
    event.preventDefault();
    open(link);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !drawer.hidden && !isTyping(event)) shut();
    if (!singleKeys() || !isPlain(event) || isTyping(event)) return;
    if (event.key === "j") step(1);
    if (event.key === "k") step(-1);
    if (event.key === "/") {
      event.preventDefault();
      one("#record-q").focus();
    }
  });
  const now = one("[data-open-now]");
  if (now) open(now);
}

const input = one("[data-suggest]");
if (input) enlivenSearch(input, one("[data-suggestions]"));
const chart = one("[data-chart]");
if (chart) enlivenChart(chart, one("[data-choose-range]"), input);
const follow = one("[data-follow]");
if (follow && one("[data-rows]")) enlivenFollow(follow, one("[data-rows]"));
