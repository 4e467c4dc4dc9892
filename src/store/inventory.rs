//! What pages and lists ask: keyset pages over the derived tables, each narrowed to what a party may see, each walking one index in order.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::Database;
use super::ids::PackedId;
use super::listings::EVERYONE;
use super::schema::{
    asset_parties, assets, certificate_parties, certificate_parts, certificates, consignment_lines, consignment_tags, consignments, discrepancies,
    entries, entry_subjects, exceptions, label_counts, media, parties, status_lists,
};
use super::tables::{AssetRow, CertificateRow, ConsignmentRow, DiscrepancyRow, LineRow, PartyRow};
use super::to_db;
use crate::domain::consignment::LineState;
use crate::error::Result;

/// What to list of the devices.
#[derive(Clone, Debug, Default)]
pub struct AssetQuery {
    /// Only those that concern this party, which is not the organisation: its people see all.
    pub party: Option<String>,
    /// In place of that: only those that this party has at this site.
    pub place: Option<(String, String)>,
    /// Only those with this label.
    pub label: Option<String>,
    /// Only those whose tag begins so.
    pub tag_prefix: Option<String>,
    /// What else has to fit.
    pub more: Filter,
    /// After this `(tag, id)`.
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: i64,
}

/// The last text that begins with a prefix, for all that tags can hold.
fn end_of(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// Continues a list after `(first, second)`. The first condition alone tells where in the index to begin; the second drops the few that have the same
/// `first` and were shown already.
macro_rules! after {
    ($select:ident, $after:expr, $first:expr, $second:expr) => {
        if let Some((first, second)) = $after {
            $select = $select.filter($first.ge(first)).filter($first.gt(first).or($second.gt(second)));
        }
    };
}

/// Text of a record: no media are on record for it, and nothing attests that it has none.
const NO_MEDIA: &str = "%\"media\":[]%";
const ATTESTED: &str = "%\"no_storage\":%";

/// Narrows a list of devices to what fits, and to what concerns a party.
macro_rules! narrowed {
    ($select:ident, $filter:expr, $party:expr) => {
        if let Some(label) = &$filter.label {
            $select = $select.filter(assets::label.eq(label.clone()));
        }
        if let Some(site) = &$filter.site {
            $select = $select.filter(assets::site.eq(site.clone()));
        }
        if let Some(category) = &$filter.category {
            $select = $select.filter(assets::category.eq(category.clone()));
        }
        if let Some(holder) = &$filter.holder {
            $select = $select.filter(assets::party.eq(holder.clone()));
        }
        if let Some(prefix) = &$filter.tag {
            $select = $select.filter(assets::tag.ge(prefix.clone())).filter(assets::tag.lt(end_of(prefix)));
        }
        if $filter.media_unknown {
            $select = $select.filter(assets::state.like(NO_MEDIA)).filter(assets::state.not_like(ATTESTED));
        }
        if $filter.exception {
            let open = exceptions::table.filter(exceptions::status.eq(OPEN)).select(exceptions::subject);
            $select = $select.filter(assets::id.eq_any(open));
        }
        if let Some(party) = $party {
            let theirs = asset_parties::table.filter(asset_parties::party.eq(PackedId::of(party))).select(asset_parties::asset);
            $select = $select.filter(assets::id.eq_any(theirs));
        }
    };
}

/// Of the exceptions that a list of devices is narrowed by.
const OPEN: &str = "open";

/// Devices in the order of their tags.
pub fn assets(db: &mut Database, query: &AssetQuery) -> Result<Vec<AssetRow>> {
    let after = query.after.as_ref();
    if query.more != Filter::default() {
        let mut select = assets::table.order((assets::tag, assets::id)).limit(query.limit).into_boxed();
        let label = query.label.clone().or_else(|| query.more.label.clone());
        let tag = query.tag_prefix.clone().or_else(|| query.more.tag.clone());
        let filter = Filter { label, tag, ..query.more.clone() };
        narrowed!(select, filter, query.party.as_deref().filter(|_| query.place.is_none()));
        if let Some((party, site)) = &query.place {
            select = select.filter(assets::party.eq(party.clone())).filter(assets::site.eq(site.clone()));
        }
        after!(select, after, assets::tag, assets::id);
        return Ok(select.load(db)?);
    }
    let Some(party) = query.party.as_ref().filter(|_| query.place.is_none()) else {
        let mut select = assets::table.order((assets::tag, assets::id)).limit(query.limit).into_boxed();
        if let Some((party, site)) = &query.place {
            select = select.filter(assets::party.eq(party)).filter(assets::site.eq(site));
        }
        if let Some(label) = &query.label {
            select = select.filter(assets::label.eq(label));
        }
        if let Some(prefix) = &query.tag_prefix {
            select = select.filter(assets::tag.ge(prefix)).filter(assets::tag.lt(end_of(prefix)));
        }
        after!(select, after, assets::tag, assets::id);
        return Ok(select.load(db)?);
    };
    let order = (asset_parties::tag, asset_parties::asset);
    let mut select = asset_parties::table.filter(asset_parties::party.eq(PackedId::of(party))).order(order).limit(query.limit).into_boxed();
    if let Some(label) = &query.label {
        select = select.filter(asset_parties::label.eq(label));
    }
    if let Some(prefix) = &query.tag_prefix {
        select = select.filter(asset_parties::tag.ge(prefix)).filter(asset_parties::tag.lt(end_of(prefix)));
    }
    after!(select, after, asset_parties::tag, asset_parties::asset);
    let ids: Vec<String> = select.select(asset_parties::asset).load(db)?;
    let mut rows: Vec<AssetRow> = assets::table.filter(assets::id.eq_any(ids)).load(db)?;
    rows.sort_by(|a, b| (&a.tag, &a.id).cmp(&(&b.tag, &b.id)));
    Ok(rows)
}

/// Which devices: what is given has to fit, all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Its label.
    pub label: Option<String>,
    /// The site where it is.
    pub site: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// The party that has it.
    pub holder: Option<String>,
    /// How its tag begins.
    pub tag: Option<String>,
    /// Only those of whose media nothing is known.
    #[serde(default)]
    pub media_unknown: bool,
    /// Only those with an open exception.
    #[serde(default)]
    pub exception: bool,
}

