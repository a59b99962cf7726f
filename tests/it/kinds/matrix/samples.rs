//! Values for the matrix: what a kind needs to be made, and what each of its attributes may be.

/// A kind in one shape, with what it needs beside it.
pub(in crate::kinds) struct Bed {
    pub(in crate::kinds) kind: &'static str,
    /// Which shape, where there are several.
    pub(in crate::kinds) label: &'static str,
    /// Other resources.
    pub(in crate::kinds) around: &'static str,
    /// What is written where nothing else is said.
    pub(in crate::kinds) body: &'static [(&'static str, &'static str)],
    pub(in crate::kinds) samples: &'static [Sample],
}

/// Values of one attribute, as they are written.
pub(in crate::kinds) struct Sample {
    pub(in crate::kinds) name: &'static str,
    pub(in crate::kinds) value: &'static str,
    /// Another value, from which it is edited.
    pub(in crate::kinds) other: &'static str,
    /// The first value in other spellings, and values that the API respells.
    pub(in crate::kinds) respelt: &'static [&'static str],
    /// What must be written besides.
    pub(in crate::kinds) with: &'static [(&'static str, &'static str)],
    /// Whether this shape cannot do without it, though others can.
    pub(in crate::kinds) needed: bool,
}

const fn one(name: &'static str, value: &'static str, other: &'static str) -> Sample {
    Sample { name, value, other, respelt: &[], with: &[], needed: false }
}

