//! Functions on times.
//!
//! Invariant: a time is an RFC 3339 text with its offset; the only clock is the time of the run, which `Host` gives.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::{Args, FnError, Function, Outcome, Want, function, text};
use crate::value::Val;

const T: Want = Want::Text;

pub(super) const TABLE: &[Function] = &[
    function("formatdate", &[text("format"), text("time")], T, format, "Writes a time in another form."),
    function("plantimestamp", &[], T, |a| Ok(Val::string(&a.host.now.to_rfc3339())), "Gives the time of the plan."),
    function("timeadd", &[text("time"), text("duration")], T, add, "Adds a duration, for example 1h30m, to a time."),
    function("timecmp", &[text("time"), text("other")], Want::Number, compare, "Gives -1, 0 or 1 for the order of two times."),
    function("timestamp", &[], T, now, "Gives the time of the run; it is not known while planning.").anew(),
];

/// A point in time, and where it is looked at.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    moment: Timestamp,
    offset: Offset,
}

impl Stamp {
    /// Reads `2006-01-02T15:04:05Z`, with a fraction or an offset if there is one; nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shaped =
            bytes.len() >= 20 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[10] == b'T' && bytes[13] == b':' && bytes[16] == b':';
        if !shaped || !text.is_ascii() {
            return None;
        }
        let part = |from: usize, to: usize| digits(&text[from..to]);
        let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
        let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
        let rest = &text[19..];
        let (fraction, zone) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?),
            None => ("0", rest),
        };
        let nanos = digits(&format!("{:0<9.9}", fraction))?;
        let seconds = match zone.as_bytes() {
            b"Z" => 0,
            [sign @ (b'+' | b'-'), .., b':', _, _] if zone.len() == 6 => {
                let (hours, minutes) = (digits(&zone[1..3])?, digits(&zone[4..6])?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
                if *sign == b'-' { -seconds } else { seconds }
            }
            _ => return None,
        };
        let small = |number: i64| i8::try_from(number).ok();
        let year = i16::try_from(year).ok()?;
        if second > 59 {
            return None;
        }
        let nanos = i32::try_from(nanos).ok()?;
        let civil = DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, nanos).ok()?;
        let offset = Offset::from_seconds(seconds).ok()?;
        Some(Self { moment: offset.to_timestamp(civil).ok()?, offset })
    }

    fn civil(self) -> DateTime {
        self.offset.to_datetime(self.moment)
    }

    /// The offset as `+01:00` or, without the separator, `+0100`.
    fn zone(self, separator: &str) -> String {
        let seconds = self.offset.seconds();
        let minutes = seconds.abs() / 60;
        format!("{}{:02}{separator}{:02}", if seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
    }

    fn is_utc(self) -> bool {
        self.offset.seconds() == 0
    }

    fn rfc3339(self) -> String {
        let zone = if self.is_utc() { "Z".to_owned() } else { self.zone(":") };
        format!("{}{zone}", self.civil().strftime("%Y-%m-%dT%H:%M:%S"))
    }
}

fn digits(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn stamp(args: &Args<'_>, at: usize) -> Result<Stamp, FnError> {
    let text = args.text(at);
    Stamp::parse(text).ok_or_else(|| FnError::arg(at, format!("\"{text}\" is not an RFC 3339 time, for example 2006-01-02T15:04:05Z")))
}

fn now(args: &Args<'_>) -> Outcome {
    Ok(Val::string(&args.host.now.to_rfc3339()))
}

fn compare(args: &Args<'_>) -> Outcome {
    Ok(Val::number(stamp(args, 0)?.moment.cmp(&stamp(args, 1)?.moment) as i64))
}

fn add(args: &Args<'_>) -> Outcome {
    let start = stamp(args, 0)?;
    let text = args.text(1);
    let nanos = duration(text).ok_or_else(|| FnError::arg(1, format!("\"{text}\" is not a duration, for example 1h30m or -10s")))?;
    let moment = Timestamp::from_nanosecond(start.moment.as_nanosecond() + i128::from(nanos));
    let moment = moment.map_err(|_| FnError::call("the result is beyond the years that can be written"))?;
    Ok(Val::string(&Stamp { moment, ..start }.rfc3339()))
}

/// Nanoseconds of a duration: a sign, then numbers with units.
fn duration(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() || rest.len() > 100 {
        return None;
    }
    let mut sum = 0_i128;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?);
        let (unit, after) = after.split_at(after.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(after.len()));
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || whole.len() + fraction.len() == 0 || whole.len() > 18 {
            return None;
        }
        let fraction = &fraction[..fraction.len().min(18)];
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
        sum += whole * scale + part * scale / 10_i128.pow(u32::try_from(fraction.len()).ok()?);
        rest = after;
    }
    i64::try_from(if negative { -sum } else { sum }).ok()
}

fn format(args: &Args<'_>) -> Outcome {
    let (form, stamp) = (args.text(0), stamp(args, 1)?);
    let mut out = String::new();
    let mut rest = form;
    while let Some(letter) = rest.chars().next() {
        if letter == '\'' {
            let (text, after) = quoted(&rest[1..]).ok_or_else(|| FnError::arg(0, "a quoted text does not end"))?;
            out.push_str(&text);
            rest = after;
            continue;
        }
        let end = rest.find(|other| other != letter).unwrap_or(rest.len());
        let (verb, after) = rest.split_at(end);
        if letter.is_ascii_alphabetic() {
            let written = written(stamp, verb);
            out.push_str(
                &written
                    .ok_or_else(|| FnError::arg(0, format!("\"{verb}\" means nothing in a form of times; put texts in single quotes")))?,
            );
        } else {
            out.push_str(verb);
        }
        rest = after;
    }
    Ok(Val::string(&out))
}

