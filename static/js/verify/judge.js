// Every check over a certificate, each by name: passed, failed, or why it was not run (src/proof/verify.rs: the same checks in the same order,
// but which command gives which event is not looked at, and pages are compared with the service's copy, not drawn again).
// Whom to trust comes from the caller; nothing that is being checked can name its own judge.
import { concat, equal, hex, sha256, text, toMultibase } from '../proof/bytes.js';
import { check as signature, isSeconds } from '../proof/eddsa.js';
import { ownKey, readEntry, signedBy } from '../proof/entry.js';
import { json, parse } from '../proof/jcs.js';
import { leads, openReceipt } from '../proof/note.js';
import { readStatus } from '../proof/status.js';
import { say } from '../say.js';
import { CREDENTIAL, ENTRY, RECEIPT, STATUS } from './bundle.js';

const CREDENTIALS_V2 = 'https://www.w3.org/ns/credentials/v2';
const filled = (value) => typeof value === 'string' && value !== '';
const strings = (value) => Array.isArray(value) && value.every((item) => typeof item === 'string');

class Failed extends Error {}
class NotRun extends Error {}
const need = (holds, why) => { if (!holds) throw new Failed(why); };

/** What checks need of a certificate; throws with what is wrong with it. */
function readCertificate(value) {
  const types = strings(value?.type) ? value.type.filter((type) => type !== 'VerifiableCredential') : [];
  const subject = value?.credentialSubject;
  const status = value?.credentialStatus;
  const issuer = typeof value?.issuer === 'string' ? value.issuer : value?.issuer?.id;
  need(strings(value?.['@context']), '@context is not a list of URLs');
  need(value['@context'][0] === CREDENTIALS_V2, '@context does not begin with that of Verifiable Credentials 2.0');
  need(types.length > 0 && types.length + 1 === value.type.length, 'type is not VerifiableCredential and the kind of certificate');
  need(value.validUntil === undefined, 'validUntil is present; certificates do not expire, they are revoked');
  need(subject && typeof subject === 'object' && (!Array.isArray(subject) || subject.length > 0), 'credentialSubject is missing');
  need(status?.type === 'BitstringStatusListEntry' && status.statusPurpose === 'revocation', 'credentialStatus is not a BitstringStatusListEntry for revocation');
  need(Array.isArray(value.evidence), 'evidence is not a list');
  const evidence = value.evidence.filter((item) => strings(item?.type) && item.type.includes('LedgerEntryEvidence'));
  const whole = (item) => filled(item.ledgerOrigin) && Number.isSafeInteger(item.ledgerIndex) && item.ledgerIndex >= 0 && /^[0-9a-f]{64}$/.test(item.leafHash) && filled(item.digestMultibase) && filled(item.name);
  need(filled(value.id), 'id is missing');
  need(filled(value.name), 'name is missing');
  need(filled(issuer), 'issuer is missing or has no id');
  need(isSeconds(value.validFrom), 'validFrom is not UTC in whole seconds');
  need(filled(status.statusListCredential), 'credentialStatus names no status list');
  need(/^(0|[1-9]\d*)$/.test(status.statusListIndex), 'credentialStatus has no decimal statusListIndex');
  need(evidence.length > 0 && evidence.every(whole), 'evidence cites no ledger entry, or one without its log, number, hashes or name');
  return {
    id: value.id, types, name: value.name, issuer, issuerName: value.issuer?.name, validFrom: value.validFrom, evidence,
    statusList: status.statusListCredential, statusIndex: Number(status.statusListIndex),
  };
}

/** As of when a list that the issuer signed says that the certificate is not revoked. */
async function statusAt(bytes, trust, certificate) {
  const status = await readStatus(bytes, trust.did);
  need(status.url === certificate.statusList, say('the status list is {}, the certificate’s is {}', status.url, certificate.statusList));
  const bit = status.at(certificate.statusIndex);
  need(bit !== true, say('revoked or superseded, as of {}', status.validFrom));
  need(bit === false, say('the status list is too short for this certificate'));
  return status.validFrom;
}

/**
 * Checks a certificate. `bundle` from bundle.js; `trust`: `{ did, log }` (readDid, readVkey), by another way than the certificate; `status`: bytes of a list
 * fetched for this check, or null; `pages`: `async (pdf) => text`, which throws where the pages are not those issued, or null where that cannot be known.
 * Gives `{ checks: [{ check, seq?, outcome, detail }], verdict, certificate }`; outcomes are `passed`, `failed`, `not_run`.
 */
