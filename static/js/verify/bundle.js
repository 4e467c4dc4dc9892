// What is checked (a PDF or a JSON credential) as named parts (src/proof/bundle.rs). Reads untrusted bytes: everything is bounded.
// The PDF reader knows the files that the service writes: plain objects one after the other, one revision, attachments raw or deflated.
import { text } from '../proof/bytes.js';
import { unpack } from '../proof/unpack.js';

export const CREDENTIAL = 'certificate.vc.json';
export const ENTRY = 'certificate.entry.json';
export const RECEIPT = 'certificate.tlog-proof';
export const STATUS = 'status.vc.json';

export const MAX_PDF_BYTES = 32 << 20;
const MAX_PART_BYTES = 4 << 20;
const MAX_PARTS = 2_048;
const MAX_BUNDLE_BYTES = 64 << 20;
const MAX_NESTING = 64;
const MAX_VALUES = 1_000_000;

/** The file is not of a shape that is written here; `altered` where something was appended to one that is. */
export class Unreadable extends Error {
  constructor(why, altered = false) { super(why); this.altered = altered; }
}

const SPACE = new Set([0, 9, 10, 12, 13, 32]);
const code = (c) => c.charCodeAt(0);
const DELIMITERS = new Set([...'()<>[]{}/%'].map(code));

class Reader {
  at = 0;
  values = 0;
  constructor(bytes) { this.bytes = bytes; }

  wrong(why, at = this.at) { throw new Unreadable(`this PDF cannot be read: ${why} (at byte ${at})`); }

  skip() {
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte === code('%')) { while (this.at < this.bytes.length && this.bytes[this.at] !== 10 && this.bytes[this.at] !== 13) this.at += 1; }
      else if (SPACE.has(byte)) this.at += 1;
      else return;
    }
  }

  accepts(word) {
    this.skip();
    for (let at = 0; at < word.length; at += 1) if (this.bytes[this.at + at] !== word.charCodeAt(at)) return false;
    this.at += word.length;
    return true;
  }

  keyword(word) { if (!this.accepts(word)) this.wrong(word); }

  unsigned() {
    this.skip();
    const start = this.at;
    while (this.bytes[this.at] >= 48 && this.bytes[this.at] <= 57) this.at += 1;
    return this.at > start && this.at - start < 16 ? Number(String.fromCharCode(...this.bytes.subarray(start, this.at))) : (this.at = start, null);
  }

  /** `12 0 obj`, or null where the cross-reference table begins. */
  objectNumber() {
    if (this.accepts('xref') || this.accepts('startxref')) return null;
    const [number, generation] = [this.unsigned(), this.unsigned()];
    if (number === null || generation === null) this.wrong('an object or the cross-reference table is expected');
    this.keyword('obj');
    return number;
  }

  stream(dictionary) {
    if (!this.accepts('stream')) return null;
    if (this.bytes[this.at] !== 10) this.wrong('a stream does not begin on a line of its own');
    this.at += 1;
    const length = dictionary?.get?.('Length');
    if (typeof length !== 'number') this.wrong('a stream does not state its length');
    if (this.at + length > this.bytes.length) this.wrong('a stream is cut short');
    const content = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    this.keyword('endstream');
    return content;
  }

  /** The end of the file: its mark, once, and nothing behind it. */
  end() {
    const mark = [...'%%EOF'].map(code);
    let at = this.at;
    while (at < this.bytes.length && !mark.every((byte, offset) => this.bytes[at + offset] === byte)) at += 1;
    if (at >= this.bytes.length) this.wrong('the end of the file is missing');
    if (this.bytes.subarray(at + mark.length).some((byte) => !SPACE.has(byte))) {
      throw new Unreadable('this PDF was changed after it was issued: something is appended to it', true);
    }
  }

  /** Dictionaries are Maps, names `{ name }`, strings `{ text }`, references `{ to }`, integers numbers; all else is null. */
  value(depth) {
    this.values += 1;
    if (depth > MAX_NESTING || this.values > MAX_VALUES) this.wrong('it is nested too deeply or holds too many values');
    this.skip();
    const byte = this.bytes[this.at];
    const c = byte === undefined ? '' : String.fromCharCode(byte);
    if (c === '<') return this.bytes[this.at + 1] === byte ? this.dictionary(depth) : this.hexadecimal();
    if (c === '(') return this.literal();
    if (c === '/') return { name: this.name() };
    if (c === '[') {
      this.at += 1;
      while (!this.accepts(']')) this.value(depth + 1);
      return null;
    }
    if (/[0-9+.-]/.test(c)) return this.number();
    if (['true', 'false', 'null'].some((word) => this.accepts(word))) return null;
    return this.wrong('a value is expected');
  }

  number() {
    const start = this.at;
    const number = this.unsigned();
    if (number !== null && this.bytes[this.at] !== code('.')) {
      const after = this.at;
      if (this.unsigned() !== null && this.accepts('R')) return { to: number };
      this.at = after;
      return number;
    }
    this.at = start;
    while (this.at < this.bytes.length && /[0-9+.-]/.test(String.fromCharCode(this.bytes[this.at]))) this.at += 1;
    return null;
  }

  dictionary(depth) {
    this.at += 2;
    const members = new Map();
    while (!this.accepts('>>')) {
      const name = this.name();
      const value = this.value(depth + 1);
      if (members.has(name)) this.wrong('a dictionary has a key twice');
      members.set(name, value);
    }
    return members;
  }

  name() {
    this.keyword('/');
    const start = this.at;
    while (this.at < this.bytes.length && !SPACE.has(this.bytes[this.at]) && !DELIMITERS.has(this.bytes[this.at])) this.at += 1;
    return String.fromCharCode(...this.bytes.subarray(start, this.at));
  }

  hexadecimal() {
    this.at += 1;
    while (this.at < this.bytes.length && (SPACE.has(this.bytes[this.at]) || /[0-9A-Fa-f]/.test(String.fromCharCode(this.bytes[this.at])))) this.at += 1;
    this.keyword('>');
    return null;
  }

  literal() {
    this.at += 1;
    let [out, open, plain] = ['', 1, true];
    for (;;) {
      let byte = this.bytes[this.at];
      if (byte === undefined) this.wrong('a string is not closed');
      this.at += 1;
      if (byte === code('(')) open += 1;
      else if (byte === code(')')) { open -= 1; if (open === 0) break; }
      else if (byte === code('\\')) {
        byte = this.bytes[this.at];
        this.at += 1;
        plain &&= [code('('), code(')'), code('\\')].includes(byte);
      }
      plain &&= byte < 128;
      if (plain) out += String.fromCharCode(byte);
    }
    return plain ? { text: out } : null;
  }
}