const fn respelt(name: &'static str, value: &'static str, other: &'static str, respelt: &'static [&'static str]) -> Sample {
    Sample { name, value, other, respelt, with: &[], needed: false }
}

const fn needed(sample: Sample) -> Sample {
    Sample { needed: true, ..sample }
}

const TIMEOUTS: Sample = one("timeouts", "{\n    create = \"5m\"\n  }", "{\n    create = \"6m\"\n  }");
const KEY: &str = "\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com\"";
const OTHER_KEY: &str = "\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example\"";
const DROPLET: &str = r#"
resource "digitalocean_droplet" "around" {
  name   = "around"
  region = "nyc3"
  image  = "ubuntu-24-04-x64"
  size   = "s-1vcpu-1gb"
}
resource "digitalocean_droplet" "second" {
  name   = "second"
  region = "nyc3"
  image  = "ubuntu-24-04-x64"
  size   = "s-1vcpu-1gb"
}
"#;
const NEAR_A_DROPLET: &str = r#"
resource "digitalocean_vpc" "around" {
  name   = "around"
  region = "nyc3"
}
resource "digitalocean_vpc" "second" {
  name   = "second"
  region = "nyc3"
}
resource "digitalocean_ssh_key" "around" {
  name       = "around"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com\n"
}
"#;
const NEAR_A_FIREWALL: &str = r#"
resource "digitalocean_droplet" "around" {
  name   = "around"
  region = "nyc3"
  image  = "ubuntu-24-04-x64"
  size   = "s-1vcpu-1gb"
}
resource "digitalocean_tag" "one" { name = "one" }
resource "digitalocean_tag" "two" { name = "Two" }
"#;
const IP: &str = r#"
resource "digitalocean_reserved_ip" "around" { region = "nyc3" }
resource "digitalocean_reserved_ip" "second" { region = "nyc3" }
resource "digitalocean_droplet" "around" {
  name   = "around"
  region = "nyc3"
  image  = "ubuntu-24-04-x64"
  size   = "s-1vcpu-1gb"
}
resource "digitalocean_droplet" "second" {
  name   = "second"
  region = "nyc3"
  image  = "ubuntu-24-04-x64"
  size   = "s-1vcpu-1gb"
}
"#;
const CHECKS: &str = r#"
resource "digitalocean_uptime_check" "around" {
  name   = "around"
  target = "https://example.com"
}
resource "digitalocean_uptime_check" "second" {
  name   = "second"
  target = "https://example.org"
}
"#;
const MAIL: &str = "{\n    email = [\"ops@example.com\"]\n  }";
const MAIL_AND_NO_SLACK: &str = "{\n    email = [\"ops@example.com\"]\n    dynamic \"slack\" {\n      for_each = []\n      content {\n        channel = \"x\"\n        url     = \"x\"\n      }\n    }\n  }";
const SLACK: &str = "{\n    slack {\n      channel = \"ops\"\n      url     = \"https://hooks.slack.com/services/T1/A/Z\"\n    }\n  }";
const ZONES: &str = "resource \"digitalocean_domain\" \"zone\" { name = \"example.com\" }\nresource \"digitalocean_domain\" \"second\" { name = \"example.org\" }\n";
const IN_THE_ZONE: (&str, &str) = ("domain", "digitalocean_domain.zone.name");
const RULE: &str = "{\n    protocol         = \"tcp\"\n    port_range       = \"22\"\n    source_addresses = [\"10.0.0.1\"]\n  }";
const RULES_RESPELT: &[&str] = &[
    "{\n    protocol         = \"tcp\"\n    port_range       = \"1-65535\"\n    source_addresses = [\"::/0\", \"0.0.0.0/0\"]\n  }",
    "{\n    protocol         = \"icmp\"\n    source_addresses = [\"0.0.0.0/0\"]\n  }",
    "{\n    protocol    = \"udp\"\n    port_range  = \"all\"\n    source_tags = [digitalocean_tag.two.name]\n  }",
    "{\n    protocol         = \"tcp\"\n    port_range       = \"22\"\n    source_addresses = [\"10.0.0.1\"]\n  }\n  inbound_rule {\n    protocol           = \"tcp\"\n    port_range         = \"22\"\n    source_droplet_ids = [digitalocean_droplet.around.id]\n  }",
];
const OUT: &str =
    "{\n    protocol              = \"tcp\"\n    port_range            = \"all\"\n    destination_addresses = [\"0.0.0.0/0\"]\n  }";

pub(in crate::kinds) const BEDS: &[Bed] = &[
    Bed {
        kind: "digitalocean_certificate",
        label: "custom",
        around: "",
        body: &[("name", "\"web\""), ("private_key", "\"P\""), ("leaf_certificate", "\"L\"")],
        samples: &[
            one("name", "\"web\"", "\"api\""),
            one("type", "\"custom\"", "\"custom\""),
            needed(one("private_key", "\"P\"", "\"Q\"")),
            needed(one("leaf_certificate", "\"L\"", "\"M\"")),
            one("certificate_chain", "\"C\"", "\"D\""),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_certificate",
        label: "lets_encrypt",
        around: "",
        body: &[("name", "\"web\""), ("type", "\"lets_encrypt\""), ("domains", "[\"example.com\"]")],
        samples: &[needed(respelt(
            "domains",
            "[\"example.com\", \"www.example.com\"]",
            "[\"example.com\"]",
            &["[\"www.example.com\", \"example.com\", \"example.com\"]"],
        ))],
    },
    Bed {
        kind: "digitalocean_domain",
        label: "",
        around: "",
        body: &[("name", "\"example.com\"")],
        samples: &[
            respelt("name", "\"example.com\"", "\"example.org\"", &["\"EXAMPLE.com\""]),
            one("ip_address", "\"192.0.2.1\"", "\"192.0.2.2\""),
        ],
    },
    Bed {
        kind: "digitalocean_droplet",
        label: "",
        around: NEAR_A_DROPLET,
        body: &[("name", "\"x\""), ("image", "\"ubuntu-24-04-x64\""), ("region", "\"nyc3\""), ("size", "\"s-1vcpu-1gb\"")],
        samples: &[
            respelt("name", "\"x\"", "\"y\"", &["\"X.Example.com\""]),
            one("image", "\"ubuntu-24-04-x64\"", "\"debian-12-x64\""),
            respelt("region", "\"nyc3\"", "\"fra1\"", &["\"NYC3\""]),
            respelt("size", "\"s-1vcpu-2gb\"", "\"s-1vcpu-1gb\"", &["\"S-1VCPU-2GB\"", "\"S-2VCPU-4GB\""]),
            respelt("resize_disk", "true", "false", &["\"true\""]),
            one("graceful_shutdown", "true", "false"),
            one("backups", "true", "false"),
            Sample {
                name: "backup_policy",
                value: "{\n    plan    = \"weekly\"\n    weekday = \"SUN\"\n    hour    = 4\n  }",
                other: "{\n    plan = \"daily\"\n    hour = 8\n  }",
                respelt: &["{\n    plan = \"daily\"\n    hour = \"8\"\n  }"],
                with: &[("backups", "true")],
                needed: false,
            },
            one("ipv6", "true", "false"),
            Sample { with: &[("ipv6", "true")], ..one("ipv6_address", "\"2001:db8::1\"", "\"2001:DB8::2\"") },
            one("monitoring", "true", "false"),
            one("droplet_agent", "true", "false"),
            one("private_networking", "true", "false"),
            one("public_networking", "true", "false"),
            respelt("ssh_keys", "[digitalocean_ssh_key.around.id]", "[]", &["[digitalocean_ssh_key.around.fingerprint]"]),
            one("user_data", "\"#!/bin/sh\\n\"", "\"#!/bin/sh\\ntrue\\n\""),
            one("volume_ids", "[]", "[]"),
            respelt("vpc_uuid", "digitalocean_vpc.around.id", "digitalocean_vpc.second.id", &["upper(digitalocean_vpc.around.id)"]),
            one("gpu_partition_mode", "\"none\"", "\"none\""),
            respelt("tags", "[\"a\", \"web\"]", "[\"old\"]", &["[\"Web\", \"a\", \"Web\"]", "[]", "[\"old\", \"OLD\"]"]),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_firewall",
        label: "",
        around: NEAR_A_FIREWALL,
        body: &[("name", "\"wall\""), ("inbound_rule", RULE)],
        samples: &[
            one("name", "\"wall\"", "\"gate\""),
            respelt("droplet_ids", "[digitalocean_droplet.around.id]", "[]", &["[tostring(digitalocean_droplet.around.id)]"]),
            respelt(
                "tags",
                "[digitalocean_tag.one.name, digitalocean_tag.two.name]",
                "[digitalocean_tag.two.name]",
                &["[upper(digitalocean_tag.one.name)]", "[]", "[lower(digitalocean_tag.two.name), digitalocean_tag.one.name]"],
            ),
            Sample {
                respelt: RULES_RESPELT,
                with: &[("outbound_rule", OUT)],
                ..one(
                    "inbound_rule",
                    RULE,
                    "{\n    protocol         = \"tcp\"\n    port_range       = \"80\"\n    source_addresses = [\"::/0\"]\n  }",
                )
            },
            respelt(
                "outbound_rule",
                OUT,
                "{\n    protocol              = \"icmp\"\n    destination_addresses = [\"::/0\"]\n  }",
                &[
                    "{\n    protocol              = \"icmp\"\n    port_range            = \"1-65535\"\n    destination_addresses = [\"0.0.0.0/0\"]\n  }",
                ],
            ),
        ],
    },
    Bed {
        kind: "digitalocean_floating_ip",
        label: "",
        around: DROPLET,
        body: &[("region", "\"nyc3\"")],
        samples: &[
            Sample {
                with: &[("droplet_id", "digitalocean_droplet.around.id")],
                ..respelt("region", "\"nyc3\"", "\"nyc3\"", &["\"NYC3\""])
            },
            respelt(
                "droplet_id",
                "digitalocean_droplet.around.id",
                "digitalocean_droplet.second.id",
                &["tonumber(digitalocean_droplet.around.id)"],
            ),
        ],
    },
    Bed {
        kind: "digitalocean_reserved_ip",
        label: "",
        around: DROPLET,
        body: &[("region", "\"nyc3\"")],
        samples: &[
            Sample {
                with: &[("droplet_id", "digitalocean_droplet.around.id")],
                ..respelt("region", "\"nyc3\"", "\"nyc3\"", &["\"NYC3\""])
            },
            respelt(
                "droplet_id",
                "digitalocean_droplet.around.id",
                "digitalocean_droplet.second.id",
                &["tonumber(digitalocean_droplet.around.id)"],
            ),
        ],
    },
    Bed {
        kind: "digitalocean_floating_ip_assignment",
        label: "",
        around: IP,
        body: &[("ip_address", "digitalocean_reserved_ip.around.ip_address"), ("droplet_id", "digitalocean_droplet.around.id")],
        samples: &[
            one("ip_address", "digitalocean_reserved_ip.around.ip_address", "digitalocean_reserved_ip.second.ip_address"),
            one("droplet_id", "digitalocean_droplet.around.id", "digitalocean_droplet.second.id"),
        ],
    },
    Bed {
        kind: "digitalocean_reserved_ip_assignment",
        label: "",
        around: IP,
        body: &[("ip_address", "digitalocean_reserved_ip.around.ip_address"), ("droplet_id", "digitalocean_droplet.around.id")],
        samples: &[
            one("ip_address", "digitalocean_reserved_ip.around.ip_address", "digitalocean_reserved_ip.second.id"),
            one("droplet_id", "digitalocean_droplet.around.id", "digitalocean_droplet.second.id"),
        ],
    },
    Bed {
        kind: "digitalocean_monitor_alert",
        label: "",
        around: DROPLET,
        body: &[
            ("type", "\"v1/insights/droplet/cpu\""),
            ("compare", "\"GreaterThan\""),
            ("value", "95"),
            ("window", "\"5m\""),
            ("description", "\"busy\""),
            ("alerts", MAIL),
        ],
        samples: &[
            one("type", "\"v1/insights/droplet/load_5\"", "\"v1/insights/droplet/cpu\""),
            one("compare", "\"LessThan\"", "\"GreaterThan\""),
            respelt("value", "95.5", "90", &["\"95.5\""]),
            one("window", "\"1h\"", "\"5m\""),
            one("description", "\"busy\"", "\"old\""),
            respelt("enabled", "false", "true", &["\"false\""]),
            one("entities", "[digitalocean_droplet.around.id]", "[digitalocean_droplet.second.id]"),
            respelt("tags", "[\"a\", \"web\"]", "[\"old\"]", &["[\"web\", \"a\", \"web\"]", "[]"]),
            respelt("alerts", MAIL, SLACK, &[MAIL_AND_NO_SLACK]),
        ],
    },
    Bed {
        kind: "digitalocean_record",
        label: "A",
        around: ZONES,
        body: &[IN_THE_ZONE, ("type", "\"A\""), ("name", "\"www\""), ("value", "\"192.0.2.1\"")],
        samples: &[
            respelt(
                "domain",
                "\"${digitalocean_domain.zone.name}\"",
                "digitalocean_domain.second.id",
                &["digitalocean_domain.zone.id", "upper(digitalocean_domain.zone.name)"],
            ),
            Sample { with: &[("value", "\"192.0.2.1\"")], ..one("type", "\"A\"", "\"TXT\"") },
            respelt("name", "\"www\"", "\"mail\"", &["\"WWW\"", "\"www.example.com.\"", "\"@\"", "\"\"", "\"example.com.\"", "\"*.a\""]),
            one("value", "\"192.0.2.1\"", "\"192.0.2.2\""),
            respelt("ttl", "300", "600", &["\"300\""]),
            one("port", "0", "0"),
            one("priority", "0", "0"),
            one("weight", "0", "0"),
            one("flags", "0", "0"),
            one("tag", "\"\"", "\"\""),
        ],
    },
    Bed {
        kind: "digitalocean_record",
        label: "CNAME",
        around: ZONES,
        body: &[IN_THE_ZONE, ("type", "\"CNAME\""), ("name", "\"www\""), ("value", "\"lb.example.net.\"")],
        samples: &[respelt(
            "value",
            "\"lb.example.net.\"",
            "\"other.example.net.\"",
            &["\"LB.example.net.\"", "\"@\"", "\"web\"", "\"example.com.\""],
        )],
    },
    Bed {
        kind: "digitalocean_record",
        label: "AAAA",
        around: ZONES,
        body: &[("domain", "digitalocean_domain.zone.id"), ("type", "\"AAAA\""), ("name", "\"six\""), ("value", "\"2001:db8::1\"")],
        samples: &[respelt("value", "\"2001:db8::1\"", "\"2001:db8::2\"", &["\"2001:DB8:0::1\""])],
    },
    Bed {
        kind: "digitalocean_record",
        label: "MX",
        around: ZONES,
        body: &[
            ("domain", "digitalocean_domain.zone.id"),
            ("type", "\"MX\""),
            ("name", "\"@\""),
            ("value", "\"mail\""),
            ("priority", "10"),
        ],
        samples: &[
            respelt("value", "\"mail\"", "\"mx.example.net.\"", &["\"Mail\"", "\"@\""]),
            needed(respelt("priority", "10", "20", &["\"10\""])),
        ],
    },
    Bed {
        kind: "digitalocean_record",
        label: "SRV",
        around: ZONES,
        body: &[
            IN_THE_ZONE,
            ("type", "\"SRV\""),
            ("name", "\"_sip._tcp\""),
            ("value", "\"sip.example.com.\""),
            ("priority", "1"),
            ("port", "5060"),
            ("weight", "0"),
        ],
        samples: &[
            respelt("value", "\"sip.example.com.\"", "\"sip.example.net.\"", &["\".\"", "\"sip\"", "\"@\""]),
            needed(one("priority", "1", "2")),
            needed(one("port", "5060", "5061")),
            needed(one("weight", "0", "5")),
        ],
    },
    Bed {
        kind: "digitalocean_record",
        label: "CAA",
        around: ZONES,
        body: &[
            ("domain", "digitalocean_domain.zone.id"),
            ("type", "\"CAA\""),
            ("name", "\"@\""),
            ("value", "\"letsencrypt.org.\""),
            ("flags", "0"),
            ("tag", "\"issue\""),
        ],
        samples: &[
            respelt("value", "\"letsencrypt.org.\"", "\"ca.example.net.\"", &["\"LetsEncrypt.org.\""]),
            needed(one("flags", "0", "128")),
            needed(one("tag", "\"issue\"", "\"issuewild\"")),
        ],
    },
    Bed {
        kind: "digitalocean_record",
        label: "TXT",
        around: ZONES,
        body: &[("domain", "digitalocean_domain.zone.id"), ("type", "\"TXT\""), ("name", "\"@\""), ("value", "\"V=spf1 -all\"")],
        samples: &[respelt("value", "\"V=spf1 -all\"", "\"v=spf1\"", &["\" spaced \"", "\"example.com.\""])],
    },
    Bed {
        kind: "digitalocean_ssh_key",
        label: "",
        around: "",
        body: &[("name", "\"ops\""), ("public_key", KEY)],
        samples: &[
            one("name", "\"ops\"", "\"me\""),
            respelt(
                "public_key",
                KEY,
                OTHER_KEY,
                &["\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com\\r\\n\""],
            ),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_tag",
        label: "",
        around: "",
        body: &[("name", "\"web\"")],
        samples: &[respelt("name", "\"web\"", "\"old\"", &["\"Web:A\"", "\"OLD\""])],
    },
    Bed {
        kind: "digitalocean_uptime_alert",
        label: "",
        around: CHECKS,
        body: &[
            ("check_id", "digitalocean_uptime_check.around.id"),
            ("name", "\"slow\""),
            ("type", "\"latency\""),
            ("period", "\"2m\""),
            ("notifications", MAIL),
        ],
        samples: &[
            one("check_id", "digitalocean_uptime_check.around.id", "digitalocean_uptime_check.second.id"),
            one("name", "\"slow\"", "\"old\""),
            one("type", "\"down\"", "\"latency\""),
            respelt("threshold", "300", "200", &["\"300\""]),
            one("comparison", "\"greater_than\"", "\"less_than\""),
            needed(one("period", "\"2m\"", "\"1h\"")),
            respelt("notifications", MAIL, SLACK, &[MAIL_AND_NO_SLACK]),
        ],
    },
    Bed {
        kind: "digitalocean_uptime_check",
        label: "",
        around: "",
        body: &[("name", "\"site\""), ("target", "\"https://example.com\"")],
        samples: &[
            one("name", "\"site\"", "\"old\""),
            one("target", "\"https://example.com\"", "\"https://example.org\""),
            one("type", "\"http\"", "\"ping\""),
            respelt("regions", "[\"eu_west\", \"us_east\"]", "[\"se_asia\"]", &["[\"us_east\", \"eu_west\", \"us_east\"]", "[]"]),
            respelt("enabled", "false", "true", &["\"false\""]),
        ],
    },
    Bed {
        kind: "digitalocean_vpc",
        label: "",
        around: "",
        body: &[("name", "\"net\""), ("region", "\"nyc3\"")],
        samples: &[
            one("name", "\"net\"", "\"lan\""),
            respelt("region", "\"nyc3\"", "\"fra1\"", &["\"NYC3\""]),
            respelt("description", "\"the net\"", "\"a net\"", &["\"\""]),
            one("ip_range", "\"10.9.0.0/24\"", "\"10.8.0.0/24\""),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "terraform_data",
        label: "",
        around: "",
        body: &[],
        samples: &[
            respelt("input", "\"one\"", "{ a = [1, null], b = toset([\"y\", \"x\"]) }", &["true", "[]"]),
            respelt("triggers_replace", "\"one\"", "[2]", &["null"]),
        ],
    },
];
