//! The judge is judged by the document's own examples, and by exchanges that were broken on purpose.

use super::copy::is_ours;
use super::*;

#[test]
fn every_example_of_the_document_passes() {
    let contract = Contract::shared();
    let mut checked = 0;
    let mut found = Vec::new();
    for (method, template) in contract.document.operations().map(|(m, t)| (m.to_owned(), t.to_owned())).collect::<Vec<_>>() {
        if !is_ours(&template) {
            continue;
        }
        let path = format!("/{template}");
        let operation = contract.document.operation(&method, &path).expect("it is in the document");
        for (status, response) in operation.object["responses"].as_object().expect("responses") {
            let response = contract.document.resolve(response);
            for body in examples(contract, &response["content"]["application/json"]) {
                let status = status.parse().unwrap_or(422);
                let exchange = Exchange {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    status,
                    response_body: Some(body),
                    ..Exchange::default()
                };
                found.extend(contract.check_response(&operation, &exchange));
                checked += 1;
            }
        }
        if let Some(body) = operation.object.get("requestBody") {
            for body in examples(contract, &contract.document.resolve(body)["content"]["application/json"]) {
                let exchange =
                    Exchange { method: method.to_uppercase(), path: path.clone(), request_body: Some(body), ..Exchange::default() };
                found.extend(contract.check_request(&operation, &exchange).into_iter().filter(|v| v.place.starts_with("request")));
                checked += 1;
            }
        }
    }
    let found: BTreeSet<(&str, &str)> = found.iter().map(|v| (v.operation.as_str(), v.place.as_str())).collect();
    println!("contract: {checked} examples of the document checked");
    assert!(checked > 700, "the examples were not found");
    assert_eq!(found, SELF_CONTRADICTIONS.iter().copied().collect());
}

/// Examples that show a field which their own schema does not have.
const SELF_CONTRADICTIONS: &[(&str, &str)] = &[
    ("GET /apps", "response 200 /apps/0/cause"),
    ("GET /apps", "response 200 /apps/0/progress"),
    ("POST /apps", "request body /spec/vpc"),
    ("GET /droplets/{droplet_id}/backups", "response 200 /backups/0/distribution"),
    ("GET /droplets/{droplet_id}/backups", "response 200 /backups/0/public"),
    ("GET /droplets/{droplet_id}/backups", "response 200 /backups/0/slug"),
    ("GET /images/{image_id}/actions/{action_id}", "response 200 /action"),
    ("GET /spaces/keys/{access_key}", "response 200"),
    ("GET /spaces/keys/{access_key}", "response 200 /key"),
    ("POST /droplets/autoscale", "request body /droplet_template/backups"),
    ("POST /droplets/autoscale", "request body /droplet_template/monitoring"),
    ("POST /images/{image_id}/actions", "response 201 /action"),
    ("POST /kubernetes/clusters", "response 201"),
    ("POST /kubernetes/clusters", "response 201 /kubernetes_cluster/registries"),
    ("POST /kubernetes/clusters", "response 201 /kubernetes_clusters"),
    ("POST /reserved_ipv6", "response 201 /reserved_ipv6/droplet"),
    ("POST /volumes/actions", "request body /volume_name"),
    ("GET /vpc_nat_gateways", "response 200 /vpc_nat_gateways/0/project_id"),
    ("GET /vpc_nat_gateways/{id}", "response 200 /vpc_nat_gateway/vpcs/0/default_gateway"),
    ("POST /vpc_nat_gateways", "request body /project_id"),
    ("POST /vpc_nat_gateways", "response 202 /vpc_nat_gateway/created_at"),
    ("POST /vpc_nat_gateways", "response 202 /vpc_nat_gateway/egresses"),
    ("POST /vpc_nat_gateways", "response 202 /vpc_nat_gateway/id"),
    ("POST /vpc_nat_gateways", "response 202 /vpc_nat_gateway/state"),
    ("POST /vpc_nat_gateways", "response 202 /vpc_nat_gateway/updated_at"),
    ("PUT /vpc_nat_gateways/{id}", "response 200 /vpc_nat_gateway/created_at"),
    ("PUT /vpc_nat_gateways/{id}", "response 200 /vpc_nat_gateway/egresses"),
    ("PUT /vpc_nat_gateways/{id}", "response 200 /vpc_nat_gateway/id"),
    ("PUT /vpc_nat_gateways/{id}", "response 200 /vpc_nat_gateway/region"),
    ("PUT /vpc_nat_gateways/{id}", "response 200 /vpc_nat_gateway/state"),
    ("PUT /vpc_nat_gateways/{id}", "response 200 /vpc_nat_gateway/type"),
    ("PUT /vpc_nat_gateways/{id}", "response 200 /vpc_nat_gateway/updated_at"),
    ("PUT /vpc_nat_gateways/{id}", "response 200 /vpc_nat_gateway/vpcs/0/gateway_ip"),
    ("PUT /droplets/autoscale/{autoscale_pool_id}", "request body /droplet_template/backups"),
    ("PUT /droplets/autoscale/{autoscale_pool_id}", "request body /droplet_template/monitoring"),
    ("PUT /kubernetes/clusters/{cluster_id}", "response 202 /kubernetes_cluster/registries"),
];

