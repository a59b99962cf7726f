//! Numbers of configuration and state: decimal, exact, of any size.
//!
//! Invariant: equal numbers are equal values whatever their spelling (`1.0` is `1`). Arithmetic is the language's business.

use std::fmt;
use std::str::FromStr;

use bigdecimal::num_bigint::Sign;
use bigdecimal::{BigDecimal, FromPrimitive, ToPrimitive};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most digits before or after the point that a number can be relied on to have; one that has more than twice as many is none.
const REACH: u64 = 10_000;

/// A text that is no number, or one that is out of reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a number, or has more than {REACH} digits before or after the point")]
pub struct NoNumber;

/// An exact decimal number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(BigDecimal);

impl Number {
    /// Wraps a decimal, in its shortest form.
    #[must_use]
    pub fn new(decimal: &BigDecimal) -> Self {
        Self(decimal.normalized())
    }

    /// A whole number; only one that ends with zeros can be written shorter, and to look for that takes long.
    fn whole(decimal: BigDecimal, round: bool) -> Self {
        if round { Self::new(&decimal) } else { Self(decimal) }
    }

    /// Zero with a minus sign: equal to zero, but written `-0`, as the language has it.
    #[must_use]
    pub fn negative_zero() -> Self {
        // The scale of a zero has no other meaning; a normalised zero has the scale 0.
        Self(BigDecimal::new(0.into(), 1))
    }

    /// Whether it is written with a minus sign.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        match self.0.sign() {
            Sign::Minus => true,
            Sign::Plus => false,
            Sign::NoSign => self.0.fractional_digit_count() != 0,
        }
    }

    /// The decimal, for arithmetic.
    #[must_use]
    pub fn decimal(&self) -> &BigDecimal {
        &self.0
    }

    /// The value if it is a whole number that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if self.0.is_integer() { self.0.to_i64() } else { None }
    }

    /// The value if it is a whole number that is not negative and fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        if self.0.is_integer() { self.0.to_u64() } else { None }
    }

    /// The nearest binary number.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        // The library's own conversion is off in the last digits.
        let (digits, scale) = self.0.as_bigint_and_exponent();
        format!("{digits}e{}", -i128::from(scale)).parse().ok().filter(|f: &f64| f.is_finite())
    }

    /// Reads a binary number by its shortest decimal text; `None` if it is not finite.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        value.is_finite().then(|| format!("{value:e}").parse().ok()).flatten()
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::whole(BigDecimal::from(value), value % 10 == 0)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::whole(BigDecimal::from(value), value.is_multiple_of(10))
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self::whole(BigDecimal::from_usize(value).unwrap_or_default(), value.is_multiple_of(10))
    }
}

impl FromStr for Number {
    type Err = NoNumber;

    fn from_str(text: &str) -> Result<Self, NoNumber> {
        let decimal = BigDecimal::from_str(text).map_err(|_| NoNumber)?;
        // A few characters must not stand for more digits than fit anywhere.
        let (digits, scale) = (decimal.digits(), decimal.fractional_digit_count());
        if digits > 2 * REACH || scale.unsigned_abs() > 2 * REACH { Err(NoNumber) } else { Ok(Self::new(&decimal)) }
    }
}

impl fmt::Display for Number {
    /// Plain digits, never an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.sign() == Sign::NoSign {
            return f.write_str(if self.is_negative() { "-0" } else { "0" });
        }
        f.write_str(&self.0.to_plain_string())
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(whole) = self.as_i64() {
            serializer.serialize_i64(whole)
        } else if let Some(whole) = self.as_u64() {
            serializer.serialize_u64(whole)
        } else if let Some(binary) = self.as_f64().filter(|binary| Self::from_f64(*binary).as_ref() == Some(self)) {
            serializer.serialize_f64(binary)
        } else {
            // More digits than a binary number holds: all of them.
            let (digits, scale) = self.0.as_bigint_and_exponent();
            let text = if (0..=400).contains(&scale) { self.to_string() } else { format!("{digits}e{}", -i128::from(scale)) };
            serde_json::Number::from_str(&text).map_err(serde::ser::Error::custom)?.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        Self::try_from(&number).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<&serde_json::Number> for Number {
    type Error = String;

    fn try_from(number: &serde_json::Number) -> Result<Self, String> {
        number.to_string().parse().map_err(|error: NoNumber| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_matter() {
        let read = |text: &str| text.parse::<Number>().map(|n| n.to_string());
        for (text, plain) in [("1.0", "1"), ("1e3", "1000"), ("0.10", "0.1"), ("-0", "0"), ("1e-3", "0.001"), ("100", "100")] {
            assert_eq!(read(text), Ok(plain.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_negative_zero_is_zero() {
        let zero = Number::negative_zero();
        assert_eq!((zero.to_string().as_str(), serde_json::to_string(&zero).ok().as_deref()), ("-0", Some("0")));
        assert_eq!(zero, Number::from(0_i64));
        assert_eq!(zero.cmp(&Number::from(0_i64)), std::cmp::Ordering::Equal);
    }

    #[test]
    fn binary_numbers_come_back_as_they_were() {
        for value in [0.1, 1e308, 1.7976931348623157e308, 5e-324, 1e-320, 12_345_678_901_234_567_890.0, -0.3] {
            let number = Number::from_f64(value);
            assert_eq!(number.and_then(|number| number.as_f64()), Some(value));
        }
        let (large, small): (Result<Number, _>, Result<Number, _>) = ("1e400".parse(), "1e-400".parse());
        assert_eq!((large.ok().and_then(|n| n.as_f64()), small.ok().and_then(|n| n.as_f64())), (None, Some(0.0)));
    }

    #[test]
    fn json_keeps_every_digit_and_a_bomb_is_no_number() {
        for text in ["0.3333333333333333333333333333333333", "12345678901234567890123", "-0.1", "7e-500", "1.5e300", "1e-320"] {
            let number: Number = text.parse().unwrap();
            let written = serde_json::to_string(&number).unwrap();
            assert_eq!(serde_json::from_str::<Number>(&written).ok(), Some(number), "{written}");
        }
        assert_eq!(serde_json::to_string(&"0.33333333333333333333".parse::<Number>().unwrap()).unwrap(), "0.33333333333333333333");
        for bomb in ["1e999999999", "1e-999999999", "0e999999999"] {
            assert!(serde_json::from_str::<Number>(bomb).is_err(), "{bomb}");
        }
    }

    #[test]
    fn json_keeps_whole_numbers_whole() {
        assert_eq!(serde_json::to_string(&Number::from(1800_i64)).ok().as_deref(), Some("1800"));
        let price: Result<Number, _> = serde_json::from_str("0.00893");
        assert_eq!(price.ok().map(|n| n.to_string()).as_deref(), Some("0.00893"));
    }
}
