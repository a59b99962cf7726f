//! Values for the matrix: what a kind needs to be made, and what each of its attributes may be.

use super::apps::{APP, APP_OTHER, APP_RESPELT, APP_ROUTED, APP_SECRET, APP_SECRET_OTHER, APP_SMALL, APP_WHOLE};

/// A kind in one shape, with what it needs beside it.
pub(crate) struct Bed {
    pub(crate) kind: &'static str,
    /// Which shape, where there are several.
    pub(crate) label: &'static str,
    /// Other resources.
    pub(crate) around: &'static str,
    /// What is written where nothing else is said.
    pub(crate) body: &'static [(&'static str, &'static str)],
    pub(crate) samples: &'static [Sample],
}

/// Values of one attribute, as they are written.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) value: &'static str,
    /// Another value, from which it is edited.
    pub(crate) other: &'static str,
    /// The first value in other spellings, and values that the API respells.
    pub(crate) respelt: &'static [&'static str],
    /// What must be written besides.
    pub(crate) with: &'static [(&'static str, &'static str)],
    /// Whether this shape cannot do without it, though others can.
    pub(crate) needed: bool,
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
const ADDRESSES: &str = r#"
resource "digitalocean_reserved_ipv6" "around" { region_slug = "nyc3" }
resource "digitalocean_reserved_ipv6" "second" { region_slug = "nyc3" }
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
const BUCKETS: &str = r#"
resource "digitalocean_spaces_bucket" "around" { name = "around" }
resource "digitalocean_spaces_bucket" "second" { name = "second" }
"#;
const CORS: &str = "{\n    allowed_methods = [\"GET\", \"HEAD\"]\n    allowed_origins = [\"https://example.com\"]\n    allowed_headers = [\"*\"]\n    max_age_seconds = 60\n  }";
const POLICY: &str = "jsonencode({ Version = \"2012-10-17\", Statement = [] })";
const REGISTRIES: &str = r#"
resource "digitalocean_container_registry" "around" {
  name                   = "around"
  subscription_tier_slug = "basic"
}
resource "digitalocean_container_registry" "second" {
  name                   = "second"
  subscription_tier_slug = "basic"
}
"#;
const KEPT: &str = r#"
resource "digitalocean_volume" "source" {
  name   = "source"
  region = "nyc3"
  size   = 10
}
resource "digitalocean_volume_snapshot" "around" {
  name      = "around"
  volume_id = digitalocean_volume.source.id
}
resource "digitalocean_volume_snapshot" "second" {
  name      = "second"
  volume_id = digitalocean_volume.source.id
}
"#;
const KUBERNETES: &str = r#"
resource "digitalocean_kubernetes_cluster" "around" {
  name    = "around"
  region  = "nyc3"
  version = "latest"
  node_pool {
    name       = "main"
    size       = "s-2vcpu-4gb"
    node_count = 1
  }
}
resource "digitalocean_kubernetes_cluster" "second" {
  name    = "second"
  region  = "nyc3"
  version = "1.32"
  node_pool {
    name       = "main"
    size       = "s-2vcpu-4gb"
    auto_scale = true
    min_nodes  = 1
    max_nodes  = 2
  }
}
"#;
const ON: &str = "{\n    enabled = true\n  }";
const OFF: &str = "{\n    enabled = false\n  }";
const NODES: &str = "{\n    name       = \"main\"\n    size       = \"s-2vcpu-4gb\"\n    node_count = 2\n  }";
const MORE_NODES: &str = concat!(
    "{\n    name       = \"old\"\n    size       = \"s-2vcpu-4gb\"\n    node_count = 3\n    tags       = [\"web\"]\n",
    "    labels     = { app = \"web\" }\n    taint {\n      key    = \"only\"\n      value  = \"web\"\n      effect = \"NoSchedule\"\n    }\n  }"
);
const SCALING_NODES: &str =
    "{\n    name       = \"main\"\n    size       = \"s-2vcpu-4gb\"\n    auto_scale = true\n    min_nodes  = 1\n    max_nodes  = 4\n  }";
const SCALING_FROM_NODES: &str = concat!(
    "{\n    name       = \"main\"\n    size       = \"s-2vcpu-4gb\"\n    node_count = 2\n    auto_scale = true\n    min_nodes  = 1\n",
    "    max_nodes  = \"4\"\n  }"
);
const TAINTED: &str = "{\n    key    = \"only\"\n    value  = \"batch\"\n    effect = \"NoSchedule\"\n  }";
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
const ISSUED: &str = r#"
resource "digitalocean_certificate" "around" {
  name    = "around"
  type    = "lets_encrypt"
  domains = ["static.example.com"]
}
resource "digitalocean_certificate" "second" {
  name    = "second"
  type    = "lets_encrypt"
  domains = ["static.example.com"]
}
"#;
const BEFORE_DROPLETS: &str = r#"
resource "digitalocean_certificate" "around" {
  name    = "around"
  type    = "lets_encrypt"
  domains = ["static.example.com"]
}
resource "digitalocean_project" "around" { name = "around" }
resource "digitalocean_project" "second" { name = "second" }
resource "digitalocean_vpc" "around" {
  name   = "around"
  region = "nyc3"
}
resource "digitalocean_vpc" "second" {
  name   = "second"
  region = "nyc3"
}
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
const VOLUMES: &str = r#"
resource "digitalocean_volume" "around" {
  name   = "around"
  region = "nyc3"
  size   = 10
}
resource "digitalocean_volume" "second" {
  name   = "second"
  region = "nyc3"
  size   = 10
}
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
const PROJECTS: &str = r#"
resource "digitalocean_project" "around" { name = "around" }
resource "digitalocean_project" "second" { name = "second" }
resource "digitalocean_volume" "around" {
  name   = "around"
  region = "nyc3"
  size   = 10
}
resource "digitalocean_volume" "second" {
  name   = "second"
  region = "nyc3"
  size   = 10
}
"#;
const FORWARD: &str =
    "{\n    entry_protocol  = \"http\"\n    entry_port      = 80\n    target_protocol = \"http\"\n    target_port     = 8080\n  }";
