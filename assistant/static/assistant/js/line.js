// The line to the server: connects, connects again with growing pauses, and keeps what waits to be sent.
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;
const PING_EVERY = 25000;

export class Line {
  /** `onMessage(message)` for each frame; `onState("open" | "lost")` when the line changes. */
  constructor({ onMessage, onState }) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.pause = FIRST_PAUSE;
    this.waiting = [];
    this.connect();
    addEventListener("online", () => this.connect());
    setInterval(() => this.isOpen && this.socket.send('{"type":"ping"}'), PING_EVERY);
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}/ws/chat/`);
    this.socket.onopen = () => {
      this.pause = FIRST_PAUSE;
      this.onState("open");
      for (const message of this.waiting.splice(0)) this.send(message);
    };
    this.socket.onmessage = (event) => this.onMessage(JSON.parse(event.data));
    this.socket.onclose = (event) => {
      if (event.code === 4401) return;
      this.onState("lost");
      // Jitter, so that a restarted server is not met by everybody at once.
      setTimeout(() => this.connect(), this.pause * (0.5 + Math.random()));
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    };
  }

  send(message) {
    if (this.isOpen) this.socket.send(JSON.stringify(message));
    else this.waiting.push(message);
  }
}