#[test]
fn every_schema_that_we_could_use_compiles() {
    let contract = Contract::shared();
    let mut compiled = 0;
    for (method, template) in contract.document.operations() {
        if !is_ours(template) {
            continue;
        }
        let operation = contract.document.operation(method, &format!("/{template}")).expect("it is in the document");
        let body = operation.object.get("requestBody").map(|of| contract.document.resolve(of));
        let answers = operation.object["responses"].as_object().expect("responses").values().map(|of| contract.document.resolve(of));
        let sent = body.into_iter().map(|of| (Part::Request, of)).map(|(part, of)| (part, &of["content"]["application/json"]["schema"]));
        let got = answers.map(|of| (Part::Response, &of["content"]["application/json"]["schema"]));
        for (index, (part, schema)) in sent.chain(got).filter(|(_, schema)| !schema.is_null()).enumerate() {
            contract.validator(&format!("{method} {template} {index}"), schema, part);
            compiled += 1;
        }
    }
    println!("contract: {compiled} schemas compiled");
    assert!(compiled > 700, "the schemas were not found");
}

#[test]
fn requests_that_we_send_pass() {
    let contract = Contract::shared();
    for (method, path, body) in GOOD_REQUESTS {
        let (path, query) = split_query(path);
        let body = (!body.is_empty()).then(|| serde_json::from_str(body).unwrap());
        let operation = contract.document.operation(method, path).unwrap_or_else(|| panic!("no operation for {method} {path}"));
        let mut found = contract.check_request(&operation, &Exchange { query, request_body: body, ..request(method, path) });
        contract.excuse(&mut found);
        assert!(found.is_empty(), "{method} {path}: {found:?}");
    }
}

