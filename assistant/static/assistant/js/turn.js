// A question and its answer on the page: streamed text, checked sentences, sources, what one can do.
// What documents and models say enters as text, never as markup.
import { make } from "./page.js";

export const REASONS = [
  ["wrong", "It is wrong"],
  ["unsupported", "The sources do not say this"],
  ["incomplete", "Something is missing"],
  ["outdated", "It is out of date"],
  ["other", "Something else"],
];

/** A button that does `act` (see chat.js). */
export function button(text, act, { className = "button button-small button-quiet", label = "", value = "" } = {}) {
  const node = make("button", className, text);
  node.type = "button";
  node.dataset.act = act;
  if (value !== "") node.dataset.value = value;
  if (label) node.setAttribute("aria-label", label);
  return node;
}

const WRAPPED = 60;

/** Lines as long as a column of print flow together; short ones (tables, lists) stay as they are. */
export function flowing(points) {
  let length = 0;
  return points.map((point, index) => {
    const goesOn = !/[.:;!?]/.test(points[index - 1]) && !/[\n•–*-]/.test(points[index + 1]);
    const joins = point === "\n" && length >= WRAPPED && goesOn;
    length = point === "\n" ? 0 : length + 1;
    return joins ? " " : point;
  });
}

export class Turn {
  /** A turn the server wrote: its data stands beside it. */
  static adopt(node) {
    const data = JSON.parse(node.querySelector("script[type='application/json']").textContent);
    return new Turn(node, data);
  }

  /** A turn that begins now. */
  static begin(asked, { follows = "", documents = true, branches = [], takes = [] } = {}) {
    const data = { answer: "", asked, follows, documents, branches, takes, helpful: null };
    Object.assign(data, { branch: branches.length, take: takes.length, state: "queued" });
    Object.assign(data, { text: "", reason: "", sentences: [], citations: [], evidence: [] });
    return new Turn(make("section", "turn"), data);
  }

  constructor(node, data) {
    this.node = node;
    this.data = data;
    this.lastId = "0";
    this.question = make("div", "question");
    this.found = make("p", "found");
    this.why = make("p");
    this.prose = make("div", "prose");
    this.checked = make("p", "checked");
    this.meta = make("div", "meta");
    node.replaceChildren(this.question, this.found, this.why, this.prose, this.checked, this.meta);
    this.showQuestion();
    this.showFound();
    this.clear();
    if (this.isOpen) this.progress("Waiting for its turn…");
    else this.end(data);
  }

  get isOpen() {
    return this.data.state === "queued" || this.data.state === "answering";
  }

  get id() {
    return this.data.answer;
  }

  /** The places one can go through: what was cited, else what was found. */
  get places() {
    return this.data.citations.length ? this.data.citations : this.data.evidence;
  }

  /** The server took the question: these are its ids. */
  accept({ answer, question, conversation }) {
    const { data } = this;
    if (data.question !== question && !data.branches.includes(question)) data.branches.push(question);
    Object.assign(data, { answer, question, conversation });
    data.branch = data.branches.indexOf(question);
    if (!data.takes.includes(answer)) data.takes.push(answer);
    data.take = data.takes.indexOf(answer);
    this.showQuestion();
    this.progress("Waiting for its turn…");
  }

  showQuestion() {
    const { asked, branches, branch } = this.data;
    this.question.replaceChildren(make("h2", "question-text", asked));
    if (branches.length > 1) this.question.append(switcher(branches, branch, "Wording"));
  }

  showFound() {
    const { evidence } = this.data;
    this.found.hidden = !evidence.length;
    if (!evidence.length) return;
    const documents = new Set(evidence.map((passage) => passage.document)).size;
    const passages = `${evidence.length} passage${evidence.length === 1 ? "" : "s"}`;
    const [best] = evidence;
    const words = `${passages} from ${documents} document${documents === 1 ? "" : "s"}`;
    const opener = button(words, "evidence", { className: "button button-small" });
    opener.setAttribute("aria-controls", "evidence");
    this.found.replaceChildren(opener, make("span", "", `First: ${best.title}, page ${best.page}`));
  }

  progress(text) {
    this.why.className = "status";
    this.why.textContent = text;
    this.why.hidden = false;
  }

  clear() {
    this.length = 0;
    this.tail = document.createTextNode("");
    this.prose.replaceChildren(this.tail);
    this.data.sentences = this.isOpen ? [] : this.data.sentences;
    this.data.citations = this.isOpen ? [] : this.data.citations;
  }

  /** Apply an event of the answer; returns "final" for its last, "gap" when text is missing. */
  apply(event) {
    const { data } = this;
    if (event.type === "delta") return this.add(event);
    if (event.type === "status") this.progress(event.text);
    else if (event.type === "evidence") {
      data.evidence = event.passages;
      this.showFound();
    } else if (event.type === "citation") {
      if (event.number > data.citations.length) data.citations.push(event);
    } else if (event.type === "sentence") this.settle(event);
    else if (event.type === "restart") {
      this.clear();
      this.progress(event.text || "Beginning again…");
    } else if (event.type === "final") this.end(event);
    return event.type;
  }

  /** Offsets are code points: what was shown already is dropped, what is missing is told. */
  add({ at, text }) {
    if (at > this.length) {
      if (!this.askedAgain) return "gap";
      this.tail.data += " … ";
      this.length = at;
    }
    const fresh = Array.from(text).slice(this.length - at);
    this.length += fresh.length;
    this.tail.data += fresh.join("");
    return "delta";
  }

