// Checks a certificate with Digital Bazaar's verifier and prints one line of JSON: {verified, revoked, error}.
//   node tests/interop/verify.mjs CONTEXTS_DIR CONTEXT_URL CONTEXT_FILE DID_JSON STATUS_FILE CREDENTIAL_FILE
// Nothing is fetched: what is not among the given files is an error.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import { createVerifyCryptosuite } from "@digitalbazaar/eddsa-jcs-2022-cryptosuite";
import * as vc from "@digitalbazaar/vc";
import { checkStatus } from "@digitalbazaar/vc-bitstring-status-list";

const [contexts, contextUrl, contextFile, didFile, statusFile, credentialFile, ...more] = process.argv.slice(2);
if (!credentialFile || more.length) {
  console.error("usage: verify.mjs CONTEXTS_DIR CONTEXT_URL CONTEXT_FILE DID_JSON STATUS_FILE CREDENTIAL_FILE");
  process.exit(64);
}
const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const [did, status, credential] = [didFile, statusFile, credentialFile].map(read);

const documents = new Map([
  ["https://www.w3.org/ns/credentials/v2", read(join(contexts, "credentials-v2.jsonld"))],
  ["https://w3id.org/security/data-integrity/v2", read(join(contexts, "data-integrity-v2.jsonld"))],
  ["https://w3id.org/security/multikey/v1", read(join(contexts, "multikey-v1.jsonld"))],
  [contextUrl, read(contextFile)],
  [did.id, did],
  [status.id, status],
  ...did.verificationMethod.map((method) => [method.id, { "@context": "https://w3id.org/security/multikey/v1", ...method }]),
]);
const documentLoader = async (url) => {
  if (!documents.has(url)) throw new Error(`no document is fetched, and ${url} is not at hand`);
  return { contextUrl: null, documentUrl: url, document: structuredClone(documents.get(url)) };
};

const messages = (error) => [error?.message, ...(error?.errors ?? []).flatMap(messages), ...(error?.cause ? messages(error.cause) : [])].filter(Boolean);
const suite = new DataIntegrityProof({ cryptosuite: createVerifyCryptosuite() });
const result = await vc.verifyCredential({ credential, suite, documentLoader, checkStatus });
// `verified` stays true for a revoked certificate: the bit itself has to be read, and there has to be one.
const bits = result.statusResult?.results?.map((one) => one.status) ?? [];
const readOne = bits.length === 1 && typeof bits[0] === "boolean";
console.log(
  JSON.stringify({
    verified: result.verified === true && readOne,
    revoked: bits.includes(true),
    error: [...messages(result.error), ...messages(result.statusResult?.error)].join("; ") || (readOne ? null : "no status was read"),
  }),
);