/** The attachments of a PDF by name. */
async function attachments(bytes) {
  const reader = new Reader(bytes);
  const [specifications, streams, seen] = [[], new Map(), new Set()];
  for (let number = reader.objectNumber(); number !== null; number = reader.objectNumber()) {
    const start = reader.at;
    const value = reader.value(0);
    const content = reader.stream(value);
    reader.keyword('endobj');
    if (seen.has(number)) reader.wrong('an object is there twice', start);
    seen.add(number);
    const kind = value instanceof Map ? value.get('Type')?.name : undefined;
    if (kind === 'EmbeddedFile' && content) streams.set(number, [value, content]);
    else if (kind === 'Filespec' && value.has('EF')) specifications.push([start, value]);
  }
  reader.end();
  const parts = [];
  for (const [at, specification] of specifications) {
    const [name, also] = [specification.get('F')?.text, specification.get('UF')?.text];
    if (name === undefined || name !== also) reader.wrong('an attachment has no one plain name', at);
    const [dictionary, packed] = streams.get(specification.get('EF')?.get?.('F')?.to) ?? reader.wrong('an attachment has no file', at);
    const filter = dictionary.get('Filter');
    let content = null;
    if (!dictionary.has('DecodeParms')) {
      if (filter === undefined) content = packed;
      else if (filter?.name === 'FlateDecode') content = await unpack(packed, 'deflate', MAX_PART_BYTES);
    }
    if (!content) reader.wrong('an attachment cannot be unpacked or is larger than 4 MB', at);
    parts.push([name, content]);
  }
  return parts;
}

/** The named parts of a file, and its bytes if it is a PDF: `{ parts, pdf }`. */
export async function open(bytes) {
  const isPdf = text(bytes.subarray(0, 5)) === '%PDF-';
  const start = bytes.findIndex((byte) => !SPACE.has(byte));
  if (!isPdf && bytes[start] !== code('{')) throw new Unreadable('this is neither a PDF nor a JSON credential');
  if (isPdf && bytes.length > MAX_PDF_BYTES) throw new Unreadable('this PDF is larger than 32 MB');
  const given = isPdf ? await attachments(bytes) : [[CREDENTIAL, bytes]];
  const parts = new Map();
  let total = 0;
  for (const [spelling, content] of given) {
    const name = spelling.replace(/^entries-/, 'entries/');
    total += content.length;
    if (content.length > MAX_PART_BYTES) throw new Unreadable('a part of this bundle is larger than 4 MB');
    if (parts.size >= MAX_PARTS) throw new Unreadable('this bundle has too many parts');
    if (total > MAX_BUNDLE_BYTES) throw new Unreadable('the parts of this bundle are together larger than 64 MB');
    if (parts.has(name)) throw new Unreadable(`there are two parts called ${name}`);
    parts.set(name, content);
  }
  if (isPdf && !parts.has(CREDENTIAL)) throw new Unreadable(`this PDF does not carry ${CREDENTIAL}, so it is not one of these certificates`);
  return { parts, pdf: isPdf ? bytes : null };
}
