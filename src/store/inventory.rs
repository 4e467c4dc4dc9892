//! What pages and lists ask: keyset pages over the derived tables, each narrowed to what a party may see.

use diesel::prelude::*;

use super::Database;
use super::schema::{asset_parties, assets, certificate_parts, certificates, consignments, discrepancies, media, parties, status_lists};
use super::tables::{AssetRow, CertificateRow, ConsignmentRow, DiscrepancyRow, PartyRow};
use super::to_db;
use crate::error::Result;

/// What to list of the devices.
#[derive(Clone, Debug, Default)]
pub struct AssetQuery {
    /// Only those that concern this party.
    pub party: Option<String>,
    /// Only those with this label.
    pub label: Option<String>,
    /// Only those whose tag begins so.
    pub tag_prefix: Option<String>,
    /// After this `(tag, id)`.
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: i64,
}

/// Devices in the order of their tags.
pub fn assets(db: &mut Database, query: &AssetQuery) -> Result<Vec<AssetRow>> {
    let mut select = assets::table.order((assets::tag, assets::id)).limit(query.limit).into_boxed();
    if let Some(party) = &query.party {
        select = select.filter(assets::id.eq_any(asset_parties::table.filter(asset_parties::party.eq(party)).select(asset_parties::asset)));
    }
    if let Some(label) = &query.label {
        select = select.filter(assets::label.eq(label));
    }
    if let Some(prefix) = &query.tag_prefix {
        select = select.filter(assets::tag.ge(prefix)).filter(assets::tag.lt(format!("{prefix}\u{10ffff}")));
    }
    if let Some((tag, id)) = &query.after {
        select = select.filter(assets::tag.gt(tag).or(assets::tag.eq(tag).and(assets::id.gt(id))));
    }
    Ok(select.load(db)?)
}

/// How many devices have each label.
pub fn labels(db: &mut Database, party: Option<&str>) -> Result<Vec<(String, i64)>> {
    let mut select = assets::table.group_by(assets::label).select((assets::label, diesel::dsl::count_star())).order(assets::label).into_boxed();
    if let Some(party) = party {
        select = select.filter(assets::id.eq_any(asset_parties::table.filter(asset_parties::party.eq(party)).select(asset_parties::asset)));
    }
    Ok(select.load(db)?)
}

/// Consignments in the order of their references, after `(reference, id)`.
pub fn consignments(db: &mut Database, party: Option<&str>, after: Option<&(String, String)>, limit: i64) -> Result<Vec<ConsignmentRow>> {
    let mut select = consignments::table.order((consignments::reference, consignments::id)).limit(limit).into_boxed();
    if let Some(party) = party {
        select = select.filter(consignments::from_party.eq(party).or(consignments::to_party.eq(party)));
    }
    if let Some((reference, id)) = after {
        select = select.filter(consignments::reference.gt(reference).or(consignments::reference.eq(reference).and(consignments::id.gt(id))));
    }
    Ok(select.load(db)?)
}

/// The discrepancies of a consignment.
pub fn discrepancies(db: &mut Database, consignment: &str) -> Result<Vec<DiscrepancyRow>> {
    Ok(discrepancies::table.filter(discrepancies::consignment.eq(consignment)).order(discrepancies::id).load(db)?)
}

/// Certificates in the order of their numbers, after a number; a party sees those of devices that concern it.
pub fn certificates(db: &mut Database, party: Option<&str>, after: Option<&str>, limit: i64) -> Result<Vec<CertificateRow>> {
    let mut select = certificates::table.order(certificates::id).limit(limit).into_boxed();
    if let Some(party) = party {
        select = select.filter(certificates::asset.eq_any(asset_parties::table.filter(asset_parties::party.eq(party)).select(asset_parties::asset)));
    }
    if let Some(after) = after {
        select = select.filter(certificates::id.gt(after));
    }
    Ok(select.load(db)?)
}

/// Every certificate of a device.
pub fn certificates_of(db: &mut Database, asset: &str) -> Result<Vec<CertificateRow>> {
    Ok(certificates::table.filter(certificates::asset.eq(asset)).order(certificates::last_seq).load(db)?)
}

/// Every party.
pub fn parties(db: &mut Database) -> Result<Vec<PartyRow>> {
    Ok(parties::table.order((parties::name, parties::id)).load(db)?)
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
