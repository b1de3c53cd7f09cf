// What the browser keeps until it is safe at the server: drafts, and questions on their way.
// It is kept by person; others who sign in at the same browser find nothing of it.
const mine = () => `kept:${document.body.dataset.person}:`;

const keys = () => Object.keys(localStorage).filter((key) => key.startsWith("kept:"));

/** Forget everything this person left here: they signed out. */
export function forgetDrafts() {
  for (const key of keys()) if (key.startsWith(mine())) localStorage.removeItem(key);
}

/** Forget what other people left here. */
export function forgetOthers() {
  for (const key of keys()) if (!key.startsWith(mine())) localStorage.removeItem(key);
}

/** What is written in `place` (a conversation, or a matter for a new one) and not yet asked. */
export const draft = {
  read: (place) => localStorage.getItem(`${mine()}draft:${place}`) ?? "",
  write(place, text) {
    const key = `${mine()}draft:${place}`;
    if (text.trim()) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  },
};

/** Questions that were sent and not yet accepted. The server takes each key once. */
export const pending = {
  add: (message) => localStorage.setItem(`${mine()}sent:${message.key}`, JSON.stringify(message)),
  drop: (key) => localStorage.removeItem(`${mine()}sent:${key}`),
  all: () =>
    keys()
      .filter((key) => key.startsWith(`${mine()}sent:`))
      .map((key) => JSON.parse(localStorage.getItem(key))),
};

/** A new key. `crypto.randomUUID` is missing where a site is reached without TLS by its name. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
