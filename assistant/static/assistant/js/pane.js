// The pane of evidence: the passages that were found, and the page a source stands on.
import { announce, fragment, make } from "./page.js";
import { button, flowing } from "./turn.js";

const FAR = 200;
const BEFORE_MARK = 120;
const narrow = matchMedia("(max-width: 860px)");

export class Pane {
  constructor(node) {
    const find = (selector) => node.querySelector(selector);
    this.node = node;
    this.listPane = find("[data-evidence-list-pane]");
    this.list = find("[data-evidence-list]");
    this.sourcePane = find("[data-source-pane]");
    this.title = find("[data-source-title]");
    this.source = find("[data-source]");
    this.turn = null;
    this.at = -1;
    this.from = null;
  }

  get isOver() {
    return narrow.matches && this.node.classList.contains("open");
  }

  /** Show the passages of a turn. `open` also slides the sheet up on a narrow screen. */
  show(turn, { open = false } = {}) {
    this.turn = turn;
    this.at = -1;
    this.markCite();
    this.listPane.hidden = false;
    this.sourcePane.hidden = true;
    this.list.replaceChildren(...turn.data.evidence.map(card));
    const nothing = turn.data.withheld ? "What this answer rests on is withheld." : "No passages were found for this question.";
    if (!turn.data.evidence.length) this.list.append(make("p", "hint", nothing));
    for (const node of this.list.querySelectorAll(".excerpt")) {
      node.classList.toggle("long", node.scrollHeight > node.clientHeight + 4);
    }
    this.node.scrollTop = 0;
    if (open) this.open();
  }

  open() {
    this.node.classList.add("open");
    if (narrow.matches) this.node.focus({ preventScroll: true });
  }

  close() {
    this.node.classList.remove("open");
    this.from?.focus({ preventScroll: true });
    this.from = null;
  }

  /** Show the page a citation stands on. */
  cite(turn, number, from) {
    this.turn = turn;
    this.from = from ?? this.from;
    this.go(turn.data.citations.findIndex((place) => place.number === number), turn.data.citations, Boolean(from));
  }

  /** Show the page a passage of the list stands on. */
  passage(rank, from) {
    this.from = from;
    this.go(this.turn.data.evidence.findIndex((place) => place.rank === rank), this.turn.data.evidence, true);
  }

  /** The next (1) or previous (-1) source. */
  step(by) {
    const places = this.at >= 0 ? this.places : this.turn?.places;
    if (!places?.length) return;
    this.go((Math.max(this.at, by > 0 ? -1 : 0) + by + places.length) % places.length, places, false);
  }

  async go(at, places, takesFocus) {
    const place = places[at];
    if (!place) return;
    Object.assign(this, { at, places });
    this.markCite();
    this.listPane.hidden = true;
    this.sourcePane.hidden = false;
    this.title.textContent = `Source ${at + 1} of ${places.length}`;
    this.source.replaceChildren(make("p", "status", "Opening the page…"));
    this.node.classList.add("open");
    if (takesFocus) this.title.focus({ preventScroll: true });
    else announce(`Source ${at + 1} of ${places.length}: ${place.title}, page ${place.page}`);
    const spans = place.marks?.length ? marked(place) : [[place.start, place.end]];
    const query = new URLSearchParams({ version: place.version, page: place.page, fragment: 1 });
    for (const [start, end] of spans) query.append("span", `${start}-${end}`);
    const page = await fragment(`/documents/${place.document}/?${query}`);
    if (this.at !== at || this.places !== places) return;
    this.source.replaceChildren(page ?? gone(place));
    (this.source.querySelector(".lit") ?? this.source.querySelector("mark"))?.scrollIntoView({ block: "center" });
  }

  markCite() {
    for (const node of document.querySelectorAll(".cite[aria-current]")) node.removeAttribute("aria-current");
    const number = this.places?.[this.at]?.number;
    if (number) this.turn.node.querySelector(`.cite[data-value="${number}"]`)?.setAttribute("aria-current", "true");
  }
}

/** The best sentences of a passage as places of the document. */
const marked = (place) => place.marks.map(([start, end]) => [place.start + start, place.start + end]);

function gone(place) {
  const note = make("div", "notice notice-warning");
  note.append(
    make("p", "", "This page cannot be shown: the document was removed, it is not for you any more, or there is no connection."),
    make("p", "", `It was cited as: “${place.text}”`),
  );
  return note;
}

function card(passage) {
  const node = make("article", "passage");
  const head = make("h3");
  head.append(button(passage.title, "passage", { className: "", value: passage.rank, label: `${passage.title}, page ${passage.page}: open the page` }));
  node.append(head, excerpt(passage), make("p", "hint", `Page ${passage.page}`));
  return node;
}

/** The passage from shortly before its first best sentence, with these sentences marked. */
function excerpt({ text, marks }) {
  const points = flowing(Array.from(text));
  const node = make("p", "excerpt");
  let at = beginning(points, marks[0]?.[0] ?? 0);
  if (at > 0) node.append("… ");
  for (const [start, end] of marks) {
    node.append(points.slice(at, start).join(""), make("mark", "", points.slice(start, end).join("")));
    at = end;
  }
  node.append(points.slice(at).join(""));
  return node;
}

/** Where to begin, so that a mark far down is seen: after a sentence or a line, if one is near. */
function beginning(points, mark) {
  if (mark < FAR) return 0;
  const near = points.slice(mark - BEFORE_MARK, mark).join("");
  const end = near.search(/[.!?]\s|\n/);
  let at = mark - BEFORE_MARK + (end < 0 ? near.search(/\s|$/) : end + 1);
  while (at < mark && !points[at].trim()) at += 1;
  return at;
}
