//! SHA-256 and the three ways in which a hash is written down.

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The multihash prefix of SHA-256: algorithm 0x12, length 0x20.
const MULTIHASH_SHA256: [u8; 2] = [0x12, 0x20];

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// SHA-256 of the pieces one after the other.
pub fn sha256_of(pieces: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize().into()
}

/// Lower-case hexadecimal, as `sha256sum` prints it.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Reads exactly 64 lower-case hexadecimal digits; anything else is `None`.
pub fn from_hex(text: &str) -> Option<Hash> {
    let value = |digit: u8| char::from(digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(value(*high)? << 4 | value(*low)?).ok()).collect::<Option<Vec<u8>>>()?;
    bytes.try_into().ok()
}

/// `digestMultibase` of Verifiable Credentials: `z`, then base58btc of the multihash.
pub fn multibase(hash: &Hash) -> String {
    format!("z{}", bs58::encode([&MULTIHASH_SHA256[..], hash].concat()).into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_back_and_only_in_one_spelling() {
        let hash = sha256(b"abc");
        assert_eq!(hex(&hash), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(from_hex(&hex(&hash)), Some(hash));
        assert_eq!(from_hex(&hex(&hash).to_uppercase()), None);
        assert_eq!(from_hex(&hex(&hash)[1..]), None);
        assert_eq!(from_hex(&format!("{}00", hex(&hash))), None);
        assert_eq!(from_hex("é".repeat(32).as_str()), None);
    }

    #[test]
    fn pieces_hash_as_their_concatenation() {
        assert_eq!(sha256_of(&[b"a", b"", b"bc"]), sha256(b"abc"));
    }
}
