//! What an object that was read looks like beside its record, and what the record keeps of that.

use super::observed::Seen;
use super::record::refreshed;
use super::refresh::present;
use super::sketch_tests::{salt, state, told_state};
use dofloat_base::value::{Body, Value};
use dofloat_kinds::kind;

/// A case: its name, the record, and what the API gave.
fn told((name, record, given): (&str, &str, &str)) -> String {
    let mut state = state(record);
    let (address, record) = state.records.pop_first().expect("a record");
    let body: Body =
        given.split_whitespace().filter_map(|word| word.split_once('=')).map(|(name, text)| (name.to_owned(), Value::from(text))).collect();
    let Seen::Present { body, digests, .. } = present(&address.kind, &record, body, &salt()) else { return "gone".to_owned() };
    let compared = digests.iter().map(|(name, digest)| {
        let is = if record.digests.get(name) == Some(digest) { "the same" } else { "another" };
        format!("digest of {name}: {is}\n")
    });
    let compared: String = compared.collect();
    let rows = kind(&address.kind).expect("a kind").attrs();
    let kept = refreshed(rows, &record, &body, &digests);
    let seen =
        body.iter().filter(|(name, _)| *name != "id").map(|(name, value)| format!(" {name}={}", value.to_json())).collect::<String>();
    state.records.insert(address, kept);
    format!("## {name}\nseen:{seen}\n{compared}kept: {}\n", told_state(&state))
}

#[test]
fn what_is_read_is_held_beside_the_record() {
    let web = "droplet.web=4 name=web image=debian-13-x64 user_data=$boot";
    let text = [
        ("as it was left", "vpc.net=v-1 name=net region=ams3", "id=v-1 name=net region=ams3"),
        ("altered by hand", "vpc.net=v-1 name=net region=ams3", "id=v-1 name=other region=ams3 description=x"),
        (
            "a secret that is read back",
            "vpc.net=v-1 name=net region=ams3 description=$hush",
            "id=v-1 name=net region=ams3 description=hush",
        ),
        ("a secret that was altered", "vpc.net=v-1 name=net region=ams3 description=$hush", "id=v-1 name=net region=ams3 description=x"),
        ("a secret that was taken out", "vpc.net=v-1 name=net region=ams3 description=$hush", "id=v-1 name=net region=ams3"),
        ("what the API never gives back is believed", web, "id=4 name=web status=active"),
        ("what the API gives though it never should", web, "id=4 name=web status=active user_data=leaked"),
    ]
    .map(told)
    .join("\n");
    insta::assert_snapshot!(text);
}
