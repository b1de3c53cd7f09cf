// The library: files are dropped or chosen, sent one by one, and followed until they are read.
const zone = document.querySelector("[data-drop-zone]");
const form = document.querySelector("[data-upload]");
const list = document.querySelector("[data-uploads]");
const rows = document.querySelector("[data-rows]");
const picker = document.getElementById("files");
const AT_ONCE = 2;
const LOOK_EVERY = 1500;
const queue = [];
let running = 0;

function add(files) {
  for (const file of files) queue.push(entry(file));
  next();
}

function entry(file) {
  const item = document.createElement("li");
  const name = Object.assign(document.createElement("span"), { textContent: file.name });
  const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  bar.setAttribute("aria-label", `Sending ${file.name}`);
  const words = Object.assign(document.createElement("span"), { className: "muted", textContent: "Waiting" });
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Cancel" });
  button.setAttribute("aria-label", `Cancel ${file.name}`);
  item.append(name, bar, words, button);
  list.append(item);
  return { file, item, bar, words, button };
}

function next() {
  while (running < AT_ONCE && queue.length) sendOne(queue.shift());
}

function sendOne(upload) {
  running += 1;
  const { file, item, bar, words, button } = upload;
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
  body.append("file", file);
  const failed = (reason) => {
    words.textContent = reason;
    bar.hidden = true;
    button.textContent = "Try again";
    button.onclick = () => {
      item.remove();
      queue.push(entry(file));
      next();
    };
  };
  request.upload.onprogress = (event) => {
    bar.value = event.lengthComputable ? event.loaded / event.total : 0;
    words.textContent = "Sending";
  };
  request.onload = () => {
    const reply = request.status === 200 ? JSON.parse(request.responseText) : { state: "rejected", reason: "The server did not take it." };
    if (reply.state === "rejected") failed(reply.reason);
    else if (reply.state === "duplicate") {
      failed("This file is here already.");
      button.remove();
    } else item.remove();
    look();
  };
  request.onerror = () => failed("The connection was lost. Nothing was stored.");
  request.onabort = () => item.remove();
  request.onloadend = () => {
    running -= 1;
    next();
  };
  button.onclick = () => request.abort();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(body);
}

async function look() {
  const response = await fetch(rows.dataset.rowsAddress).catch(() => null);
  if (response?.ok && !rows.contains(document.activeElement)) {
    rows.replaceChildren(document.createRange().createContextualFragment(await response.text()));
  }
}

setInterval(() => rows.querySelector("[data-working=yes]") && look(), LOOK_EVERY);

picker.addEventListener("change", () => {
  add(picker.files);
  picker.value = "";
});
for (const kind of ["dragenter", "dragover"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    zone.classList.add("dragging");
  });
}
addEventListener("dragleave", (event) => event.relatedTarget === null && zone.classList.remove("dragging"));
addEventListener("drop", (event) => {
  event.preventDefault();
  zone.classList.remove("dragging");
  add(event.dataTransfer.files);
});
