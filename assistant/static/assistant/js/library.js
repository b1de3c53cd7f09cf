// The library: files are dropped or chosen, sent a few at a time, and followed until they are read.
import { announce, fragment, make } from "./page.js";
import { enliven } from "./tables.js";

const form = document.querySelector("[data-upload]");
const list = document.querySelector("[data-uploads]");
const rows = document.querySelector("[data-rows]");
const picker = document.getElementById("files");
const AT_ONCE = 2;
const LOOK_EVERY = 1500;
const queue = [];
let running = 0;

class Upload {
  constructor(file) {
    this.file = file;
    this.bar = make("progress");
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `Sending ${file.name}`);
    this.words = make("span", "muted", "Waiting");
    this.button = make("button", "button button-small");
    this.button.type = "button";
    this.item = make("li");
    this.item.append(make("b", "", file.name), this.bar, this.words, this.button);
    this.wait();
    list.append(this.item);
  }

  wait() {
    this.offer("Cancel", () => {
      queue.splice(queue.indexOf(this), 1);
      this.item.remove();
    });
    queue.push(this);
  }

  offer(label, act) {
    this.button.textContent = label;
    this.button.setAttribute("aria-label", `${label}: ${this.file.name}`);
    this.button.onclick = act;
  }

  send() {
    running += 1;
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    body.append("file", this.file);
    this.words.textContent = "Sending";
    this.offer("Cancel", () => request.abort());
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) this.bar.value = event.loaded / event.total;
    };
    request.onload = () => this.end(request);
    request.onerror = () => this.refuse("The connection was lost, and nothing was stored.", true);
    request.onabort = () => this.item.remove();
    request.onloadend = () => {
      running -= 1;
      next();
    };
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
  }

  end(request) {
    const isOurs = request.getResponseHeader("Content-Type")?.startsWith("application/json");
    if (!isOurs) {
      this.refuse("The server did not take it. Load the page anew and try again.", true);
      return;
    }
    const reply = JSON.parse(request.responseText);
    if (reply.state === "rejected") this.refuse(reply.reason, false);
    else if (reply.state === "duplicate") this.refuse("The same file is here already.", false);
    else this.item.remove();
    look();
  }

  refuse(reason, again) {
    this.bar.hidden = true;
    this.words.textContent = reason;
    announce(`${this.file.name}: ${reason}`);
    if (!again) {
      this.offer("Dismiss", () => this.item.remove());
      return;
    }
    this.offer("Try again", () => {
      this.bar.hidden = false;
      this.words.textContent = "Waiting";
      this.wait();
      next();
    });
  }
}

function add(files) {
  for (const file of files) new Upload(file);
  next();
}

function next() {
  while (running < AT_ONCE && queue.length) queue.shift().send();
}

async function look() {
  const fresh = await fragment(rows.dataset.rows);
  if (!fresh) return;
  const focused = rows.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
  rows.replaceChildren(fresh);
  enliven(rows);
  if (focused) rows.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
}

setInterval(() => {
  if (rows.querySelector("[data-working=yes]") && !document.hidden) look();
}, LOOK_EVERY);

picker?.addEventListener("change", () => {
  add(picker.files);
  picker.value = "";
});

// Whoever only reads has no form.
const carriesFiles = (event) => form && event.dataTransfer?.types.includes("Files");
const dragging = (isOn) => document.body.classList.toggle("dragging", isOn);
addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  dragging(true);
});
addEventListener("dragleave", (event) => event.relatedTarget === null && dragging(false));
addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  dragging(false);
  add(event.dataTransfer.files);
});
