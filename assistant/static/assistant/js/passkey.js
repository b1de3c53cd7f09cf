// Passkeys: asks the browser for one and sends its answer with an ordinary form.
import { send } from "./page.js";

function bytes(base64url) {
  const letters = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}

function base64url(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const withIds = (list = []) => list.map((each) => ({ ...each, id: bytes(each.id) }));

/** Have the browser make a passkey (`set_up`) or sign with one; resolves to the credential. */
function ask(purpose, options) {
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  if (purpose !== "set_up") {
    publicKey.allowCredentials = withIds(options.allowCredentials);
    return navigator.credentials.get({ publicKey });
  }
  publicKey.user = { ...options.user, id: bytes(options.user.id) };
  publicKey.excludeCredentials = withIds(options.excludeCredentials);
  return navigator.credentials.create({ publicKey });
}

/** A credential as the server reads it. */
function written({ id, rawId, type, response }) {
  const parts = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = base64url(response[name]);
  }
  return JSON.stringify({ id, rawId: base64url(rawId), type, response: parts });
}

const REASONS = {
  NotAllowedError: "Nothing was sent: it was cancelled, or it took too long. Try again.",
  InvalidStateError: "This device holds a passkey for your account already.",
  SecurityError: "The browser allows no passkey at this address.",
};

function tell(form, words) {
  const place = form.querySelector("[data-passkey-problem]");
  place.textContent = words;
  place.hidden = !words;
}

async function optionsFor(form) {
  const response = await send(form.dataset.passkeyOptions, { purpose: form.dataset.passkey });
  if (!response) throw new Error("There is no connection. Try again.");
  if (response.redirected) throw new Error("Your sign-in has ended. Load the page anew.");
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

async function begin(form) {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  tell(form, "");
  try {
    const credential = await ask(form.dataset.passkey, await optionsFor(form));
    form.elements.credential.value = written(credential);
    form.submit();
  } catch (error) {
    tell(form, REASONS[error.name] ?? error.message);
    button.disabled = false;
  }
}

const canUse = Boolean(globalThis.PublicKeyCredential);
for (const node of document.querySelectorAll("[data-passkey-missing]")) node.hidden = canUse;
for (const form of document.querySelectorAll("[data-passkey]")) {
  form.hidden = !canUse;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    begin(form);
  });
}
