//! The Bitstring Status List 1.0: one bit for each certificate, set once it is revoked or superseded.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::canonical;
use super::credential::CREDENTIALS_V2;
use super::identity::{DidDocument, ISSUER_SCOPE};
use super::instant;
use super::integrity::{self, Unproven};

/// The smallest list that the standard allows, 131,072 bits: a crowd to hide one certificate in.
const MIN_BYTES: usize = 16_384;
/// The largest list that is unpacked, 16 million bits.
const MAX_BYTES: usize = 2 << 20;
/// The only purpose that our lists have.
pub const PURPOSE: &str = "revocation";

/// What a list that cannot be read is told.
const LIST: Unproven = Unproven::Form("the status list cannot be unpacked, or is shorter than 131,072 bits");

/// The bits. Index 0 is the most significant bit of the first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusList {
    bytes: Vec<u8>,
}

impl Default for StatusList {
    /// 131,072 bits, none set.
    fn default() -> Self {
        Self { bytes: vec![0; MIN_BYTES] }
    }
}

impl StatusList {
    /// The bit, or `None` beyond the end.
    pub fn get(&self, index: u64) -> Option<bool> {
        let byte = self.bytes.get(usize::try_from(index / 8).ok()?)?;
        Some(byte & (0x80 >> (index % 8)) != 0)
    }

    /// Sets the bit for good; `false` beyond the end.
    #[must_use]
    pub fn set(&mut self, index: u64) -> bool {
        let byte = usize::try_from(index / 8).ok().and_then(|at| self.bytes.get_mut(at));
        byte.map(|byte| *byte |= 0x80 >> (index % 8)).is_some()
    }

    /// `encodedList`: `u` and base64url of gzip. The same bits give the same text.
    pub fn encode(&self) -> String {
        let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        // Writing to memory does not fail; if it did, the text would be one that no reader accepts.
        let packed = gzip.write_all(&self.bytes).and_then(|()| gzip.finish()).unwrap_or_default();
        format!("u{}", URL_SAFE_NO_PAD.encode(packed))
    }

    /// Reads `encodedList`; unpacks at most 16 million bits.
    pub fn decode(text: &str) -> Result<Self, Unproven> {
        let encoded = text.strip_prefix('u').filter(|_| text.len() <= 2 * MAX_BYTES).ok_or(LIST)?;
        let packed = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| LIST)?;
        let mut gzip = GzDecoder::new(packed.as_slice());
        let mut bytes = Vec::new();
        gzip.by_ref().take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|_| LIST)?;
        let whole = bytes.len() <= MAX_BYTES && gzip.into_inner().is_empty();
        if whole && bytes.len() >= MIN_BYTES { Ok(Self { bytes }) } else { Err(LIST) }
    }
}

/// The body of a status list credential, to be signed with [`integrity::secure`]. `context` is the list of context URLs, the
/// first one that of Verifiable Credentials 2.0; `issuer` the DID or an object with it as `id`; `valid_from` whole seconds.
pub fn credential(list_url: &str, issuer: Value, context: &[String], valid_from: &str, list: &StatusList) -> Value {
    json!({
        "@context": context, "id": list_url, "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer, "validFrom": valid_from,
        "credentialSubject": {
            "id": format!("{list_url}#list"), "type": "BitstringStatusList", "statusPurpose": PURPOSE, "encodedList": list.encode(),
        },
    })
}

/// A status list whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedList {
    /// Where it is served; certificates name it by this URL.
    pub url: String,
    /// As of when it speaks, whole seconds in UTC.
    pub valid_from: String,
    /// The bits.
    pub list: StatusList,
}

/// Reads a status list credential and checks that the trusted DID signed it with an issuer key.
pub fn read(bytes: &[u8], did: &DidDocument) -> Result<SignedList, Unproven> {
    let value = canonical::parse(bytes)?;
    integrity::verify(&value, did, ISSUER_SCOPE)?;
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (url, valid_from) = (text("/id"), text("/validFrom"));
    let types = value.get("type").is_some_and(|types| *types == json!(["VerifiableCredential", "BitstringStatusListCredential"]));
    integrity::require([
        (text("/@context/0") == CREDENTIALS_V2, "the status list is not a Verifiable Credential 2.0"),
        (types && text("/credentialSubject/type") == "BitstringStatusList", "this is not a status list"),
        ([text("/issuer"), text("/issuer/id")].contains(&did.id()), "the status list is by another issuer"),
        (text("/credentialSubject/statusPurpose") == PURPOSE, "the status list is not one of revocations"),
        (!url.is_empty(), "the status list does not say where it is served"),
        (text("/credentialSubject/id") == format!("{url}#list"), "the status list describes another one than itself"),
        (instant::is_seconds(valid_from), "the status list does not say as of when it speaks"),
    ])?;
    let list = StatusList::decode(text("/credentialSubject/encodedList"))?;
    Ok(SignedList { url: url.to_owned(), valid_from: valid_from.to_owned(), list })
}