const FORWARD_BY_TLS: &str = "{\n    entry_protocol   = \"https\"\n    entry_port       = 443\n    target_protocol  = \"http\"\n    target_port      = \"8080\"\n    certificate_name = digitalocean_certificate.around.name\n  }";
const FORWARD_BOTH: &str = "{\n    entry_protocol  = \"tcp\"\n    entry_port      = 443\n    target_protocol = \"tcp\"\n    target_port     = 443\n    tls_passthrough = false\n  }\n  forwarding_rule {\n    entry_protocol  = \"https\"\n    entry_port      = 8443\n    target_protocol = \"https\"\n    target_port     = 8443\n    tls_passthrough = true\n  }";
const CHECKED: &str = "{\n    protocol = \"http\"\n    port     = 8080\n    path     = \"/health\"\n  }";
const CHECKED_MORE: &str = "{\n    protocol                 = \"tcp\"\n    port                     = 22\n    check_interval_seconds   = 20\n    response_timeout_seconds = 10\n    unhealthy_threshold      = 2\n    healthy_threshold        = 4\n  }";
const NAMED: &str = "{\n    name             = \"www.example.com\"\n    is_managed       = true\n    certificate_name = digitalocean_certificate.around.name\n  }";
const WORLDWIDE: &str = "{\n    target_protocol    = \"http\"\n    target_port        = 80\n    failover_threshold = 50\n    region_priorities = {\n      nyc3 = 1\n      fra1 = 2\n    }\n    cdn {\n      is_enabled = true\n    }\n  }";
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

/// Two clusters of a database's engine.
macro_rules! clusters {
    ($engine:literal, $version:literal) => {
        concat!(
            "resource \"digitalocean_database_cluster\" \"around\" {\n  name = \"around\"\n  engine = \"",
            $engine,
            "\"\n  version = \"",
            $version,
            "\"\n  size = \"db-s-1vcpu-1gb\"\n  region = \"nyc3\"\n  node_count = 1\n}\n",
            "resource \"digitalocean_database_cluster\" \"second\" {\n  name = \"second\"\n  engine = \"",
            $engine,
            "\"\n  version = \"",
            $version,
            "\"\n  size = \"db-s-1vcpu-1gb\"\n  region = \"nyc3\"\n  node_count = 1\n}\n"
        )
    };
}
const PG: &str = clusters!("pg", "16");
const MYSQL: &str = clusters!("mysql", "8");
const KAFKA: &str = clusters!("kafka", "3.7");
const IN_THE_CLUSTER: Sample = one("cluster_id", "digitalocean_database_cluster.around.id", "digitalocean_database_cluster.second.id");
const OF_THE_CLUSTER: (&str, &str) = ("cluster_id", "digitalocean_database_cluster.around.id");
const PEERS: &str = r#"
resource "digitalocean_vpc" "around" {
  name   = "around"
  region = "nyc3"
}
resource "digitalocean_vpc" "second" {
  name   = "second"
  region = "fra1"
}
resource "digitalocean_vpc" "third" {
  name   = "third"
  region = "ams3"
}
"#;
const SESSION: &str = "{\n    local_router_ip = \"169.254.100.1/29\"\n    peer_router_ip  = \"169.254.100.6/29\"\n    peer_router_asn = 133937\n    auth_key        = \"hidden79\"\n  }";
const SESSION_OTHER: &str = "{\n    local_router_ip = \"169.254.101.1/29\"\n    peer_router_ip  = \"169.254.101.6/29\"\n    peer_router_asn = 133938\n    auth_key        = \"hidden80\"\n  }";
const NETWORKS: &str = "resource \"digitalocean_vpc\" \"around\" {\n  name = \"around\"\n  region = \"nyc3\"\n}\nresource \"digitalocean_vpc\" \"second\" {\n  name = \"second\"\n  region = \"nyc3\"\n}\n";
const PG_AND_NETWORKS: &str = concat!(
    clusters!("pg", "16"),
    "resource \"digitalocean_vpc\" \"around\" {\n  name = \"around\"\n  region = \"nyc3\"\n}\nresource \"digitalocean_vpc\" \"second\" {\n  name = \"second\"\n  region = \"nyc3\"\n}\n"
);

