// The one spelling of a JSON value: RFC 8785, narrowed to integers of at most 2^53-1, ASCII member names and 64 levels (src/proof/canonical.rs).
import { text } from './bytes.js';

const MAX_DEPTH = 64;

export class NotCanonical extends Error {}

/** The canonical text of a value. */
export function canonical(value, depth = 0) {
  if (depth > MAX_DEPTH) throw new NotCanonical('it is nested too deeply');
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth + 1)).join(',')}]`;
  if (value && typeof value === 'object') {
    const names = Object.keys(value).sort();
    if (names.some((name) => /[^\0-\x7f]/.test(name))) throw new NotCanonical('it holds a member name outside ASCII');
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name], depth + 1)}`).join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new NotCanonical('it holds a number that is not an integer of at most 2^53-1');
  return JSON.stringify(value);
}

/** The value of bytes that are JSON, else undefined. */
export function json(bytes) {
  try { return JSON.parse(text(bytes) ?? '') ?? undefined; } catch { return undefined; }
}

/** Reads bytes if they are the canonical spelling of their content, and only then. */
export function parse(bytes) {
  const spelling = text(bytes);
  let value;
  try { value = JSON.parse(spelling ?? ''); } catch { throw new NotCanonical('it is not JSON'); }
  if (canonical(value) !== spelling) throw new NotCanonical('its bytes are not the canonical spelling of their content (RFC 8785)');
  return value;
}
