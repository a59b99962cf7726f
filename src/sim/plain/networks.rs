//! NAT gateways of VPCs, and attachments of VPCs to the networks of partners.
//!
//! Invariant: a VPC that one of them names is there, and stays as long as they do.

use serde_json::{Map, Value, json};

use super::super::ids;
use super::super::refusal::Refusal;
use super::super::scopes::Scopes;
use super::super::time::timestamp;
use super::super::wire::{Call, Reply};
use super::super::world::World;

const ATTACHMENTS: &str = "/v2/partner_network_connect/attachments";
const GATEWAYS: &str = "/v2/vpc_nat_gateways";
const PEERINGS: &str = "/v2/vpc_peerings";

/// DigitalOcean's own autonomous system in a session.
const LOCAL_ASN: u32 = 64532;

/// The VPCs that an object names.
type Names = fn(&Map<String, Value>) -> Vec<&str>;

/// The objects that still hang on a VPC, in words; nothing if it can go.
pub(in super::super) fn hanging_on(world: &World, vpc: &str) -> Option<&'static str> {
    let any = |path: &str, names: Names| {
        world.plain.get(path).into_iter().flat_map(|all| all.values()).any(|object| names(&object.fields).contains(&vpc))
    };
    let all: [(&str, &'static str, Names); 3] =
        [(PEERINGS, "peerings", named), (ATTACHMENTS, "partner attachments", named), (GATEWAYS, "NAT gateways", served)];
    all.into_iter().find_map(|(path, what, names)| any(path, names).then_some(what))
}

fn named(fields: &Map<String, Value>) -> Vec<&str> {
    fields.get("vpc_ids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn served(fields: &Map<String, Value>) -> Vec<&str> {
    fields.get("vpcs").and_then(Value::as_array).into_iter().flatten().filter_map(|vpc| vpc["vpc_uuid"].as_str()).collect()
}

fn must_be_there(world: &World, vpcs: &[&str]) -> Result<(), Refusal> {
    match vpcs.iter().find(|id| !world.vpcs.contains_key(**id)) {
        Some(id) => Err(Refusal::unprocessable(format!("VPC {id} could not be found"))),
        None => Ok(()),
    }
}

/// Refuses a gateway of no VPC, or of one that is not there.
pub(super) fn validate_gateway(world: &mut World, _: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    if fields.get("vpcs").is_some_and(|vpcs| vpcs == &json!([])) {
        return Err(Refusal::unprocessable("vpcs must not be empty"));
    }
    if fields.get("size").and_then(Value::as_u64) == Some(0) {
        return Err(Refusal::unprocessable("size must be positive"));
    }
    must_be_there(world, &served(fields))
}

/// Gives a gateway its addresses, and the time-outs that nobody chose.
pub(super) fn complete_gateway(world: &mut World, id: &str, fields: &mut Map<String, Value>) {
    let address = |of: &str| {
        let [.., b, c, d] = ids::hash(world.seed, &["gateway", id, of]).to_be_bytes();
        (b, c, d)
    };
    for vpc in fields.get_mut("vpcs").and_then(Value::as_array_mut).into_iter().flatten() {
        let (_, c, d) = address(vpc["vpc_uuid"].as_str().unwrap_or_default());
        vpc["gateway_ip"] = json!(format!("10.118.{c}.{d}"));
    }
    let (b, c, d) = address("public");
    fields.entry("egresses").or_insert_with(|| json!({ "public_gateways": [{ "ipv4": format!("174.{b}.{c}.{d}") }] }));
    for name in ["udp_timeout_seconds", "icmp_timeout_seconds", "tcp_timeout_seconds"] {
        fields.entry(name).or_insert_with(|| json!(30));
    }
    fields.insert("updated_at".to_owned(), json!(timestamp(world.now.0)));
}

/// Refuses an attachment of VPCs, or to another attachment, that are not there.
pub(super) fn validate_attachment(world: &mut World, _: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    let parent = fields.get("parent_uuid").and_then(Value::as_str).filter(|id| !id.is_empty());
    if parent.is_some_and(|id| !world.plain.get(ATTACHMENTS).is_some_and(|all| all.contains_key(id))) {
        return Err(Refusal::unprocessable("the parent could not be found"));
    }
    must_be_there(world, &named(fields))
}

/// Shows an attachment's region and session as the API does, which keeps the session's key to itself.
pub(super) fn complete_attachment(_: &mut World, _: &str, fields: &mut Map<String, Value>) {
    if let Some(region) = fields.get("region").and_then(Value::as_str).map(str::to_uppercase) {
        fields.insert("region".to_owned(), json!(region));
    }
    if let Some(session) = fields.get_mut("bgp").and_then(Value::as_object_mut) {
        session.remove("auth_key");
        if let Some(system) = session.remove("peer_router_asn") {
            session.insert("peer_asn".to_owned(), system);
        }
        session.insert("local_asn".to_owned(), json!(LOCAL_ASN));
    }
}

/// Shows no list of spares where there are none.
pub(super) fn render_attachment(_: &World, _: &Scopes, fields: &mut Map<String, Value>) {
    if fields.get("children") == Some(&json!([])) {
        fields.remove("children");
    }
}

/// `GET /v2/partner_network_connect/attachments/{}/service_key`
pub(in super::super) fn service_key(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.part(0);
    let object = world.plain.get(ATTACHMENTS).and_then(|all| all.get(id)).ok_or_else(Refusal::not_found)?;
    let value = format!("{:016x}", ids::hash(world.seed, &["service key", id]));
    Ok(Reply::ok(json!({ "service_key": { "value": value, "state": "CREATED", "created_at": object.fields["created_at"] } })))
}

#[cfg(test)]
mod tests {
    use super::super::super::test_world::TestWorld;
    use super::*;

    #[test]
    fn a_vpc_stays_as_long_as_something_hangs_on_it() {
        let mut test = TestWorld::new();
        let id = test.ok("POST /vpcs", json!({ "name": "net", "region": "nyc3" }))["vpc"]["id"].clone();
        let at = format!("DELETE /vpcs/{}", id.as_str().unwrap());
        let gateway = json!({ "name": "out", "type": "PUBLIC", "region": "nyc3", "size": 1, "vpcs": [{ "vpc_uuid": id }] });
        let made = test.ok("POST /vpc_nat_gateways", gateway)["vpc_nat_gateway"].clone();
        assert!(made["vpcs"][0]["gateway_ip"].as_str().unwrap().starts_with("10."), "{made}");
        test.refused(&at, Value::Null, 403, "NAT gateways");
        test.ok(&format!("DELETE /vpc_nat_gateways/{}", made["id"].as_str().unwrap()), Value::Null);
        let session =
            json!({ "local_router_ip": "169.254.0.1/29", "peer_router_ip": "169.254.0.6/29", "peer_router_asn": 1, "auth_key": "k" });
        let wanted = json!({
            "name": "p", "connection_bandwidth_in_mbps": 1000, "region": "nyc", "naas_provider": "MEGAPORT", "vpc_ids": [id], "bgp": session,
        });
        let made = test.ok("POST /partner_network_connect/attachments", wanted)["partner_attachment"].clone();
        assert_eq!((&made["bgp"]["peer_asn"], made["bgp"].get("auth_key")), (&json!(1), None));
        test.refused(&at, Value::Null, 403, "partner attachments");
        test.ok(&format!("DELETE /partner_network_connect/attachments/{}", made["id"].as_str().unwrap()), Value::Null);
        test.ok(&at, Value::Null);
        assert!(test.world.is_fresh());
    }
}