const GOOD_REQUESTS: &[(&str, &str, &str)] = &[
    ("GET", "/account", ""),
    ("GET", "/account/keys?per_page=200", ""),
    ("POST", "/account/keys", r#"{"name": "ops", "public_key": "ssh-ed25519 AAAA me"}"#),
    ("PUT", "/account/keys/512189", r#"{"name": "ops"}"#),
    ("DELETE", "/account/keys/3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa", ""),
    ("GET", "/actions/36804636", ""),
    ("GET", "/images/ubuntu-14-04-x64", ""),
    ("GET", "/images?type=distribution&per_page=200&page=1", ""),
    ("GET", "/sizes?per_page=200", ""),
    ("GET", "/regions", ""),
    ("GET", "/reports/droplet_neighbors_ids", ""),
    ("POST", "/vpcs", r#"{"name": "web", "region": "nyc3", "ip_range": "10.10.10.0/24"}"#),
    ("PUT", "/vpcs/5a4981aa-9653-4bd1-bef5-d6bff52042e4", r#"{"name": "web", "description": "of the pair"}"#),
    (
        "POST",
        "/droplets",
        r#"{"name": "primary", "size": "s-1vcpu-1gb", "image": "ubuntu-14-04-x64", "region": "nyc3", "user_data": "x", "tags": ["dofloat:web-1"],
            "ssh_keys": [1, "3b:16"], "vpc_uuid": "5a4981aa-9653-4bd1-bef5-d6bff52042e4", "ipv6": true, "monitoring": true}"#,
    ),
    ("GET", "/droplets?tag_name=dofloat:web-1&per_page=200", ""),
    ("GET", "/droplets?name=primary", ""),
    ("DELETE", "/droplets/3164444", ""),
    ("POST", "/droplets/3164444/actions", r#"{"type": "rename", "name": "first"}"#),
    ("POST", "/droplets/3164444/actions", r#"{"type": "resize", "size": "s-2vcpu-2gb", "disk": false}"#),
    ("POST", "/droplets/3164444/actions", r#"{"type": "power_on"}"#),
    ("POST", "/reserved_ips", r#"{"region": "nyc3"}"#),
    ("POST", "/floating_ips", r#"{"droplet_id": 123}"#),
    ("POST", "/reserved_ips/45.55.96.47/actions", r#"{"type": "assign", "droplet_id": 123}"#),
    ("POST", "/reserved_ips/45.55.96.47/actions", r#"{"type": "unassign"}"#),
    ("POST", "/domains", r#"{"name": "example.com"}"#),
    ("POST", "/domains/example.com/records", r#"{"type": "A", "name": "@", "data": "1.2.3.4", "ttl": 1800}"#),
    ("POST", "/domains/example.com/records", r#"{"type": "TXT", "name": "@", "data": "hello"}"#),
    ("POST", "/domains/example.com/records", r#"{"type": "NS", "name": "@", "data": "ns.example.com."}"#),
    (
        "POST",
        "/domains/example.com/records",
        r#"{"type": "SRV", "name": "_sip._tcp", "data": "sip.example.com.", "priority": 1, "port": 5060, "weight": 1}"#,
    ),
    ("PUT", "/domains/example.com/records/3352896", r#"{"type": "A", "name": "www", "data": "1.2.3.4"}"#),
    (
        "POST",
        "/firewalls",
        r#"{"name": "web", "droplet_ids": [1], "inbound_rules": [{"protocol": "tcp", "ports": "80", "sources": {"addresses": ["0.0.0.0/0", "::/0"]}}],
            "outbound_rules": [{"protocol": "icmp", "ports": "0", "destinations": {"addresses": ["0.0.0.0/0"]}}]}"#,
    ),
    ("POST", "/firewalls/bb4b2611-3d72-467b-8602-280330ecd65c/droplets", r#"{"droplet_ids": [49696269]}"#),
    ("POST", "/tags", r#"{"name": "dofloat:web-1"}"#),
    ("POST", "/tags/dofloat%3Aweb-1/resources", r#"{"resources": [{"resource_id": "123", "resource_type": "droplet"}]}"#),
    ("DELETE", "/tags/dofloat%3Aweb-1", ""),
    ("POST", "/projects/default/resources", r#"{"resources": ["do:droplet:1", "do:floatingip:192.168.99.100"]}"#),
    ("POST", "/volumes", r#"{"name": "data", "size_gigabytes": 10, "region": "nyc3"}"#),
];

#[test]
fn broken_requests_are_found() {
    let contract = Contract::shared();
    let check = |method: &str, path: &str, body: &str, place: &str, rule: &str| {
        let (path, query) = split_query(path);
        let body = (!body.is_empty()).then(|| serde_json::from_str(body).unwrap());
        let exchange = Exchange {
            query,
            request_body: body,
            status: 429,
            response_body: Some(json!({"id": "x", "message": "x"})),
            ..request(method, path)
        };
        let found = contract.check(&exchange);
        assert!(found.iter().any(|v| v.place == place && v.rule == rule), "{method} {path} {:?}: {found:?}", exchange.request_body);
    };
    check("GET", "/dropletz", "", "path", "unknown");
    check("PATCH", "/droplets/1", "{}", "path", "unknown");
    check("GET", "/droplets?colour=red", "", "query colour", "unknown");
    check("GET", "/droplets?per_page=201", "", "query per_page", "maximum");
    check("GET", "/droplets?page=first", "", "query page", "type");
    check("GET", "/droplets/primary", "", "path droplet_id", "type");
    check("GET", "/vpcs/web", "", "path vpc_id", "format");
    check("DELETE", "/droplets", "", "query tag_name", "required");
    check("GET", "/account", "{}", "request body", "unknown");
    check("POST", "/vpcs", "", "request body", "required");
    check("POST", "/vpcs", r#"{"name": "a b", "region": "nyc3"}"#, "request body /name", "pattern");
    check("POST", "/vpcs", r#"{"name": "a"}"#, "request body", "required");
    check("POST", "/vpcs", r#"{"name": "a", "region": "nyc3", "range": "10.0.0.0/8"}"#, "request body /range", "unknown");
    check("POST", "/vpcs", r#"{"name": "a", "region": "nyc3", "id": "x"}"#, "request body /id", "unknown");
    check("POST", "/droplets", r#"{"name": "a_b", "size": "s", "image": "i"}"#, "request body", "oneOf");
    check("POST", "/droplets", r#"{"name": "a", "size": "s", "image": "i", "user_data": null}"#, "request body", "oneOf");
    check("POST", "/droplets", r#"{"name": "a", "size": "s", "image": "i", "colour": "red"}"#, "request body /colour", "unknown");
    check("POST", "/droplets/1/actions", r#"{"type": "explode"}"#, "request body /type", "enum");
    check("POST", "/droplets/1/actions", r#"{"type": "power_on", "name": "a"}"#, "request body /name", "unknown");
    check("POST", "/reserved_ips", r#"{"droplet_id": 1, "region": "nyc3"}"#, "request body", "oneOf");
    check("POST", "/reserved_ips/1.2.3.4/actions", r#"{"type": "assign"}"#, "request body", "required");
    check("POST", "/reserved_ips/1.2.3.4/actions", r#"{"type": "unassign", "droplet_id": 1}"#, "request body /droplet_id", "unknown");
    check("GET", "/reserved_ips/web", "", "path reserved_ip", "format");
    check("POST", "/domains/a.com/records", r#"{"type": "A", "name": "@"}"#, "request body", "required");
    check("POST", "/domains/a.com/records", r#"{"type": "CAA", "name": "@", "data": "x"}"#, "request body", "required");
    check("POST", "/tags", r#"{"name": "a b"}"#, "request body /name", "pattern");
    check(
        "POST",
        "/firewalls",
        r#"{"name": "web", "inbound_rules": [{"protocol": "tcp", "sources": {}}]}"#,
        "request body /inbound_rules/0",
        "required",
    );
}

#[test]
fn broken_answers_are_found() {
    let contract = Contract::shared();
    let droplet = contract.document.component("examples", "droplet_single")["value"].clone();
    let check = |method: &str, path: &str, status: u16, body: Value, place: &str, rule: &str| {
        let response_body = (!body.is_null()).then_some(body);
        let found = contract.check_answer(&Exchange { status, response_body, ..request(method, path) });
        assert!(found.iter().any(|v| v.place == place && v.rule == rule), "{method} {path} {status}: {found:?}");
    };
    let altered = |pointer: &str, value: Option<Value>| {
        let mut body = droplet.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
        match value {
            Some(value) => drop(parent.insert(name.to_owned(), value)),
            None => assert!(parent.remove(name).is_some(), "{pointer} is in the example"),
        }
        body
    };
    check("GET", "/droplets/1", 200, json!({}), "response 200", "required");
    check("GET", "/droplets/1", 200, Value::Null, "response 200", "required");
    check("GET", "/droplets/1", 200, altered("/droplet/locked", None), "response 200 /droplet", "required");
    check("GET", "/droplets/1", 200, altered("/droplet/id", Some(json!("3164444"))), "response 200 /droplet/id", "type");
    check("GET", "/droplets/1", 200, altered("/droplet/status", Some(json!("busy"))), "response 200 /droplet/status", "enum");
    check("GET", "/droplets/1", 200, altered("/droplet/user_data", Some(json!("x"))), "response 200 /droplet/user_data", "unknown");
    check("GET", "/droplets/1", 200, altered("/droplet/region/city", Some(json!("x"))), "response 200 /droplet/region/city", "unknown");
    check("GET", "/droplets/1", 201, droplet.clone(), "status", "unknown");
    check("GET", "/droplets/1", 422, json!({"id": "unprocessable_entity"}), "response 422", "required");
    check("DELETE", "/droplets/1", 204, json!({}), "response 204", "unknown");
    check("POST", "/tags", 400, json!({"id": "bad_request", "message": "no"}), "response 400", "required");
    check("GET", "/droplets", 200, json!({"droplets": [], "links": {}}), "response 200", "required");
    check("GET", "/nowhere", 404, json!({"message": "no"}), "response error", "required");
    check(
        "GET",
        "/reserved_ips/1.2.3.4",
        200,
        json!({"reserved_ip": {"ip": "1.2.3", "droplet": null}}),
        "response 200 /reserved_ip/ip",
        "format",
    );
    check(
        "GET",
        "/reserved_ips/1.2.3.4",
        200,
        json!({"reserved_ip": {"droplet": {"id": 1}}}),
        "response 200 /reserved_ip/droplet",
        "anyOf",
    );

    let headers = BTreeMap::from([("ratelimit-limit".to_owned(), "many".to_owned()), ("content-type".to_owned(), "text/plain".to_owned())]);
    let exchange =
        Exchange { status: 200, response_body: Some(droplet.clone()), response_headers: Some(headers), ..request("GET", "/droplets/1") };
    let places: Vec<(String, String)> = contract.check_answer(&exchange).into_iter().map(|v| (v.place, v.rule)).collect();
    for expected in [("header content-type", "type"), ("header ratelimit-limit", "type"), ("header ratelimit-reset", "required")] {
        assert!(places.iter().any(|(place, rule)| (place.as_str(), rule.as_str()) == expected), "{expected:?} in {places:?}");
    }
}

#[test]
fn errata_excuse_one_thing_only() {
    let contract = Contract::load();
    let before = contract.unused_errata().len();
    let image = |region: &str, distribution: &str| {
        let body = json!({"image": {"id": 1, "distribution": distribution, "regions": [region]}});
        contract.check_answer(&Exchange { status: 200, response_body: Some(body), ..request("GET", "/images/1") }).len()
    };
    assert_eq!(image("nyc3", "Ubuntu"), 0);
    assert_eq!(contract.unused_errata().len(), before);
    assert_eq!(image("atl1", "AlmaLinux"), 0);
    assert_eq!(contract.unused_errata().len(), before - 2);
    assert_eq!(image("xyz9", "Slackware"), 2);
}

#[test]
fn the_most_literal_path_wins() {
    let contract = Contract::shared();
    let name = |path: &str| contract.document.operation("GET", path).map(|of| of.name);
    assert_eq!(name("/projects/default").as_deref(), Some("GET /projects/default"));
    assert_eq!(name("/projects/4e1bfbc3").as_deref(), Some("GET /projects/{project_id}"));
    assert_eq!(name("/projects"), Some("GET /projects".to_owned()));
    assert_eq!(name("/projects/"), None);
}

fn request(method: &str, path: &str) -> Exchange {
    Exchange { method: method.to_owned(), path: path.to_owned(), ..Exchange::default() }
}

fn split_query(path: &str) -> (&str, Vec<(String, String)>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    (path, pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn examples(contract: &Contract, content: &Value) -> Vec<Value> {
    let named = content.get("examples").and_then(Value::as_object).into_iter().flatten();
    let named = named.map(|(_, example)| contract.document.resolve(example)["value"].clone());
    content.get("example").cloned().into_iter().chain(named).collect()
}
