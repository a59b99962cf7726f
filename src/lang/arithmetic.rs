//! Arithmetic of the language: binary numbers of 512 bits, written in their shortest decimal form.
//!
//! Invariant: a number of up to 153 digits is exact, so what people write is what they get; a longer one is the shortest
//! text of a 512-bit number, as Terraform has it. No number is larger or smaller than fits in ten thousand digits:
//! a few characters in a file must not fill the memory.

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::num_traits::{Euclid as _, Pow as _, Signed as _, Zero as _};
use bigdecimal::{BigDecimal, RoundingMode};

use dofloat_base::number::Number;

/// The largest power of ten, up or down.
const REACH: i64 = 10_000;
/// The longest text of a number.
const LONGEST: usize = 20_010;
/// Digits that 512 bits always keep.
const EXACT_DIGITS: u64 = 153;
const BITS: u64 = 512;

/// What a number that is out of reach is answered with.
pub const OUT_OF_REACH: &str = "the number is too large or too small: at most 10000 digits before or after the point";

/// Reads a number: sign, digits, fraction, exponent; nothing else. `None` if the text is none, or is out of reach.
#[must_use]
pub fn parse(text: &str) -> Option<Number> {
    // Digits, a sign and a point, and an exponent. What is longer is none, and is not worth a look.
    if text.len() > LONGEST {
        return None;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 || !exponent_fits {
        return None;
    }
    let exponent: i64 = exponent.map_or(Ok(0), str::parse).ok()?;
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
    let negative = text.starts_with('-');
    if digits.is_zero() {
        return Some(if negative { Number::negative_zero() } else { Number::from(0_i64) });
    }
    fit(&BigDecimal::new(if negative { -digits } else { digits }, scale))
}

/// `a + b`; `None` if it is out of reach.
#[must_use]
pub fn add(a: &Number, b: &Number) -> Option<Number> {
    fit(&(exact(a) + exact(b)))
}

/// `a - b`; `None` if it is out of reach.
#[must_use]
pub fn sub(a: &Number, b: &Number) -> Option<Number> {
    fit(&(exact(a) - exact(b)))
}

/// `a * b`; `None` if it is out of reach.
#[must_use]
pub fn mul(a: &Number, b: &Number) -> Option<Number> {
    signed_zero(fit(&(exact(a) * exact(b)))?, a.is_negative() != b.is_negative())
}

/// `a / b`; `None` if `b` is zero, or if it is out of reach.
#[must_use]
pub fn div(a: &Number, b: &Number) -> Option<Number> {
    if b.decimal().is_zero() {
        return None;
    }
    let negative = a.is_negative() != b.is_negative();
    let ((a_digits, a_scale), (b_digits, b_scale)) = (exact(a).into_bigint_and_exponent(), exact(b).into_bigint_and_exponent());
    let (over, under) = (ten_to(b_scale.checked_sub(a_scale)?.max(0))?, ten_to(a_scale.checked_sub(b_scale)?.max(0))?);
    signed_zero(fit(&shortest(&(a_digits * over), &(b_digits * under))?)?, negative)
}

/// `a % b`, with the sign of `a`; `a` itself if `b` is zero, as Terraform has it; `None` if it is out of reach.
#[must_use]
pub fn rem(a: &Number, b: &Number) -> Option<Number> {
    if b.decimal().is_zero() {
        return Some(a.clone());
    }
    fit(&(exact(a) % exact(b)))
}

/// `-a`.
#[must_use]
pub fn neg(a: &Number) -> Number {
    if !a.decimal().is_zero() {
        return Number::new(&-a.decimal());
    }
    if a.is_negative() { Number::from(0_i64) } else { Number::negative_zero() }
}

/// The largest whole number that is not larger.
#[must_use]
pub fn floor(a: &Number) -> Number {
    Number::new(&a.decimal().with_scale_round(0, RoundingMode::Floor))
}

/// The smallest whole number that is not smaller.
#[must_use]
pub fn ceil(a: &Number) -> Number {
    Number::new(&a.decimal().with_scale_round(0, RoundingMode::Ceiling))
}

/// The nearest binary number of 64 bits.
#[must_use]
pub fn to_f64(a: &Number) -> f64 {
    a.to_string().parse().unwrap_or(f64::NAN)
}

/// What a number is exactly: a text such as 0.1 stands for a binary number next to it.
#[must_use]
pub fn binary_value(number: &Number) -> BigDecimal {
    let (digits, scale) = number.decimal().clone().into_bigint_and_exponent();
    if digits.is_zero() {
        return BigDecimal::zero();
    }
    let ratio = ten_to((-scale).max(0)).zip(ten_to(scale.max(0)));
    let exact = ratio.and_then(|(over, under)| binary(&(digits * over), &under));
    exact.map_or_else(|| number.decimal().clone(), |(mantissa, exponent)| power_of_two(&mantissa, exponent))
}

/// A decimal as a number, rounded to 512 bits; `None` if it is out of reach.
#[must_use]
pub fn fit(decimal: &BigDecimal) -> Option<Number> {
    if decimal.is_zero() {
        return Some(Number::from(0_i64));
    }
    let near = decimal.fractional_digit_count().unsigned_abs() <= 10 * REACH.unsigned_abs();
    if !near || decimal.order_of_magnitude().abs() > REACH {
        return None;
    }
    let decimal = decimal.normalized();
    if decimal.digits() <= EXACT_DIGITS {
        return Some(Number::new(&decimal));
    }
    let (digits, scale) = decimal.into_bigint_and_exponent();
    let (over, under) = (ten_to((-scale).max(0))?, ten_to(scale.max(0))?);
    Some(Number::new(&shortest(&(digits * over), &under)?))
}

fn signed_zero(number: Number, negative: bool) -> Option<Number> {
    Some(if negative && number.decimal().is_zero() { Number::negative_zero() } else { number })
}

fn ten_to(power: i64) -> Option<BigInt> {
    let power = u32::try_from(power).ok().filter(|power| i64::from(*power) <= 10 * REACH)?;
    Some(BigInt::from(10).pow(power))
}

/// The decimal to compute with: of a long number the binary one that it stands for.
fn exact(number: &Number) -> BigDecimal {
    let decimal = number.decimal();
    if decimal.digits() <= EXACT_DIGITS {
        return decimal.clone();
    }
    binary_value(number)
}

/// The shortest decimal that is nearest to the 512-bit number nearest to `over / under`.
fn shortest(over: &BigInt, under: &BigInt) -> Option<BigDecimal> {
    if over.is_zero() {
        return Some(BigDecimal::zero());
    }
    let (mantissa, exponent) = binary(over, under)?;
    let value = power_of_two(&mantissa, exponent);
    let half_step = power_of_two(&BigInt::from(1), exponent - 1);
    let even = !mantissa.bit(0);
    let near = |candidate: &BigDecimal| {
        let distance = (candidate - &value).abs();
        distance < half_step || even && distance == half_step
    };
    (EXACT_DIGITS..EXACT_DIGITS + 4)
        .filter_map(std::num::NonZeroU64::new)
        .map(|digits| value.with_precision_round(digits, RoundingMode::HalfEven))
        .find(near)
        .or(Some(value))
}

/// `over / under` as a whole number of 512 bits times a power of two, rounded to even. Neither may be zero.
fn binary(over: &BigInt, under: &BigInt) -> Option<(BigInt, i64)> {
    let negative = (over.sign() == Sign::Minus) != (under.sign() == Sign::Minus);
    let (over, under) = (over.abs(), under.abs());
    let mut exponent = i64::try_from(over.bits()).ok()? - i64::try_from(under.bits() + BITS).ok()?;
    loop {
        let shift = usize::try_from(exponent.unsigned_abs()).ok()?;
        let (over, under) = if exponent < 0 { (&over << shift, under.clone()) } else { (over.clone(), &under << shift) };
        let (mut mantissa, rest) = over.div_rem_euclid(&under);
        match mantissa.bits() {
            bits if bits > BITS => exponent += 1,
            bits if bits < BITS => exponent -= 1,
            _ => {
                let twice = rest << 1_u32;
                if twice > under || twice == under && mantissa.bit(0) {
                    mantissa += 1;
                }
                return Some((if negative { -mantissa } else { mantissa }, exponent));
            }
        }
    }
}

/// `mantissa * 2^exponent`, exactly.
fn power_of_two(mantissa: &BigInt, exponent: i64) -> BigDecimal {
    if exponent >= 0 {
        return BigDecimal::new(mantissa << exponent.unsigned_abs(), 0);
    }
    // n / 2^k is n * 5^k / 10^k.
    let fives: BigInt = BigInt::from(5).pow(u32::try_from(-exponent).unwrap_or(u32::MAX));
    BigDecimal::new(mantissa * fives, -exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        parse(text).unwrap()
    }

    fn check(found: Option<Number>, expected: &str) {
        assert_eq!(found.map(|number| number.to_string()).as_deref(), Some(expected));
    }

    #[test]
    fn texts_that_are_numbers() {
        for (text, plain) in [
            ("5", "5"),
            ("-5.50", "-5.5"),
            ("007", "7"),
            ("+5", "5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1E-3", "0.001"),
            ("2.5e+2", "250"),
            ("-0", "-0"),
            ("0e99999", "0"),
            ("-0.00", "-0"),
        ] {
            check(parse(text), plain);
        }
        for text in [
            "",
            " 5",
            "5 ",
            "0x10",
            "1_000",
            "NaN",
            "Inf",
            "1,5",
            "e5",
            "1e",
            "1e+",
            ".",
            "-",
            "--1",
            "1e5.5",
            "1e999999999",
            "1e-999999999",
            "1e99999999999999999999999",
            "1e-9223372036854775808",
            "1e9223372036854775807",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"9".repeat(1_000_000)), None);
    }

    #[test]
    fn division_has_512_bits() {
        let third = div(&n("1"), &n("3")).unwrap();
        check(Some(third.clone()), &format!("0.{}5", "3".repeat(154)));
        check(div(&n("2"), &n("3")), &format!("0.{}7", "6".repeat(153)));
        check(mul(&third, &n("3")), "1");
        check(mul(&div(&n("22"), &n("7")).unwrap(), &n("7")), "22");
        check(div(&n("10"), &n("4")), "2.5");
        check(div(&n("-7"), &n("2")), "-3.5");
        check(div(&n("1"), &n("10")), "0.1");
        check(div(&n("1e-9999"), &n("1")), &n("1e-9999").to_string());
        assert_eq!(div(&n("1"), &n("0")), None);
    }

    #[test]
    fn people_write_decimals_and_get_decimals() {
        check(add(&n("0.1"), &n("0.2")), "0.3");
        check(rem(&n("0.3"), &n("0.1")), "0");
        check(rem(&n("-7"), &n("-3")), "-1");
        check(rem(&n("-7"), &n("0")), "-7");
        check(mul(&n("0"), &n("-1")), "-0");
        check(Some(neg(&n("0"))), "-0");
        check(Some(floor(&n("-0.5"))), "-1");
        check(Some(ceil(&n("1.2"))), "2");
    }

    #[test]
    fn what_is_out_of_reach_is_refused() {
        let (large, small) = (n("1e9999"), n("1e-9999"));
        assert_eq!(mul(&large, &large), None);
        assert_eq!(mul(&small, &small), None);
        assert_eq!(div(&large, &small), None);
        assert!(add(&large, &small).is_some());
        check(rem(&large, &n("7")), "6");
    }
}
