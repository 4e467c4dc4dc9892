// Unpacks what was deflated, up to a limit: a small file may hold a very large one.

/** The content, or null where it is broken or larger than `most` bytes. `format`: `deflate` (zlib) or `gzip`. */
export async function unpack(packed, format, most) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream(format));
  const reader = stream.getReader();
  const parts = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > most) { await reader.cancel(); return null; }
      parts.push(value);
    }
  } catch { return null; }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}
