// Signed notes, checkpoints and receipts of the log (C2SP signed-note, tlog-checkpoint, tlog-proof; src/proof/{note,checkpoint,tlog_proof}.rs).
import { base64, equal, hex, sha256, utf8 } from './bytes.js';
import { Unproven, verifies } from './eddsa.js';
import { includes } from './merkle.js';

const need = (holds, why) => { if (!holds) throw new Unproven(why); };
const isName = (name) => name.length > 0 && utf8(name).length <= 255 && !/[\s\p{Cc}+]/u.test(name);
const decimal = (spelling) => (/^(0|[1-9]\d{0,19})$/.test(spelling ?? '') ? BigInt(spelling) : null);

/** A key of a log: `name+hash+base64`. */
export async function readVkey(vkey) {
  const at = vkey.indexOf('+');
  const [name, id, spelling] = [vkey.slice(0, at), vkey.slice(at + 1, at + 9), vkey.slice(at + 10).trim()];
  const key = base64(spelling);
  need(isName(name) && key?.length === 33 && key[0] === 1, 'the verifier key is not of the form name+hash+base64 of an Ed25519 key');
  const own = (await sha256(utf8(name), utf8('\n'), key)).slice(0, 4);
  need(hex(own) === id, 'the verifier key is not of the form name+hash+base64 of an Ed25519 key');
  return { name, id: own, key: key.slice(1) };
}

/** Checks a note against one trusted key and gives its text. */
async function openNote(note, log) {
  need(note.length <= 1_000_000 && !/[\0-\x09\x0b-\x1f]/.test(note), 'the note is too long or holds control characters');
  const at = note.lastIndexOf('\n\n');
  need(at >= 0 && note.endsWith('\n'), 'the note has no empty line before its signatures');
  const content = note.slice(0, at + 1);
  const lines = note.slice(at + 2, -1).split('\n');
  need(lines.length <= 100, 'the note has too many signatures');
  let signed = false;
  for (const line of lines) {
    const [, name, spelling] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = spelling && base64(spelling);
    need(bytes && isName(name) && bytes.length > 4, 'a signature line is malformed');
    if (name !== log.name || !equal(bytes.slice(0, 4), log.id)) continue;
    need(bytes.length === 68 && await verifies(log.key, utf8(content), bytes.slice(4)), 'a signature in the name of the trusted log key does not match the text');
    signed = true;
  }
  need(signed, 'no signature by the trusted log key');
  return content;
}

/** Checks a signed checkpoint: `{ origin, size, root }`. */
export async function openCheckpoint(signed, log) {
  const [origin, sizeLine, rootLine, end, ...more] = (await openNote(signed, log)).split('\n');
  const [size, root] = [decimal(sizeLine), base64(rootLine ?? '')];
  need(end === '' && more.length === 0 && size !== null && root?.length === 32, 'the checkpoint is not three lines of origin, size and root');
  need(origin === log.name, `the checkpoint speaks for the log ${origin}, which is not the trusted one`);
  need(size > 0n || equal(root, await sha256(new Uint8Array())), 'the checkpoint is not three lines of origin, size and root');
  return { origin, size, root };
}

/** A receipt and the head that the trusted log signed in it: `{ index, hashes, head }`. */
export async function openReceipt(receipt, log) {
  const at = receipt.indexOf('\n\n');
  need(at >= 0, 'the receipt has no empty line before its checkpoint');
  const lines = receipt.slice(0, at).split('\n');
  need(lines.shift() === 'c2sp.org/tlog-proof@v1', 'the first line is not c2sp.org/tlog-proof@v1');
  if (lines[0]?.startsWith('extra ')) need(base64(lines.shift().slice(6)), 'the extra line is not base64');
  const index = decimal(/^index (.*)$/.exec(lines.shift() ?? '')?.[1]);
  need(index !== null, 'the index line is not a decimal number');
  const hashes = lines.map(base64);
  need(hashes.length <= 63 && hashes.every((hash) => hash?.length === 32), 'the path is not base64 hashes');
  return { index, hashes, head: await openCheckpoint(receipt.slice(at + 2), log) };
}

/** Whether the receipt leads from this leaf to its head. */
export const leads = (receipt, leaf) => includes(receipt.index, receipt.head.size, leaf, receipt.hashes, receipt.head.root);
