// Ed25519 and the W3C Data Integrity proof eddsa-jcs-2022; the DID document that says which key may sign what (src/proof/{integrity,identity}.rs).
import { concat, multibase, sha256, utf8 } from './bytes.js';
import { canonical } from './jcs.js';

const SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** UTC in whole seconds, and a time that exists. */
export const isSeconds = (time) => SECONDS.test(time ?? '') && new Date(time).toISOString?.() === time.replace('Z', '.000Z');

/** Why something is not proven. */
export class Unproven extends Error {}
const need = (holds, why) => { if (!holds) throw new Unproven(why); };

/** Whether this browser can check Ed25519 signatures. */
export async function able() {
  try { await crypto.subtle.importKey('raw', new Uint8Array(32).fill(1), 'Ed25519', false, ['verify']); return true; }
  catch (error) { return error.name === 'DataError'; }
}

/** Whether `signature` over `message` is by the key of these 32 bytes. */
export async function verifies(key, message, signature) {
  const imported = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', imported, signature, message);
}

/** The 32 bytes of `z6Mk…`, else null. */
function publicKey(spelling) {
  const bytes = multibase(spelling, 34);
  return bytes?.length === 34 && bytes[0] === 0xed && bytes[1] === 0x01 ? bytes.slice(2) : null;
}

/** Keys by DID URL that may make assertions for the DID of this document. */
export function readDid(document) {
  const keys = new Map();
  need(typeof document?.id === 'string' && document.id.startsWith('did:'), 'the DID document has no id that is a DID');
  for (const method of document.verificationMethod ?? []) {
    if (!document.assertionMethod?.includes(method.id) || method.controller !== document.id) continue;
    const key = publicKey(method.publicKeyMultibase);
    need(method.id.startsWith(`${document.id}#`) && method.type === 'Multikey' && key && !keys.has(method.id), 'the DID document names a key that cannot be read');
    keys.set(method.id, key);
  }
  return { id: document.id, keys };
}

/** Checks the proof of `document` with a key of `did` whose fragment starts with `scope`; gives the key's name. */
export async function check(document, did, scope) {
  const proof = document?.proof;
  const method = proof?.verificationMethod;
  need(typeof method === 'string', 'the document has no single proof that names a key');
  const key = method.startsWith(`${did.id}#${scope}`) ? did.keys.get(method) : undefined;
  need(key, `the trusted DID document does not let the key ${method} sign this`);
  await checkWith(document, key);
  return method;
}

/** Checks the proof of `document` against one key, whatever name the proof gives it. */
async function checkWith(document, key) {
  const { proof, ...content } = document;
  need(proof && typeof proof === 'object' && !Array.isArray(proof), 'the document has no single proof');
  need(proof.type === 'DataIntegrityProof', 'the proof is not a DataIntegrityProof');
  need(proof.cryptosuite === 'eddsa-jcs-2022', 'the cryptosuite of the proof is not eddsa-jcs-2022');
  need(proof.proofPurpose === 'assertionMethod', 'the purpose of the proof is not assertionMethod');
  need(isSeconds(proof.created), 'the proof does not say when it was created, in UTC and whole seconds');
  need(Object.keys(proof).length === 7 && '@context' in proof, 'the proof has missing or unknown members');
  need(canonical(proof['@context']) === canonical(content['@context'] ?? null), 'the proof was made for another @context');
  const signature = multibase(proof.proofValue, 64);
  need(signature?.length === 64, 'the proofValue is not a base58 Ed25519 signature');
  const { proofValue, ...options } = proof;
  const signed = concat(await sha256(utf8(canonical(options))), await sha256(utf8(canonical(content))));
  need(await verifies(key, signed, signature), 'the signature does not match the content');
}

/** Checks the proof with the key that it names itself, a did:key; gives that DID. Whose key it is, others have to say. */
export async function checkOwn(document) {
  const method = document?.proof?.verificationMethod ?? '';
  const [key, fragment] = method.replace(/^did:key:/, '').split('#');
  const bytes = method.startsWith('did:key:') && key === fragment ? publicKey(key) : null;
  need(bytes, `the trusted DID document does not let the key ${method} sign this`);
  await checkWith(document, bytes);
  return `did:key:${key}`;
}
