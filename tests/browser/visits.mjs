// Every page that there is, each as somebody who reads it: what routes.mjs judges, hostile.mjs walks through and pictures.mjs draws.
import { link, parties, read, released } from "./pallet.mjs";

/// Routes that give no page: files, bytes and redirects. A GET route is here or among the visits; one that is nowhere fails the test.
export const NO_PAGE = [
  "/",
  "/certificates/{number}.pdf",
  "/certificates/{number}/{part:.+}",
  "/.well-known/did.json",
  "/did.json",
  "/ns/quittance/v1",
  "/status/1",
  "/static/{version}/{path:.+}",
  "/healthz",
  "/ledger/checkpoint",
  "/ledger/proof/{seq}",
  "/ledger/log.vkey",
  "/ledger/entries/{seq}",
];

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

  const page = (route, name, who, path, status = 200) => ({ route, name, who, path, status });
  return [
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
    // What goes wrong is a page too.
    page("/assets/{id}", "unknown", "auditor", "/assets/urn:uuid:00000000-0000-4000-8000-000000000000", 404),
    page("/assets", "address-of-nothing", "nobody", "/there/is/nothing", 404),
  ];
}

/// The same of a record on its first day: what a list says that has nothing to list yet.
export const FIRST_VISITS = [
  ["/assets", "empty-devices", "coordinator", "/assets"],
  ["/consignments", "empty-consignments", "coordinator", "/consignments"],
  ["/certificates", "empty-certificates", "coordinator", "/certificates"],
  ["/exceptions", "empty-exceptions", "coordinator", "/exceptions"],
  ["/reports/{name}", "empty-report", "reports", "/reports/mass-balance"],
  ["/vendors", "empty-vendors", "administrator", "/vendors"],
].map(([route, name, who, path]) => ({ route, name, who, path, status: 200 }));