export async function judge(bundle, trust, status, pages) {
  const checks = [];
  const part = (name) => bundle.parts.get(name);
  const add = async (check, work, more = {}) => {
    let row;
    try { row = { outcome: 'passed', detail: await work() }; } catch (error) {
      row = { outcome: error instanceof NotRun ? 'not_run' : 'failed', detail: error.message };
    }
    checks.push({ check, ...more, ...row });
    return row.outcome;
  };
  const failed = () => checks.some(({ outcome }) => outcome === 'failed');
  const skip = (why) => { throw new NotRun(why); };

  let [value, certificate] = [];
  await add('credential_form', () => {
    need(part(CREDENTIAL), `there is no ${CREDENTIAL}`);
    value = parse(part(CREDENTIAL));
    certificate = readCertificate(value);
    return certificate.id;
  });
  if (!certificate) return { checks, verdict: part(CREDENTIAL) && json(part(CREDENTIAL)) !== undefined ? 'refused' : 'unreadable', certificate: null };
  await add('issuer', () => {
    need(certificate.issuer === trust.did.id, say('the issuer is {}, the trusted one {}', certificate.issuer, trust.did.id));
    return certificate.issuer;
  });
  await add('credential_signature', async () => say('signed with {}', await signature(value, trust.did, 'issuer-')));

  let entry;
  await add('entry_signature', async () => {
    if (!part(ENTRY)) skip(say('it does not travel along'));
    entry = await readEntry(part(ENTRY));
    const method = await signedBy(entry, trust);
    return say('{} of {}, signed with {}', entry.event, entry.time, method);
  });
  await add('entry_names_credential', async () => {
    if (!part(ENTRY)) skip(say('it does not travel along'));
    if (!entry) skip(say('the entry cannot be read'));
    const digest = hex(await sha256(part(CREDENTIAL)));
    need(entry.event === 'certificate.issued', say('the entry records {}', entry.event));
    need(entry.data.credential_sha256 === digest, say('the entry records a certificate with other bytes'));
    need(entry.data.credential === certificate.id || entry.subjects.some(({ id }) => id === certificate.id), say('the entry records a certificate of another name'));
    return say('entry {} recorded it at {} with SHA-256 {}', entry.seq, entry.time, digest);
  });

  let receipt;
  await add('log_signature', async () => {
    if (!part(RECEIPT)) skip(say('it does not travel along'));
    receipt = await openReceipt(text(part(RECEIPT)) ?? '', trust.log);
    return say('{} signed its head of {} entries', receipt.head.origin, receipt.head.size);
  });
  const within = async (entry, receipt) => {
    need(BigInt(entry.seq) === receipt.index, say('the entry has number {}, the receipt is for {}', entry.seq, receipt.index));
    need(await leads(receipt, entry.leaf), say('the path does not lead from this entry to the root that the log signed'));
    return say('entry {} is in the log of {} entries', entry.seq, receipt.head.size);
  };
  await add('inclusion', async () => {
    if (!receipt) skip(say('there is no head of the log to trust'));
    if (!entry) skip(say('there is no entry to look for'));
    return within(entry, receipt);
  });

  for (const cited of certificate.evidence) {
    const name = `entries/${cited.ledgerIndex}.json`;
    await add('cited_entry', async () => {
      if (cited.ledgerOrigin !== trust.log.name) skip(say('it is in another log, {}, whose key was not given', cited.ledgerOrigin));
      const bytes = part(name);
      if (!bytes) skip(say('it does not travel along; the certificate names its hash {}', cited.leafHash));
      const own = await readEntry(bytes);
      const same = hex(own.leaf) === cited.leafHash && toMultibase(concat(Uint8Array.of(0x12, 0x20), await sha256(bytes))) === cited.digestMultibase && own.seq === cited.ledgerIndex;
      need(same, say('{} is not the entry that the certificate cites', name));
      const method = await signedBy(own, trust);
      await ownKey(own);
      need(!entry || entry.seq > cited.ledgerIndex, say('the certificate cites an entry that was made after it'));
      const proof = part(`entries/${cited.ledgerIndex}.tlog-proof`);
      if (!proof) skip(say('it is the entry that the certificate cites, but its receipt does not travel along'));
      const its = await openReceipt(text(proof) ?? '', trust.log);
      need(!receipt || receipt.head.size !== its.head.size || equal(receipt.head.root, its.head.root), say('the log signed two different heads of {} entries', its.head.size));
      return `${say('{} of {}, signed with {}', own.event, own.time, method)}; ${await within(own, its)}`;
    }, { seq: cited.ledgerIndex });
  }

  let asOf;
  await add('status_snapshot', async () => {
    if (!part(STATUS)) skip(say('no status list travels along'));
    asOf = await statusAt(part(STATUS), trust, certificate);
    return say('not revoked as of {}; says nothing about later', asOf);
  });
  await add('status_now', async () => {
    if (!status) skip(say('no status list was fetched; it may have been revoked since'));
    const now = await statusAt(status, trust, certificate);
    if (asOf && now < asOf) skip(say('the status list fetched is as of {}, older than the one that travels along', now));
    return say('not revoked as of {}', now);
  });
  if (bundle.pdf) {
    await add('pages', async () => {
      if (failed()) skip(say('not compared, because something else failed'));
      if (!pages) skip(say('the pages cannot be drawn again here; believe the data below, not the pages'));
      try { return await pages(bundle.pdf); } catch (error) {
        if (error.offline) skip(error.message);
        throw error;
      }
    });
  }

  const dispensable = ['status_snapshot', 'cited_entry'];
  const incomplete = checks.some(({ check, outcome }) => outcome === 'not_run' && !dispensable.includes(check));
  const verdict = failed() ? 'refused' : incomplete ? 'authentic_not_fully_checked' : 'authentic';
  return { checks, verdict, certificate };
}
