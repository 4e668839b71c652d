const kept = 8 * 1024;

/** The beginning and the end of what a test printed, which may be of any length. */
export class Output {
  #head = "";
  #tail = "";
  #dropped = false;

  add(text: string): void {
    const room = Math.max(kept - this.#head.length, 0);
    this.#head += text.slice(0, room);
    if (text.length > room) this.#tail += text.slice(room);
    if (this.#tail.length <= 2 * kept) return;
    this.#tail = this.#tail.slice(-kept);
    this.#dropped = true;
  }

  text(): string {
    return `${this.#head}${this.#dropped ? "\n…\n" : ""}${this.#tail}`;
  }
}
