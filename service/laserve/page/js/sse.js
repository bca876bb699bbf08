/** Server-sent events out of bytes that are cut anywhere (HTML Living Standard, 9.2.6). */

/**
 * The JSON of each event until `[DONE]`.
 * @param {ReadableStream<Uint8Array>} bytes
 * @returns {AsyncGenerator<any, void, void>}
 */
export async function* events(bytes) {
  const reader = bytes.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const data = part.split("\n").filter((line) => line.startsWith("data:"));
        if (data.length === 0) continue; // a comment, which keeps the connection alive
        const text = data.map((line) => line.slice(5).trimStart()).join("\n");
        if (text === "[DONE]") return;
        yield JSON.parse(text);
      }
    }
  } finally {
    await reader.cancel().catch(() => {}); // of what was aborted there is nothing to cancel
  }
}
