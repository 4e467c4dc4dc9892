//! A record as JSON without the members that are null: reading it, they are as good as missing, and half of a device's members are null most of the
//! time. What is not there fills no page.

use std::io::{self, Write};

use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

use crate::error::{Error, Result};

/// Bytes of a usual record, so that they are not moved while it is written.
const USUAL_BYTES: usize = 2 << 10;

/// The JSON of a record.
pub(super) fn json<T: serde::Serialize>(record: &T) -> Result<String> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    record.serialize(&mut Serializer::with_formatter(&mut bytes, WithoutNulls::default()))?;
    // An audit holds all of a table in memory.
    bytes.shrink_to_fit();
    String::from_utf8(bytes).map_err(|e| Error::fault("writing a record", e))
}

/// Holds each name back until it is known that something other than null stands behind it.
#[derive(Default)]
struct WithoutNulls {
    /// The name, as JSON.
    name: Vec<u8>,
    /// The name is being written.
    is_naming: bool,
    /// The name is complete and held back.
    is_held: bool,
    /// Of each object that is not complete yet: whether it has a member.
    has_members: Vec<bool>,
}

impl WithoutNulls {
    /// Writes the name that was held back, because its value comes now.
    fn let_go<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if !std::mem::take(&mut self.is_held) {
            return Ok(());
        }
        if let Some(has_members) = self.has_members.last_mut()
            && std::mem::replace(has_members, true)
        {
            writer.write_all(b",")?;
        }
        writer.write_all(&self.name)?;
        writer.write_all(b":")
    }
}

/// Methods that write part of a name or of a value, as it is always written.
macro_rules! as_always {
    ($($method:ident $(($value:ty))?),+ $(,)?) => {$(
        as_always!(@ $method, $(value: $value)?);
    )+};
    (@ $method:ident, $($value:ident: $type:ty)?) => {
        fn $method<W: ?Sized + Write>(&mut self, writer: &mut W $(, $value: $type)?) -> io::Result<()> {
            if self.is_naming {
                return CompactFormatter.$method(&mut self.name $(, $value)?);
            }
            self.let_go(writer)?;
            CompactFormatter.$method(writer $(, $value)?)
        }
    };
}

impl Formatter for WithoutNulls {
    as_always!(
        write_bool(bool),
        write_i8(i8),
        write_i16(i16),
        write_i32(i32),
        write_i64(i64),
        write_i128(i128),
        write_u8(u8),
        write_u16(u16),
        write_u32(u32),
        write_u64(u64),
        write_u128(u128),
        write_f32(f32),
        write_f64(f64),
        write_number_str(&str),
        write_raw_fragment(&str),
        begin_string,
        write_string_fragment(&str),
        write_char_escape(CharEscape),
        end_string,
        begin_array,
    );
    fn write_null<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if std::mem::take(&mut self.is_held) { Ok(()) } else { CompactFormatter.write_null(writer) }
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.let_go(writer)?;
        self.has_members.push(false);
        CompactFormatter.begin_object(writer)
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.has_members.pop();
        CompactFormatter.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, _: &mut W, _: bool) -> io::Result<()> {
        self.name.clear();
        self.is_naming = true;
        Ok(())
    }
    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_naming = false;
        self.is_held = true;
        Ok(())
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    /// What a reader sees who takes a missing member for null.
    fn bare(value: Value) -> Value {
        match value {
            Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, bare(value))).collect(),
            Value::Array(items) => items.into_iter().map(bare).collect(),
            other => other,
        }
    }

    #[test]
    fn nothing_but_null_members_is_left_out() {
        let trouble = [r#"":null"#, ":null", r#":null,"x":null}"#, r"\", r#"\":null"#, "null", ",", "ü\u{1}"];
        let mut shapes = vec![
            json!(null),
            json!([null, {"a": null}, [null]]),
            json!({}),
            json!({"a": null}),
            json!({"a": null, "b": null, "c": null}),
            json!({"a": 1, "b": null, "c": {"d": null, "e": [1, null]}, "f": null}),
            json!({"a": {"b": {"c": null}}, "d": null}),
            json!({"a": [], "b": [[], {}], "c": {}, "d": true, "e": -1, "f": 1.5, "g": u64::MAX, "h": [null, null]}),
        ];
        for text in trouble {
            shapes.push(json!({"a": null, text: text, "b": null, "c": {text: null, "d": [text, null]}}));
            shapes.push(json!([text, {text: null}, text]));
        }
        for shape in shapes {
            assert_eq!(super::json(&shape).unwrap(), bare(shape.clone()).to_string(), "{shape}");
        }
    }

    #[test]
    fn names_that_are_numbers_are_names() {
        let numbered = BTreeMap::from([(1_u64, None), (2, Some('"')), (3, None), (4, Some('d'))]);
        assert_eq!(super::json(&numbered).unwrap(), r#"{"2":"\"","4":"d"}"#);
    }
}
