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
        name: "balancer-without-droplets",
        why: "a load balancer may have no droplets yet: the official Go client leaves out an empty list and an empty tag.",
        excuses: |v| {
            ["POST /load_balancers", "PUT /load_balancers/{lb_id}"].contains(&v.operation.as_str())
                && v.place.starts_with("request body")
                && v.rule == "oneOf"
                && v.message.contains("\"droplet_ids\" is a required property | \"tag\" is a required property")
        },
    },
    Erratum {
        name: "cdn-without-domain",
        why: "an endpoint loses its own domain and its certificate by empty texts, as the official Go client sends them.",
        excuses: |v| is(v, "PUT /cdn/endpoints/{cdn_id}", "request body", "format") && v.message.starts_with("\"\""),
    },
    Erratum {
        name: "tags-of-databases",
        why: "a tag is said to be for droplets, images, volumes and their snapshots; the official Go client tags databases too.",
        excuses: |v| {
            ["POST", "DELETE"].iter().any(|of| is(v, &format!("{of} /tags/{{tag_id}}/resources"), "request body", "enum"))
                && v.message.starts_with("\"database\"")
        },
    },
    Erratum {
        name: "lists-that-come-whole",
        why: "databases, what lies in one, and registries are listed without pages; the official Go client sends `per_page` all the same.",
        excuses: |v| {
            v.rule == "unknown"
                && v.place == "query per_page"
                && ["GET /databases", "GET /registries"].iter().any(|of| v.operation.starts_with(of))
        },
    },
    Erratum {
        name: "answers-of-nat-gateways",
        why: "a create and a change are said to answer what was sent, and a VPC of one to have no `default_gateway`, against the examples; \
              the official Go client reads the whole gateway, and knows subnets.",
        excuses: |v| {
            let name = |names: &[&str]| names.iter().any(|name| v.place.ends_with(&format!("/{name}")));
            let answers = v.place.starts_with("response");
            v.rule == "unknown"
                && v.operation.contains(" /vpc_nat_gateways")
                && (name(&["subnet_uuid"])
                    || answers
                        && name(&[
                            "id",
                            "state",
                            "type",
                            "region",
                            "egresses",
                            "created_at",
                            "updated_at",
                            "gateway_ip",
                            "default_gateway",
                        ]))
        },
    },
    Erratum {
        name: "credentials-of-a-registry",
        why: "the path of one registry lacks the parameters that the path of the only registry has; the official Go client sends them.",
        excuses: |v| {
            v.rule == "unknown"
                && v.operation == "GET /registries/{registry_name}/docker-credentials"
                && ["query expiry_seconds", "query read_write"].contains(&v.place.as_str())
        },
    },
    Erratum {
        name: "alerts-of-an-app",
        why: "the spec of an app has alerts and features, which the document leaves out; the official Go client sends and reads them.",
        excuses: |v| {
            v.rule == "unknown"
                && v.operation.contains(" /apps")
                && ["/spec/alerts", "/spec/features"].iter().any(|of| v.place.ends_with(of))
        },
    },
    Erratum {
        name: "apps-in-projects",
        why: "the names of what lies in a project lack apps, which the official provider's documentation lists among it.",
        excuses: |v| v.rule == "pattern" && v.operation.contains(" /projects/") && v.message.starts_with("\"do:app:"),
    },
    Erratum {
        name: "actions-of-images",
        why: "an action of an image is shown without the field `action`, in which the official Go client reads it.",
        excuses: |v| v.rule == "unknown" && v.operation.contains(" /images/{image_id}/actions") && v.place.ends_with("/action"),
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
        name: "one-spaces-key",
        why: "a Spaces key is said to be answered as the list `keys`; the example beside it, and the official Go client, have `key`.",
        excuses: |v| {
            let answer = |rule: &str| is(v, "GET /spaces/keys/{access_key}", "response 200", rule);
            answer("unknown") && v.place.ends_with("/key") || answer("required") && v.message.starts_with("\"keys\"")
        },
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
