/** Server-sent events out of bytes that are cut anywhere (HTML Living Standard, 9.2.6). */

export class EventDecoder {
  // It keeps the first bytes of a character until the others come.
  readonly #decoder = new TextDecoder();
  #rest = "";
  #data: string[] = [];

  /** The data of every event that `bytes` complete. */
  *feed(bytes: Uint8Array): Generator<string, void, void> {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const ended of lines) {
      const line = ended.endsWith("\r") ? ended.slice(0, -1) : ended;
      if (line.startsWith("data:")) {
        this.#data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
      } else if (line === "" && this.#data.length > 0) {
        yield this.#data.join("\n");
        this.#data = [];
      }
    }
  }
}
