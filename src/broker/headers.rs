//! A message's headers as JSON, for people to read. Numbers, texts and tables stay what they are; the rest becomes text.

use lapin::types::{AMQPValue, FieldTable};
use serde_json::Value;

/// The deepest nesting that is followed: a header of a foreign sender must not exhaust the stack.
const DEEPEST: usize = 8;

/// Headers as JSON.
pub(super) fn to_json(table: &FieldTable) -> Value {
    object(table, 0)
}

fn object(table: &FieldTable, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::from("…");
    }
    table.inner().iter().map(|(name, field)| (name.to_string(), value(field, depth + 1))).collect()
}

fn value(field: &AMQPValue, depth: usize) -> Value {
    match field {
        AMQPValue::Boolean(flag) => Value::from(*flag),
        AMQPValue::ShortShortInt(number) => Value::from(*number),
        AMQPValue::ShortShortUInt(number) => Value::from(*number),
        AMQPValue::ShortInt(number) => Value::from(*number),
        AMQPValue::ShortUInt(number) => Value::from(*number),
        AMQPValue::LongInt(number) => Value::from(*number),
        AMQPValue::LongUInt(number) => Value::from(*number),
        AMQPValue::LongLongInt(number) => Value::from(*number),
        AMQPValue::Timestamp(seconds) => Value::from(*seconds),
        AMQPValue::Float(number) => Value::from(*number),
        AMQPValue::Double(number) => Value::from(*number),
        AMQPValue::ShortString(text) => Value::from(text.as_str()),
        // PostgreSQL's JSON has no NUL.
        AMQPValue::LongString(text) => Value::from(String::from_utf8_lossy(text.as_bytes()).replace('\0', "")),
        AMQPValue::FieldTable(table) => object(table, depth),
        AMQPValue::FieldArray(fields) if depth <= DEEPEST => {
            fields.as_slice().iter().map(|field| value(field, depth + 1)).collect()
        }
        AMQPValue::Void => Value::Null,
        AMQPValue::FieldArray(_) | AMQPValue::DecimalValue(_) | AMQPValue::ByteArray(_) => Value::from("…"),
    }
}