/// The ids of at most `limit` devices in the order of their tags; of those that concern `party`, where one other than the organisation is given.
pub fn selected(db: &mut Database, party: Option<&str>, filter: &Filter, limit: i64) -> Result<Vec<String>> {
    let mut select = assets::table.order((assets::tag, assets::id)).limit(limit).select(assets::id).into_boxed();
    narrowed!(select, filter, party);
    Ok(select.load(db)?)
}

/// The ids of the media in these devices, device by device.
pub fn media_in(db: &mut Database, assets: &[String]) -> Result<Vec<String>> {
    Ok(media::table.filter(media::host.eq_any(assets)).order((media::host, media::id)).select(media::id).load(db)?)
}

/// How many devices have each label; of those that concern `party`, where one other than the organisation is given.
pub fn labels(db: &mut Database, party: Option<&str>) -> Result<Vec<(String, i64)>> {
    Ok(label_counts::table
        .filter(label_counts::party.eq(party.unwrap_or(EVERYONE)))
        .filter(label_counts::devices.ne(0))
        .order(label_counts::label)
        .select((label_counts::label, label_counts::devices))
        .load(db)?)
}

/// Consignments in the order of their references, after `(reference, id)`; a party sees those that it sends or is to receive.
pub fn consignments(db: &mut Database, party: Option<&str>, after: Option<&(String, String)>, limit: i64) -> Result<Vec<ConsignmentRow>> {
    let page = || consignments::table.order((consignments::reference, consignments::id)).limit(limit).into_boxed();
    let Some(party) = party else {
        let mut select = page();
        after!(select, after, consignments::reference, consignments::id);
        return Ok(select.load(db)?);
    };
    // Each of the two has its index; a condition that either may meet would walk neither in order.
    let mut sent = page().filter(consignments::from_party.eq(party));
    after!(sent, after, consignments::reference, consignments::id);
    let mut to_come = page().filter(consignments::to_party.eq(party)).filter(consignments::from_party.ne(party));
    after!(to_come, after, consignments::reference, consignments::id);
    let mut rows: Vec<ConsignmentRow> = sent.load(db)?;
    rows.extend(to_come.load::<ConsignmentRow>(db)?);
    rows.sort_by(|a, b| (&a.reference, &a.id).cmp(&(&b.reference, &b.id)));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// The consignment of this reference.
pub fn consignment_called(db: &mut Database, reference: &str) -> Result<Option<ConsignmentRow>> {
    Ok(consignments::table.filter(consignments::reference.eq(reference)).order(consignments::id).first(db).optional()?)
}

/// The lines of a consignment by container and name, after `(container and name, key of the item)`, each with its place.
pub fn lines(db: &mut Database, consignment: &str, after: Option<&(String, String)>, limit: i64) -> Result<Vec<(String, LineRow)>> {
    let order = (consignment_tags::tag, consignment_tags::item);
    let mut select = consignment_tags::table.filter(consignment_tags::consignment.eq(consignment)).order(order).limit(limit).into_boxed();
    after!(select, after, consignment_tags::tag, consignment_tags::item);
    let names: Vec<(String, String)> = select.select((consignment_tags::tag, consignment_tags::item)).load(db)?;
    let items: Vec<&String> = names.iter().map(|(_, item)| item).collect();
    let rows: Vec<LineRow> =
        consignment_lines::table.filter(consignment_lines::consignment.eq(consignment)).filter(consignment_lines::item.eq_any(items)).load(db)?;
    let mut rows: BTreeMap<String, LineRow> = rows.into_iter().map(|row| (row.item.clone(), row)).collect();
    Ok(names.into_iter().filter_map(|(name, item)| rows.remove(&item).map(|row| (name, row))).collect())
}

/// The lines of a consignment that have not come, by what one finds them by: at most so many things, and every line of counted things.
pub fn awaited(db: &mut Database, consignment: &str, limit: i64) -> Result<(Vec<LineRow>, Vec<LineRow>)> {
    let state = |state: LineState| format!("%\"state\":\"{}\"%", state.as_str());
    let awaited = || {
        let waits = consignment_lines::state.like(state(LineState::Listed)).or(consignment_lines::state.like(state(LineState::Short)));
        let lines = consignment_lines::table.filter(consignment_lines::consignment.eq(consignment)).filter(waits).select(consignment_lines::item);
        let order = (consignment_tags::tag, consignment_tags::item);
        let named = consignment_tags::table.filter(consignment_tags::consignment.eq(consignment)).order(order).select(consignment_tags::item);
        named.filter(consignment_tags::item.eq_any(lines))
    };
    let things: Vec<String> = awaited().filter(consignment_tags::item.not_like("quantity %")).limit(limit).load(db)?;
    let counted: Vec<String> = awaited().filter(consignment_tags::item.like("quantity %")).load(db)?;
    let mut rows = |items: Vec<String>| -> Result<Vec<LineRow>> {
        let select = consignment_lines::table.filter(consignment_lines::consignment.eq(consignment));
        let rows: Vec<LineRow> = select.filter(consignment_lines::item.eq_any(&items)).load(db)?;
        let mut rows: BTreeMap<String, LineRow> = rows.into_iter().map(|row| (row.item.clone(), row)).collect();
        Ok(items.iter().filter_map(|item| rows.remove(item)).collect())
    };
    Ok((rows(things)?, rows(counted)?))
}

/// The discrepancies of a consignment in the order of their ids, after an id.
pub fn discrepancies(db: &mut Database, consignment: &str, after: Option<&str>, limit: i64) -> Result<Vec<DiscrepancyRow>> {
    let mut select = discrepancies::table.filter(discrepancies::consignment.eq(consignment)).order(discrepancies::id).limit(limit).into_boxed();
    if let Some(after) = after {
        select = select.filter(discrepancies::id.gt(after));
    }
    Ok(select.load(db)?)
}

/// The discrepancies of a consignment that concern one of these devices.
pub fn discrepancies_of(db: &mut Database, consignment: &str, assets: &[String]) -> Result<Vec<DiscrepancyRow>> {
    Ok(discrepancies::table.filter(discrepancies::consignment.eq(consignment)).filter(discrepancies::asset.eq_any(assets)).load(db)?)
}

/// Certificates in the order of their numbers, after a number; a party other than the organisation sees those of devices that concern it.
pub fn certificates(db: &mut Database, party: Option<&str>, after: Option<&str>, limit: i64) -> Result<Vec<CertificateRow>> {
    let Some(party) = party else {
        let mut select = certificates::table.order(certificates::id).limit(limit).into_boxed();
        if let Some(after) = after {
            select = select.filter(certificates::id.gt(after));
        }
        return Ok(select.load(db)?);
    };
    let order = certificate_parties::certificate;
    let mut select = certificate_parties::table.filter(certificate_parties::party.eq(party)).order(order).limit(limit).into_boxed();
    if let Some(after) = after {
        select = select.filter(certificate_parties::certificate.gt(after));
    }
    let numbers: Vec<String> = select.select(certificate_parties::certificate).load(db)?;
    Ok(certificates::table.filter(certificates::id.eq_any(numbers)).order(certificates::id).load(db)?)
}

/// The entries about any of these things, oldest first, from an entry on: `(seq, bytes)`. Each thing's own index is walked from there, so that the
/// thousandth page costs what the first does.
pub fn timeline(db: &mut Database, subjects: &[String], from: u64, limit: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    let mut seqs = BTreeSet::new();
    for subject in subjects {
        let of_one: Vec<i64> = entry_subjects::table
            .filter(entry_subjects::subject.eq(PackedId::of(subject)))
            .filter(entry_subjects::seq.ge(to_db(from)))
            .order(entry_subjects::seq)
            .limit(limit)
            .select(entry_subjects::seq)
            .load(db)?;
        seqs.extend(of_one);
    }
    let page: Vec<i64> = seqs.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    Ok(entries::table.filter(entries::seq.eq_any(page)).order(entries::seq).select((entries::seq, entries::bytes)).load(db)?)
}

/// The parties that a certified device concerns, beside the organisation.
pub fn parties_of_certificate(db: &mut Database, certificate: &str) -> Result<Vec<String>> {
    let rows = certificate_parties::table.filter(certificate_parties::certificate.eq(certificate));
    Ok(rows.order(certificate_parties::party).select(certificate_parties::party).load(db)?)
}

/// Every certificate of a device.
pub fn certificates_of(db: &mut Database, asset: &str) -> Result<Vec<CertificateRow>> {
    Ok(certificates::table.filter(certificates::asset.eq(asset)).order(certificates::last_seq).load(db)?)
}

/// Parties in the order of their names, after `(name, id)`; where `only` names some, no others.
pub fn parties(db: &mut Database, only: Option<&[String]>, after: Option<&(String, String)>, limit: i64) -> Result<Vec<PartyRow>> {
    let mut select = parties::table.order((parties::name, parties::id)).limit(limit).into_boxed();
    if let Some(only) = only {
        select = select.filter(parties::id.eq_any(only));
    }
    after!(select, after, parties::name, parties::id);
    Ok(select.load(db)?)
}

/// Labels of devices that a party does not have any more, or that are done with; and of those of which nothing is left but where they go.
const AWAY: [&str; 4] = ["released", "disposed", "missing", "written_off"];
const DATA_GONE: [&str; 3] = ["sanitized", "graded", "redeploy_ready"];

/// Devices that a party has and that are not settled, after `(tag, id)`, in the order of their tags; of these, where `lacking`, only those whose data are
/// not known to be gone.
pub fn unsettled(db: &mut Database, party: &str, lacking: bool, after: Option<&(String, String)>, limit: i64) -> Result<Vec<AssetRow>> {
    let mut select = assets::table.filter(assets::party.eq(party)).filter(assets::label.ne_all(AWAY)).into_boxed();
    if lacking {
        select = select.filter(assets::label.ne_all(DATA_GONE));
    }
    after!(select, after, assets::tag, assets::id);
    Ok(select.order((assets::tag, assets::id)).limit(limit).load(db)?)
}

/// Text of a medium's record: it lies where it is, and its data are not known to be gone.
const AT_REST: &str = "%\"in_transit\":false%";
const SETTLED: [&str; 5] = ["cleared", "purged", "destroyed", "absent", "withdrawn"];

/// Media that are in no device, that a party has and whose data are not known to be gone, after an id.
pub fn unsettled_media(db: &mut Database, party: &str, after: Option<&str>, limit: i64) -> Result<Vec<super::tables::MediumRow>> {
    let mut select = media::table.filter(media::party.eq(party)).filter(media::host.is_null()).filter(media::state.like(AT_REST)).into_boxed();
    for settled in SETTLED {
        select = select.filter(media::state.not_like(format!("%\"state\":\"{settled}\"%")));
    }
    if let Some(after) = after {
        select = select.filter(media::id.gt(after));
    }
    Ok(select.order(media::id).limit(limit).load(db)?)
}

/// Media that are in no device and that this party has, at most so many.
pub fn loose_media(db: &mut Database, party: &str, limit: i64) -> Result<Vec<super::tables::MediumRow>> {
    Ok(media::table.filter(media::party.eq(party)).filter(media::host.is_null()).order(media::id).limit(limit).load(db)?)
}

/// The media in a device.
pub fn media_of(db: &mut Database, asset: &str) -> Result<Vec<super::tables::MediumRow>> {
    Ok(media::table.filter(media::host.eq(asset)).order(media::id).load(db)?)
}

/// Remembers which stored file is which part of a certificate.
pub fn add_part(db: &mut Database, certificate: &str, name: &str, sha256: &str) -> Result<()> {
    diesel::insert_into(certificate_parts::table)
        .values((certificate_parts::certificate.eq(certificate), certificate_parts::name.eq(name), certificate_parts::sha256.eq(sha256)))
        .execute(db)?;
    Ok(())
}

/// The parts of a certificate: `(name, sha256)`.
pub fn parts(db: &mut Database, certificate: &str) -> Result<Vec<(String, String)>> {
    Ok(certificate_parts::table
        .filter(certificate_parts::certificate.eq(certificate))
        .order(certificate_parts::name)
        .select((certificate_parts::name, certificate_parts::sha256))
        .load(db)?)
}

/// What else than evidence this stored file is, in words: a part of a certificate, a status list.
pub fn published_as(db: &mut Database, sha256: &str) -> Result<Option<String>> {
    let part: Option<String> = certificate_parts::table
        .filter(certificate_parts::sha256.eq(sha256))
        .order(certificate_parts::certificate)
        .select(certificate_parts::certificate)
        .first(db)
        .optional()?;
    if let Some(certificate) = part {
        return Ok(Some(format!("a part of the certificate {certificate}")));
    }
    let list: Option<i64> = status_lists::table.filter(status_lists::sha256.eq(sha256)).select(status_lists::seq).first(db).optional()?;
    Ok(list.map(|seq| format!("the status list of entry {seq}")))
}

/// Remembers a version of a status list: published by entry `seq`, stored under `sha256`.
pub fn add_status_version(db: &mut Database, list: &str, seq: u64, sha256: &str) -> Result<()> {
    diesel::insert_into(status_lists::table)
        .values((status_lists::list.eq(list), status_lists::seq.eq(to_db(seq)), status_lists::sha256.eq(sha256)))
        .execute(db)?;
    Ok(())
}

/// The newest version of a status list.
pub fn newest_status(db: &mut Database, list: &str) -> Result<Option<String>> {
    Ok(status_lists::table.filter(status_lists::list.eq(list)).order(status_lists::seq.desc()).select(status_lists::sha256).first(db).optional()?)
}

/// Every part of every certificate: `(certificate, name, sha256)`.
pub fn all_parts(db: &mut Database) -> Result<Vec<(String, String, String)>> {
    Ok(certificate_parts::table.order((certificate_parts::certificate, certificate_parts::name)).load(db)?)
}

/// Every version of every status list: `(list, seq, sha256)`.
pub fn all_status_versions(db: &mut Database) -> Result<Vec<(String, i64, String)>> {
    Ok(status_lists::table.order((status_lists::list, status_lists::seq)).load(db)?)
}