  settle(sentence) {
    const { sentences } = this.data;
    if (sentence.index !== sentences.length) return;
    sentences.push(sentence);
    this.tail.data = this.tail.data.slice(sentence.text.length);
    this.tail.before(...this.sentence(sentence));
  }

  sentence({ text, support, citations, numbers_missing: missing = [] }) {
    const words = text.trimEnd();
    const span = make("span", `sentence ${support}`, words);
    const marks = citations.map((number) => this.mark(number));
    if (support === "quotation") {
      span.replaceChildren(flowing(Array.from(words)).join(""), ...marks);
      return [span];
    }
    if (support === "unsupported" && words.trim()) {
      marks.push(make("span", "visually-hidden", " (no source supports this)"));
      if (missing.length) marks.push(make("span", "caution", ` In no passage: ${missing.join(", ")}.`));
    }
    return [span, ...marks, document.createTextNode(text.slice(words.length))];
  }

  mark(number) {
    const place = this.data.citations.find((citation) => citation.number === number);
    const where = place ? `${place.title}, page ${place.page}` : "";
    const node = button(String(number), "cite", { className: "cite", label: `Source ${number}: ${where}`, value: number });
    if (place) node.title = `${where}\n“${place.text}”`;
    return node;
  }

  /** The answer as it is stored. */
  end(final) {
    const { data } = this;
    for (const name of ["state", "text", "sentences", "citations", "reason", "model", "why"]) data[name] = final[name];
    data.withheld = Boolean(final.withheld);
    if (data.withheld) data.evidence = [];
    else if (final.evidence?.length) data.evidence = final.evidence;
    this.showFound();
    this.why.className = `why why-${data.state}`;
    this.why.textContent = data.reason;
    this.why.hidden = !data.reason;
    this.prose.replaceChildren(...data.sentences.flatMap((sentence) => this.sentence(sentence)));
    if (!data.sentences.length) this.prose.textContent = data.text;
    this.prose.hidden = !data.text;
    this.checked.textContent = this.verdict();
    this.showActions();
  }

  verdict() {
    const { state, documents, sentences } = this.data;
    if (state === "quoted" || !sentences.length) return "";
    if (!documents) return "Asked without documents: nothing here was checked.";
    const supported = sentences.filter((sentence) => sentence.support === "supported").length;
    if (supported === sentences.length) return "Each sentence has a source. Open it to see whether it says the same.";
    return `${supported} of ${sentences.length} sentences are supported by the documents. Do not rely on those with dots under them.`;
  }

  showActions() {
    const { text, model, why, takes, take, helpful } = this.data;
    const parts = [];
    if (takes.length > 1) parts.push(switcher(takes, take, "Answer"));
    if (text) parts.push(button("Copy", "copy", { label: "Copy the answer with its sources" }));
    if (this.id) parts.push(button("Ask again", "again"));
    parts.push(button("Change the question", "edit"));
    if (text) {
      parts.push(button("Helpful", "helpful"), button("Not helpful", "unhelpful"));
      parts.at(-2).setAttribute("aria-pressed", String(helpful === true));
      parts.at(-1).setAttribute("aria-pressed", String(helpful === false));
    }
    if (model) parts.push(make("span", "model", `${model} · ${why}`));
    this.meta.replaceChildren(...parts);
  }

  judged(helpful) {
    this.data.helpful = helpful;
    this.showActions();
  }

  /** The answer with the numbers of its sources, and the sources, as plain text. */
  get asText() {
    const { sentences, citations, text } = this.data;
    const body = sentences.map(({ text: words, citations: numbers, support }) => {
      const end = words.trimEnd();
      const marks = numbers.map((number) => ` [${number}]`).join("");
      return `${end}${marks}${support === "quotation" ? "\n\n" : words.slice(end.length)}`;
    });
    const sources = citations.map((place) => `[${place.number}] ${place.title}, page ${place.page}: “${place.text}”`);
    return [(body.join("") || text).trim(), ...sources].join("\n\n");
  }
}

/** Which of several wordings or answers is shown, and the way to the others. */
function switcher(ids, at, noun) {
  const nav = make("nav", "branches");
  nav.setAttribute("aria-label", `${noun} ${at + 1} of ${ids.length}`);
  const link = (index, sign, label) => {
    const node = make(ids[index] ? "a" : "span", "", ids[index] ? sign : "");
    if (ids[index]) {
      node.href = `?at=${ids[index]}`;
      node.setAttribute("aria-label", label);
    }
    return node;
  };
  const words = make("span", "", `${noun.toLowerCase()} ${at + 1} of ${ids.length}`);
  nav.append(link(at - 1, "‹", `Previous ${noun.toLowerCase()}`), words, link(at + 1, "›", `Next ${noun.toLowerCase()}`));
  return nav;
}

/** A form that asks why an answer did not help; calls `give({reason, text})`. */
export function whyNot(give, leave) {
  const form = make("form", "panel feedback");
  const set = make("fieldset", "choices");
  set.append(make("legend", "", "What is wrong with this answer?"));
  REASONS.forEach(([value, label], index) => {
    const choice = make("label");
    const input = Object.assign(make("input"), { type: "radio", name: "reason", value, checked: index === 0 });
    choice.append(input, label);
    set.append(choice);
  });
  const note = make("label", "label", "In your words, if you like");
  const text = Object.assign(make("textarea"), { rows: 2, maxLength: 2000 });
  note.append(text);
  const actions = make("p", "actions");
  actions.append(make("button", "button button-small button-primary", "Send"), button("Cancel", "", { className: "button button-small" }));
  form.append(set, note, actions);
  actions.lastChild.addEventListener("click", leave);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    give({ reason: new FormData(form).get("reason"), text: text.value });
  });
  return form;
}
