//! Values as typed structures, and back, without a detour by JSON.
//!
//! Invariant: what comes of it is what the way by JSON gives: the same names, nulls, and every digit of a number.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::ser::{
    self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct, Serializer,
};
use serde_json::Error;

use super::number::Number;
use super::value::Value;

/// The value that a structure is.
///
/// # Errors
/// If it has a form that no value has: a key that is no text, a variant with fields.
pub fn value_of<T: Serialize>(structure: &T) -> Result<Value, Error> {
    structure.serialize(IntoValue)
}

impl<'de> Deserializer<'de> for Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(bool) => visitor.visit_bool(bool),
            // JSON's own numbers know how to keep the digits that no machine number has.
            Self::Number(number) => serde_json::to_value(&number)?.deserialize_any(visitor),
            Self::Str(text) => visitor.visit_string(text),
            Self::List(items) => {
                let mut items = SeqDeserializer::new(items.into_iter());
                let found = visitor.visit_seq(&mut items)?;
                items.end().map(|()| found)
            }
            Self::Map(fields) => {
                let mut fields = MapDeserializer::new(fields.into_iter());
                let found = visitor.visit_map(&mut fields)?;
                fields.end().map(|()| found)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self == Self::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.to_json().deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Makes a value of whatever is serialised.
struct IntoValue;

/// The name under which JSON's numbers with all their digits pass for a structure.
const DIGITS: &str = "$serde_json::private::Number";

fn number(of: Result<Number, impl Display>) -> Value {
    of.map_or(Value::Null, Value::Number)
}

impl Serializer for IntoValue {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Impossible<Value, Error>;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Impossible<Value, Error>;

    fn serialize_bool(self, v: bool) -> Result<Value, Error> {
        Ok(Value::Bool(v))
    }

    fn serialize_i8(self, v: i8) -> Result<Value, Error> {
        self.serialize_i64(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<Value, Error> {
        self.serialize_i64(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<Value, Error> {
        self.serialize_i64(v.into())
    }

    fn serialize_i64(self, v: i64) -> Result<Value, Error> {
        Ok(Value::Number(v.into()))
    }

    fn serialize_u8(self, v: u8) -> Result<Value, Error> {
        self.serialize_u64(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<Value, Error> {
        self.serialize_u64(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<Value, Error> {
        self.serialize_u64(v.into())
    }

    fn serialize_u64(self, v: u64) -> Result<Value, Error> {
        Ok(Value::Number(v.into()))
    }

    fn serialize_f32(self, v: f32) -> Result<Value, Error> {
        Ok(number(v.to_string().parse::<Number>()))
    }

    fn serialize_f64(self, v: f64) -> Result<Value, Error> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }

    fn serialize_char(self, v: char) -> Result<Value, Error> {
        Ok(Value::Str(v.into()))
    }

    fn serialize_str(self, v: &str) -> Result<Value, Error> {
        Ok(v.into())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<Value, Error> {
        Ok(Value::List(v.iter().map(|byte| i64::from(*byte).into()).collect()))
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Result<Value, Error> {
        v.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Error> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, v: &T) -> Result<Value, Error> {
        v.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        v: &T,
    ) -> Result<Value, Error> {
        Ok(Value::Map(BTreeMap::from([(variant.to_owned(), v.serialize(self)?)])))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Error> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Error> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Error> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple_variant(self, name: &'static str, _: u32, _: &'static str, _: usize) -> Result<Impossible<Value, Error>, Error> {
        Err(ser::Error::custom(format!("{name} has a variant with fields")))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, Error> {
        Ok(Fields::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Error> {
        Ok(Fields::default())
    }

    fn serialize_struct_variant(self, name: &'static str, _: u32, _: &'static str, _: usize) -> Result<Impossible<Value, Error>, Error> {
        Err(ser::Error::custom(format!("{name} has a variant with fields")))
    }
}

/// A list in the making.
struct Items(Vec<Value>);

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Error> {
        self.0.push(v.serialize(IntoValue)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::List(self.0))
    }
}

impl SerializeTuple for Items {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, v)
    }

    fn end(self) -> Result<Value, Error> {
        SerializeSeq::end(self)
    }
}

impl SerializeTupleStruct for Items {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, v)
    }

    fn end(self) -> Result<Value, Error> {
        SerializeSeq::end(self)
    }
}

/// A map in the making.
#[derive(Default)]
struct Fields {
    fields: BTreeMap<String, Value>,
    key: String,
}

impl SerializeMap for Fields {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = match key.serialize(IntoValue)? {
            Value::Str(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(ser::Error::custom("a key is no text")),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Error> {
        self.fields.insert(std::mem::take(&mut self.key), v.serialize(IntoValue)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        match self.fields.get(DIGITS) {
            Some(Value::Str(digits)) => Ok(number(digits.parse::<Number>())),
            _ => Ok(Value::Map(self.fields)),
        }
    }
}

impl SerializeStruct for Fields {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, v: &T) -> Result<(), Error> {
        self.fields.insert(key.to_owned(), v.serialize(IntoValue)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        SerializeMap::end(self)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    struct Sample {
        name: String,
        count: u32,
        below: i64,
        price: Number,
        exact: Number,
        whole: Option<u64>,
        none: Option<String>,
        flags: Vec<bool>,
        pair: (u8, String),
        named: BTreeMap<String, Sort>,
        any: serde_json::Value,
        #[serde(default)]
        left_out: bool,
    }

    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Sort {
        Small,
        Big,
    }

    fn json() -> serde_json::Value {
        let text = r#"{"name": "é", "count": 7, "below": -3, "price": 0.00893, "exact": 1234567890123456789012345678901234567890.25,
            "whole": 18446744073709551615, "none": null, "flags": [true, false], "pair": [1, "b"],
            "named": {"a": "small", "b": "big"}, "any": {"x": [1.5, null, {"y": "z"}], "n": 98765432109876543210.123456789}}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_structure_comes_of_a_value_as_of_json() {
        let direct = Sample::deserialize(Value::from_json(&json())).unwrap();
        assert_eq!(direct, serde_json::from_value(Value::from_json(&json()).to_json()).unwrap());
        assert_eq!(direct.exact.to_string(), "1234567890123456789012345678901234567890.25");
    }

    #[test]
    fn a_value_comes_of_a_structure_as_of_json() {
        let sample: Sample = serde_json::from_value(json()).unwrap();
        let direct = value_of(&sample).unwrap();
        assert_eq!(direct, Value::from_json(&serde_json::to_value(&sample).unwrap()));
        assert_eq!(Sample::deserialize(direct).unwrap(), sample);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let value = Value::from_json(&serde_json::json!({ "a": [1, "x"] }));
        assert!(BTreeMap::<String, Vec<u8>>::deserialize(value).is_err());
        assert!(u8::deserialize(Value::from(300_i64)).is_err());
        assert!(value_of(&BTreeMap::from([((1, 2), 3)])).is_err());
    }
}
