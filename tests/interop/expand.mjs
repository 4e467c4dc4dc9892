// Expands documents with JSON-LD's safe mode (an undefined term is an error) and canonicalises them: `ok <file>` for each, exit code 1 if one fails.
//   node tests/interop/expand.mjs <folder of W3C contexts> <our context file> <document>...
// Nothing is fetched.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import jsonld from "jsonld";

const [folder, ours, ...files] = process.argv.slice(2);
if (!files.length) {
  console.error("usage: expand.mjs <contexts folder> <context file> <document>...");
  process.exit(64);
}

const published = {
  "https://www.w3.org/ns/credentials/v2": "credentials-v2.jsonld",
  "https://w3id.org/security/data-integrity/v2": "data-integrity-v2.jsonld",
  "https://w3id.org/security/multikey/v1": "multikey-v1.jsonld",
};
const documentLoader = async (url) => {
  const file = published[url] ? join(folder, published[url]) : url.endsWith("/ns/quittance/v1") ? ours : null;
  if (!file) throw new Error(`no document is fetched, and ${url} is not at hand`);
  return { contextUrl: null, documentUrl: url, document: JSON.parse(readFileSync(file, "utf8")) };
};

let failed = false;
for (const file of files) {
  try {
    const document = JSON.parse(readFileSync(file, "utf8"));
    const expanded = await jsonld.expand(document, { safe: true, documentLoader });
    const quads = await jsonld.canonize(document, { safe: true, documentLoader, algorithm: "RDFC-1.0", format: "application/n-quads" });
    if (!expanded.length || !quads) throw new Error("expands to nothing");
    console.log(`ok ${file}`);
    if (process.env.INTEROP_SHOW) console.log(quads);
  } catch (error) {
    failed = true;
    console.log(`FAILED ${file}: ${error.message} ${JSON.stringify(error.details ?? {}).slice(0, 400)}`);
  }
}
process.exit(failed ? 1 : 0);
