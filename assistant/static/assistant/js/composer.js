// The field one asks in: drafts, earlier questions, the keys.
import { draft } from "./keep.js";

const touch = matchMedia("(pointer: coarse)");

export class Composer {
  /** `place()` names the draft; `onAsk(text)` returns whether the question was sent; `onEarlier()` is ↑. */
  constructor(form, { place, onAsk, onEarlier, onLeave }) {
    Object.assign(this, { form, place, onAsk });
    this.field = form.querySelector("[data-question]");
    this.count = form.querySelector("[data-count]");
    this.note = form.querySelector("[data-editing]");
    this.documents = form.querySelector("[data-documents]");
    this.limit = this.field.maxLength;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => {
      // A keyboard on glass has no Shift to hold: there Enter begins a line, and the button asks.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !touch.matches) {
        event.preventDefault();
        this.ask();
      } else if (event.key === "ArrowUp" && !this.field.value) {
        event.preventDefault();
        onEarlier();
      }
    });
    form.querySelector("[data-keep]").addEventListener("click", onLeave);
    if (!this.field.value) this.field.value = draft.read(place());
    this.grow();
  }

  get text() {
    return this.field.value;
  }

  set text(text) {
    this.field.value = text;
    this.changed();
  }

  ask() {
    const text = this.text.trim();
    const isEdit = !this.note.hidden;
    if (!text || !this.onAsk(text)) return;
    if (isEdit) this.leave();
    else this.text = "";
  }

  changed() {
    if (this.note.hidden) draft.write(this.place(), this.text);
    this.grow();
  }

  grow() {
    const { field } = this;
    if (!CSS.supports("field-sizing", "content")) {
      field.style.height = "auto";
      field.style.height = `${field.scrollHeight + 2}px`;
    }
    const isLong = field.value.length > this.limit * 0.8;
    const numbers = [field.value.length, this.limit].map((number) => number.toLocaleString("en"));
    this.say(isLong ? `${numbers[0]} of ${numbers[1]} characters` : "");
  }

  /** A word beside the buttons. */
  say(words) {
    this.count.textContent = words;
  }

  /** Put an earlier question into the field, to be asked in other words. */
  edit(text) {
    this.note.hidden = false;
    this.text = text;
    this.focus();
    this.field.select();
  }

  leave() {
    this.note.hidden = true;
    this.text = draft.read(this.place());
  }

  focus() {
    this.field.focus();
  }
}
