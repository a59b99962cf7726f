//! Resources and data sources that ask no API: files, random values, templates. Each is made, kept, changed and deleted as the
//! official provider does it, and no request is made for it but whose account it is.

use dofloat::kinds::LOCAL;
use dofloat::sim::Options;
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

const APPLY: &[&str] = &["apply", "one", "-auto-approve"];
const PLAN: &[&str] = &["plan", "one", "-detailed-exitcode"];
const DESTROY: &[&str] = &["destroy", "one", "-auto-approve"];

fn open(plan: &str) -> (Cloud, Stack) {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("one", plan)).env("DOFLOAT_CLOCK", "virtual");
    (cloud, stack)
}

/// What stands in a kind's block, what of it makes another one where it changes, and what else is in the file.
fn sample(kind: &str) -> Option<(&'static str, &'static str, &'static str, &'static str)> {
    const KEY: &str = "resource \"tls_private_key\" \"k\" {\n  algorithm = \"ED25519\"\n}\n";
    const AUTHORITY: &str = concat!(
        "resource \"tls_private_key\" \"k\" {\n  algorithm = \"ECDSA\"\n  ecdsa_curve = \"P384\"\n}\n",
        "resource \"tls_self_signed_cert\" \"ca\" {\n  private_key_pem = tls_private_key.k.private_key_pem\n  validity_period_hours = 100\n",
        "  allowed_uses = [\"cert_signing\"]\n  is_ca_certificate = true\n  subject {\n    common_name = \"ca\"\n  }\n}\n",
        "resource \"tls_cert_request\" \"r\" {\n  private_key_pem = tls_private_key.k.private_key_pem\n  dns_names = [\"a.example.com\"]\n",
        "  subject {\n    common_name = \"a\"\n  }\n}\n",
    );
    Some(match kind {
        "local_file" => ("filename = \"out/a.txt\"\n  content = \"one\"", "\"one\"", "\"two\"", ""),
        "local_sensitive_file" => ("filename = \"out/b.txt\"\n  content = \"one\"", "\"one\"", "\"two\"", ""),
        "null_resource" => ("triggers = { a = \"one\" }", "\"one\"", "\"two\"", ""),
        "random_bytes" => ("length = 16", "16", "17", ""),
        "random_id" => ("byte_length = 8\n  prefix = \"web-\"", "8", "9", ""),
        "random_integer" => ("min = 1\n  max = 1000000", "= 1\n", "= 2\n", ""),
        "random_password" => ("length = 20", "20", "21", ""),
        "random_pet" => ("keepers = { a = \"one\" }", "\"one\"", "\"two\"", ""),
        "random_shuffle" => ("input = [\"a\", \"b\", \"c\"]", "\"a\"", "\"d\"", ""),
        "random_string" => ("length = 12", "12", "13", ""),
        "random_uuid" => ("keepers = { a = \"one\" }", "\"one\"", "\"two\"", ""),
        "template_file" => ("template = \"a $${b}\"\n  vars = { b = \"one\" }", "\"one\"", "\"two\"", ""),
        "time_offset" => ("offset_days = 7", "7", "8", ""),
        "time_rotating" => ("rotation_days = 30", "30", "31", ""),
        "time_sleep" => ("create_duration = \"30s\"\n  triggers = { a = \"one\" }", "\"one\"", "\"two\"", ""),
        "time_static" => ("triggers = { a = \"one\" }", "\"one\"", "\"two\"", ""),
        "tls_cert_request" => ("private_key_pem = tls_private_key.k.private_key_pem\n  dns_names = [\"one\"]", "\"one\"", "\"two\"", KEY),
        "tls_locally_signed_cert" => (
            concat!(
                "cert_request_pem = tls_cert_request.r.cert_request_pem\n  ca_private_key_pem = tls_private_key.k.private_key_pem\n",
                "  ca_cert_pem = tls_self_signed_cert.ca.cert_pem\n  validity_period_hours = 12\n  allowed_uses = [\"server_auth\"]"
            ),
            "= 12",
            "= 13",
            AUTHORITY,
        ),
        "tls_private_key" => ("algorithm = \"ECDSA\"\n  ecdsa_curve = \"P256\"", "P256", "P384", ""),
        "tls_self_signed_cert" => (
            concat!(
                "private_key_pem = tls_private_key.k.private_key_pem\n  validity_period_hours = 12\n  early_renewal_hours = 3\n",
                "  allowed_uses = [\"server_auth\", \"digital_signature\"]\n  subject {\n    common_name = \"one\"\n  }"
            ),
            "\"one\"",
            "\"two\"",
            KEY,
        ),
        _ => return None,
    })
}

