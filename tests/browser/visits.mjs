// Every page that there is, each as somebody who reads it: what routes.mjs judges, budgets.mjs weighs, hostile.mjs walks through and pictures.mjs draws.
import { link, loaded, parties, read, released, say } from "./pallet.mjs";

/// Routes that give no page: files, bytes and redirects. A GET route is here or among the visits; one that is nowhere fails the test.
export const NO_PAGE = [
  "/certificates/{number}.pdf",
  "/settings/policy/text",
  "/certificates/{number}/{part:.+}",
  "/.well-known/did.json",
  "/did.json",
  "/ns/quittance/v1",
  "/status/1",
  "/static/{version}/{path:.+}",
  "/sw.js",
  "/healthz",
  "/ledger/checkpoint",
  "/ledger/proof/{seq}",
  "/ledger/log.vkey",
  "/consignments/{id}/events",
  "/consignments/{id}/manifest.pdf",
  "/consignments/{id}/pick-list.pdf",
  "/consignments/{id}/receipt.pdf",
  "/consignments/{id}/reconciliation.pdf",
  "/labels/download",
  "/assets.csv",
  "/verify.html",
  "/bulk/{id}/refused.csv",
  // Where another sign-in is configured: sent on to it, and back from it.
  "/sign-in/other",
  "/sign-in/other/back",
  // Between a password and a code: journeys.mjs goes through it.
  "/sign-in/code",
];

/// A report that names a drive of the record by more than its serial number, and one that nobody has: its SHA-256.
async function unmatched_file(stage, auditor) {
  let drive;
  for (const one of (await auditor("/api/v1/assets?limit=200&label=sanitized")).assets) {
    drive ??= (await auditor(`/api/v1/assets/${one.id}`)).media.map((medium) => medium.serial).find(Boolean);
    if (drive) break;
  }
  const day = new Date().toISOString().slice(0, 10).replaceAll("-", "/");
  const run = (node, serial) => [
    `[${day} 00:01:00]  notice: Found /dev/${node}n1,  NVME   , KBG40ZNS256G NVMe KIOXIA 256GB,  256 GB, S/N=${serial}`,
    `[${day} 00:01:00]    info: /dev/${node}: issuing SANITIZE sanact=2`,
    `[${day} 00:01:00]    info: /dev/${node}: SANITIZE command accepted (sanact=2)`,
    `[${day} 00:01:09]    info: /dev/${node}: SANITIZE action 'Block Erase' was successful.`,
  ];
  const log = [`[${day} 00:01:00]    info: nwipe 0.42`, ...run("nvme0", `KX-${drive}`), ...run("nvme1", "9XT0ELSEWHERE7")].join("\n");
  const answer = await stage.api(stage.people.operator.token, "POST", "/api/v1/evidence", `${log}\n`, { "content-type": "text/plain" });
  if (answer.status !== 201) throw new Error(`the report was not taken: ${answer.status} ${answer.text}`);
  return answer.json.sha256;
}