pub(crate) const BEDS: &[Bed] = &[
    Bed {
        kind: "digitalocean_app",
        label: "plain",
        around: "resource \"digitalocean_project\" \"around\" { name = \"around\" }\nresource \"digitalocean_project\" \"second\" { name = \"second\" }\n",
        body: &[("spec", APP_SMALL)],
        samples: &[
            respelt("spec", APP, APP_OTHER, &[APP_RESPELT, APP_ROUTED]),
            one("project_id", "digitalocean_project.around.id", "digitalocean_project.second.id"),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_app",
        label: "secret",
        around: "",
        body: &[("spec", APP_SECRET)],
        samples: &[one("spec", APP_SECRET, APP_SECRET_OTHER)],
    },
    Bed {
        kind: "digitalocean_app",
        label: "whole",
        around: "",
        body: &[("spec", APP_WHOLE)],
        samples: &[one("spec", APP_WHOLE, APP_SMALL)],
    },
    Bed {
        kind: "digitalocean_cdn",
        label: "",
        around: ISSUED,
        body: &[("origin", "\"static.nyc3.digitaloceanspaces.com\"")],
        samples: &[
            one("origin", "\"static.nyc3.digitaloceanspaces.com\"", "\"other.nyc3.digitaloceanspaces.com\""),
            respelt("ttl", "600", "60", &["\"600\""]),
            needed(Sample {
                with: &[("certificate_name", "digitalocean_certificate.around.name")],
                ..one("custom_domain", "\"static.example.com\"", "\"cdn.example.com\"")
            }),
            Sample {
                with: &[("custom_domain", "\"static.example.com\"")],
                ..one("certificate_name", "digitalocean_certificate.around.name", "digitalocean_certificate.second.name")
            },
            Sample {
                with: &[("custom_domain", "\"static.example.com\"")],
                ..one("certificate_id", "digitalocean_certificate.around.id", "digitalocean_certificate.second.id")
            },
        ],
    },
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
        kind: "digitalocean_database_cluster",
        label: "pg",
        around: NETWORKS,
        body: &[
            ("name", "\"main\""),
            ("engine", "\"pg\""),
            ("version", "\"16\""),
            ("size", "\"db-s-1vcpu-1gb\""),
            ("region", "\"nyc3\""),
            ("node_count", "1"),
        ],
        samples: &[
            one("name", "\"main\"", "\"old\""),
            one("engine", "\"pg\"", "\"mongodb\""),
            one("version", "\"16\"", "\"15\""),
            one("size", "\"db-s-2vcpu-4gb\"", "\"db-s-1vcpu-1gb\""),
            respelt("region", "\"nyc3\"", "\"fra1\"", &["\"NYC3\""]),
            respelt("node_count", "2", "1", &["\"2\""]),
            respelt("storage_size_mib", "71680", "61440", &["\"71680\""]),
            respelt(
                "maintenance_window",
                "{\n    day  = \"friday\"\n    hour = \"13:00\"\n  }",
                "{\n    day  = \"monday\"\n    hour = \"04:00\"\n  }",
                &["{\n    day  = \"Friday\"\n    hour = \"13:00:00\"\n  }"],
            ),
            one("private_network_uuid", "digitalocean_vpc.around.id", "digitalocean_vpc.second.id"),
            one("project_id", "\"4e1bfbc3-dc3e-41f2-a18f-1b4d7ba71679\"", "\"5a4981aa-9653-4bd1-bef5-d6bff52042e4\""),
            respelt("tags", "[\"web\"]", "[\"old\"]", &["[]"]),
            one("backup_restore", "{\n    database_name = \"lost\"\n  }", "{\n    database_name = \"found\"\n  }"),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_database_cluster",
        label: "valkey",
        around: "",
        body: &[
            ("name", "\"cache\""),
            ("engine", "\"valkey\""),
            ("version", "\"8\""),
            ("size", "\"db-s-1vcpu-1gb\""),
            ("region", "\"nyc3\""),
            ("node_count", "1"),
        ],
        samples: &[one("eviction_policy", "\"allkeys_lru\"", "\"volatile_ttl\"")],
    },
    Bed {
        kind: "digitalocean_database_cluster",
        label: "mysql",
        around: "",
        body: &[
            ("name", "\"main\""),
            ("engine", "\"mysql\""),
            ("version", "\"8\""),
            ("size", "\"db-s-1vcpu-1gb\""),
            ("region", "\"nyc3\""),
            ("node_count", "1"),
        ],
        samples: &[one("sql_mode", "\"ANSI,TRADITIONAL\"", "\"ANSI\"")],
    },
    Bed {
        kind: "digitalocean_database_connection_pool",
        label: "",
        around: PG,
        body: &[OF_THE_CLUSTER, ("name", "\"pool\""), ("mode", "\"transaction\""), ("size", "10"), ("db_name", "\"defaultdb\"")],
        samples: &[
            IN_THE_CLUSTER,
            one("name", "\"pool\"", "\"other\""),
            one("mode", "\"session\"", "\"transaction\""),
            respelt("size", "20", "10", &["\"20\""]),
            one("db_name", "\"app\"", "\"defaultdb\""),
            one("user", "\"doadmin\"", "\"app\""),
        ],
    },
    Bed {
        kind: "digitalocean_database_db",
        label: "",
        around: PG,
        body: &[OF_THE_CLUSTER, ("name", "\"app\"")],
        samples: &[IN_THE_CLUSTER, one("name", "\"app\"", "\"old\"")],
    },
    Bed {
        kind: "digitalocean_database_firewall",
        label: "",
        around: PG,
        body: &[OF_THE_CLUSTER, ("rule", "{\n    type  = \"ip_addr\"\n    value = \"192.0.2.1\"\n  }")],
        samples: &[
            IN_THE_CLUSTER,
            respelt(
                "rule",
                "{\n    type  = \"tag\"\n    value = \"web\"\n  }",
                "{\n    type  = \"ip_addr\"\n    value = \"192.0.2.1\"\n  }",
                &[
                    "{\n    type  = \"ip_addr\"\n    value = \"192.0.2.2\"\n  }\n  rule {\n    type  = \"ip_addr\"\n    value = \"192.0.2.1\"\n  }",
                ],
            ),
        ],
    },
    Bed {
        kind: "digitalocean_database_logsink_rsyslog",
        label: "",
        around: PG,
        body: &[OF_THE_CLUSTER, ("name", "\"logs\""), ("server", "\"192.0.2.1\""), ("port", "514")],
        samples: &[
            IN_THE_CLUSTER,
            one("name", "\"logs\"", "\"old\""),
            one("server", "\"192.0.2.1\"", "\"logs.example.com\""),
            respelt("port", "6514", "514", &["\"6514\""]),
            one("tls", "true", "false"),
            Sample { with: &[("logline", "\"%msg%\"")], ..one("format", "\"rfc3164\"", "\"custom\"") },
            respelt("logline", "\"%msg%\"", "\"%pri% %msg%\"", &["\"\""]),
            respelt("structured_data", "\"[a@1 b=1]\"", "\"[a@1 b=2]\"", &["\"\""]),
            respelt("ca_cert", "\"C\"", "\"D\"", &["\"C\\n\""]),
            Sample { with: &[("tls", "true")], ..one("client_cert", "\"E\"", "\"F\"") },
            Sample { with: &[("tls", "true")], ..one("client_key", "\"K\"", "\"L\"") },
        ],
    },
    Bed {
        kind: "digitalocean_database_logsink_opensearch",
        label: "",
        around: PG,
        body: &[OF_THE_CLUSTER, ("name", "\"logs\""), ("endpoint", "\"https://u:p@192.0.2.1:25060\""), ("index_prefix", "\"db\"")],
        samples: &[
            IN_THE_CLUSTER,
            one("name", "\"logs\"", "\"old\""),
            one("endpoint", "\"https://u:p@192.0.2.1:25060\"", "\"https://logs.example.com\""),
            one("index_prefix", "\"db\"", "\"old\""),
            respelt("index_days_max", "14", "30", &["\"14\""]),
            respelt("timeout_seconds", "30", "60", &["\"30\""]),
            respelt("ca_cert", "\"C\"", "\"D\"", &["\"C\\n\""]),
        ],
    },
    Bed {
        kind: "digitalocean_database_replica",
        label: "",
        around: PG_AND_NETWORKS,
        body: &[OF_THE_CLUSTER, ("name", "\"copy\""), ("size", "\"db-s-1vcpu-1gb\"")],
        samples: &[
            IN_THE_CLUSTER,
            one("name", "\"copy\"", "\"other\""),
            respelt("region", "\"fra1\"", "\"nyc3\"", &["\"FRA1\""]),
            needed(one("size", "\"db-s-2vcpu-4gb\"", "\"db-s-1vcpu-1gb\"")),
            one("storage_size_mib", "71680", "61440"),
            one("private_network_uuid", "digitalocean_vpc.around.id", "digitalocean_vpc.second.id"),
            respelt("tags", "[\"web\"]", "[\"old\"]", &["[]"]),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_database_user",
        label: "mysql",
        around: MYSQL,
        body: &[OF_THE_CLUSTER, ("name", "\"app\"")],
        samples: &[
            IN_THE_CLUSTER,
            one("name", "\"app\"", "\"old\""),
            one("mysql_auth_plugin", "\"mysql_native_password\"", "\"caching_sha2_password\""),
        ],
    },
    Bed {
        kind: "digitalocean_database_user",
        label: "kafka",
        around: KAFKA,
        body: &[OF_THE_CLUSTER, ("name", "\"app\"")],
        samples: &[respelt(
            "settings",
            "{\n    acl {\n      topic      = \"events\"\n      permission = \"consume\"\n    }\n  }",
            "{\n    acl {\n      topic      = \"events\"\n      permission = \"admin\"\n    }\n  }",
            &["{\n    opensearch_acl {\n      index      = \"logs\"\n      permission = \"read\"\n    }\n  }", "{}"],
        )],
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
        kind: "digitalocean_container_registry",
        label: "",
        around: "",
        body: &[("name", "\"shop\""), ("subscription_tier_slug", "\"basic\"")],
        samples: &[
            one("name", "\"shop\"", "\"old\""),
            one("subscription_tier_slug", "\"professional\"", "\"basic\""),
            one("region", "\"fra1\"", "\"nyc3\""),
        ],
    },
    Bed {
        kind: "digitalocean_spaces_bucket",
        label: "",
        around: "",
        body: &[("name", "\"main\""), ("region", "\"nyc3\"")],
        samples: &[
            one("name", "\"main\"", "\"old\""),
            respelt("region", "\"nyc3\"", "\"fra1\"", &["\"NYC3\""]),
            one("acl", "\"public-read\"", "\"private\""),
            one(
                "cors_rule",
                "{\n    allowed_methods = [\"GET\", \"HEAD\"]\n    allowed_origins = [\"https://example.com\"]\n    allowed_headers = [\"*\"]\n    max_age_seconds = 3000\n  }",
                "{\n    allowed_methods = [\"PUT\"]\n    allowed_origins = [\"*\"]\n  }",
            ),
            one("versioning", ON, OFF),
            one(
                "lifecycle_rule",
                "{\n    id      = \"logs\"\n    prefix  = \"logs/\"\n    enabled = true\n    expiration {\n      days = 30\n    }\n    noncurrent_version_expiration {\n      days = 7\n    }\n  }",
                "{\n    enabled = false\n    abort_incomplete_multipart_upload_days = 3\n    expiration {\n      date = \"2030-01-31\"\n    }\n  }",
            ),
            one("force_destroy", "true", "false"),
        ],
    },
    Bed {
        kind: "digitalocean_spaces_bucket_cors_configuration",
        label: "",
        around: BUCKETS,
        body: &[("region", "\"nyc3\""), ("bucket", "digitalocean_spaces_bucket.around.name"), ("cors_rule", CORS)],
        samples: &[
            respelt("region", "\"nyc3\"", "\"nyc3\"", &["\"NYC3\""]),
            one("bucket", "digitalocean_spaces_bucket.around.name", "digitalocean_spaces_bucket.second.id"),
            one("cors_rule", CORS, "{\n    allowed_methods = [\"PUT\"]\n    allowed_origins = [\"*\"]\n  }"),
        ],
    },
    Bed {
        kind: "digitalocean_spaces_bucket_policy",
        label: "",
        around: BUCKETS,
        body: &[("region", "\"nyc3\""), ("bucket", "digitalocean_spaces_bucket.around.name"), ("policy", POLICY)],
        samples: &[
            respelt("region", "\"nyc3\"", "\"nyc3\"", &["\"NYC3\""]),
            one("bucket", "digitalocean_spaces_bucket.around.name", "digitalocean_spaces_bucket.second.id"),
            respelt(
                "policy",
                POLICY,
                "jsonencode({ Statement = [] })",
                &["\"{\\\"Statement\\\": [ ], \\\"Version\\\" :\\\"2012-10-17\\\"}\""],
            ),
        ],
    },
    Bed {
        kind: "digitalocean_spaces_bucket_logging",
        label: "",
        around: BUCKETS,
        body: &[
            ("region", "\"nyc3\""),
            ("bucket", "digitalocean_spaces_bucket.around.name"),
            ("target_bucket", "digitalocean_spaces_bucket.second.id"),
            ("target_prefix", "\"logs/\""),
        ],
        samples: &[
            respelt("region", "\"nyc3\"", "\"nyc3\"", &["\"NYC3\""]),
            one("bucket", "digitalocean_spaces_bucket.around.name", "digitalocean_spaces_bucket.second.id"),
            one("target_bucket", "digitalocean_spaces_bucket.second.id", "digitalocean_spaces_bucket.around.name"),
            respelt("target_prefix", "\"logs/\"", "\"old/\"", &["\"\""]),
        ],
    },
    Bed {
        kind: "digitalocean_spaces_bucket_object",
        label: "",
        around: BUCKETS,
        body: &[
            ("region", "\"nyc3\""),
            ("bucket", "digitalocean_spaces_bucket.around.name"),
            ("key", "\"a/b.html\""),
            ("content", "\"hello\""),
        ],
        samples: &[
            respelt("region", "\"nyc3\"", "\"nyc3\"", &["\"NYC3\""]),
            one("bucket", "digitalocean_spaces_bucket.around.name", "digitalocean_spaces_bucket.second.id"),
            respelt("key", "\"a/b.html\"", "\"old\"", &["\"/a//b.html\""]),
            one("content", "\"hello\"", "\"old\""),
            one("acl", "\"public-read\"", "\"private\""),
            one("cache_control", "\"max-age=60\"", "\"no-cache\""),
            one("content_disposition", "\"inline\"", "\"attachment\""),
            one("content_encoding", "\"identity\"", "\"gzip\""),
            one("content_language", "\"en\"", "\"de\""),
            one("content_type", "\"text/html\"", "\"text/plain\""),
            one("website_redirect", "\"/index.html\"", "\"/old.html\""),
            one("metadata", "{ a = \"1\", b-c = \"2\" }", "{ a = \"0\" }"),
            one("etag", "md5(\"hello\")", "\"5d41402abc4b2a76b9719d911017c592\""),
            one("force_destroy", "true", "false"),
        ],
    },
    Bed {
        kind: "digitalocean_spaces_bucket_object",
        label: "of bytes",
        around: BUCKETS,
        body: &[("region", "\"nyc3\""), ("bucket", "digitalocean_spaces_bucket.around.name"), ("key", "\"a.bin\"")],
        samples: &[one("content_base64", "\"AAEC\"", "\"AQID\""), one("source", "\"/etc/hostname\"", "\"/etc/hosts\"")],
    },
    Bed {
        kind: "digitalocean_spaces_key",
        label: "",
        around: "",
        body: &[("name", "\"uploads\"")],
        samples: &[
            one("name", "\"uploads\"", "\"old\""),
            one(
                "grant",
                "{\n    bucket     = \"a\"\n    permission = \"read\"\n  }",
                "{\n    bucket     = \"b\"\n    permission = \"readwrite\"\n  }",
            ),
        ],
    },
    Bed {
        kind: "digitalocean_spaces_key",
        label: "of everything",
        around: "",
        body: &[("name", "\"all\""), ("grant", "{\n    bucket     = \"\"\n    permission = \"fullaccess\"\n  }")],
        samples: &[one("name", "\"all\"", "\"old\"")],
    },
    Bed {
        kind: "digitalocean_container_registry_docker_credentials",
        label: "",
        around: REGISTRIES,
        body: &[("registry_name", "digitalocean_container_registry.around.name")],
        samples: &[
            one("registry_name", "digitalocean_container_registry.around.name", "digitalocean_container_registry.second.name"),
            one("write", "true", "false"),
            respelt("expiry_seconds", "3600", "7200", &["\"3600\""]),
        ],
    },
    Bed {
        kind: "digitalocean_custom_image",
        label: "",
        around: "",
        body: &[("name", "\"nixos\""), ("url", "\"https://example.com/nixos.qcow2\""), ("regions", "[\"nyc3\"]")],
        samples: &[
            one("name", "\"nixos\"", "\"old\""),
            one("url", "\"https://example.com/nixos.qcow2\"", "\"https://example.com/old.qcow2\""),
            respelt("regions", "[\"nyc3\", \"fra1\"]", "[\"nyc3\"]", &["[\"fra1\", \"nyc3\", \"fra1\"]", "[\"fra1\"]"]),
            one("description", "\"mine\"", "\"old\""),
            one("distribution", "\"Ubuntu\"", "\"Debian\""),
            respelt("tags", "[\"web\", \"nixos\"]", "[\"old\"]", &["[\"Web\", \"nixos\", \"web\"]", "[]"]),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_droplet_snapshot",
        label: "",
        around: DROPLET,
        body: &[("name", "\"monday\""), ("droplet_id", "digitalocean_droplet.around.id")],
        samples: &[
            one("name", "\"monday\"", "\"sunday\""),
            one("droplet_id", "digitalocean_droplet.around.id", "digitalocean_droplet.second.id"),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_reserved_ipv6",
        label: "",
        around: "",
        body: &[("region_slug", "\"nyc3\"")],
        samples: &[respelt("region_slug", "\"nyc3\"", "\"fra1\"", &["\"NYC3\""])],
    },
    Bed {
        kind: "digitalocean_reserved_ipv6_assignment",
        label: "",
        around: ADDRESSES,
        body: &[("ip", "digitalocean_reserved_ipv6.around.ip"), ("droplet_id", "digitalocean_droplet.around.id")],
        samples: &[
            respelt(
                "ip",
                "digitalocean_reserved_ipv6.around.ip",
                "digitalocean_reserved_ipv6.second.ip",
                &["digitalocean_reserved_ipv6.around.id"],
            ),
            one("droplet_id", "digitalocean_droplet.around.id", "digitalocean_droplet.second.id"),
        ],
    },
    Bed {
        kind: "digitalocean_kubernetes_cluster",
        label: "",
        around: NETWORKS,
        body: &[("name", "\"main\""), ("region", "\"nyc3\""), ("version", "\"1.32.4-do.0\""), ("node_pool", NODES)],
        samples: &[
            respelt("version", "\"1.32.5-do.2\"", "\"1.32.4-do.0\"", &["\"1.32\"", "\"1.33.1\"", "\"latest\""]),
            one("ha", "true", "false"),
            one("name", "\"main\"", "\"old\""),
            respelt("region", "\"nyc3\"", "\"fra1\"", &["\"NYC3\""]),
            respelt("node_pool", NODES, MORE_NODES, &[SCALING_NODES, SCALING_FROM_NODES]),
            one("vpc_uuid", "digitalocean_vpc.around.id", "digitalocean_vpc.second.id"),
            one("worker_subnet_uuid", "\"cbd79771-23eb-49be-b5ea-59cc56222622\"", "\"cbd79771-23eb-49be-b5ea-59cc56222623\""),
            respelt("cluster_subnet", "\"10.100.0.0/16\"", "\"10.101.0.0/16\"", &["\"10.100.1.0/16\""]),
            one("service_subnet", "\"10.110.0.0/16\"", "\"10.111.0.0/16\""),
            respelt("auto_upgrade", "true", "false", &["\"true\""]),
            one("surge_upgrade", "false", "true"),
            one("isolated_workers", "true", "false"),
            one("registry_integration", "true", "false"),
            respelt(
                "maintenance_policy",
                "{\n    day        = \"sunday\"\n    start_time = \"04:00\"\n  }",
                "{\n    day        = \"monday\"\n    start_time = \"15:00\"\n  }",
                &["{\n    day = \"Sunday\"\n  }", "{\n    start_time = \"16:00\"\n  }"],
            ),
            one(
                "control_plane_firewall",
                "{\n    enabled           = true\n    allowed_addresses = [\"192.0.2.0/24\", \"192.0.2.1\"]\n  }",
                "{\n    enabled           = false\n    allowed_addresses = []\n  }",
            ),
            one(
                "cluster_autoscaler_configuration",
                "{\n    scale_down_utilization_threshold = 0.65\n    scale_down_unneeded_time = \"1m0s\"\n    expanders = [\"priority\", \"random\"]\n  }",
                "{\n    expanders = [\"least-waste\", \"random\"]\n  }",
            ),
            one("sso", "{\n    enabled    = true\n    issuer_url = \"https://sso.example.com\"\n    client_id  = \"main\"\n  }", OFF),
            one("routing_agent", ON, OFF),
            one("p2p_oci_registry_plugin", ON, OFF),
            one("amd_gpu_device_plugin", ON, OFF),
            one("amd_gpu_device_metrics_exporter_plugin", ON, OFF),
            one("nvidia_gpu_device_plugin", ON, OFF),
            one("rdma_shared_device_plugin", ON, OFF),
            one("coredns_autoscaler", ON, OFF),
            respelt("tags", "[\"a\", \"web\"]", "[\"old\"]", &["[\"web\", \"a\", \"web\"]", "[]"]),
            one("destroy_all_associated_resources", "true", "false"),
            respelt("kubeconfig_expire_seconds", "3600", "60", &["\"3600\""]),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_kubernetes_node_pool",
        label: "",
        around: KUBERNETES,
        body: &[
            ("cluster_id", "digitalocean_kubernetes_cluster.around.id"),
            ("name", "\"batch\""),
            ("size", "\"s-2vcpu-4gb\""),
            ("node_count", "2"),
        ],
        samples: &[
            one("cluster_id", "digitalocean_kubernetes_cluster.around.id", "digitalocean_kubernetes_cluster.second.id"),
            one("name", "\"batch\"", "\"old\""),
            one("size", "\"s-4vcpu-8gb\"", "\"s-2vcpu-4gb\""),
            needed(respelt("node_count", "2", "1", &["\"2\""])),
            Sample { with: &[("min_nodes", "1"), ("max_nodes", "3")], ..one("auto_scale", "true", "false") },
            needed(Sample { with: &[("auto_scale", "true"), ("max_nodes", "3")], ..one("min_nodes", "1", "2") }),
            needed(Sample { with: &[("auto_scale", "true"), ("min_nodes", "1")], ..one("max_nodes", "3", "4") }),
            respelt("tags", "[\"a\", \"web\"]", "[\"old\"]", &["[\"web\", \"a\", \"web\"]", "[]"]),
            respelt("labels", "{ app = \"batch\" }", "{ app = \"web\", of = \"old\" }", &["{}"]),
            one("taint", TAINTED, "{\n    key    = \"only\"\n    value  = \"batch\"\n    effect = \"NoExecute\"\n  }"),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_kubernetes_node_pool",
        label: "scaling",
        around: KUBERNETES,
        body: &[
            ("cluster_id", "digitalocean_kubernetes_cluster.around.id"),
            ("name", "\"batch\""),
            ("size", "\"s-2vcpu-4gb\""),
            ("auto_scale", "true"),
            ("min_nodes", "2"),
            ("max_nodes", "4"),
        ],
        samples: &[one("node_count", "3", "2")],
    },
    Bed {
        kind: "digitalocean_loadbalancer",
        label: "",
        around: BEFORE_DROPLETS,
        body: &[("name", "\"lb\""), ("region", "\"nyc3\""), ("forwarding_rule", FORWARD)],
        samples: &[
            one("name", "\"lb\"", "\"old\""),
            needed(respelt("region", "\"nyc3\"", "\"fra1\"", &["\"NYC3\""])),
            one("size", "\"lb-medium\"", "\"lb-small\""),
            respelt("size_unit", "3", "1", &["\"3\""]),
            one("algorithm", "\"least_connections\"", "\"round_robin\""),
            needed(respelt("forwarding_rule", FORWARD_BY_TLS, FORWARD, &[FORWARD_BOTH])),
            respelt(
                "healthcheck",
                CHECKED,
                CHECKED_MORE,
                &[
                    "{\n    protocol = \"http\"\n    port     = \"80\"\n  }",
                    "{\n    protocol = \"https\"\n    port     = 443\n    path     = \"/\"\n  }",
                ],
            ),
            one(
                "sticky_sessions",
                "{\n    type               = \"cookies\"\n    cookie_name        = \"lb\"\n    cookie_ttl_seconds = 300\n  }",
                "{\n    type = \"none\"\n  }",
            ),
            one(
                "firewall",
                "{\n    allow = [\"ip:192.0.2.1\"]\n    deny  = [\"cidr:198.51.100.0/24\"]\n  }",
                "{\n    deny = [\"ip:192.0.2.2\"]\n  }",
            ),
            respelt(
                "droplet_ids",
                "[digitalocean_droplet.around.id]",
                "[digitalocean_droplet.second.id]",
                &["[tonumber(digitalocean_droplet.around.id), digitalocean_droplet.around.id]", "[]"],
            ),
            one("droplet_tag", "\"web\"", "\"old\""),
            one("redirect_http_to_https", "true", "false"),
            one("enable_proxy_protocol", "true", "false"),
            one("enable_backend_keepalive", "true", "false"),
            one("disable_lets_encrypt_dns_records", "true", "false"),
            respelt("http_idle_timeout_seconds", "120", "60", &["\"120\""]),
            one("project_id", "digitalocean_project.around.id", "digitalocean_project.second.id"),
            one("vpc_uuid", "digitalocean_vpc.around.id", "digitalocean_vpc.second.id"),
            one("type", "\"REGIONAL\"", "\"REGIONAL_NETWORK\""),
            one("domains", NAMED, "{\n    name = \"shop.example.com\"\n  }"),
            one("glb_settings", WORLDWIDE, "{\n    target_protocol = \"https\"\n    target_port     = 443\n  }"),
            one("target_load_balancer_ids", "[]", "[]"),
            one("network", "\"INTERNAL\"", "\"EXTERNAL\""),
            one("network_stack", "\"DUALSTACK\"", "\"IPV4\""),
            one("tls_cipher_policy", "\"STRONG\"", "\"DEFAULT\""),
            TIMEOUTS,
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
        kind: "digitalocean_project",
        label: "",
        around: VOLUMES,
        body: &[("name", "\"shop\"")],
        samples: &[
            one("name", "\"shop\"", "\"old\""),
            respelt("description", "\"all of the shop\"", "\"old\"", &["\"\""]),
            one("purpose", "\"Service or API\"", "\"selling tea\""),
            respelt("environment", "\"Production\"", "\"Staging\"", &["\"production\""]),
            one("is_default", "false", "false"),
            respelt(
                "resources",
                "[digitalocean_volume.around.urn, digitalocean_droplet.around.urn]",
                "[digitalocean_volume.second.urn]",
                &["[digitalocean_droplet.around.urn, digitalocean_volume.around.urn, digitalocean_volume.around.urn]", "[]"],
            ),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_project_resources",
        label: "",
        around: PROJECTS,
        body: &[("project", "digitalocean_project.around.id"), ("resources", "[digitalocean_volume.around.urn]")],
        samples: &[
            one("project", "digitalocean_project.around.id", "digitalocean_project.second.id"),
            one("resources", "[digitalocean_volume.around.urn]", "[digitalocean_volume.second.urn]"),
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
        kind: "digitalocean_volume",
        label: "",
        around: KEPT,
        body: &[("name", "\"data\""), ("region", "\"nyc3\""), ("size", "10")],
        samples: &[
            respelt("size", "20", "10", &["\"30\""]),
            one("name", "\"data\"", "\"old\""),
            respelt("region", "\"nyc3\"", "\"fra1\"", &["\"NYC3\""]),
            respelt("description", "\"of the shop\"", "\"old\"", &["\"\""]),
            one("snapshot_id", "digitalocean_volume_snapshot.around.id", "digitalocean_volume_snapshot.second.id"),
            one("initial_filesystem_type", "\"ext4\"", "\"xfs\""),
            Sample { with: &[("initial_filesystem_type", "\"ext4\"")], ..one("initial_filesystem_label", "\"data\"", "\"old\"") },
            one("filesystem_type", "\"ext4\"", "\"xfs\""),
            respelt("tags", "[\"a\", \"web\"]", "[\"old\"]", &["[\"web\", \"a\", \"web\"]", "[]"]),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_volume_attachment",
        label: "",
        around: VOLUMES,
        body: &[("droplet_id", "digitalocean_droplet.around.id"), ("volume_id", "digitalocean_volume.around.id")],
        samples: &[
            one("droplet_id", "digitalocean_droplet.around.id", "digitalocean_droplet.second.id"),
            one("volume_id", "digitalocean_volume.around.id", "digitalocean_volume.second.id"),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_volume_snapshot",
        label: "",
        around: VOLUMES,
        body: &[("name", "\"monday\""), ("volume_id", "digitalocean_volume.around.id")],
        samples: &[
            one("name", "\"monday\"", "\"sunday\""),
            one("volume_id", "digitalocean_volume.around.id", "digitalocean_volume.second.id"),
            respelt("tags", "[\"a\", \"web\"]", "[\"old\"]", &["[\"web\", \"a\", \"web\"]", "[]"]),
        ],
    },
    Bed {
        kind: "digitalocean_partner_attachment",
        label: "",
        around: PEERS,
        body: &[
            ("name", "\"partner\""),
            ("connection_bandwidth_in_mbps", "1000"),
            ("region", "\"nyc\""),
            ("naas_provider", "\"MEGAPORT\""),
            ("vpc_ids", "[digitalocean_vpc.around.id]"),
        ],
        samples: &[
            one("name", "\"partner\"", "\"old\""),
            respelt("connection_bandwidth_in_mbps", "1000", "2000", &["\"1000\""]),
            respelt("region", "\"nyc\"", "\"sfo\"", &["\"NYC\""]),
            one("naas_provider", "\"MEGAPORT\"", "\"OTHER\""),
            one("redundancy_zone", "\"MEGAPORT_BLUE\"", "\"MEGAPORT_RED\""),
            respelt(
                "vpc_ids",
                "[digitalocean_vpc.around.id, digitalocean_vpc.second.id]",
                "[digitalocean_vpc.third.id]",
                &["[digitalocean_vpc.second.id, digitalocean_vpc.around.id, digitalocean_vpc.second.id]"],
            ),
            one("bgp", SESSION, SESSION_OTHER),
            one("parent_uuid", "\"\"", "\"\""),
            TIMEOUTS,
        ],
    },
    Bed {
        kind: "digitalocean_vpc_nat_gateway",
        label: "",
        around: NETWORKS,
        body: &[
            ("name", "\"out\""),
            ("type", "\"PUBLIC\""),
            ("region", "\"nyc3\""),
            ("size", "1"),
            ("vpcs", "{\n    vpc_uuid = digitalocean_vpc.around.id\n  }"),
        ],
        samples: &[
            one("name", "\"out\"", "\"old\""),
            one("type", "\"PUBLIC\"", "\"PUBLIC\""),
            respelt("region", "\"nyc3\"", "\"fra1\"", &["\"NYC3\""]),
            respelt("size", "2", "1", &["\"2\""]),
            respelt(
                "vpcs",
                "{\n    vpc_uuid        = digitalocean_vpc.around.id\n    default_gateway = true\n  }",
                "{\n    vpc_uuid = digitalocean_vpc.second.id\n  }",
                &[
                    "{\n    vpc_uuid    = digitalocean_vpc.around.id\n    subnet_uuid = \"cbd79771-23eb-49be-b5ea-59cc56222622\"\n  }",
                    "{\n    vpc_uuid = digitalocean_vpc.around.id\n  }\n  vpcs {\n    vpc_uuid        = digitalocean_vpc.second.id\n    default_gateway = false\n  }",
                ],
            ),
            respelt("udp_timeout_seconds", "60", "90", &["\"60\""]),
            respelt("icmp_timeout_seconds", "60", "90", &["\"60\""]),
            respelt("tcp_timeout_seconds", "60", "90", &["\"60\""]),
        ],
    },
    Bed {
        kind: "digitalocean_vpc_peering",
        label: "",
        around: PEERS,
        body: &[("name", "\"peers\""), ("vpc_ids", "[digitalocean_vpc.around.id, digitalocean_vpc.second.id]")],
        samples: &[
            one("name", "\"peers\"", "\"old\""),
            respelt(
                "vpc_ids",
                "[digitalocean_vpc.around.id, digitalocean_vpc.second.id]",
                "[digitalocean_vpc.around.id, digitalocean_vpc.third.id]",
                &["[digitalocean_vpc.second.id, digitalocean_vpc.around.id]"],
            ),
            TIMEOUTS,
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