/// The same attributes read by another resource and by outputs.
fn text(kind: &str, body: &str, around: &str) -> String {
    let rows = LOCAL.iter().find(|known| known.name() == kind).expect("a kind").attrs();
    let reads: String = rows.iter().map(|row| format!("    {0} = {1}.x.{0}\n", row.name, kind)).collect();
    let open = if rows.iter().any(dofloat::kinds::attr::Attr::holds_secret) { "nonsensitive" } else { "" };
    format!(
        "{around}resource \"{kind}\" \"x\" {{\n  {body}\n}}\nresource \"terraform_data\" \"reads\" {{\n  input = {open}({{\n{reads}  }})\n}}\n"
    )
}

#[test]
fn every_kind_is_made_kept_replaced_and_deleted_without_a_request() {
    for kind in LOCAL.iter().map(|kind| kind.name()) {
        let (body, old, new, around) = sample(kind).unwrap_or_else(|| panic!("write a sample of {kind}"));
        let (cloud, stack) = open(&text(kind, body, around));
        stack.run(PLAN).exits(2);
        assert!(!stack.exists("plans/out"), "{kind}: a plan writes nothing");
        stack.run(APPLY).ok();
        let before = stack.json("state/one.json")["resources"][format!("{kind}.x")].clone();
        stack.run(PLAN).ok().says("No changes.");
        stack.run(&["plan", "one", "-detailed-exitcode", "-refresh=false"]).ok().says("No changes.");
        stack.run(&["plan", "one", "-out=p"]).ok();
        stack.run(&["apply", "p"]).ok();
        stack.replace("plans/one.tf", old, new);
        stack.run(APPLY).ok().says("Apply complete! Resources: 1 added, 1 changed, 1 destroyed.");
        let after = &stack.json("state/one.json")["resources"][format!("{kind}.x")];
        assert_ne!(before["id"], after["id"], "{kind}");
        stack.run(PLAN).ok().says("No changes.");
        stack.run(DESTROY).ok().says("Destroy complete!");
        assert!(!stack.exists("state/one.secrets.age"), "{kind}: what is gone has no secret");
        let asked: Vec<String> = cloud.log().iter().map(|of| of.path.clone()).filter(|path| !path.ends_with("/account")).collect();
        assert!(
            asked.iter().all(|path| path.contains("/projects") || path.contains("/tags") || path.contains("/droplets")),
            "{kind}: {asked:?}"
        );
        println!("{kind}: {} attributes", LOCAL.iter().find(|known| known.name() == kind).expect("a kind").attrs().len());
    }
}

#[test]
fn a_file_that_was_removed_or_altered_is_written_again() {
    let text = concat!(
        "resource \"local_file\" \"a\" {\n  filename = \"${path.module}/out/a.txt\"\n  content = \"one\\n\"\n  file_permission = \"0644\"\n}\n",
        "output \"sum\" {\n  value = local_file.a.content_md5\n}\ndata \"local_file\" \"a\" {\n  filename = local_file.a.filename\n  depends_on = [local_file.a]\n}\n",
        "output \"again\" {\n  value = data.local_file.a.content\n}\n",
    );
    let (_cloud, stack) = open(text);
    let plan = stack.run(PLAN).exits(2);
    assert!(plan.stdout.contains("# local_file.a will be created"), "{plan}");
    stack.run(APPLY).ok();
    assert_eq!(stack.read("plans/out/a.txt"), "one\n");
    assert_eq!(stack.run(&["output", "one", "-raw", "sum"]).ok().stdout.trim(), "5bbf5a52328e7439ae6e719dfe712200");
    stack.run(PLAN).ok().says("No changes.");
    for alter in [true, false] {
        if alter {
            stack.write("plans/out/a.txt", "two\n");
        } else {
            std::fs::remove_file(stack.path("plans/out/a.txt")).expect("the folder is ours");
        }
        stack.run(PLAN).exits(2).says("Plan: 1 to add, 0 to change, 0 to destroy.");
        stack.run(APPLY).ok();
        assert_eq!(stack.read("plans/out/a.txt"), "one\n");
    }
    stack.run(DESTROY).ok();
    assert!(!stack.exists("plans/out/a.txt"));
}

