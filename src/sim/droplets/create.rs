//! Creates of droplets: read, checked and carried out.
//!
//! Invariant: everything is checked before anything is made.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::super::actions::{self, Begin};
use super::super::catalog::{self, Image, Region, Size};
use super::super::objects::action::{Effect, Resource};
use super::super::refusal::Refusal;
use super::super::wire::{Call, Fields, Reply};
use super::super::world::{Made, World};
use super::super::{ids, tags, vpcs};
use super::{Backups, Droplet, Power, check_name};

const USER_DATA_LIMIT: usize = 64 * 1024;
const NAMES_LIMIT: usize = 10;

/// `POST /v2/droplets`
pub(in super::super) fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (names, several) = wanted_names(&call.body)?;
    let wanted = Wanted::read(world, call)?;
    if world.droplets.len() + names.len() > world.settings.limits.droplets {
        return Err(Refusal::unprocessable("creating this/these droplet(s) will exceed your droplet limit"));
    }
    for tag in &wanted.tags {
        world.ensure_tag(tag);
    }
    let mut made = Vec::new();
    for name in names {
        made.push(wanted.make(world, name)?);
    }
    let links: Vec<Value> = made.iter().map(|(_, action)| actions::link(call, "create", *action)).collect();
    let shown: Vec<Value> =
        made.iter().filter_map(|(id, _)| world.droplets.get(id)).map(|droplet| world.show_droplet(droplet, call.scopes)).collect();
    let links = json!({ "actions": links });
    Ok(Reply::accepted(if several {
        json!({ "droplets": shown, "links": links })
    } else {
        json!({ "droplet": shown.into_iter().next(), "links": links })
    }))
}

fn wanted_names(body: &Fields) -> Result<(Vec<String>, bool), Refusal> {
    let (names, several) = match (body.text("name")?, body.texts("names")?) {
        (Some(_), Some(_)) => return Err(Refusal::unprocessable("name and names can't be used together")),
        (Some(name), None) => (vec![name], false),
        (None, Some(names)) if names.len() > NAMES_LIMIT => {
            return Err(Refusal::unprocessable("names can't have more than 10 entries"));
        }
        (None, Some(names)) => (names, true),
        (None, None) => (Vec::new(), false),
    };
    if names.is_empty() {
        return Err(Refusal::unprocessable("Name can't be blank"));
    }
    for name in &names {
        check_name(name)?;
    }
    Ok((names, several))
}

/// A create's request, checked.
struct Wanted {
    size: &'static Size,
    image: &'static Image,
    region: &'static Region,
    vpc: String,
    tags: Vec<String>,
    ssh_keys: Vec<u64>,
    user_data: Option<String>,
    ipv6: bool,
    monitoring: bool,
    backups: Option<Backups>,
    agent: bool,
    public: bool,
    volumes: Vec<String>,
}

impl Wanted {
    fn read(world: &World, call: &Call<'_>) -> Result<Self, Refusal> {
        let body = &call.body;
        let size = body.required("size")?;
        let size =
            catalog::find_size(&size).ok_or_else(|| Refusal::unprocessable("You specified an invalid size for Droplet creation."))?;
        let region = wanted_region(body)?;
        if !size.is_in(region) {
            return Err(Refusal::unprocessable("Size is not available in this region."));
        }
        let image = wanted_image(world, call)?;
        if size.disk < image.min_disk {
            return Err(Refusal::unprocessable("The image is too large for the disk of this size."));
        }
        let user_data = body.text("user_data")?;
        if user_data.as_ref().is_some_and(|text| text.len() > USER_DATA_LIMIT) {
            return Err(Refusal::unprocessable("User data is too long (maximum is 64 KiB)."));
        }
        let volumes = body.texts("volumes")?.unwrap_or_default();
        if !volumes.is_empty() {
            call.scopes.need("block_storage:read")?;
        }
        world.must_be_free(&volumes, region.slug)?;
        let tags = body.texts("tags")?.unwrap_or_default();
        if !tags.is_empty() {
            call.scopes.need("tag:create")?;
        }
        for tag in &tags {
            tags::check_name(tag)?;
        }
        let ipv6 = body.flag("ipv6")?.unwrap_or(false);
        let public = body.flag("public_networking")?.unwrap_or(true);
        if ipv6 && !public {
            return Err(Refusal::unprocessable("ipv6 needs public networking"));
        }
        let policy = body.object("backup_policy")?;
        let backups = if body.flag("backups")?.unwrap_or(false) { Some(Backups::read(policy.as_ref())?) } else { None };
        Ok(Self {
            size,
            image,
            region,
            vpc: wanted_vpc(world, call, region)?,
            tags,
            ssh_keys: wanted_keys(world, call)?,
            user_data,
            ipv6,
            monitoring: body.flag("monitoring")?.unwrap_or(false),
            backups,
            agent: body.flag("with_droplet_agent")?.unwrap_or(true),
            public,
            volumes,
        })
    }

