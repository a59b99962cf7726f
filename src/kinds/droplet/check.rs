//! Validation of a droplet's arguments, as far as they tell by themselves.
//!
//! Invariant: no request; what is unknown is passed over.

use crate::complaints::{self, Complaints};
use crate::erased::{is_mark, length};
use crate::form;
use crate::tag::ALPHABET;
use dofloat_base::value::{Term, Value};

/// The API's limit for user data, in bytes.
const USER_DATA_LIMIT: usize = 64 * 1024;

pub(super) fn check(body: &Term, complaints: &mut Complaints) {
    if let Some(name) = complaints::text(body, "name")
        && !form::droplet_name(&name)
    {
        let better = name.replace(['_', ' '], "-");
        let hint = if form::droplet_name(&better) { format!("Write `{better}`.") } else { String::new() };
        complaints.malformed(
            &name,
            &["name"],
            format!("`{name}` is not a valid droplet name: only letters, digits, dots and dashes, with a letter or digit at the end."),
            hint,
        );
    }
    if let Some(size) = length(&body.get("user_data"))
        && size > USER_DATA_LIMIT
    {
        complaints.refusal(
            &["user_data"],
            format!("The user data has {size} bytes; DigitalOcean takes {USER_DATA_LIMIT} (64 KiB)."),
            "Shorten it, or let it fetch the rest.",
        );
    }
    for (at, tag) in complaints::texts(body, "tags") {
        if !form::tag(&tag) {
            complaints.error(&["tags", &at.to_string()], format!("`{tag}` is not a valid tag."), ALPHABET);
        } else if is_mark(&tag) {
            complaints.error(
                &["tags", &at.to_string()],
                format!("The tag `{tag}` has the form of dofloat's own marks."),
                "Take one that does not begin with `dofloat:`.",
            );
        }
    }
    for (at, key) in complaints::texts(body, "ssh_keys") {
        // A word that is no number and no fingerprint is looked for with the plan; a public key surely is none.
        if key.contains(char::is_whitespace) {
            complaints.refusal(
                &["ssh_keys", &at.to_string()],
                "A key is given by its number or its MD5 fingerprint; public keys do not work.".to_owned(),
                "Use `digitalocean_ssh_key.NAME.id`.",
            );
        }
    }
    check_backups(body, complaints);
    if body.get("public_networking") == Term::Value(Value::Bool(false)) && complaints::is_true(body, "ipv6") {
        complaints.error(&["ipv6"], "A droplet without public networking has no IPv6 address.", "Remove `ipv6`.");
    }
}

fn check_backups(body: &Term, complaints: &mut Complaints) {
    let policies = complaints::items(body, "backup_policy");
    if policies.is_empty() {
        return;
    }
    if matches!(body.get("backups"), Term::Value(Value::Null | Value::Bool(false))) {
        complaints.error(&["backup_policy"], "A backup policy needs `backups = true`.", "Add it, or remove the block.");
    }
    if policies.len() > 1 {
        complaints.error(&["backup_policy", "1"], "There is one backup policy for a droplet.", "Remove the further blocks.");
    }
    let days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    for (at, policy) in policies.iter().enumerate() {
        let at = at.to_string();
        let plan = complaints::text(policy, "plan");
        if let Some(plan) = plan.as_deref().filter(|plan| !matches!(*plan, "daily" | "weekly")) {
            complaints.error(&["backup_policy", &at, "plan"], format!("`{plan}` is not a backup plan."), "It is daily or weekly.");
        }
        if let Some(day) = complaints::text(policy, "weekday").filter(|day| !days.contains(&day.as_str())) {
            complaints.error(
                &["backup_policy", &at, "weekday"],
                format!("`{day}` is not a weekday."),
                format!("It is one of {}.", days.join(", ")),
            );
        }
        if let Some(hour) = complaints::number(policy, "hour").filter(|hour| !matches!(hour, 0 | 4 | 8 | 12 | 16 | 20)) {
            complaints.error(&["backup_policy", &at, "hour"], format!("No backup window opens at {hour}."), "It is 0, 4, 8, 12, 16 or 20.");
        }
    }
}