#[test]
fn a_simulated_account_writes_no_file_where_true_ones_lie() {
    let text = concat!(
        "resource \"local_file\" \"a\" {\n  filename = \"${path.module}/../hosts.ini\"\n  content = \"simulated\\n\"\n}\n",
        "data \"local_file\" \"a\" {\n  filename = local_file.a.filename\n  depends_on = [local_file.a]\n}\n",
        "output \"again\" {\n  value = data.local_file.a.content\n}\n",
    );
    let stack = Stack::with_plan("one", text);
    stack.write("hosts.ini", "true\n");
    let sim = |arguments: &[&str]| stack.run(&[arguments, &["--sim"]].concat());
    sim(&["plan", "one"]).ok().mentions("Files are written below .dofloat/sim/one/files with --sim.");
    let apply = sim(&["apply", "one", "-auto-approve"]).ok();
    // Told by the identity that people know, the digest of its content, not by the path with it.
    assert!(apply.stdout.contains("[id=ff14d40fe394602c5a6b7788917d0de64096072a]"), "{apply}");
    assert!(!apply.stdout.contains("hosts.ini]"), "{apply}");
    assert_eq!(sim(&["output", "one", "-raw", "again"]).ok().stdout, "simulated\n");
    sim(&["plan", "one"]).ok().says("No changes.");
    assert_eq!(stack.read("hosts.ini"), "true\n");
    sim(&["destroy", "one", "-auto-approve"]).ok();
    assert_eq!(stack.read("hosts.ini"), "true\n");
}

#[test]
fn a_sensitive_file_is_nowhere_but_in_its_file() {
    let text = concat!(
        "resource \"local_sensitive_file\" \"k\" {\n  filename = \"k.pem\"\n  content = \"hunter2-in-the-file\"\n}\n",
        "output \"k\" {\n  value = local_sensitive_file.k.content\n  sensitive = true\n}\n",
    );
    let (_cloud, stack) = open(text);
    let told = |outcome: Outcome| assert!(!outcome.to_string().contains("hunter2-in"), "{outcome}");
    told(stack.run(PLAN).exits(2));
    told(stack.run(&["plan", "one", "-out=p"]).ok());
    assert!(!String::from_utf8_lossy(&std::fs::read(stack.path("p")).expect("a plan")).contains("hunter2-in"));
    told(stack.run(APPLY).ok());
    assert_eq!(stack.read("plans/k.pem"), "hunter2-in-the-file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(stack.path("plans/k.pem").metadata().expect("a file").permissions().mode() & 0o777, 0o700);
    }
    assert!(!stack.read("state/one.json").contains("hunter2-in"));
    assert_eq!(stack.run(&["output", "one", "-raw", "k"]).ok().stdout.trim(), "hunter2-in-the-file");
    told(stack.run(PLAN).ok().says("No changes."));
    // An output that would show it is hidden all the same.
    stack.replace("plans/one.tf", "  sensitive = true\n", "");
    told(stack.run(PLAN).ok().mentions("The value of this output is sensitive: it is hidden."));
    told(stack.run(APPLY).ok());
    told(stack.run(&["output", "one"]).ok().mentions("k = <sensitive>"));
}

