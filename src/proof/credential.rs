//! What a verifier reads in a certificate: who issued it, which ledger entries it cites, and where its revocation would show.

use serde_json::Value;

use super::digest::{self, Hash};
use super::instant;
use super::integrity::{self, Unproven};
use super::note;
use super::status;

/// The context that every Verifiable Credential 2.0 begins with.
pub const CREDENTIALS_V2: &str = "https://www.w3.org/ns/credentials/v2";

/// A ledger entry that a certificate rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The log that it stands in.
    pub origin: String,
    /// Its number there.
    pub seq: u64,
    /// Its RFC 6962 leaf hash.
    pub leaf: Hash,
    /// Its file digest, `digestMultibase`.
    pub digest_multibase: String,
    /// What the certificate calls it.
    pub name: String,
}

/// The parts of a certificate that checks need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The URL of the certificate.
    pub id: String,
    /// Its types beside `VerifiableCredential`.
    pub types: Vec<String>,
    /// Its title.
    pub name: String,
    /// The DID of the issuer.
    pub issuer: String,
    /// The issuer's name as the certificate states it, if it does.
    pub issuer_name: Option<String>,
    /// Issued at, whole seconds in UTC.
    pub valid_from: String,
    /// The status list that would show its revocation.
    pub status_list: String,
    /// Its place in that list.
    pub status_index: u64,
    /// The ledger entries that it rests on.
    pub evidence: Vec<Citation>,
}

impl Certificate {
    /// Reads a parsed credential. Anything that a check relies on must be there in its one form.
    pub fn read(value: &Value) -> Result<Self, Unproven> {
        let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let at = |pointer: &str| text(value, pointer);
        let need = Unproven::Form;

        let mut types = value.get("type").and_then(strings).unwrap_or_default();
        let all = types.len();
        types.retain(|kind| kind != "VerifiableCredential");
        let subject = value.get("credentialSubject").is_some_and(|subject| subject.is_object() || subject.get(0).is_some());
        let says = |pointer: &str, word: &str| at(pointer).as_deref() == Some(word);
        let status = says("/credentialStatus/type", "BitstringStatusListEntry") && says("/credentialStatus/statusPurpose", status::PURPOSE);
        integrity::require([
            (value.get("@context").and_then(strings).is_some(), "@context is not a list of URLs"),
            (says("/@context/0", CREDENTIALS_V2), "@context does not begin with that of Verifiable Credentials 2.0"),
            (!types.is_empty() && types.len() + 1 == all, "type is not VerifiableCredential and the kind of certificate"),
            (value.get("validUntil").is_none(), "validUntil is present; certificates do not expire, they are revoked"),
            (subject, "credentialSubject is missing"),
            (status, "credentialStatus is not a BitstringStatusListEntry for revocation"),
        ])?;
        let evidence = value.get("evidence").and_then(Value::as_array).ok_or(need("evidence is not a list"))?;
        let cites_ledger =
            |item: &&Value| item.get("type").and_then(strings).is_some_and(|types| types.iter().any(|kind| kind == "LedgerEntryEvidence"));
        let evidence = evidence.iter().filter(cites_ledger).map(|item| {
            Some(Citation {
                origin: text(item, "/ledgerOrigin").filter(|origin| note::is_key_name(origin))?,
                seq: item.get("ledgerIndex").and_then(Value::as_u64)?,
                leaf: text(item, "/leafHash").as_deref().and_then(digest::from_hex)?,
                digest_multibase: text(item, "/digestMultibase")?,
                name: text(item, "/name")?,
            })
        });
        let evidence = evidence.collect::<Option<Vec<_>>>().filter(|cited| !cited.is_empty());

        Ok(Self {
            id: at("/id").ok_or(need("id is missing"))?,
            types,
            name: at("/name").ok_or(need("name is missing"))?,
            issuer: at("/issuer").or_else(|| at("/issuer/id")).ok_or(need("issuer is missing or has no id"))?,
            issuer_name: at("/issuer/name"),
            valid_from: at("/validFrom").filter(|time| instant::is_seconds(time)).ok_or(need("validFrom is not UTC in whole seconds"))?,
            status_list: at("/credentialStatus/statusListCredential").ok_or(need("credentialStatus names no status list"))?,
            status_index: at("/credentialStatus/statusListIndex")
                .and_then(|index| note::decimal(&index))
                .ok_or(need("credentialStatus has no decimal statusListIndex"))?,
            evidence: evidence.ok_or(need("evidence cites no ledger entry, or one without its log, number, hashes or name"))?,
        })
    }
}

/// A list of strings and nothing else.
fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}
