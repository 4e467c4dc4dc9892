//! The one spelling of a JSON value: RFC 8785, narrowed to what every reader agrees on.
//! Narrower than the RFC: numbers are integers of at most 2^53-1, member names are ASCII, nesting is bounded.

use std::fmt;

use serde_json::{Map, Value};

/// The largest integer that JavaScript, and so RFC 8785, keeps exactly.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 64;

/// Why bytes or a value have no canonical form here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCanonical {
    /// Not JSON at all.
    Json,
    /// A fraction, or an integer beyond 2^53-1: readers would disagree about it.
    Number,
    /// A member name outside ASCII: its sort order depends on the reader.
    Name,
    /// Nested deeper than [`MAX_DEPTH`].
    Depth,
    /// Valid JSON in another spelling: white space, order, duplicate members, escapes.
    Spelling,
}

impl fmt::Display for NotCanonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "it is not JSON",
            Self::Number => "it holds a number that is not an integer of at most 2^53-1",
            Self::Name => "it holds a member name outside ASCII",
            Self::Depth => "it is nested too deeply",
            Self::Spelling => "its bytes are not the canonical spelling of their content (RFC 8785)",
        })
    }
}

impl std::error::Error for NotCanonical {}

/// The canonical bytes of `value`.
pub fn to_vec(value: &Value) -> Result<Vec<u8>, NotCanonical> {
    let mut out = Vec::with_capacity(512);
    write(&mut out, value)?;
    Ok(out)
}

/// Reads `bytes` if they are the canonical spelling of their content, and only then: the value is written again and
/// compared. This one comparison rules out duplicate members, reordering, white space, and numbers that lose digits.
pub fn parse(bytes: &[u8]) -> Result<Value, NotCanonical> {
    let value: Value = serde_json::from_slice(bytes).map_err(|_| NotCanonical::Json)?;
    if to_vec(&value)? == bytes { Ok(value) } else { Err(NotCanonical::Spelling) }
}

/// Appends the canonical bytes of `value`. After an error `out` holds a part of them.
pub fn write(out: &mut Vec<u8>, value: &Value) -> Result<(), NotCanonical> {
    write_at(out, value, 0)
}

fn write_at(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), NotCanonical> {
    if depth > MAX_DEPTH {
        return Err(NotCanonical::Depth);
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => {
            let integer = number.as_i64().filter(|integer| integer.unsigned_abs() <= MAX_INTEGER).ok_or(NotCanonical::Number)?;
            if integer < 0 {
                out.push(b'-');
            }
            write_integer(out, integer.unsigned_abs());
        }
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write_at(out, item, depth + 1)?;
            }
            out.push(b']');
        }
        Value::Object(members) => write_object(out, members, depth)?,
    }
    Ok(())
}

fn write_object(out: &mut Vec<u8>, members: &Map<String, Value>, depth: usize) -> Result<(), NotCanonical> {
    // Sorted here because a dependency may switch serde_json's map to insertion order. For ASCII names the order of
    // bytes is the order of UTF-16 code units that RFC 8785 asks for.
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    out.push(b'{');
    for (position, (name, value)) in sorted.into_iter().enumerate() {
        if !name.is_ascii() {
            return Err(NotCanonical::Name);
        }
        if position > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write_at(out, value, depth + 1)?;
    }
    out.push(b'}');
    Ok(())
}

/// Appends `number` in decimal.
pub fn write_integer(out: &mut Vec<u8>, number: u64) {
    if number >= 10 {
        write_integer(out, number / 10);
    }
    out.extend((number % 10).to_le_bytes().first().map(|digit| b'0' + digit));
}

/// Appends `text` as a JSON string: only `"`, `\` and control characters are escaped (RFC 8785 §3.2.2.2).
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain = text.as_bytes();
    while let Some(at) = plain.iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\') {
        let (before, rest) = plain.split_at(at);
        let Some((special, after)) = rest.split_first() else { break };
        out.extend_from_slice(before);
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
        }
        plain = after;
    }
    out.extend_from_slice(plain);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// JSON values inside our limits.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(MAX_INTEGER as i64)..=MAX_INTEGER as i64).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\x00-\\x7f]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[\\x00-\\x7f]{0,8}", inner, 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn equals_an_independent_canonicaliser_and_is_read_back(value in any_value()) {
            let bytes = to_vec(&value).unwrap();
            prop_assert_eq!(&bytes, &serde_json_canonicalizer::to_vec(&value).unwrap());
            prop_assert_eq!(parse(&bytes).unwrap(), value);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for (text, why) in [
            (r#"{"a":1,"a":1}"#, NotCanonical::Spelling),
            (r#"{"b":1,"a":1}"#, NotCanonical::Spelling),
            (r#"{"a": 1}"#, NotCanonical::Spelling),
            ("1\n", NotCanonical::Spelling),
            (r#""\u0041""#, NotCanonical::Spelling),
            (r#""\u001F""#, NotCanonical::Spelling),
            ("9007199254740992", NotCanonical::Number),
            ("-9007199254740992", NotCanonical::Number),
            ("18446744073709551615", NotCanonical::Number),
            ("1.0", NotCanonical::Number),
            ("1e3", NotCanonical::Number),
            ("-0", NotCanonical::Number),
            (r#"{"é":1}"#, NotCanonical::Name),
            ("{", NotCanonical::Json),
            ("01", NotCanonical::Json),
            (r#""\ud800""#, NotCanonical::Json),
            ("", NotCanonical::Json),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(why), "{text}");
        }
        assert_eq!(parse(format!("{}{}", "[".repeat(70), "]".repeat(70)).as_bytes()), Err(NotCanonical::Depth));
        assert_eq!(parse("[".repeat(100_000).as_bytes()), Err(NotCanonical::Json));
        assert!(parse(b"9007199254740991").is_ok() && parse(b"-9007199254740991").is_ok() && parse(b"0").is_ok());
    }
}
