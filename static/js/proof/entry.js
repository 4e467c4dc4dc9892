// One entry of the ledger: its form and its signature (src/proof/entry.rs).
import { utf8 } from './bytes.js';
import { Unproven, check, checkOwn } from './eddsa.js';
import { NotCanonical, parse } from './jcs.js';
import { leafHash } from './merkle.js';

const MAX_ENTRY_BYTES = 65_535;
const MEMBERS = ['@context', 'actor', 'batch', 'data', 'event', 'log', 'occurred', 'prev', 'proof', 'seq', 'subjects', 'time', 'type', 'v'];
const MILLIS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const INSTANT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{3})?Z)?$/;
const EVENT = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;

const filled = (value) => typeof value === 'string' && value !== '';
const only = (object, names) => object && typeof object === 'object' && Object.keys(object).every((name) => names.includes(name));
const order = (a, b) => { const [x, y] = [a, b].map(({ id, type }) => utf8(`${id}\0${type}`)); for (let at = 0; at < Math.min(x.length, y.length); at += 1) if (x[at] !== y[at]) return x[at] - y[at]; return x.length - y.length; };

/** Reads the exact bytes of an entry; throws with what is wrong. Known to have the right form, not yet to be signed. */
export async function readEntry(bytes) {
  const need = (holds, which) => { if (!holds) throw new Unproven(`the entry's member ${which}`); };
  if (bytes.length > MAX_ENTRY_BYTES) throw new Unproven(`the entry has ${bytes.length} bytes; at most ${MAX_ENTRY_BYTES} fit`);
  let entry;
  try { entry = parse(bytes); } catch (error) {
    if (error instanceof NotCanonical) throw new Unproven(`the entry cannot be taken as it is: ${error.message}`);
    throw error;
  }
  if (!only(entry, MEMBERS) || Array.isArray(entry)) throw new Unproven('it is not a ledger entry: a member is unknown');
  need(entry['@context']?.length === 2 && entry['@context'].every(filled), '@context is not two URLs');
  need(filled(entry.log) && !/[\s\p{Cc}+]/u.test(entry.log), 'log is not the origin of a log');
  need(Number.isSafeInteger(entry.seq) && entry.seq >= 0, 'seq is too large');
  need(/^[0-9a-f]{64}$/.test(entry.prev) && (entry.seq === 0) === /^0+$/.test(entry.prev), 'prev is all zeros in the first entry and in no other');
  need(MILLIS.test(entry.time), 'time is not UTC in milliseconds');
  need(INSTANT.test(entry.occurred), 'occurred is not an instant in UTC or a day');
  need(EVENT.test(entry.event), 'event is not of the form thing.past_tense');
  need(only(entry.actor, ['id', 'role', 'party']) && ['id', 'role', 'party'].every((name) => filled(entry.actor[name])), 'actor lacks its id, role or party');
  need(Array.isArray(entry.subjects) && entry.subjects.length > 0, 'subjects is empty');
  need(entry.subjects.every((subject) => only(subject, ['id', 'type']) && filled(subject.id) && filled(subject.type)), 'subjects lacks an id or a type');
  need(entry.subjects.every((subject, at) => at === 0 || order(entry.subjects[at - 1], subject) < 0), 'subjects is not sorted, or names one twice');
  const { batch } = entry;
  need(batch === undefined || (only(batch, ['id', 'part', 'of']) && filled(batch.id) && Number.isSafeInteger(batch.part) && (batch.of ?? batch.part) >= batch.part), 'batch has no id or too few parts');
  need(Number.isSafeInteger(entry.data?.v) && entry.data.v >= 0, 'data is not an object with a version v');
  need(entry.type === 'LedgerEntry' && entry.v === 1, 'type or v is not that of an entry');
  need(entry.proof?.created === entry.time.replace(/\.\d{3}Z$/, 'Z'), 'proof is of another time than the entry');
  return { ...entry, bytes, leaf: await leafHash(bytes) };
}

/** Signed by an entry key of the trusted organisation, for the trusted log; gives the key's name. */
export async function signedBy(entry, trust) {
  const { bytes, leaf, ...document } = entry;
  const method = await check(document, trust.did, 'entry-');
  if (entry.log !== trust.log.name) throw new Unproven(`the entry belongs to the log ${entry.log}, the trusted one is ${trust.log.name}`);
  return method;
}

/** The did:key of what the actor signed with a key of their own, or null. The table of which command gives which event is the command line's to check. */
export async function ownKey(entry) {
  const signed = entry.data.signed;
  if (signed === undefined) return null;
  const plain = (time) => String(time).replace('.000Z', 'Z');
  const need = (holds, why) => { if (!holds) throw new Unproven(why); };
  need(signed.type === 'Statement', 'what was signed is not a statement');
  need(plain(signed.when) === plain(entry.occurred), 'what was signed is of another time than this event');
  need(Object.values(entry.data).includes(signed.about) || entry.subjects.some(({ id }) => id === signed.about), 'what was signed is about something else than this event');
  return checkOwn(signed);
}
