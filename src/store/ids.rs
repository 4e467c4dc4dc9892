//! Ids as indexes hold them: an index by `urn:uuid:…` is mostly the 45 characters of ids, and as 17 bytes more than twice as many rows stand on a page,
//! so that a commit writes fewer of them. For the subjects of `entry_subjects` and the parties of `asset_parties`; every other column holds the text.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Binary;

use super::rows::Cell;
use crate::proof::digest::{from_hex, hex};

/// A UUID follows, 16 bytes.
const UUID: u8 = b'u';
/// A SHA-256 follows, 32 bytes.
const DIGEST: u8 = b'd';
/// The text follows as it is, in UTF-8: the number of a certificate, a URL.
const TEXT: u8 = b't';

const UUID_SCHEME: &str = "urn:uuid:";
const DIGEST_SCHEME: &str = "urn:sha256:";

/// An id as a kind and bytes: every text has one form, and every form that was made of a text becomes that text again. Ids of one kind stand in the
/// order of their texts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub struct PackedId(Vec<u8>);

impl PackedId {
    /// The form of a text.
    pub fn of(text: &str) -> Self {
        if let Some(id) = text.strip_prefix(UUID_SCHEME).and_then(uuid_of) {
            Self([&[UUID][..], id.as_bytes()].concat())
        } else if let Some(hash) = text.strip_prefix(DIGEST_SCHEME).and_then(from_hex) {
            Self([&[DIGEST][..], &hash].concat())
        } else {
            Self([&[TEXT][..], text.as_bytes()].concat())
        }
    }

    /// The text; of bytes that no text has, which only a hand that altered them can have left, those bytes in hexadecimal.
    fn text(&self) -> String {
        let text = match self.0.split_first() {
            Some((&UUID, id)) => uuid::Uuid::from_slice(id).ok().map(|id| format!("{UUID_SCHEME}{}", id.hyphenated())),
            Some((&DIGEST, hash)) if hash.len() == 32 => Some(format!("{DIGEST_SCHEME}{}", hex(hash))),
            Some((&TEXT, text)) => String::from_utf8(text.to_vec()).ok(),
            _ => None,
        };
        text.unwrap_or_else(|| format!("0x{}", hex(&self.0)))
    }
}

/// A UUID in its one spelling: hyphens, lower case.
fn uuid_of(text: &str) -> Option<uuid::Uuid> {
    let id = uuid::Uuid::try_parse(text).ok()?;
    let mut spelled = uuid::Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut spelled) == text).then_some(id)
}

impl std::fmt::Debug for PackedId {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

impl Cell for PackedId {
    type Sql = Binary;
}

impl<DB: Backend> ToSql<Binary, DB> for PackedId
where
    Vec<u8>: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB: Backend> FromSql<Binary, DB> for PackedId
where
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Vec::from_sql(bytes).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::PackedId;

    #[test]
    fn every_text_has_one_form_and_comes_back() {
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let texts = [
            ("urn:uuid:0198f2c0-41f6-7b1c-8b6e-0f4f6f7f1a01".to_owned(), 17),
            (format!("urn:sha256:{hash}"), 33),
            ("NPSD-2026-D8WZ-52XZ".to_owned(), 20),
            ("https://example.org/log".to_owned(), 24),
            // Other spellings of the same are other texts.
            ("urn:uuid:0198F2C0-41F6-7B1C-8B6E-0F4F6F7F1A01".to_owned(), 46),
            ("urn:uuid:0198f2c041f67b1c8b6e0f4f6f7f1a01".to_owned(), 42),
            ("urn:uuid:{0198f2c0-41f6-7b1c-8b6e-0f4f6f7f1a01}".to_owned(), 48),
            (format!("urn:sha256:{}", hash.to_uppercase()), 76),
            (format!("urn:sha256:{hash}00"), 78),
            ("urn:uuid:".to_owned(), 10),
            (String::new(), 1),
            ("0123456789abcdef".to_owned(), 17),
            ("u0123456789abcdef".to_owned(), 18),
            ("Größe".to_owned(), 8),
        ];
        let mut forms = Vec::new();
        for (text, length) in &texts {
            let form = PackedId::of(text);
            assert_eq!((form.text().as_str(), form.0.len()), (text.as_str(), *length));
            assert!(!forms.contains(&form), "{text}");
            forms.push(form);
        }
    }

    #[test]
    fn ids_of_a_kind_stand_in_the_order_of_their_texts() {
        let mut texts: Vec<String> =
            (0..500u128).map(|n| format!("urn:uuid:{}", uuid::Uuid::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)))).collect();
        let mut forms: Vec<PackedId> = texts.iter().map(|text| PackedId::of(text)).collect();
        texts.sort();
        forms.sort();
        assert_eq!(forms.iter().map(PackedId::text).collect::<Vec<_>>(), texts);
    }

    #[test]
    fn altered_bytes_are_shown_as_they_are() {
        for (bytes, shown) in [
            (&b"u123"[..], "0x75313233"),
            (b"d", "0x64"),
            (b"t\xff", "0x74ff"),
            (b"", "0x"),
            (b"Q0123456789abcdef", "0x5130313233343536373839616263646566"),
        ] {
            assert_eq!(PackedId(bytes.to_vec()).text(), shown);
        }
    }
}