#[test]
fn templates_are_rendered_with_the_plan() {
    let text = concat!(
        "data \"template_file\" \"init\" {\n  template = file(\"init.tpl\")\n  vars = {\n    name = \"web\"\n    port = 80\n  }\n}\n",
        "data \"template_cloudinit_config\" \"all\" {\n  gzip = false\n  base64_encode = false\n  part {\n    content = data.template_file.init.rendered\n  }\n}\n",
        "data \"cloudinit_config\" \"zipped\" {\n  part {\n    content = data.template_file.init.rendered\n  }\n}\n",
        "data \"null_data_source\" \"n\" {\n  inputs = { a = 1 }\n}\n",
        "output \"text\" {\n  value = data.template_file.init.rendered\n}\n",
        "output \"n\" {\n  value = data.null_data_source.n.outputs[\"a\"]\n}\n",
        "output \"all\" {\n  value = data.template_cloudinit_config.all.rendered\n}\n",
        "output \"zipped\" {\n  value = data.cloudinit_config.zipped.rendered\n}\n",
    );
    let (_cloud, stack) = open(text);
    stack.write("plans/init.tpl", "#!/bin/sh\necho ${upper(name)} %{ if port == \"80\" }http%{ else }other%{ endif }\n");
    stack.run(&["validate", "one"]).ok();
    stack.run(PLAN).exits(2);
    stack.run(APPLY).ok();
    let output = |name: &str| stack.run(&["output", "one", "-raw", name]).ok().stdout;
    assert_eq!(output("text").trim_end(), "#!/bin/sh\necho WEB http");
    assert!(output("all").contains("\r\n\r\n#!/bin/sh\necho WEB http"));
    assert!(output("zipped").starts_with("H4sI"));
    assert_eq!(output("n").trim(), "1");
    stack.run(PLAN).ok().says("No changes.");
    // A value that is not among the given ones is told, at its place.
    stack.write("plans/init.tpl", "${nmae}\n");
    stack.run(PLAN).exits(1).mentions("nmae").mentions("plans/one.tf:3");
}

#[test]
fn what_a_template_says_of_a_secret_is_secret() {
    let text = concat!(
        "variable \"p\" {\n  default = \"hunter2-templated\"\n  sensitive = true\n}\n",
        "data \"template_file\" \"t\" {\n  template = \"p=$${p}\"\n  vars = {\n    p = var.p\n  }\n}\n",
        "data \"cloudinit_config\" \"c\" {\n  gzip = false\n  base64_encode = false\n  part {\n    content = data.template_file.t.rendered\n  }\n}\n",
        "resource \"local_file\" \"f\" {\n  filename = \"f\"\n  content = data.cloudinit_config.c.rendered\n}\n",
    );
    let (_cloud, stack) = open(text);
    let plan = stack.run(&["plan", "one", "-out=p"]).ok();
    stack.run(APPLY).ok();
    assert!(stack.read("plans/f").contains("p=hunter2-templated"));
    for (place, bytes) in stack.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(place == "plans/f" || place == "plans/one.tf" || !text.contains("hunter2-templated"), "{place}");
    }
    assert!(!plan.to_string().contains("hunter2-templated"), "{plan}");
    stack.run(PLAN).ok().says("No changes.");
}

#[test]
fn providers_of_what_is_built_in_are_accepted_and_slips_are_told() {
    let text = concat!(
        "terraform {\n  required_providers {\n    random = {\n      source = \"hashicorp/random\"\n      version = \"~> 3.0\"\n    }\n",
        "    template = { source = \"hashicorp/template\" }\n  }\n}\n",
        "provider \"random\" {}\nprovider \"null\" {}\nprovider \"template\" {}\nprovider \"local\" {}\nprovider \"cloudinit\" {}\n",
        "resource \"random_pet\" \"p\" {}\n",
    );
    let stack = Stack::with_plan("one", text);
    let told = stack.run(&["validate", "one"]).ok();
    assert!(!told.stderr.contains("has no effect"), "{told}");
    stack.write("plans/one.tf", "resource \"random_pett\" \"p\" {}\nresource \"null_resource\" \"n\" {\n  trigers = {}\n}\n");
    stack.run(&["validate", "one"]).exits(1).mentions("Did you mean \"random_pet\"?").mentions("Did you mean \"triggers\"?");
}

