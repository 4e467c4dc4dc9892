// The Bitstring Status List: one bit for each certificate (src/proof/status.rs).
import { base64url } from './bytes.js';
import { Unproven, check, isSeconds } from './eddsa.js';
import { parse } from './jcs.js';
import { unpack } from './unpack.js';

const MIN_BYTES = 16_384;
const MAX_BYTES = 2 << 20;

/** Reads a list that the trusted DID signed: `{ url, validFrom, at(index) }`; `at` gives true, false, or null beyond the end. */
export async function readStatus(bytes, did) {
  const need = (holds, why) => { if (!holds) throw new Unproven(why); };
  const value = parse(bytes);
  await check(value, did, 'issuer-');
  const subject = value.credentialSubject;
  const types = JSON.stringify(value.type) === '["VerifiableCredential","BitstringStatusListCredential"]';
  need(value['@context']?.[0] === 'https://www.w3.org/ns/credentials/v2', 'the status list is not a Verifiable Credential 2.0');
  need(types && subject?.type === 'BitstringStatusList', 'this is not a status list');
  need([value.issuer, value.issuer?.id].includes(did.id), 'the status list is by another issuer');
  need(subject.statusPurpose === 'revocation', 'the status list is not one of revocations');
  need(value.id && subject.id === `${value.id}#list`, 'the status list describes another one than itself');
  need(isSeconds(value.validFrom), 'the status list does not say as of when it speaks');
  const packed = typeof subject.encodedList === 'string' && subject.encodedList[0] === 'u' ? base64url(subject.encodedList.slice(1)) : null;
  const bits = packed && await unpack(packed, 'gzip', MAX_BYTES);
  need(bits && bits.length >= MIN_BYTES, 'the status list cannot be unpacked, or is shorter than 131,072 bits');
  const at = (index) => (index < bits.length * 8 ? (bits[Math.floor(index / 8)] & (0x80 >> (index % 8))) !== 0 : null);
  return { url: value.id, validFrom: value.validFrom, at };
}
