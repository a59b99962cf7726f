//! Functions on numbers.
//!
//! Invariant: sums and rounding are exact; powers and logarithms are those of 64-bit numbers, as Terraform's are.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, Num as _};

use super::{Args, FnError, Function, Outcome, Want, any, function, number};
use crate::arithmetic;
use crate::conversion::convert;
use crate::value::{Data, Val};
use dofloat_base::number::Number;
use dofloat_base::types::Type;

const N: Want = Want::Number;

pub(super) const TABLE: &[Function] = &[
    function("abs", &[number("number")], N, abs, "Gives a number without its sign."),
    function("ceil", &[number("number")], N, |a| Ok(Val::number(arithmetic::ceil(a.number(0)?))), "Rounds up to a whole number."),
    function("floor", &[number("number")], N, |a| Ok(Val::number(arithmetic::floor(a.number(0)?))), "Rounds down to a whole number."),
    function("log", &[number("number"), number("base")], N, log, "Gives the logarithm of a number in a base."),
    function("max", &[], N, |a| extreme(a, true), "Gives the largest of the numbers.").and(number("numbers")),
    function("min", &[], N, |a| extreme(a, false), "Gives the smallest of the numbers.").and(number("numbers")),
    function("parseint", &[any("text"), number("base")], N, parse_int, "Reads a whole number written in a base of 2 to 62."),
    function("pow", &[number("number"), number("power")], N, pow, "Raises a number to a power."),
    function("signum", &[number("number")], N, signum, "Gives -1, 0 or 1 for a whole number's sign."),
    function("sum", &[any("numbers")], N, sum, "Adds up the numbers of a list or set."),
];

fn abs(args: &Args<'_>) -> Outcome {
    let number = args.number(0)?;
    Ok(Val::number(if number.is_negative() { arithmetic::neg(number) } else { number.clone() }))
}

fn log(args: &Args<'_>) -> Outcome {
    let (number, base) = (arithmetic::to_f64(args.number(0)?), arithmetic::to_f64(args.number(1)?));
    finite(number.ln() / base.ln(), "the logarithm of these numbers does not exist")
}

fn pow(args: &Args<'_>) -> Outcome {
    let (number, power) = (arithmetic::to_f64(args.number(0)?), arithmetic::to_f64(args.number(1)?));
    finite(number.powf(power), "the power of these numbers does not exist, or is too large")
}

fn finite(result: f64, otherwise: &str) -> Outcome {
    Number::from_f64(result).map(Val::number).ok_or_else(|| FnError::call(otherwise))
}

fn signum(args: &Args<'_>) -> Outcome {
    let number = args.number(0)?;
    if !number.decimal().is_integer() {
        return Err(FnError::arg(0, "a whole number is required"));
    }
    let zero = Number::from(0_i64);
    Ok(Val::number(number.cmp(&zero) as i64))
}

fn extreme(args: &Args<'_>, largest: bool) -> Outcome {
    let numbers = (0..args.vals.len()).map(|at| args.number(at)).collect::<Result<Vec<_>, _>>()?;
    let best = if largest { numbers.into_iter().max() } else { numbers.into_iter().min() };
    best.map(|number| Val::number(number.clone())).ok_or_else(|| FnError::call("at least one number is required"))
}

fn sum(args: &Args<'_>) -> Outcome {
    let numbers = match args.vals.first().map(|val| &val.data) {
        Some(Data::List(..) | Data::Set(..) | Data::Tuple(_)) => args.items(0),
        _ => return Err(FnError::arg(0, "a list, set or tuple of numbers is required")),
    };
    if numbers.is_empty() {
        return Err(FnError::arg(0, "there is nothing to add up"));
    }
    let mut sum = Number::from(0_i64);
    for (place, item) in numbers.iter().enumerate() {
        let item = convert(item, &Type::Number).map_err(|error| FnError::arg(0, format!("element {place}: {error}")))?;
        let Data::Number(item) = item.data else { return Err(FnError::arg(0, format!("element {place} must not be null"))) };
        sum = arithmetic::add(&sum, &item).ok_or_else(|| FnError::call(arithmetic::OUT_OF_REACH))?;
    }
    Ok(Val::number(sum))
}

fn parse_int(args: &Args<'_>) -> Outcome {
    let Some(Data::String(text)) = args.vals.first().map(|val| &val.data) else {
        return Err(FnError::arg(0, format!("a string is required, not {}", args.vals.first().map_or(Type::Any, Val::ty))));
    };
    let base = u32::try_from(args.whole(1)?).ok().filter(|base| (2..=62).contains(base));
    let base = base.ok_or_else(|| FnError::arg(1, "a base of 2 to 62 is required"))?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let wrong = || FnError::arg(0, format!("this is not a whole number in base {base}"));
    if digits.is_empty() || digits.len() > 10_000 {
        return Err(wrong());
    }
    let number = if base <= 36 {
        if !digits.chars().all(|digit| digit.is_digit(base)) {
            return Err(wrong());
        }
        BigInt::from_str_radix(digits, base).map_err(|_| wrong())?
    } else {
        digits.bytes().try_fold(BigInt::from(0), |sum, byte| {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'z' => byte - b'a' + 10,
                b'A'..=b'Z' => byte - b'A' + 36,
                _ => return Err(wrong()),
            };
            if u32::from(digit) < base { Ok(sum * base + digit) } else { Err(wrong()) }
        })?
    };
    let number = if text.starts_with('-') { -number } else { number };
    arithmetic::fit(&BigDecimal::from(number)).map(Val::number).ok_or_else(|| FnError::arg(0, arithmetic::OUT_OF_REACH))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse};

    #[test]
    fn numbers() {
        check(&[
            ("abs", "[-1.5]", "1.5"),
            ("abs", "[\"-7\"]", "7"),
            ("ceil", "[-1.2]", "-1"),
            ("log", "[1000, 10]", "2.9999999999999996"),
            ("pow", "[10, 25]", "10000000000000000000000000"),
            ("pow", "[1.1, 2]", "1.2100000000000002"),
            ("max", "[1, \"5\", 3]", "5"),
            ("min", "[2, -1]", "-1"),
            ("signum", "[-9]", "-1"),
            ("sum", "[[0.1, 0.2, \"1\"]]", "1.3"),
            ("parseint", "[\"aA\", 62]", "656"),
            ("parseint", "[\"-FF\", 16]", "-255"),
        ]);
        refuse(&[
            ("max", "[]"),
            ("log", "[-1, 10]"),
            ("pow", "[-1, 0.5]"),
            ("pow", "[10, 1000000000]"),
            ("signum", "[0.5]"),
            ("sum", "[[]]"),
            ("sum", "[[null]]"),
            ("sum", "[{\"a\": 1}]"),
            ("parseint", "[10, 2]"),
            ("parseint", "[\"0x10\", 16]"),
            ("parseint", "[\"10\", 1]"),
            ("parseint", "[\"1_0\", 10]"),
        ]);
    }
}
