// Pallets of the demo's district, loaded through the API as far as a script needs them.

/// What a person says to the API; it has to be taken.
export async function say(stage, who, path, body) {
  const answer = await stage.api(stage.people[who].token, "POST", path, body);
  if (answer.status !== 200 && answer.status !== 201) throw new Error(`${path} as ${who}: ${answer.status} ${answer.text}`);
  return answer.json;
}

/// What a person reads from the API.
export async function read(stage, who, path) {
  const answer = await stage.api(stage.people[who].token, "GET", path);
  if (answer.status !== 200) throw new Error(`${path} as ${who}: ${answer.status} ${answer.text}`);
  return answer.json;
}

const command = (stage, who, name, body) => say(stage, who, `/api/v1/commands/${name}`, body);

/// The id of the first subject of a kind that a command was about.
export function subject(receipt, kind) {
  return receipt.entries.flatMap((entry) => entry.subjects).find((one) => one.type === kind).id;
}

/// The vendor that the demo's operator works for, and the organisation: {id, name, sites}.
export async function parties(stage) {
  const all = (await read(stage, "auditor", "/api/v1/parties")).parties;
  return { vendor: all.find((party) => party.name === stage.people.operator.party), own: all.find((party) => party.kind === "organisation") };
}

/// New devices in service at the organisation's first site: [{id, tag, serial}].
export async function devices(stage, prefix, count) {
  const { own } = await parties(stage);
  const made = [];
  for (let at = 1; at <= count; at += 1) {
    const number = String(at).padStart(4, "0");
    const device = { tag: `${prefix}-${number}`, serial: `${prefix}S${number}X`, category: "chromebook", manufacturer: "Lenovo", model: "100e Gen 2" };
    const receipt = await command(stage, "coordinator", "register_asset", { ...device, sensitivity: "moderate", site: own.sites[0], status: "in_service" });
    made.push({ id: subject(receipt, "Asset"), ...device });
  }
  return made;
}

/// A pickup that is open, with presets and the approver's word, so that each scan prepares what it scans: {id, reference}.
export async function opened(stage, reference) {
  const { own, vendor } = await parties(stage);
  const rejected = ["repair", "redeploy", "resale", "donation", "parts"].map((rung) => ({ rung, reason: "uneconomic" }));
  const presets = { reason: "end_of_support", rung: "recycling", rejected, media_type: "emmc" };
  const open = { reference, from_site: own.sites[0], to: vendor.id, to_site: vendor.sites[0], carrier: "Great Plains Freight", presets };
  const id = subject(await command(stage, "coordinator", "open_consignment", open), "Consignment");
  await command(stage, "approver", "authorize_consignment", { consignment: id, reference: `BOARD-${reference}` });
  return { id, reference };
}

/// The same with so many devices on it: {id, reference, devices}.
export async function loaded(stage, reference, count) {
  const pallet = await opened(stage, reference);
  const devices_on = await devices(stage, reference, count);
  for (const device of devices_on) await command(stage, "coordinator", "scan", { consignment: pallet.id, tag: device.tag, container: "PALLET-1" });
  return { ...pallet, devices: devices_on };
}

/// The same sealed and on its way.
export async function released(stage, reference, count) {
  const pallet = await loaded(stage, reference, count);
  const containers = [{ label: "PALLET-1", seal: `S-${reference}`, gross_weight_grams: 61_500 }];
  await command(stage, "coordinator", "seal_consignment", { consignment: pallet.id, containers });
  await command(stage, "coordinator", "release_consignment", { consignment: pallet.id });
  return pallet;
}

/// A one-time link for a consignment: the path of its page.
export async function link(stage, consignment) {
  const answer = await say(stage, "coordinator", `/api/v1/consignments/${consignment}/links`, { days: 14 });
  const found = Object.values(answer).find((value) => typeof value === "string" && value.includes("/r/"));
  if (!found) throw new Error(`no link in ${JSON.stringify(answer)}`);
  return new URL(found, stage.url).pathname;
}
