//! Members of foreign JSON objects by any of several names or by a path, numbers and truths as texts too, and JSON documents that stand in a row or between the lines of a transcript.

use serde_json::{Deserializer, Map, Value};

use super::{Given, MAX_RECORDS};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// Beginnings that turn out to be no JSON cost a look at all that follows, so few are tried.
const MAX_FALSE_STARTS: u32 = 8;

/// Whether a key is this name, which is written in small letters and digits only: `serialNumber`, `serial_number` and `Serial Number` are one.
pub(super) fn is_named(key: &str, name: &str) -> bool {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).eq(name.chars())
}

/// The first of these names that the object has a value for.
pub(super) fn member<'a>(object: &'a Object, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| object.iter().find(|(key, value)| !value.is_null() && is_named(key, name)).map(|(_, value)| value))
}

/// Likewise, for texts and numbers; an empty one is none.
pub(super) fn words(object: &Object, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| said(member(object, &[name])?))
}

/// A text or number as a text.
pub(super) fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, also where it is written as a text.
pub(super) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| figure(value.as_str()?))
}

/// The number that a text begins with: `65535 (100%)`, `0x101`, `500,107,862,016`.
pub(super) fn figure(text: &str) -> Option<u64> {
    let token = text.split_whitespace().next()?;
    match token.strip_prefix("0x").or_else(|| token.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => token.replace(',', "").parse().ok(),
    }
}

/// What stands at the end of a path of names that are exactly these.
pub(super) fn leaf(value: &Value, path: &[&str]) -> Option<String> {
    said(path.iter().try_fold(value, |value, key| value.get(key))?)
}

/// A whole number, also as text.
pub(super) fn whole(value: &Value, path: &[&str]) -> Option<u64> {
    leaf(value, path)?.parse().ok()
}

/// True or false, also as text.
pub(super) fn truth(value: &Value, key: &str) -> Option<bool> {
    match value.get(key)? {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The objects of a list; an object that stands in its place is the list's only one.
pub(super) fn objects<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    match value.get(key) {
        Some(Value::Array(list)) => list,
        Some(object @ Value::Object(_)) => std::slice::from_ref(object),
        _ => &[],
    }
}

/// The file's JSON documents, each with the text that stands before it, and the text behind the last.
pub(super) fn documents<'a>(given: &'a Given) -> (Vec<(&'a str, Value)>, &'a str) {
    if let Some(whole) = given.json() {
        return (vec![("", whole.clone())], "");
    }
    let text: &str = &given.text;
    let mut found = Vec::new();
    let (mut from, mut at, mut false_starts) = (0, 0, 0);
    while false_starts < MAX_FALSE_STARTS
        && found.len() < MAX_RECORDS
        && let Some(start) = beginning(text, at)
    {
        let Some((before, rest)) = text.get(from..start).zip(text.get(start..)) else { break };
        let mut stream = Deserializer::from_str(rest).into_iter::<Value>();
        if let Some(Ok(value)) = stream.next() {
            found.push((before, value));
            from = start + stream.byte_offset();
            at = from;
        } else {
            false_starts += 1;
            at = start + 1;
        }
    }
    (found, text.get(from..).unwrap_or_default())
}

/// Where the next line begins that may be a JSON document.
fn beginning(text: &str, at: usize) -> Option<usize> {
    let mut place = at;
    for line in text.get(at..)?.split_inclusive('\n') {
        let first_of_line = place == 0 || text.as_bytes().get(place.wrapping_sub(1)) == Some(&b'\n');
        let document =
            line.starts_with('{') || line.strip_prefix('[').is_some_and(|rest| rest.trim_start().is_empty() || rest.trim_start().starts_with('{'));
        if first_of_line && document {
            return Some(place);
        }
        place += line.len();
    }
    None
}
