// Bytes and their spellings: hexadecimal, base64, base58, SHA-256.
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const encoder = new TextEncoder();

export const utf8 = (text) => encoder.encode(text);
/** Text of bytes that are UTF-8, else null. */
export function text(bytes) {
  try { return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes); } catch { return null; }
}
export const equal = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

export const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', concat(...parts)));

/** Base64 in its one canonical spelling (RFC 4648 §3.5), else null. */
export function base64(spelling) {
  try {
    const bytes = Uint8Array.from(atob(spelling), (c) => c.charCodeAt(0));
    return btoa(String.fromCharCode(...bytes)) === spelling ? bytes : null;
  } catch { return null; }
}

/** Unpadded base64url, else null. */
export function base64url(spelling) {
  if (/[^\w-]/.test(spelling)) return null;
  try {
    return Uint8Array.from(atob(spelling.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  } catch { return null; }
}

/** `z` and base58btc of at most `most` bytes, else null. */
export function multibase(spelling, most) {
  if (typeof spelling !== 'string' || spelling[0] !== 'z' || spelling.length > 1.4 * most + 2) return null;
  let number = 0n;
  for (const c of spelling.slice(1)) {
    const digit = ALPHABET.indexOf(c);
    if (digit < 0) return null;
    number = number * 58n + BigInt(digit);
  }
  const bytes = [];
  for (; number > 0n; number >>= 8n) bytes.unshift(Number(number & 255n));
  for (const c of spelling.slice(1)) { if (c !== '1') break; bytes.unshift(0); }
  return Uint8Array.from(bytes);
}

/** The inverse of `multibase`. */
export function toMultibase(bytes) {
  let number = BigInt(`0x${hex(bytes) || '0'}`);
  let spelling = '';
  for (; number > 0n; number /= 58n) spelling = ALPHABET[Number(number % 58n)] + spelling;
  for (const byte of bytes) { if (byte !== 0) break; spelling = `1${spelling}`; }
  return `z${spelling}`;
}