/// A text up to its closing quote, a doubled one standing for itself, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut out, mut rest) = (String::new(), text);
    loop {
        let end = rest.find('\'')?;
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => rest = after,
            None => return Some((out, rest)),
        }
        out.push('\'');
    }
}

fn written(stamp: Stamp, verb: &str) -> Option<String> {
    let civil = stamp.civil();
    let twelve = (civil.hour() + 11) % 12 + 1;
    let half = if civil.hour() < 12 { "AM" } else { "PM" };
    Some(match verb {
        "YYYY" => format!("{:04}", civil.year()),
        "YY" => format!("{:02}", civil.year() % 100),
        "MMMM" => civil.strftime("%B").to_string(),
        "MMM" => civil.strftime("%b").to_string(),
        "MM" => format!("{:02}", civil.month()),
        "M" => civil.month().to_string(),
        "DD" => format!("{:02}", civil.day()),
        "D" => civil.day().to_string(),
        "EEEE" => civil.strftime("%A").to_string(),
        "EEE" => civil.strftime("%a").to_string(),
        "hh" => format!("{:02}", civil.hour()),
        "h" => civil.hour().to_string(),
        "HH" => format!("{twelve:02}"),
        "H" => twelve.to_string(),
        "AA" => half.to_owned(),
        "aa" => half.to_lowercase(),
        "mm" => format!("{:02}", civil.minute()),
        "m" => civil.minute().to_string(),
        "ss" => format!("{:02}", civil.second()),
        "s" => civil.second().to_string(),
        "ZZZ" if stamp.is_utc() => "UTC".to_owned(),
        "Z" if stamp.is_utc() => "Z".to_owned(),
        "ZZZ" | "ZZZZ" => stamp.zone(""),
        "Z" | "ZZZZZ" => stamp.zone(":"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse};

    #[test]
    fn forms() {
        check(&[
            ("formatdate", r#"["EEEE, DD-MMM-YY hh:mm:ss ZZZ", "2018-01-02T23:12:01Z"]"#, r#""Tuesday, 02-Jan-18 23:12:01 UTC""#),
            (
                "formatdate",
                r#"["EEE, D MMMM YYYY h:m:s ZZZ Z", "2018-01-02T23:12:01-08:00"]"#,
                r#""Tue, 2 January 2018 23:12:1 -0800 -08:00""#,
            ),
            ("formatdate", r#"["HH H AA aa", "2018-01-02T00:12:01Z"]"#, r#""12 12 AM am""#),
            ("formatdate", r#"["YYYY-MM-DD'T'hh:mm:ssZ''", "2018-01-02T23:12:01.123Z"]"#, r#""2018-01-02T23:12:01Z""#),
            ("formatdate", r#"["'it''s' -/ :.", "2018-01-02T23:12:01Z"]"#, r#""it's -/ :.""#),
        ]);
        refuse(&[
            ("formatdate", r#"["YYYY", "2018-01-02t23:12:01z"]"#),
            ("formatdate", r#"["YYYY", "2018-02-30T23:12:01Z"]"#),
            ("formatdate", r#"["YYYY", "2018-01-02"]"#),
            ("formatdate", r#"["YYYY", "2018-01-02T23:12:60Z"]"#),
            ("formatdate", r#"["hhh", "2018-01-02T23:12:01Z"]"#),
            ("formatdate", r#"["'open", "2018-01-02T23:12:01Z"]"#),
            ("formatdate", "[\"YYYY\", \"2018-01-02T23:12:0é\"]"),
        ]);
    }

    #[test]
    fn sums_and_order() {
        check(&[
            ("timeadd", r#"["2017-11-22T00:00:00Z", "1h30m15s"]"#, r#""2017-11-22T01:30:15Z""#),
            ("timeadd", r#"["2017-11-22T00:00:00+02:00", "-1.5h"]"#, r#""2017-11-21T22:30:00+02:00""#),
            ("timeadd", r#"["2017-11-22T00:00:00.5Z", "1s"]"#, r#""2017-11-22T00:00:01Z""#),
            ("timeadd", r#"["2024-02-28T12:00:00Z", "24h"]"#, r#""2024-02-29T12:00:00Z""#),
            ("timecmp", r#"["2017-11-22T01:00:00Z", "2017-11-22T00:00:00-01:00"]"#, "0"),
            ("timecmp", r#"["2017-11-22T01:00:00Z", "2017-11-22T01:00:00.1Z"]"#, "-1"),
            ("timestamp", "[]", r#""2017-07-14T02:40:00Z""#),
        ]);
        for duration in ["1d", "10", "x", "", "1h-", "1.2.3s", "9999999999999999999h", "99999999h"] {
            refuse(&[("timeadd", &format!(r#"["2017-11-22T00:00:00Z", "{duration}"]"#))]);
        }
    }
}
