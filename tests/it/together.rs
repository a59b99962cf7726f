//! Several droplets made by one request: each has its own end, whatever befalls the request.
//!
//! Invariant: nothing is made twice, nothing is made that nobody knows.

use std::collections::BTreeSet;

use dofloat::api::{Brought, Carried};
use serde_json::{Map, Value, json};

use crate::engine::Sketch;
use crate::support::account::{Account, Tamper, droplet};

/// So many droplets that differ by their names alone, in a network.
fn alike(count: usize) -> Sketch {
    let mut stack = Map::new();
    stack.insert("digitalocean_vpc.net".into(), json!({"name": "net", "region": "nyc3"}));
    stack.extend((0..count).map(|nth| (format!("digitalocean_droplet.d{nth}"), droplet(&format!("d{nth}")))));
    Sketch::new(Value::Object(stack))
}

/// The names of the account's droplets, each as often as there are of that name.
fn names(account: &Account) -> Vec<String> {
    let mut names: Vec<String> = account
        .world
        .lock()
        .expect("the world")
        .show("droplets")
        .iter()
        .map(|of| of["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

fn expected(count: usize) -> Vec<String> {
    (0..count).map(|nth| format!("d{nth}")).collect::<BTreeSet<_>>().into_iter().collect()
}

fn creates(account: &Account) -> usize {
    account.changes("POST", "/v2/droplets")
}

/// Something that befalls the first request for several.
fn once(mut what: impl FnMut(&Carried, &mut dyn FnMut(&Carried) -> Brought) -> Brought + Send + 'static) -> Tamper {
    let mut has_happened = false;
    Box::new(move |carried, answer| {
        let is_it = carried.body.as_ref().is_some_and(|body| body.get("names").is_some());
        if !is_it || std::mem::replace(&mut has_happened, true) {
            return None;
        }
        Some(what(carried, answer))
    })
}

fn said(status: u16, body: &Value) -> Brought {
    Brought { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

#[tokio::test]
async fn what_differs_by_name_alone_is_made_ten_at_a_time() {
    let account = Account::open(20, 2_000, 1_000, None);
    account.run(&alike(25), false, None).await;
    assert_eq!((names(&account), creates(&account)), (expected(25), 3));
    // A second run has nothing to do.
    let (again, _) = account.run(&alike(25), false, None).await;
    assert_eq!(again.changes, 0, "{again:?}");
}

#[tokio::test]
async fn what_differs_otherwise_and_a_few_are_made_one_by_one() {
    let account = Account::open(20, 2_000, 1_000, None);
    let mut stack = Map::new();
    stack.insert("digitalocean_vpc.net".into(), json!({"name": "net", "region": "nyc3"}));
    for nth in 0..6 {
        let mut body = droplet(&format!("d{nth}"));
        body["user_data"] = format!("#!/bin/sh\necho {nth}\n").into();
        stack.insert(format!("digitalocean_droplet.d{nth}"), body);
    }
    stack.extend((6..9).map(|nth| (format!("digitalocean_droplet.d{nth}"), droplet(&format!("d{nth}")))));
    account.run(&Sketch::new(Value::Object(stack)), false, None).await;
    assert_eq!((names(&account), creates(&account)), (expected(9), 9));
}

#[tokio::test]
async fn of_a_lost_answer_each_is_looked_for() {
    // It took effect for none, for some, or for all of them.
    for part in [0, 4, 10] {
        let account = Account::open(20, 2_000, 1_000, None);
        account.befall(once(move |carried, answer| {
            let mut some = carried.clone();
            let names = some.body.as_mut().and_then(|body| body["names"].as_array_mut()).expect("there are names");
            names.truncate(part);
            if part > 0 {
                assert_eq!(answer(&some).status, 202);
            }
            said(500, &json!({"id": "server_error", "message": "Unexpected server-side error"}))
        }));
        account.run(&alike(10), false, None).await;
        assert_eq!(names(&account), expected(10), "{part}");
    }
}

#[tokio::test]
async fn one_that_an_answer_leaves_out_is_looked_for() {
    let account = Account::open(20, 2_000, 1_000, None);
    account.befall(once(|carried, answer| {
        let mut brought = answer(carried);
        let mut body: Value = serde_json::from_slice(&brought.body).expect("it is JSON");
        body["droplets"].as_array_mut().expect("a list").remove(3);
        brought.body = body.to_string().into_bytes();
        brought
    }));
    account.run(&alike(10), false, None).await;
    assert_eq!(names(&account), expected(10));
}

#[tokio::test]
async fn a_refusal_of_several_is_the_refusal_of_each() {
    let account = Account::open(20, 2_000, 1_000, None);
    account.befall(once(|_, _| said(422, &json!({"id": "unprocessable_entity", "message": "The region is full."}))));
    let (ended, ..) = account.attempt(&alike(10), false, None).await;
    let (what, why) = ended.expect_err("it is refused");
    let told = why.iter().filter(|why| why.message.contains("The region is full.")).count();
    assert_eq!((what, told, names(&account).len(), creates(&account)), ("apply", 10, 0, 1), "{why:#?}");
    // The next run makes them.
    account.run(&alike(10), false, None).await;
    assert_eq!(names(&account), expected(10));
}

#[tokio::test]
async fn a_run_that_was_killed_before_the_answer_goes_on() {
    for part in [0, 4, 10] {
        let account = Account::open(20, 2_000, 1_000, None);
        let (sender, killed) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        account.befall(once(move |carried, answer| {
            let mut some = carried.clone();
            some.body.as_mut().and_then(|body| body["names"].as_array_mut()).expect("there are names").truncate(part);
            if part > 0 {
                answer(&some);
            }
            let _ = sender.take().expect("it is the first").send(());
            // Nobody hears this any more.
            said(500, &Value::Null)
        }));
        let stack = alike(10);
        tokio::select! {
            biased;
            killed = killed => killed.expect("it was asked for"),
            _ = account.attempt(&stack, false, None) => panic!("it was to be killed"),
        }
        account.run(&stack, false, None).await;
        assert_eq!(names(&account), expected(10), "{part}");
    }
}