/// Pages of a record that is in use: {route, name, who, path, status}. `who` is a role, or `nobody`.
export async function visits(stage) {
  const { story } = stage;
  const auditor = (path) => read(stage, "auditor", path);
  const device = async (query) => (await auditor(`/api/v1/assets?limit=1&${query}`)).assets[0].id;
  const all = (await auditor("/api/v1/consignments?limit=50")).consignments;
  const consignment = (reference) => all.find((one) => one.reference === reference).id;
  const certificate = (revoked) => story.certificates.find((one) => one.revoked === revoked).number;
  const open = (await auditor("/api/v1/exceptions?status=open&limit=50")).exceptions;
  const exception = (severity) => open.find((one) => one.severity === severity).address.split("/").pop();
  const { vendor } = await parties(stage);
  const on_its_way = await released(stage, "NP-PICKUP-LINK", 3);
  const followed = await link(stage, on_its_way.id);
  const loading = await loaded(stage, "NP-PICKUP-DOCK", 4);
  const handed = await released(stage, "NP-PICKUP-CODE", 2);
  const made = await stage.form(stage.people.coordinator, `/consignments/${handed.id}/handoff`, { command: "code" });
  const accept = /\/accept\/[A-Za-z0-9_]+/.exec(made.text)[0];
  const retired = (await auditor("/api/v1/assets?limit=3&label=retired")).assets.map((one) => one.id);
  const job = await say(stage, "coordinator", "/api/v1/bulk", { command: "expect_media", body: {}, selection: { ids: retired } });
  let evidence;
  for (const one of (await auditor("/api/v1/assets?limit=200&label=disposed")).assets) {
    evidence ??= (await auditor(`/api/v1/assets/${one.id}`)).media.map((medium) => medium.sanitization?.evidence).find(Boolean);
    if (evidence) break;
  }
  const unmatched = await unmatched_file(stage, auditor);
  const people = (await read(stage, "administrator", "/api/v1/people")).people;

  const page = (route, name, who, path, status = 200) => ({ route, name, who, path, status });
  return [
    page("/", "dashboard", "coordinator", "/"),
    page("/", "dashboard-vendor", "operator", "/"),
    page("/", "dashboard-reports", "reports", "/"),
    page("/", "dashboard-administrator", "administrator", "/"),
    page("/sign-in", "sign-in", "nobody", "/sign-in"),
    page("/verify", "verify", "nobody", "/verify"),
    page("/verify", "verify-unknown-number", "nobody", "/verify?number=NSD-2026-0000-0000"),
    page("/certificates/{number}", "certificate", "nobody", `/certificates/${certificate(false)}`),
    page("/certificates/{number}", "certificate-revoked", "nobody", `/certificates/${certificate(true)}`),
    page("/r/{secret}", "one-time-link", "nobody", followed),
    page("/assets", "devices", "coordinator", "/assets"),
    page("/assets", "devices-searched", "coordinator", "/assets?q=NP-101&label=received"),
    page("/assets", "devices-none-found", "coordinator", "/assets?q=nothing-like-it&label=received"),
    page("/assets", "devices-vendor", "operator", "/assets"),
    page("/assets/{id}", "device", "coordinator", `/assets/${await device("label=sanitized")}`),
    page("/assets/{id}", "device-missing-certificate", "auditor", `/assets/${story.refused.asset}`),
    page("/assets/{id}", "device-held", "approver", `/assets/${await device(`tag=${story.held}`)}`),
    page("/consignments", "consignments", "coordinator", "/consignments"),
    page("/consignments", "consignments-vendor", "operator", "/consignments"),
    page("/consignments/{id}", "consignment-reconciled", "coordinator", `/consignments/${consignment("NP-PICKUP-001")}`),
    page("/consignments/{id}", "consignment-released", "coordinator", `/consignments/${on_its_way.id}`),
    page("/consignments/{id}", "consignment-open-discrepancy", "approver", `/consignments/${consignment("NP-PICKUP-002")}`),
    page("/certificates", "certificates", "auditor", "/certificates"),
    page("/exceptions", "exceptions", "coordinator", "/exceptions"),
    page("/exceptions", "exceptions-resolved", "auditor", "/exceptions?status=resolved"),
    page("/exceptions/{id}", "exception-critical", "approver", `/exceptions/${exception("critical")}`),
    page("/exceptions/{id}", "exception", "coordinator", `/exceptions/${exception("high")}`),
    page("/reports/{name}", "report-mass-balance", "reports", "/reports/mass-balance"),
    page("/vendors", "vendors", "administrator", "/vendors"),
    page("/vendors/{id}", "vendor", "administrator", `/vendors/${vendor.id}`),
    // The desk.
    page("/assets/new", "device-new", "coordinator", "/assets/new"),
    page("/assets/new/medium", "medium-new", "coordinator", "/assets/new/medium"),
    page("/assets/import", "import", "coordinator", "/assets/import"),
    page("/assets/{id}/actions", "device-actions", "coordinator", `/assets/${retired[0]}/actions`),
    page("/assets/{id}/actions/{command}", "device-action", "coordinator", `/assets/${retired[0]}/actions/evaluate`),
    page("/bulk/new", "bulk-new", "coordinator", `/bulk/new?ids=${retired[0]}&ids=${retired[1]}`),
    page("/bulk/{id}", "bulk", "coordinator", `/bulk/${job.id}`),
    page("/certificates/{number}/revocation", "certificate-revoke", "approver", `/certificates/${certificate(false)}/revocation`),
    page("/consignments/{id}/actions", "consignment-actions", "approver", `/consignments/${loading.id}/actions`),
    page("/consignments/{id}/actions/{command}", "consignment-action", "coordinator", `/consignments/${loading.id}/actions/cancel_consignment`),
    page("/vendors/new", "vendor-new", "administrator", "/vendors/new"),
    page("/vendors/{id}/actions", "vendor-actions", "administrator", `/vendors/${vendor.id}/actions`),
    page("/vendors/{id}/actions/{command}", "vendor-action", "administrator", `/vendors/${vendor.id}/actions/record_credential`),
    page("/reports", "reports", "reports", "/reports"),
    page("/search", "search-nothing", "auditor", "/search?q=nothing-like-it"),
    page("/ledger", "ledger", "auditor", "/ledger"),
    page("/ledger/heads", "ledger-heads", "auditor", "/ledger/heads"),
    page("/ledger/entries/{seq}", "ledger-entry", "auditor", "/ledger/entries/1222"),
    page("/settings", "settings", "administrator", "/settings"),
    page("/settings/policy", "settings-policy", "administrator", "/settings/policy"),
    page("/settings/policy/adoption", "settings-policy-adoption", "approver", "/settings/policy/adoption"),
    page("/settings/system", "settings-system", "administrator", "/settings/system"),
    // The dock.
    page("/dock", "dock-offline", "nobody", "/dock"),
    page("/consignments/new", "consignment-new", "coordinator", "/consignments/new"),
    page("/consignments/{id}/scan", "scan", "coordinator", `/consignments/${loading.id}/scan`),
    page("/consignments/{id}/scan", "scan-authorise", "approver", `/consignments/${loading.id}/scan`),
    page("/consignments/{id}/handoff", "handoff-seal", "coordinator", `/consignments/${loading.id}/handoff`),
    page("/consignments/{id}/handoff", "handoff-driver", "coordinator", `/consignments/${on_its_way.id}/handoff`),
    page("/consignments/{id}/receive", "receive", "operator", `/consignments/${on_its_way.id}/receive`),
    page("/consignments/{id}/reconcile", "reconcile", "approver", `/consignments/${consignment("NP-PICKUP-002")}/reconcile`),
    page("/consignments/{id}/reconcile", "reconciled", "coordinator", `/consignments/${consignment("NP-PICKUP-001")}/reconcile`),
    page("/accept/{secret}", "driver-accepts", "nobody", accept),
    // People and their accounts.
    page("/people", "people", "administrator", "/people"),
    page("/people/{id}", "person", "administrator", `/people/${people.find((one) => one.role === "coordinator").id}`),
    page("/administration", "administration", "auditor", "/administration"),
    page("/account", "account", "coordinator", "/account"),
    page("/account/factor", "account-factor", "coordinator", "/account/factor"),
    page("/sign-in/again", "sign-in-again", "administrator", "/sign-in/again?next=/people"),
    page("/agreement", "agreement", "newcomer", "/agreement"),
    // Mail and notes.
    page("/account/mail", "account-mail", "coordinator", "/account/mail"),
    page("/mail", "mail", "administrator", "/mail"),
    page("/mail/unsubscribe/{token}", "unsubscribe-unknown", "nobody", "/mail/unsubscribe/unknown", 404),
    page("/bench", "bench", "operator", "/bench"),
    page("/bench", "bench-all", "operator", "/bench?show=all"),
    page("/validations", "validations", "approver", "/validations"),
    page("/bench/destruction", "destruction", "operator", "/bench/destruction"),
    page("/evidence/{sha256}", "evidence", "auditor", `/evidence/${evidence}`),
    page("/evidence/{sha256}/actions/{command}", "evidence-withhold", "coordinator", `/evidence/${evidence}/actions/propose_withholding`),
    page("/evidence/new", "evidence-typed", "operator", "/evidence/new"),
    page("/evidence", "evidence-list", "coordinator", "/evidence"),
    page("/evidence/{sha256}", "evidence-unmatched", "coordinator", `/evidence/${unmatched}`),
    page("/evidence/{sha256}/readings/{number}", "evidence-match", "coordinator", `/evidence/${unmatched}/readings/0`),
    page("/evidence/{sha256}/notes", "evidence-notes", "auditor", `/evidence/${evidence}/notes`),
    // Paper.
    page("/labels", "labels", "coordinator", `/labels?consignment=${loading.id}`),
    page("/a/{tag}", "found-device", "nobody", "/a/NP-10001"),
    // What goes wrong is a page too.
    page("/assets/{id}", "unknown", "auditor", "/assets/urn:uuid:00000000-0000-4000-8000-000000000000", 404),
    page("/assets", "address-of-nothing", "nobody", "/there/is/nothing", 404),
  ];
}

/// The same of a record on its first day: what a list says that has nothing to list yet.
export const first_visits = (stage) => [
  ["/", "empty-dashboard", "coordinator", "/"],
  ["/setup", "setup", "nobody", "/setup"],
  ["/invitations/{secret}", "invitation", "nobody", stage.invitation],
  ["/assets", "empty-devices", "coordinator", "/assets"],
  ["/consignments", "empty-consignments", "coordinator", "/consignments"],
  ["/certificates", "empty-certificates", "coordinator", "/certificates"],
  ["/evidence", "empty-evidence", "coordinator", "/evidence"],
  ["/exceptions", "empty-exceptions", "coordinator", "/exceptions"],
  ["/reports/{name}", "empty-report", "reports", "/reports/mass-balance"],
  ["/vendors", "empty-vendors", "approver", "/vendors"],
].map(([route, name, who, path]) => ({ route, name, who, path, status: 200 }));