#[test]
fn what_was_drawn_elsewhere_is_imported() {
    let text = concat!(
        "resource \"random_integer\" \"i\" {\n  min = 1\n  max = 50000\n}\n",
        "resource \"random_id\" \"r\" {\n  byte_length = 5\n  prefix = \"my-\"\n}\n",
        "resource \"random_uuid\" \"u\" {}\nresource \"random_string\" \"s\" {\n  length = 4\n}\n",
        "output \"i\" {\n  value = random_integer.i.result\n}\noutput \"r\" {\n  value = random_id.r.hex\n}\n",
        "output \"u\" {\n  value = random_uuid.u.result\n}\noutput \"s\" {\n  value = random_string.s.result\n}\n",
    );
    let (_cloud, stack) = open(text);
    let uuid = "aabbccdd-eeff-0011-2233-445566778899";
    for (to, id) in
        [("random_integer.i", "15390,1,50000"), ("random_id.r", "my-,p-9hUg8"), ("random_uuid.u", uuid), ("random_string.s", "abcd")]
    {
        stack.run(&["import", "one", to, id]).ok();
    }
    stack.run(APPLY).ok();
    stack.run(PLAN).ok().says("No changes.");
    let output = |name: &str| stack.run(&["output", "one", "-raw", name]).ok().stdout.trim().to_owned();
    assert_eq!(["i", "u", "s"].map(output), ["15390", uuid, "abcd"]);
    assert!(output("r").starts_with("my-"));
}

#[test]
fn a_terraform_state_with_utilities_is_taken_over() {
    let state = json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {},
        "resources": [
            {"mode": "managed", "type": "random_pet", "name": "p", "provider": "provider[\"registry.terraform.io/hashicorp/random\"]",
             "instances": [{"schema_version": 0, "attributes": {"id": "web-cat", "keepers": null, "length": 2, "prefix": null, "separator": "-"}}]},
            {"mode": "managed", "type": "null_resource", "name": "n", "provider": "provider[\"registry.terraform.io/hashicorp/null\"]",
             "instances": [{"schema_version": 0, "attributes": {"id": "123", "triggers": {"a": "b"}}}]},
            {"mode": "managed", "type": "random_string", "name": "s", "provider": "provider[\"registry.terraform.io/hashicorp/random\"]",
             "instances": [{"schema_version": 2, "attributes": {"id": "abc", "result": "abc", "length": 3, "keepers": null, "lower": true,
                "min_lower": 0, "min_numeric": 0, "min_special": 0, "min_upper": 0, "number": true, "numeric": true,
                "override_special": null, "special": true, "upper": true}}]}
        ]
    });
    let text = concat!(
        "resource \"random_pet\" \"p\" {}\nresource \"null_resource\" \"n\" {\n  triggers = { a = \"b\" }\n}\n",
        "resource \"random_string\" \"s\" {\n  length = 3\n}\noutput \"p\" {\n  value = \"${random_pet.p.id} ${random_string.s.result}\"\n}\n",
    );
    let (_cloud, stack) = open(text);
    stack.write("old.tfstate", &state.to_string());
    stack.run(&["import", "one", "-tfstate=old.tfstate", "-auto-approve"]).ok();
    stack.run(APPLY).ok();
    stack.run(PLAN).ok().says("No changes.");
    assert_eq!(stack.run(&["output", "one", "-raw", "p"]).ok().stdout.trim(), "web-cat abc");
    let kept = &stack.json("state/one.json")["resources"];
    assert_ne!(kept["null_resource.n"], Value::Null);
}

/// The output of a tool, where it is installed.
fn judge(stack: &Stack, program: &str, arguments: &[&str]) -> Option<String> {
    match stack.command(program).args(arguments).output() {
        Ok(output) => {
            let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{program} {arguments:?}: {told}");
            Some(told)
        }
        Err(_) => {
            crate::support::harness::say(&format!("skipped: {program} is not installed"));
            None
        }
    }
}

