//! The pairs of a world, played: how their servers are, who serves, and who takes over.
//!
//! Invariant: what is played says so. A droplet is of a pair if it carries the tag by which its peers find it,
//! `dofloat:STACK:PAIR`; it is well once it has booted, but for faults. An address that a server of a pair has held goes to the
//! other when that one is off or gone; who takes it away by the API means it.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::objects::droplet::{Droplet, Power};
use super::world::World;

const PHASES: u32 = 9;

impl Droplet {
    /// The tag of the pair that it is of.
    pub(super) fn pair(&self) -> Option<&String> {
        self.tags.iter().find(|tag| tag.strip_prefix("dofloat:").is_some_and(|rest| rest.contains(':')))
    }

    fn is_up(&self) -> bool {
        self.power == Power::Active && !self.is_leaving()
    }

    fn is_well(&self) -> bool {
        self.is_up() && self.joins_after == 0 && !self.stuck
    }
}

impl World {
    /// The answer at this address and port: status and text; nothing if nobody listens.
    pub fn served(&mut self, host: Ipv4Addr, port: u16) -> Option<(u16, String)> {
        self.finish_due();
        let holder = self.reserved_ips.get(&host).map(|ip| ip.droplet);
        let id = match holder {
            Some(holder) => holder?,
            None => self.droplets.values().find(|droplet| droplet.public == Some(host)).map(|droplet| droplet.id)?,
        };
        let droplet = self.droplets.get(&id).filter(|droplet| droplet.is_up())?;
        let pair = droplet.pair().cloned()?;
        if port == 80 {
            let page = format!("Droplet: {}, IP Address: {}\n", droplet.name, droplet.public.unwrap_or(Ipv4Addr::UNSPECIFIED));
            return droplet.is_well().then_some((200, page));
        }
        let document = self.document(id, &pair)?;
        if let Some(droplet) = self.droplets.get_mut(&id)
            && droplet.joins_after > 0
        {
            droplet.joins_after -= 1;
            self.touch();
        }
        Some((200, format!("{document:#}\n")))
    }

    fn document(&self, id: u64, pair: &str) -> Option<Value> {
        let droplet = self.droplets.get(&id)?;
        let mut peers: Vec<&Droplet> = self.droplets.values().filter(|droplet| droplet.pair().is_some_and(|tag| tag == pair)).collect();
        peers.sort_by(|a, b| a.name.cmp(&b.name));
        let well = droplet.is_well();
        let members: Vec<&str> = peers.iter().filter(|peer| well && peer.is_well()).map(|peer| peer.name.as_str()).collect();
        let holder = self.reserved_ips.values().filter_map(|ip| ip.droplet).find_map(|id| peers.iter().find(|peer| peer.id == id));
        let step = if well { PHASES } else { PHASES.saturating_sub(1 + droplet.joins_after.min(PHASES - 1)) };
        Some(json!({
            "format": 1, "simulated": true, "cluster": pair, "node": droplet.name,
            "phase": if well { "done" } else { "packages" }, "step": step, "steps": PHASES,
            "error": droplet.stuck.then_some("apt-get: the package lists cannot be fetched"), "api_error": null,
            "expected": peers.iter().map(|peer| &peer.name).collect::<Vec<_>>(), "members": members, "quorum": well,
            "resources": [], "failures": [],
            "holder": holder.filter(|_| well).map(|holder| &holder.name), "holds": holder.is_some_and(|holder| holder.id == id),
            "log": if well { json!([]) } else { json!(["simulated: installing corosync, pacemaker, crmsh"]) },
        }))
    }

