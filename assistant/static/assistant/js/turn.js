// One question and its answer on the page: streamed text, checked sentences, sources.
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

const button = (text, className, data, label) => {
  const node = make("button", className, text);
  node.type = "button";
  Object.assign(node.dataset, data);
  if (label) node.setAttribute("aria-label", label);
  return node;
};

export class Turn {
  /** A turn that stands on the page already, as the server wrote it. */
  static adopt(node) {
    const turn = new Turn(node);
    const data = JSON.parse(node.querySelector("script[type='application/json']").textContent);
    turn.evidence = data.evidence;
    for (const citation of data.citations) turn.citations.set(citation.number, citation);
    turn.state = data.state;
    if (turn.isOpen) turn.progress(data.reason || "Waiting for an answer…");
    else turn.end(data);
    return turn;
  }

  /** A new turn for a question that was just sent. */
  static begin(text, place) {
    const node = make("section", "turn");
    const question = make("div", "question");
    question.append(make("p", "question-text", text));
    const answer = make("div", "answer");
    answer.append(make("p", "why"), make("div", "prose"), make("footer", "meta"));
    node.append(question, answer);
    place.append(node);
    const turn = new Turn(node);
    turn.progress("Sending…");
    return turn;
  }

  constructor(node) {
    this.node = node;
    this.answer = node.dataset.answer ?? "";
    this.question = node.dataset.question ?? "";
    this.follows = node.dataset.follows || null;
    this.why = node.querySelector(".why");
    this.prose = node.querySelector(".prose");
    this.meta = node.querySelector(".meta");
    this.evidence = [];
    this.citations = new Map();
    this.state = "queued";
    this.length = 0;
    this.lastId = "0";
    this.tail = null;
  }

  get isOpen() {
    return this.state === "queued" || this.state === "answering";
  }

  get text() {
    return this.node.querySelector(".question-text").textContent;
  }

  progress(text) {
    this.line ??= make("p", "progress-line");
    this.line.textContent = text;
    this.why.after(this.line);
  }

  /** Apply an event of the answer; returns whether it was its last. */
  apply(event) {
    const { type } = event;
    if (type === "status") this.progress(event.text);
    else if (type === "evidence") this.evidence = event.passages;
    else if (type === "citation") this.citations.set(event.number, event);
    else if (type === "delta") this.add(event);
    else if (type === "sentence") this.settle(event);
    else if (type === "restart") this.restart(event);
    else if (type === "final") this.end(event);
    return type === "final";
  }

  add({ at, text }) {
    // Offsets are code points; a piece that was shown before is dropped.
    const points = Array.from(text);
    const fresh = points.slice(Math.max(0, this.length - at));
    if (!fresh.length) return;
    this.length += fresh.length;
    if (!this.tail) {
      this.tail = document.createTextNode("");
      this.prose.append(this.tail);
    }
    this.tail.data += fresh.join("");
  }

  settle(sentence) {
    if (this.tail?.data.startsWith(sentence.text)) this.tail.data = this.tail.data.slice(sentence.text.length);
    const pieces = this.sentence(sentence);
    if (this.tail) this.tail.before(...pieces);
    else this.prose.append(...pieces);
  }

  sentence({ text, support, citations, numbers_missing: missing }) {
    const words = make("span", `sentence ${support}`, text.trimEnd());
    const pieces = [words];
    for (const number of citations) {
      const title = this.citations.get(number)?.title ?? "";
      pieces.push(button(String(number), "cite", { cite: number }, `Source ${number}: ${title}`));
    }
    if (support === "unsupported") {
      pieces.push(make("span", "visually-hidden", " (no source supports this) "));
      if (missing?.length) pieces.push(make("span", "caution", `In no passage: ${missing.join(", ")}`));
    }
    pieces.push(document.createTextNode(text.slice(text.trimEnd().length) || " "));
    return pieces;
  }

  restart({ text }) {
    this.prose.replaceChildren();
    this.tail = null;
    this.length = 0;
    this.citations.clear();
    this.progress(text || "Beginning again…");
  }

  /** The answer as it is stored. */
  end(final) {
    this.state = final.state;
    this.node.dataset.state = final.state;
    this.line?.remove();
    this.citations.clear();
    for (const citation of final.citations) this.citations.set(citation.number, citation);
    if (final.evidence?.length) this.evidence = final.evidence;
    this.why.textContent = final.reason;
    this.tail = null;
    this.prose.replaceChildren(...final.sentences.flatMap((sentence) => this.sentence(sentence)));
    if (!final.sentences.length) this.prose.textContent = final.text;
    this.actions(final);
  }

  actions(final) {
    for (const old of this.meta.querySelectorAll("[data-act]")) old.remove();
    if (!this.answer) return;
    if (final.text) this.meta.append(button("Copy", "button", { act: "copy" }));
    this.meta.append(button("Ask again", "button", { act: "again" }), button("Edit question", "button", { act: "edit" }));
    if (final.text) {
      this.meta.append(button("Helpful", "button", { act: "helpful" }), button("Not helpful", "button", { act: "unhelpful" }));
    }
    if (final.model && !this.meta.querySelector(".muted")) {
      this.meta.append(make("span", "muted", `${final.model} · ${final.why}`));
    }
  }

  /** The answer with its sources, as plain text. */
  copyText() {
    const body = Array.from(this.prose.querySelectorAll(".sentence, .cite"), (node) =>
      node.matches(".cite") ? ` [${node.dataset.cite}]` : ` ${node.textContent}`).join("").trim();
    const sources = [...this.citations.values()].map((c) => `[${c.number}] ${c.title}, page ${c.page}: “${c.text}”`);
    return [body, ...sources].join("\n\n");
  }
}

/** The passages of an answer, with their best sentences marked. */
export function passages(turn) {
  return turn.evidence.map((passage) => {
    const card = make("article", "passage");
    const head = make("h3");
    head.append(button(passage.title, "", { open: passage.rank }));
    const body = make("p");
    const points = Array.from(passage.text);
    let at = 0;
    for (const [start, end] of passage.marks) {
      body.append(points.slice(at, start).join(""), make("mark", "", points.slice(start, end).join("")));
      at = end;
    }
    body.append(points.slice(at).join(""));
    card.append(head, make("p", "hint", `Page ${passage.page}`), body);
    return card;
  });
}

/** Why an answer did not help; resolves through `give({reason, text})`. */
export function whyNot(give) {
  const form = make("form", "why-not");
  const reasons = [["wrong", "It is wrong"], ["unsupported", "The sources do not say this"], ["incomplete", "Something is missing"], ["outdated", "It is out of date"], ["other", "Something else"]];
  const choice = make("select");
  choice.setAttribute("aria-label", "What was wrong");
  for (const [value, label] of reasons) choice.append(new Option(label, value));
  const text = make("textarea");
  text.setAttribute("aria-label", "In your words");
  text.placeholder = "In your words (optional)";
  const sendButton = make("button", "button", "Send");
  form.append(choice, text, sendButton);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    give({ reason: choice.value, text: text.value });
    form.remove();
  });
  return form;
}