#[test]
fn keys_and_certificates_are_read_by_openssl_and_ssh_keygen() {
    let mut text = String::new();
    let kinds = [
        ("rsa", "algorithm = \"RSA\""),
        ("p256", "algorithm = \"ECDSA\"\n  ecdsa_curve = \"P256\""),
        ("p384", "algorithm = \"ECDSA\"\n  ecdsa_curve = \"P384\""),
        ("p521", "algorithm = \"ECDSA\"\n  ecdsa_curve = \"P521\""),
        ("ed", "algorithm = \"ED25519\""),
    ];
    for (name, body) in kinds {
        text.push_str(&format!(
            concat!(
                "resource \"tls_private_key\" \"{0}\" {{\n  {1}\n}}\n",
                "resource \"local_sensitive_file\" \"{0}\" {{\n  filename = \"{0}.pem\"\n  content = tls_private_key.{0}.private_key_pem\n  file_permission = \"0600\"\n}}\n",
                "resource \"local_sensitive_file\" \"{0}_ssh\" {{\n  filename = \"{0}\"\n  content = tls_private_key.{0}.private_key_openssh\n  file_permission = \"0600\"\n}}\n",
                "data \"tls_public_key\" \"{0}\" {{\n  private_key_pem = tls_private_key.{0}.private_key_pem\n}}\n",
                "output \"{0}\" {{\n  value = \"${{trimspace(tls_private_key.{0}.public_key_openssh)}}|${{tls_private_key.{0}.public_key_fingerprint_sha256}}|${{tls_private_key.{0}.public_key_fingerprint_md5}}|${{tls_private_key.{0}.public_key_pem}}|${{data.tls_public_key.{0}.public_key_fingerprint_md5}}\"\n}}\n",
                "resource \"tls_self_signed_cert\" \"{0}\" {{\n  private_key_pem = tls_private_key.{0}.private_key_pem\n  validity_period_hours = 24\n  allowed_uses = [\"cert_signing\", \"server_auth\"]\n",
                "  is_ca_certificate = true\n  subject {{\n    common_name = \"ca of {0}\"\n    organization = \"Example\"\n  }}\n}}\n",
                "resource \"tls_cert_request\" \"{0}\" {{\n  private_key_pem = tls_private_key.{2}.private_key_pem\n  dns_names = [\"a.example.com\"]\n  ip_addresses = [\"192.0.2.1\"]\n  subject {{\n    common_name = \"a\"\n  }}\n}}\n",
                "resource \"tls_locally_signed_cert\" \"{0}\" {{\n  cert_request_pem = tls_cert_request.{0}.cert_request_pem\n  ca_private_key_pem = tls_private_key.{0}.private_key_pem\n",
                "  ca_cert_pem = tls_self_signed_cert.{0}.cert_pem\n  validity_period_hours = 12\n  allowed_uses = [\"server_auth\"]\n}}\n",
                "resource \"local_file\" \"{0}_ca\" {{\n  filename = \"{0}.ca\"\n  content = tls_self_signed_cert.{0}.cert_pem\n}}\n",
                "resource \"local_file\" \"{0}_crt\" {{\n  filename = \"{0}.crt\"\n  content = tls_locally_signed_cert.{0}.cert_pem\n}}\n",
                "resource \"local_file\" \"{0}_csr\" {{\n  filename = \"{0}.csr\"\n  content = tls_cert_request.{0}.cert_request_pem\n}}\n",
            ),
            // A request of a key on P521 cannot be checked, so it cannot be signed.
            name,
            body,
            if name == "p521" { "ed" } else { name }
        ));
    }
    let (_cloud, stack) = open(&text);
    let stack = stack.without("DOFLOAT_CLOCK");
    stack.run(&["validate", "one"]).ok();
    stack.run(APPLY).ok();
    stack.run(PLAN).ok().says("No changes.");
    assert!(!stack.read("state/one.json").contains("PRIVATE KEY"));
    for (name, _) in kinds {
        let output = stack.run(&["output", "one", "-raw", name]).ok().stdout;
        let parts: Vec<&str> = output.split('|').collect();
        if let Some(line) = judge(&stack, "ssh-keygen", &["-y", "-f", &format!("plans/{name}")]) {
            assert_eq!(line.trim(), parts[0], "{name}");
            let shown = judge(&stack, "ssh-keygen", &["-l", "-f", &format!("plans/{name}")]).expect("it is there");
            assert!(shown.contains(parts[1]), "{name}: {shown}");
            let shown = judge(&stack, "ssh-keygen", &["-l", "-E", "md5", "-f", &format!("plans/{name}")]).expect("it is there");
            assert!(shown.contains(parts[2]), "{name}: {shown}");
        }
        assert_eq!(parts[2], parts[4].trim(), "{name}");
        let Some(public) = judge(&stack, "openssl", &["pkey", "-in", &format!("plans/{name}.pem"), "-pubout"]) else { continue };
        assert_eq!(public, parts[3], "{name}");
        let request =
            judge(&stack, "openssl", &["req", "-verify", "-noout", "-text", "-in", &format!("plans/{name}.csr")]).expect("it is there");
        assert!(request.contains("DNS:a.example.com") && request.contains("IP Address:192.0.2.1"), "{request}");
        let (ca, leaf) = (format!("plans/{name}.ca"), format!("plans/{name}.crt"));
        assert!(judge(&stack, "openssl", &["verify", "-CAfile", &ca, &leaf]).expect("it is there").contains("OK"), "{name}");
    }
}