    /// A server of a pair that holds an address and is off or gone: the other takes it.
    pub(super) fn finish_due_pairs(&mut self) {
        if !self.settings.plays {
            return;
        }
        let orphans: Vec<(Ipv4Addr, u64)> = self
            .reserved_ips
            .values()
            .filter(|ip| !ip.droplet.and_then(|id| self.droplets.get(&id)).is_some_and(Droplet::is_up))
            .filter_map(|ip| {
                let pair = ip.pair.as_ref()?;
                let heir = self.droplets.values().find(|droplet| droplet.is_well() && droplet.pair() == Some(pair))?;
                Some((ip.ip, heir.id))
            })
            .collect();
        for (ip, heir) in orphans {
            if let Some(ip) = self.reserved_ips.get_mut(&ip) {
                ip.droplet = Some(heir);
            }
            self.touch();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_world::{TestWorld, wanted};
    use super::*;

    const TAG: &str = "dofloat:web-1:pair";

    fn pair(test: &mut TestWorld) -> ([u64; 2], Ipv4Addr) {
        let ids =
            ["a", "b"].map(|name| test.ok("POST /droplets", wanted(name, json!({ "tags": [TAG] })))["droplet"]["id"].as_u64().unwrap());
        test.world.finish_all();
        let made = test.ok("POST /reserved_ips", json!({ "region": "nyc3" }));
        let ip: Ipv4Addr = made["reserved_ip"]["ip"].as_str().unwrap().parse().unwrap();
        test.ok(&format!("POST /reserved_ips/{ip}/actions"), json!({ "type": "assign", "droplet_id": ids[0] }));
        test.world.finish_all();
        (ids, ip)
    }

    fn health(test: &mut TestWorld, id: u64) -> Value {
        let public = test.world.droplets[&id].public.unwrap();
        serde_json::from_str(&test.world.served(public, 5480).unwrap().1).unwrap()
    }

    #[test]
    fn the_other_takes_over_from_one_that_is_off_and_keeps_the_address() {
        let mut test = TestWorld::new();
        let ([a, b], ip) = pair(&mut test);
        assert!(test.world.served(ip, 80).unwrap().1.starts_with("Droplet: a, "));
        test.ok(&format!("POST /droplets/{a}/actions"), json!({ "type": "power_off" }));
        test.world.finish_all();
        assert!(test.world.served(ip, 80).unwrap().1.starts_with("Droplet: b, "));
        assert_eq!(health(&mut test, b)["members"], json!(["b"]));
        test.ok(&format!("POST /droplets/{a}/actions"), json!({ "type": "power_on" }));
        test.world.finish_all();
        let seen = health(&mut test, a);
        assert_eq!((&seen["holder"], &seen["holds"], &seen["members"]), (&json!("b"), &json!(false), &json!(["a", "b"])));
    }

    #[test]
    fn what_is_taken_away_by_the_api_stays_away() {
        let mut test = TestWorld::new();
        let (_, ip) = pair(&mut test);
        test.ok(&format!("POST /reserved_ips/{ip}/actions"), json!({ "type": "unassign" }));
        test.world.finish_all();
        assert_eq!(test.world.served(ip, 80), None);
    }

    #[test]
    fn a_server_may_join_late_or_never() {
        let mut test = TestWorld::faulty(&["POST /v2/droplets#1 late-join=2", "POST /v2/droplets#2 stuck-boot"]);
        let ([a, b], ip) = pair(&mut test);
        assert_eq!(test.world.served(ip, 80), None);
        let phases: Vec<Value> = (0..3).map(|_| health(&mut test, a)["phase"].clone()).collect();
        assert_eq!(phases, [json!("packages"), json!("packages"), json!("done")]);
        assert_eq!(health(&mut test, b)["error"], json!("apt-get: the package lists cannot be fetched"));
    }

    #[test]
    fn only_pairs_are_played() {
        let mut test = TestWorld::new();
        let id = test.droplet("lone");
        let public = test.world.droplets[&id].public.unwrap();
        assert_eq!(test.world.served(public, 80), None);
        assert_eq!(test.world.served(Ipv4Addr::new(192, 0, 2, 1), 80), None);
    }
}