    /// Makes one droplet and begins its create action; returns both identifiers.
    fn make(&self, world: &mut World, name: String) -> Result<(u64, u64), Refusal> {
        let range = world.vpcs.get(&self.vpc).map(|vpc| vpc.range).ok_or_else(Refusal::not_found)?;
        let nth = world.nth("droplet", &name);
        let in_vpc: BTreeSet<Ipv4Addr> =
            world.droplets.values().filter(|droplet| droplet.vpc == self.vpc).map(|droplet| droplet.private).collect();
        let private = ids::private(world.seed, range, &name, nth, |address| in_vpc.contains(&address))
            .ok_or_else(|| Refusal::unprocessable("The VPC network has no free addresses."))?;
        let in_use: BTreeSet<Ipv4Addr> = world.droplets.values().filter_map(|droplet| droplet.public).collect();
        let id = ids::number(world.seed, &["droplet", &name, &nth.to_string()], |id| world.droplets.contains_key(&id));
        let droplet = Droplet {
            id,
            size: self.size.slug.to_owned(),
            disk: self.size.disk,
            image: self.image.id,
            region: self.region.slug.to_owned(),
            power: Power::New,
            created: world.now.0,
            tags: self.tags.iter().map(|tag| tag.to_lowercase()).collect(),
            vpc: self.vpc.clone(),
            public: self.public.then(|| ids::public(world.seed, &name, nth, |address| in_use.contains(&address))),
            private,
            ipv6: self.ipv6,
            backups: self.backups.clone(),
            monitoring: self.monitoring,
            agent: self.agent,
            user_data: self.user_data.clone(),
            ssh_keys: self.ssh_keys.clone(),
            deleting: None,
            address_hidden: 0,
            tags_hidden: 0,
            then_busy: 0,
            vanishes: false,
            joins_after: 0,
            stuck: false,
            shares: false,
            name,
        };
        world.droplets.insert(id, droplet);
        for volume in &self.volumes {
            world.hang(volume, Some(id));
        }
        world.note(Made::Droplet(id));
        let on = Resource::Droplet(id);
        let region = self.region.slug.to_owned();
        Ok((id, world.begin(Begin { kind: "create", on, droplet: Some(id), region, effect: Effect::Boot })))
    }
}

fn wanted_region(body: &Fields) -> Result<&'static Region, Refusal> {
    let invalid = || Refusal::unprocessable("You specified an invalid region for Droplet creation.");
    let Some(slug) = body.text("region")? else {
        return catalog::find_region("nyc3").ok_or_else(invalid);
    };
    let offered = catalog::REGIONS.iter().filter(|region| region.available);
    offered.filter(|region| region.slug.starts_with(&slug)).max_by_key(|region| region.slug == slug).ok_or_else(invalid)
}

fn wanted_image(world: &World, call: &Call<'_>) -> Result<&'static Image, Refusal> {
    let invalid = || Refusal::unprocessable("You specified an invalid image for Droplet creation.");
    let key = match call.body.get("image") {
        Some(Value::String(slug)) => slug.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => return Err(invalid()),
    };
    call.scopes.need("image:read")?;
    world.image(&key).ok_or_else(invalid)
}

fn wanted_vpc(world: &World, call: &Call<'_>, region: &Region) -> Result<String, Refusal> {
    match call.body.text("vpc_uuid")? {
        Some(id) => {
            call.scopes.need("vpc:read")?;
            let vpc = world.vpcs.get(&id).ok_or_else(|| Refusal::unprocessable("The VPC network could not be found."))?;
            if vpc.region == region.slug { Ok(id) } else { Err(Refusal::unprocessable("The VPC network is in another region.")) }
        }
        None => vpcs::default_of(world, region.slug).ok_or_else(|| Refusal::unprocessable("The region has no default VPC network.")),
    }
}

fn wanted_keys(world: &World, call: &Call<'_>) -> Result<Vec<u64>, Refusal> {
    let wanted = call.body.items("ssh_keys")?.unwrap_or_default();
    if !wanted.is_empty() {
        call.scopes.need("ssh_key:read")?;
    }
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for key in &wanted {
        let text = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        match world.find_key(&text) {
            Some(id) => found.push(id),
            None => unknown.push(text),
        }
    }
    match unknown.as_slice() {
        [] => Ok(found),
        [one] => Err(Refusal::unprocessable(format!("{one} is an invalid key identifier for Droplet creation."))),
        many => Err(Refusal::unprocessable(format!("{} are invalid key identifiers for Droplet creation.", many.join(", ")))),
    }
}