#[test]
fn what_is_drawn_in_secret_is_known_later_and_written_nowhere_else() {
    let text = concat!(
        "resource \"random_password\" \"p\" {\n  length = 24\n  special = false\n}\n",
        "resource \"local_sensitive_file\" \"f\" {\n  filename = \"p\"\n  content = random_password.p.result\n}\n",
        "resource \"digitalocean_tag\" \"t\" {\n  name = \"n${length(random_password.p.result)}\"\n}\n",
        "output \"p\" {\n  value = random_password.p.result\n  sensitive = true\n}\n",
    );
    let (_cloud, stack) = open(&text.replace("length(random_password.p.result)", "nonsensitive(length(random_password.p.result))"));
    let told = stack.run(APPLY).ok();
    let secret = stack.read("plans/p");
    assert_eq!(secret.len(), 24);
    assert!(!told.to_string().contains(&secret), "{told}");
    for plan in [PLAN, &["plan", "one", "-detailed-exitcode", "-refresh=false"]] {
        let told = stack.run(plan).ok().says("No changes.");
        assert!(!told.to_string().contains(&secret), "{told}");
    }
    let saved = stack.run(&["plan", "one", "-out=p"]).ok();
    stack.run(&["apply", "p"]).ok();
    assert!(!saved.to_string().contains(&secret));
    for (place, bytes) in stack.files() {
        assert!(place == "plans/p" || !String::from_utf8_lossy(&bytes).contains(&secret), "{place}");
    }
    assert_eq!(stack.run(&["output", "one", "-raw", "p"]).ok().stdout.trim(), secret);
    // A longer one is another one, and what holds it follows.
    stack.replace("plans/one.tf", "= 24", "= 25");
    stack.run(APPLY).ok().says("Apply complete! Resources: 3 added, 0 changed, 3 destroyed.");
    assert_eq!(stack.read("plans/p").len(), 25);
    // Whose encrypted file is lost, draws anew, as the message of a lost identity says.
    std::fs::remove_file(stack.path("state/one.secrets.age")).expect("it is there");
    stack.run(PLAN).exits(2).mentions("random_password.p will be created");
    stack.run(APPLY).ok();
    stack.run(PLAN).ok().says("No changes.");
}

#[test]
fn a_secret_of_terraform_is_taken_over_into_the_encrypted_file() {
    let state = json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {},
        "resources": [{
            "mode": "managed", "type": "random_password", "name": "p", "provider": "provider[\"registry.terraform.io/hashicorp/random\"]",
            "instances": [{"schema_version": 3, "sensitive_attributes": [], "attributes": {
                "id": "none", "result": "hunter2-of-terraform", "bcrypt_hash": "$2a$10$hunter2-hash", "length": 20, "keepers": null, "lower": true,
                "min_lower": 0, "min_numeric": 0, "min_special": 0, "min_upper": 0, "number": true, "numeric": true,
                "override_special": null, "special": true, "upper": true
            }}]
        }]
    });
    let text = concat!(
        "resource \"random_password\" \"p\" {\n  length = 20\n}\n",
        "resource \"local_sensitive_file\" \"f\" {\n  filename = \"p\"\n  content = random_password.p.result\n}\n",
    );
    let (_cloud, stack) = open(text);
    stack.write("old.tfstate", &state.to_string());
    stack.run(&["import", "one", "-tfstate=old.tfstate", "-auto-approve"]).ok();
    stack.run(APPLY).ok().says("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.");
    assert_eq!(stack.read("plans/p"), "hunter2-of-terraform");
    assert!(!stack.read("state/one.json").contains("hunter2"));
    stack.run(PLAN).ok().says("No changes.");
}

