//! The `time` kinds: a moment that is kept, and waits.
//!
//! Invariant: as `hashicorp/time` 0.13 has it. A moment is taken when the object is made; nothing looks at the clock later, but
//! `time_rotating`, which is not there any more once its time is over.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use super::{Context, Doing, Local};
use crate::attr::{Attr, Change, Ty};
use crate::complaints::Complaints;
use crate::valid::Valid;
use dofloat_base::clock::Moment;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

const TRIGGERS: Attr =
    Attr::optional("triggers", Ty::Map(&Ty::String), Change::Replace, "Values whose change makes another one.").write_only();
const ID: Attr = Attr::computed("id", Ty::String, "The moment.").once();

const fn part(name: &'static str, doc: &'static str) -> Attr {
    Attr::computed(name, Ty::Number, doc).once()
}

const PARTS: [Attr; 7] = [
    part("year", "The year."),
    part("month", "The month."),
    part("day", "The day of the month."),
    part("hour", "The hour."),
    part("minute", "The minute."),
    part("second", "The second."),
    part("unix", "The seconds since 1970."),
];

const fn moment(name: &'static str, doc: &'static str) -> Attr {
    Attr::chosen(name, Ty::String, Change::Replace, doc).once().valid(Valid::Form(is_moment, "Write it as 2020-02-12T06:36:13Z."))
}

const fn offset(name: &'static str, doc: &'static str) -> Attr {
    Attr::optional(name, Ty::Number, Change::Replace, doc).write_only()
}

pub(super) static STATIC: Local = Local {
    name: "time_static",
    attrs: &[
        ID,
        moment("rfc3339", "The moment; now where it is not given."),
        TRIGGERS,
        PARTS[0],
        PARTS[1],
        PARTS[2],
        PARTS[3],
        PARTS[4],
        PARTS[5],
        PARTS[6],
    ],
    make: |context, wanted| {
        let base = given(wanted, "rfc3339").map_or_else(|| now(context), Ok)?;
        let mut body = parts(&base);
        body.insert("rfc3339".to_owned(), written(&base).into());
        body.insert("id".to_owned(), written(&base).into());
        Ok((None, body))
    },
    import: |id| {
        let base = parsed(id)?;
        let mut body = parts(&base);
        body.extend(["id", "rfc3339"].map(|name| (name.to_owned(), Value::from(written(&base)))));
        Some(body)
    },
    ..Local::NOTHING
};

pub(super) static OFFSET: Local = Local {
    name: "time_offset",
    attrs: &[
        ID,
        moment("base_rfc3339", "The moment that is counted from; now where it is not given."),
        TRIGGERS,
        offset("offset_years", "How many years later."),
        offset("offset_months", "How many months later."),
        offset("offset_days", "How many days later."),
        offset("offset_hours", "How many hours later."),
        offset("offset_minutes", "How many minutes later."),
        offset("offset_seconds", "How many seconds later."),
        Attr::computed("rfc3339", Ty::String, "The moment that it comes to.").once(),
        PARTS[0],
        PARTS[1],
        PARTS[2],
        PARTS[3],
        PARTS[4],
        PARTS[5],
        PARTS[6],
    ],
    check: |body, complaints| some(body, "offset", complaints),
    make: |context, wanted| {
        let base = given(wanted, "base_rfc3339").map_or_else(|| now(context), Ok)?;
        let later = later(&base, wanted, "offset")?;
        let mut body = parts(&later);
        body.insert("rfc3339".to_owned(), written(&later).into());
        body.extend(["id", "base_rfc3339"].map(|name| (name.to_owned(), Value::from(written(&base)))));
        Ok((None, body))
    },
    ..Local::NOTHING
};

pub(super) static ROTATING: Local = Local {
    name: "time_rotating",
    attrs: &[
        ID,
        moment("rfc3339", "The moment that is counted from; now where it is not given."),
        TRIGGERS,
        offset("rotation_years", "After how many years another one is made."),
        offset("rotation_months", "After how many months."),
        offset("rotation_days", "After how many days."),
        offset("rotation_hours", "After how many hours."),
        offset("rotation_minutes", "After how many minutes."),
        Attr::chosen("rotation_rfc3339", Ty::String, Change::Replace, "When another one is made.")
            .once()
            .valid(Valid::Form(is_moment, "Write it as 2020-02-12T06:36:13Z.")),
        PARTS[0],
        PARTS[1],
        PARTS[2],
        PARTS[3],
        PARTS[4],
        PARTS[5],
        PARTS[6],
    ],
    check: |body, complaints| {
        if body.get("rotation_rfc3339").is_null() {
            some(body, "rotation", complaints);
        }
    },
    make: |context, wanted| {
        let base = given(wanted, "rfc3339").map_or_else(|| now(context), Ok)?;
        let until = given(wanted, "rotation_rfc3339").map_or_else(|| later(&base, wanted, "rotation"), Ok)?;
        let mut body = parts(&base);
        body.extend(["id", "rfc3339"].map(|name| (name.to_owned(), Value::from(written(&base)))));
        body.insert("rotation_rfc3339".to_owned(), written(&until).into());
        let id = format!("{} {} {}", until.timestamp().as_second(), written(&base), uuid::Uuid::new_v4());
        Ok((Some(Id(id)), body))
    },
    is_there: |context, id| {
        let until = id.0.split(' ').next().and_then(|second| second.parse::<i64>().ok());
        Ok(until.is_none_or(|until| until.saturating_mul(1000) > i64::try_from(context.now.0).unwrap_or(i64::MAX)))
    },
    ..Local::NOTHING
};

