//! Where the official document errs: what is let through, and why.
//!
//! Invariant: an entry excuses one thing and says where the fact comes from; one that nothing needs is reported by the test.

use super::Violation;

/// A known error of the document.
pub(crate) struct Erratum {
    pub(crate) name: &'static str,
    /// The fact behind it, for the reader.
    pub(crate) why: &'static str,
    pub(crate) excuses: fn(&Violation) -> bool,
}

pub(crate) const ERRATA: &[Erratum] = &[
    Erratum {
        name: "record-flags-and-tag",
        why: "NS, TXT and SRV records are said to need `flags` and `tag`, which only CAA has.",
        excuses: |v| {
            is(v, "POST /domains/{domain_name}/records", "request body", "required")
                && ["ns", "srv", "txt"].iter().any(|of| v.schema.contains(&format!("domain_record_{of}/")))
                && (v.message.starts_with("\"flags\"") || v.message.starts_with("\"tag\""))
        },
    },
    Erratum {
        name: "private-gateway",
        why: "a private network has no gateway: the text says nil, the example has the text \"nil\", null is sent too.",
        excuses: |v| v.rule == "type" && v.place.ends_with("/gateway") && v.place.contains("/networks/v4/"),
    },
    Erratum {
        name: "change-backup-policy",
        why: "the action has a schema of its own, which refers to the list of all action types, and that list lacks it.",
        excuses: |v| {
            v.operation == "POST /droplets/{droplet_id}/actions"
                && v.place == "request body /type"
                && v.rule == "enum"
                && v.message.starts_with("\"change_backup_policy\"")
                && v.schema.contains("/droplet_action/")
        },
    },
    Erratum {
        name: "uptime-method",
        why: "an uptime check is said to need `method`, which is no property of it; the official Go client sends none.",
        excuses: |v| is(v, "POST /uptime/checks", "request body", "required") && v.message.starts_with("\"method\""),
    },
    Erratum {
        name: "tagged-images",
        why: "the document spells the images of a tag `imgages`; the official Go client reads `images`.",
        excuses: |v| v.rule == "unknown" && v.operation.contains(" /tags") && v.place.ends_with("/resources/images"),
    },
    Erratum {
        name: "newer-regions",
        why: "the list of region slugs stands still; `atl1` occurs elsewhere in the same document.",
        excuses: |v| v.rule == "enum" && v.schema.contains("/region_slug/") && v.message.starts_with("\"atl1\""),
    },
    Erratum {
        name: "newer-distributions",
        why: "the list of distributions stands still: AlmaLinux images are offered.",
        excuses: |v| v.rule == "enum" && v.schema.contains("/distribution/") && v.message.starts_with("\"AlmaLinux\""),
    },
];

fn is(violation: &Violation, operation: &str, place: &str, rule: &str) -> bool {
    violation.operation == operation && violation.place.starts_with(place) && violation.rule == rule
}
