// The line to the server: connects, and connects again with growing pauses.
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;
const PING_EVERY = 25_000;
const SILENCE = 10_000;
const SIGNED_OUT = 4401;

export class Line {
  /** `onMessage(message)` for each frame, `onOpen()` and `onLost()` as the connection changes. */
  constructor({ onMessage, onOpen, onLost }) {
    Object.assign(this, { onMessage, onOpen, onLost });
    this.pause = FIRST_PAUSE;
    this.connect();
    // Somebody who comes back to the page does not wait for the pause to end.
    for (const kind of ["online", "focus"]) addEventListener(kind, () => this.connect());
    addEventListener("offline", () => this.lose());
    setInterval(() => this.ping(), PING_EVERY);
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    clearTimeout(this.timer);
    if (this.socket) return;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws/chat/`);
    this.socket = socket;
    socket.onopen = () => {
      this.pause = FIRST_PAUSE;
      this.onOpen();
    };
    socket.onmessage = (event) => {
      clearTimeout(this.silence);
      this.onMessage(JSON.parse(event.data));
    };
    socket.onclose = (event) => this.lose(event.code === SIGNED_OUT);
  }

  lose(forGood = false) {
    if (!this.socket) return;
    const socket = this.socket;
    this.socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    clearTimeout(this.silence);
    if (forGood) return;
    this.onLost();
    // Jitter, so that a restarted server is not met by everybody at once.
    this.timer = setTimeout(() => this.connect(), this.pause * (0.5 + Math.random()));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  ping() {
    if (!this.send({ type: "ping" })) return;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lose(), SILENCE);
  }

  /** Send a message now; returns whether there was a connection to send it on. */
  send(message) {
    if (this.isOpen) this.socket.send(JSON.stringify(message));
    return this.isOpen;
  }
}