pub(super) static SLEEP: Local = Local {
    name: "time_sleep",
    attrs: &[
        ID,
        Attr::optional("create_duration", Ty::String, Change::Local, "How long its create takes: \"30s\", \"5m\".")
            .write_only()
            .valid(LENGTH),
        Attr::optional("destroy_duration", Ty::String, Change::Local, "How long its delete takes.").write_only().valid(LENGTH),
        TRIGGERS,
    ],
    make: |context, _| Ok((None, Body::from([("id".to_owned(), written(&now(context)?).into())]))),
    pause: |body, doing| {
        let name = if doing == Doing::Create { "create_duration" } else { "destroy_duration" };
        body.get(name).and_then(Value::as_str).and_then(duration).unwrap_or_default()
    },
    ..Local::NOTHING
};

const LENGTH: Valid = Valid::Form(|text| duration(text).is_some(), "Write a number and ms, s, m or h, for example \"30s\".");

/// A duration as Go writes it, in the units that the provider takes.
fn duration(text: &str) -> Option<Duration> {
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, seconds) =
            [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)].into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        sum += number * seconds;
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(sum).ok()).flatten()
}

fn is_moment(text: &str) -> bool {
    parsed(text).is_some()
}

fn parsed(text: &str) -> Option<Zoned> {
    Some(text.parse::<Timestamp>().ok()?.to_zoned(TimeZone::UTC))
}

fn given(wanted: &Body, name: &str) -> Option<Zoned> {
    parsed(wanted.get(name)?.as_str()?)
}

fn now(context: &Context<'_>) -> Result<Zoned, String> {
    let Moment(millis) = context.now;
    let seconds = i64::try_from(millis / 1000).map_err(|error| error.to_string())?;
    Ok(Timestamp::from_second(seconds).map_err(|error| error.to_string())?.to_zoned(TimeZone::UTC))
}

fn written(moment: &Zoned) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A second since 1970, as a moment is written.
pub(super) fn written_second(second: u64) -> Option<String> {
    let moment = Timestamp::from_second(i64::try_from(second).ok()?).ok()?;
    Some(written(&moment.to_zoned(TimeZone::UTC)))
}

fn parts(moment: &Zoned) -> Body {
    let civil: DateTime = moment.datetime();
    let all = [
        ("year", i64::from(civil.year())),
        ("month", i64::from(civil.month())),
        ("day", i64::from(civil.day())),
        ("hour", i64::from(civil.hour())),
        ("minute", i64::from(civil.minute())),
        ("second", i64::from(civil.second())),
        ("unix", moment.timestamp().as_second()),
    ];
    all.into_iter().map(|(name, number)| (name.to_owned(), Value::from(number))).collect()
}

const UNITS: [&str; 6] = ["years", "months", "days", "hours", "minutes", "seconds"];

fn later(base: &Zoned, wanted: &Body, what: &str) -> Result<Zoned, String> {
    let mut moment = base.clone();
    for unit in UNITS {
        let Some(Value::Number(number)) = wanted.get(&format!("{what}_{unit}")) else { continue };
        let count = number.as_i64().ok_or_else(|| format!("`{what}_{unit}` is not a whole number"))?;
        let span = match unit {
            "years" => Span::new().try_years(count),
            "months" => Span::new().try_months(count),
            "days" => Span::new().try_days(count),
            "hours" => Span::new().try_hours(count),
            "minutes" => Span::new().try_minutes(count),
            _ => Span::new().try_seconds(count),
        };
        moment = span.and_then(|span| moment.checked_add(span)).map_err(|error| format!("`{what}_{unit}`: {error}"))?;
    }
    Ok(moment)
}

/// Complains where nothing says how much later.
fn some(body: &Term, what: &str, complaints: &mut Complaints) {
    if UNITS.iter().all(|unit| body.get(&format!("{what}_{unit}")).is_null()) {
        complaints.error(&[], format!("One of `{what}_days`, `{what}_hours` and their like must be given."), format!("Add `{what}_days`."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, expected) in [
            ("30s", Some(30_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5m", Some(90_000)),
            ("250ms", Some(250)),
            ("", None),
            ("5", None),
            ("5d", None),
            ("s", None),
        ] {
            assert_eq!(duration(text), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn a_moment_is_taken_apart_and_counted_from() {
        let base = parsed("2020-02-12T06:36:13Z").unwrap();
        assert_eq!(parts(&base)["unix"], 1_581_489_373.into());
        assert_eq!((&parts(&base)["month"], &parts(&base)["second"]), (&2.into(), &13.into()));
        let wanted = Body::from([("offset_days".to_owned(), 7.into()), ("offset_hours".to_owned(), (-6).into())]);
        assert_eq!(written(&later(&base, &wanted, "offset").unwrap()), "2020-02-19T00:36:13Z");
        assert!(parsed("yesterday").is_none());
    }
}