#[test]
fn a_certificate_is_renewed_when_it_is_time_and_a_rotation_comes_round() {
    let text = concat!(
        "resource \"tls_private_key\" \"k\" {\n  algorithm = \"ED25519\"\n}\n",
        "resource \"tls_self_signed_cert\" \"c\" {\n  private_key_pem = tls_private_key.k.private_key_pem\n  validity_period_hours = 1\n  early_renewal_hours = 1\n  allowed_uses = []\n}\n",
        "resource \"time_rotating\" \"r\" {\n  rfc3339 = \"2020-01-01T00:00:00Z\"\n  rotation_days = 1\n}\n",
    );
    let (_cloud, stack) = open(text);
    stack.run(APPLY).ok();
    stack.run(PLAN).exits(2).says("Plan: 2 to add, 0 to change, 0 to destroy.");
}

#[test]
fn a_server_is_asked_with_the_plan_and_nobody_under_sim() {
    let cloud = Cloud::start(Options::default());
    let (url, token) = (cloud.address(), Cloud::TOKEN);
    let text = format!(
        concat!(
            "data \"http\" \"ip\" {{\n  url = \"{0}/v2/account\"\n  request_headers = {{\n    Authorization = \"Bearer {1}\"\n  }}\n}}\n",
            "data \"http\" \"none\" {{\n  url = \"{0}/nowhere\"\n}}\n",
            "output \"code\" {{\n  value = \"${{data.http.ip.status_code}} ${{data.http.none.status_code}} ${{length(data.http.ip.response_body) > 0}}\"\n}}\n",
            "output \"type\" {{\n  value = data.http.ip.response_headers[\"Content-Type\"]\n}}\n",
        ),
        url, token
    );
    let stack = cloud.serve(Stack::with_plan("one", &text));
    stack.run(PLAN).exits(2);
    stack.run(APPLY).ok();
    assert!(stack.run(&["output", "one", "-raw", "code"]).ok().stdout.starts_with("200 "));
    assert!(stack.run(&["output", "one", "-raw", "type"]).ok().stdout.contains("json"));
    cloud.forget_log();
    stack.run(&["plan", "one", "--sim"]).ok().mentions("the answer of data.http.ip is made up (simulated)");
    assert!(cloud.log().is_empty());
    stack.write("plans/one.tf", "data \"http\" \"no\" {\n  url = \"http://127.0.0.1:1/?token=hunter2\"\n}\n");
    let told = stack.run(PLAN).exits(1).mentions("http://127.0.0.1:1/ gives no answer");
    assert!(!told.stderr.contains("data.http.no: hunter2"), "{told}");
}

#[test]
fn a_program_gives_data_where_programs_are_allowed() {
    let text = r#"
variable "secret" {
  default   = "hush-hush"
  sensitive = true
}
data "external" "one" {
  program     = ["sh", "-c", "read -r query; printf '{\"query\": \"%s\", \"here\": \"%s\", \"none\": null}' \"$(echo $query | tr -d '\\\"{}')\" \"$(cat note)\""]
  working_dir = "dir"
  query       = { a = "b" }
}
resource "terraform_data" "each" {
  for_each = data.external.one.result
  input    = "${each.key} ${each.value}"
}
output "result" {
  value = data.external.one.result
}
"#;
    let stack = Stack::with_plan("web/main", text).with_file("plans/web/dir/note", "seen");
    stack.run(&["validate"]).ok();
    let refused = stack.run(&["plan", "--sim"]).exits(1).mentions("data.external.one:").mentions("`-allow-provisioners` allows it");
    refused.mentions("plans/web/main.tf:");
    let planned = stack.run(&["plan", "--sim", "-allow-provisioners"]).ok();
    planned.mentions("+ here").mentions("\"seen\"").mentions("\"a:b\"");
    let failing = text.replace("read -r query;", "echo no luck >&2; exit 3;");
    stack.write("plans/web/main.tf", &failing);
    stack.run(&["plan", "--sim", "-allow-provisioners"]).exits(1).mentions("`sh` ended with exit status: 3, and says: no luck");
    stack.write("plans/web/main.tf", &text.replace("\"none\\\": null", "\"none\\\": 1"));
    stack.run(&["plan", "--sim", "-allow-provisioners"]).exits(1).mentions("gives no JSON object of texts");
    stack.write("plans/web/main.tf", &text.replace("\"sh\", \"-c\"", "\"sh\", var.secret"));
    let told = stack.run(&["plan", "--sim", "-allow-provisioners"]).exits(1).mentions("would be on a command line");
    assert!(!told.to_string().contains("hush-hush"), "{told}");
}
