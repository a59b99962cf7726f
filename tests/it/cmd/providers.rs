//! What tools ask for: the schemas of all providers, the version, and the state's list as JSON.

use dofloat::kinds::data::{locals, sources};
use dofloat::kinds::{KINDS, LOCAL};
use serde_json::{Value, json};

use crate::support::harness::Stack;

#[test]
fn the_schemas_have_every_attribute_in_terraforms_form() {
    let stack = Stack::empty();
    let document = stack.run(&["providers", "schema", "-json"]).ok().json();
    assert_eq!(document["format_version"], "1.0");
    let providers = document["provider_schemas"].as_object().expect("an object");
    let all = |section: &str| providers.values().filter_map(|provider| provider[section].as_object()).flatten().collect::<Vec<_>>();
    let resources = all("resource_schemas");
    assert_eq!(resources.len(), KINDS.len() + LOCAL.len() + 1);
    assert_eq!(all("data_source_schemas").len(), sources().chain(locals()).count());
    for kind in KINDS.iter().chain(LOCAL) {
        let (_, schema) = resources.iter().find(|(name, _)| *name == kind.name()).expect("it is there");
        for row in kind.attrs() {
            let section = if row.block && row.inner().is_some() { "block_types" } else { "attributes" };
            assert!(schema["block"][section][row.name].is_object(), "{}.{}", kind.name(), row.name);
        }
    }
    let droplet = &providers["registry.terraform.io/digitalocean/digitalocean"]["resource_schemas"]["digitalocean_droplet"]["block"];
    assert_eq!((&droplet["attributes"]["image"]["required"], &droplet["attributes"]["id"]["computed"]), (&json!(true), &json!(true)));
    assert_eq!(droplet["attributes"]["tags"]["type"], json!(["set", "string"]));
    stack.run(&["providers", "schema"]).exits(64).mentions("-json");
    stack.run(&["providers"]).ok().mentions("provider[registry.terraform.io/digitalocean/digitalocean]: ");
}

/// What Terraform 1.11.4 prints of the resource type that it has itself, field by field: ours says besides what each attribute is.
#[test]
fn the_schema_of_terraform_data_is_terraforms_own() {
    let of = |ty: &str, who: &str| json!({ "type": ty, "description_kind": "plain", who: true });
    let attributes = json!({
        "id": of("string", "computed"),
        "input": of("dynamic", "optional"),
        "output": of("dynamic", "computed"),
        "triggers_replace": of("dynamic", "optional"),
    });
    let mut document = Stack::empty().run(&["providers", "schema", "-json"]).ok().json();
    let provider = document["provider_schemas"]["terraform.io/builtin/terraform"].take();
    let mut schema = provider["resource_schemas"]["terraform_data"].clone();
    for attribute in schema["block"]["attributes"].as_object_mut().expect("an object").values_mut() {
        assert!(attribute.as_object_mut().expect("an object").remove("description").is_some_and(|text| text.is_string()));
    }
    assert_eq!(schema, json!({ "version": 0, "block": { "attributes": attributes, "description_kind": "plain" } }));
    assert_eq!(provider["provider"], json!({ "version": 0 }));
}

#[test]
fn the_version_is_told_in_terraforms_form() {
    let version = Stack::empty().run(&["version", "-json"]).ok().json();
    let expected = ["terraform_version", "platform", "provider_selections", "terraform_outdated"];
    assert!(expected.iter().all(|name| version.get(name).is_some()), "{version}");
    assert_eq!(version["terraform_outdated"], json!(false));
}

#[test]
fn the_list_of_the_state_is_told_with_what_each_resource_is() {
    let text = "resource \"terraform_data\" \"x\" {\n  count = 2\n}\nresource \"random_pet\" \"name\" {}\n";
    let stack = Stack::with_plan("one", text);
    assert_eq!(stack.run(&["state", "list", "-json", "--sim"]).ok().json(), json!([]));
    stack.run(&["apply", "--sim", "-auto-approve"]).ok();
    let list = stack.run(&["state", "list", "-json", "--sim"]).ok().json();
    let field = |at: usize, name: &str| list[at][name].clone();
    let addresses: Vec<Value> = (0..3).map(|at| field(at, "address")).collect();
    assert_eq!(addresses, ["random_pet.name", "terraform_data.x[0]", "terraform_data.x[1]"].map(Value::from));
    assert_eq!((field(1, "type"), field(1, "name"), field(1, "index")), (json!("terraform_data"), json!("x"), json!(0)));
    assert_eq!(field(0, "provider_name"), "registry.terraform.io/hashicorp/random");
    assert!(field(0, "id").as_str().is_some_and(|id| id.contains('-')), "{list}");
    let one = stack.run(&["state", "list", "-json", "--sim", "random_pet.name"]).ok().json();
    assert_eq!(one.as_array().map(Vec::len), Some(1));
}
