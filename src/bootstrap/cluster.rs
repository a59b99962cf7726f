//! Stacks with clusters in them: each block `dofloat_cluster` stands for the resources that it is made of.
//!
//! Invariant: pure. What comes out is as ordinary as if the user had written it; who comes after is told which nodes are a pair. The
//! holder of a cluster's address is the cluster's own business: it is set once and never compared.

mod checks;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use rules::rules_of;

use super::arbiter::{self, ArbiterAccess, Certificates};
use super::children::{self, ClusterContext, Part};
use super::schema::{self, Arbiter, Block, Complaint, KIND, number, text};
use super::scripts::scripts_of;
use super::user_data::{self, Fencing, Links, Listen, NoQuorumPolicy, Node, Release, Service, Transport};
use dofloat_base::address::Address;
use dofloat_base::desired::{Desired, Known, Lifecycle, Output, Pair, Reading, Resolve, Trigger, Wanted, Watch};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::provision::{Provisioner, Provisions, When};
use dofloat_base::secret::Secret;
use dofloat_base::value::{Body, Origin, Term, Value};

/// Everything that an expansion needs besides the configuration.
#[derive(Clone, Debug)]
pub struct ExpandContext {
    /// The stack's name.
    pub stack: String,
    /// The stack's mark.
    pub mark: String,
    /// The key of the stack's digests.
    pub salt: Salt,
    /// Where the nodes find the API.
    pub api_url: String,
    /// The recorded attributes of the clusters' parts.
    pub remembered: BTreeMap<Address, Body>,
    /// Whether the secrets that were made are still there.
    pub kept: bool,
    /// How a missing token is treated.
    pub missing_token: MissingToken,
    /// Whether nodes that run an older dofloat's scripts are replaced.
    pub upgrade: bool,
    /// Whether everything is taken down: then what cannot be known need not be.
    pub leaving: bool,
}

/// The secrets of one cluster.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Corosync's key, in base64.
    pub authkey: Secret<String>,
    /// The nodes' token.
    pub token: Secret<String>,
    /// The certificates between the pair and its arbiter, if it has one.
    pub certificates: Option<Certificates>,
    /// The pair's own key and certificate for it.
    pub pair: Option<Secret<String>>,
}

/// The digests of a cluster's secrets, as far as they are known.
#[derive(Default)]
struct Digests {
    authkey: Option<Digest>,
    token: Option<Digest>,
    certificates: Option<Digest>,
}

/// How a missing token is treated.
#[derive(Clone, Debug)]
pub enum MissingToken {
    /// Nothing: it must be given.
    Refuse,
    /// It need not be known.
    Unknown,
    /// This one, of a simulated account.
    Simulated(Secret<String>),
}

/// A configuration whose clusters are expanded. It is planned without secrets, by their digests, and applied with them.
#[derive(Clone)]
pub struct Expanded<'a> {
    inner: &'a dyn Resolve,
    context: ExpandContext,
    desired: Desired,
    clusters: BTreeSet<Address>,
    external_arbiters: BTreeMap<Address, String>,
    /// The secrets of clusters whose nodes are made.
    keys: BTreeMap<Address, Keys>,
}

/// A configuration and what makes it whole.
impl<'a> Expanded<'a> {
    /// Expands the clusters of a configuration.
    ///
    /// # Errors
    /// The errors in the blocks that can be found before any request.
    pub fn new(inner: &'a dyn Resolve, context: ExpandContext) -> Result<Self, Vec<Diagnostic>> {
        let clusters: BTreeSet<Address> =
            inner.desired().resources.keys().filter(|address| address.whole().is_none() && address.kind == KIND).cloned().collect();
        let mut all =
            Self { inner, context, desired: Desired::default(), clusters, external_arbiters: BTreeMap::new(), keys: BTreeMap::new() };
        all.external_arbiters = all.external_arbiters();
        all.desired = all.expand()?;
        Ok(all)
    }

    /// Whether there is a cluster at all.
    #[must_use]
    pub fn has_clusters(&self) -> bool {
        !self.clusters.is_empty()
    }

    /// The clusters.
    #[must_use]
    pub fn clusters(&self) -> &BTreeSet<Address> {
        &self.clusters
    }

    /// The same configuration, with the secrets of clusters at hand.
    #[must_use]
    pub fn with_keys(&self, keys: BTreeMap<Address, Keys>) -> Self {
        Self { keys, ..self.clone() }
    }

    /// The token that is given to a cluster's nodes, if one is; unknown parts count as none.
    #[must_use]
    pub fn token(&self, cluster: &Address) -> Option<Secret<String>> {
        let block = self.block(cluster, &unknown).ok()?;
        self.given_token(&block)
    }

    /// Where a cluster's block says that its nodes find the API.
    #[must_use]
    pub fn api_url(&self, cluster: &Address) -> Option<String> {
        text(&self.block(cluster, &unknown).ok()?, "api_url").map(str::to_owned)
    }

    /// The arguments of a cluster as far as they are known.
    ///
    /// # Errors
    /// Their errors.
    pub fn arguments(&self, cluster: &Address, known: &Known<'_>) -> Result<Block, Vec<Diagnostic>> {
        self.block(cluster, &|of: &Address| self.known(of, known))
    }

    /// The nodes of a cluster that `address` names; none if it names no cluster.
    #[must_use]
    pub fn nodes(&self, address: &Address) -> Option<Vec<Address>> {
        let named = |part: &&Address| self.cluster_of(part).is_some_and(|(cluster, _)| address.covers(cluster));
        let is_node = |part: &&Address| matches!(Part::of(part), Some(Part::Node(_)));
        (address.whole().is_none() && address.kind == KIND)
            .then(|| self.desired.resources.keys().filter(named).filter(is_node).cloned().collect())
    }

    /// The name by which an arbiter knows a cluster; none if it has no arbiter.
    #[must_use]
    pub fn known_to_arbiter(&self, cluster: &Address) -> Option<String> {
        let block = self.block(cluster, &unknown).ok()?;
        Arbiter::of(&block)?;
        text(&block, "cluster_name").map(str::to_owned)
    }

    /// The clusters whose arbiter is a host that is one already, with their tags: it may be that of another cluster of the stack.
    fn external_arbiters(&self) -> BTreeMap<Address, String> {
        let is_guest = |cluster: &&Address| {
            let block = self.block(cluster, &unknown).unwrap_or_default();
            matches!(Arbiter::of(&block), Some(Arbiter::At(_)))
        };
        let tag = |cluster: &Address| self.cluster_context(cluster, &Block::new(), &unknown).tag();
        self.clusters.iter().filter(is_guest).map(|cluster| (cluster.clone(), tag(cluster))).collect()
    }

    fn expand(&self) -> Result<Desired, Vec<Diagnostic>> {
        let (mut parts, mut errors) = (BTreeMap::new(), Vec::new());
        for cluster in &self.clusters {
            match self.parts(cluster) {
                Ok(found) => {
                    parts.insert(cluster.clone(), found);
                }
                Err(found) => errors.extend(found),
            }
        }
        errors.extend(self.duplicates(&parts));
        if !errors.is_empty() {
            return Err(errors);
        }
        let opened = |after: &BTreeSet<Address>| {
            let one = |address: &Address| match parts.get(address) {
                Some(parts) => parts.keys().cloned().collect(),
                None => vec![address.clone()],
            };
            after.iter().flat_map(one).collect::<BTreeSet<Address>>()
        };
        let inner = self.inner.desired();
        let (moves, removals, imports) = (inner.moves.clone(), inner.removals.clone(), inner.imports.clone());
        let mut desired = Desired { moves, removals, imports, blocks: inner.blocks.clone(), ..Desired::default() };
        for (address, reading) in &inner.data {
            let (after, depends_on) = (opened(&reading.after), opened(&reading.depends_on));
            desired.data.insert(address.clone(), Reading { after, depends_on, checks: reading.checks, span: reading.span.clone() });
        }
        for (address, wanted) in &self.inner.desired().resources {
            let mut rules = wanted.rules.clone();
            rules.replace_triggered_by = rules.replace_triggered_by.iter().flat_map(|trigger| self.trigger(trigger, &parts)).collect();
            let before = opened(&wanted.after);
            let Some(parts) = parts.get(address) else {
                desired.resources.insert(address.clone(), Wanted { after: before, rules, span: wanted.span.clone() });
                continue;
            };
            desired.pairs.insert(address.clone(), self.pair(address, parts));
            let powers_on = self.powers_on(address);
            for (part, own) in parts {
                // A tag needs nothing of what the block names, and the arbiter of another pair must let in whoever has it.
                let is_guest = Part::of(part) == Some(Part::Tag) && self.external_arbiters.contains_key(address);
                let after = own.iter().chain(if is_guest { None } else { Some(&before) }.into_iter().flatten()).cloned().collect();
                let rules = Part::of(part).map_or_else(Lifecycle::default, |part| rules_of(part, &rules, powers_on));
                desired.resources.insert(part.clone(), Wanted { after, rules, span: wanted.span.clone() });
            }
        }
        let address = |part: &&Address| {
            let of_cluster = part.whole().is_some_and(|whole| whole.kind == KIND);
            of_cluster && Part::of(part) == Some(Part::Address) && !desired.resources.contains_key(*part)
        };
        desired.kept = self.context.remembered.keys().filter(address).cloned().collect();
        Ok(desired)
    }

    /// The parts of a cluster, each with what it is built upon.
    fn parts(&self, cluster: &Address) -> Result<BTreeMap<Address, BTreeSet<Address>>, Vec<Diagnostic>> {
        if self.context.leaving {
            let own = self.context.remembered.keys().filter(|address| address.whole() == Some(cluster));
            return Ok(own.map(|address| (address.clone(), BTreeSet::new())).collect());
        }
        let span = self.inner.desired().resources.get(cluster).map(|wanted| wanted.span.clone());
        if self.inner.desired().resources.get(cluster).is_some_and(|wanted| wanted.rules.create_before_destroy) {
            return Err(vec![
                Diagnostic::error("`create_before_destroy` is not supported in a cluster.")
                    .at(span)
                    .about(cluster)
                    .hint("Remove it: the nodes are replaced one at a time, so one of them always serves."),
            ]);
        }
        let block = self.block(cluster, &unknown)?;
        let Some(names) = schema::names(&block) else {
            return Err(vec![
                Diagnostic::error(format!("`nodes` of {cluster} is not known before apply."))
                    .at(self.inner.span(cluster, &["nodes"]))
                    .about(cluster)
                    .hint("The names must come from variables and local values alone."),
            ]);
        };
        let own_arbiter = matches!(Arbiter::of(&block), Some(Arbiter::Own(_)));
        let parts = children::parts(&names, !block.contains_key("vpc_uuid"), own_arbiter);
        let at = |part: Part<'_>| part.at(cluster);
        let mut parts: BTreeMap<Address, BTreeSet<Address>> =
            parts.into_iter().map(|(part, upon)| (at(part), upon.into_iter().map(at).collect())).collect();
        if let Some(upon) = parts.get_mut(&at(Part::ArbiterFirewall)) {
            upon.extend(self.external_arbiters.keys().map(|guest| Part::Tag.at(guest)));
        }
        Ok(parts)
    }

    fn pair(&self, cluster: &Address, parts: &BTreeMap<Address, BTreeSet<Address>>) -> Pair {
        let block = self.block(cluster, &unknown).unwrap_or_default();
        let names = schema::names(&block).unwrap_or_default();
        let nodes = names.iter().map(|name| Part::Node(name).at(cluster)).filter(|node| parts.contains_key(node)).collect();
        let gated = text(&block, "wait_for") != Some("created");
        Pair { nodes, holder: (Part::Assignment.at(cluster), "droplet_id".to_owned()), gated }
    }

    /// Whether nodes that are off are powered on. While that is not known, they are left as they are.
    #[must_use]
    pub fn powers_on(&self, cluster: &Address) -> bool {
        self.block(cluster, &unknown).is_ok_and(|block| text(&block, "power_state") == Some("on"))
    }

    fn trigger(&self, trigger: &Trigger, parts: &BTreeMap<Address, BTreeMap<Address, BTreeSet<Address>>>) -> Vec<Trigger> {
        let Some(parts) = parts.get(&trigger.address) else { return vec![trigger.clone()] };
        let of = |address: &Address, attribute: Option<&str>| Trigger { address: address.clone(), attribute: attribute.map(str::to_owned) };
        match trigger.attribute.as_deref() {
            None => parts.keys().map(|part| of(part, None)).collect(),
            Some("ip") => vec![of(&Part::Address.at(&trigger.address), None)],
            Some(_) => parts.keys().filter(|part| matches!(Part::of(part), Some(Part::Node(_)))).map(|part| of(part, None)).collect(),
        }
    }

    /// The known attributes at an address, including clusters.
    fn known(&self, of: &Address, known: &Known<'_>) -> Term {
        if !self.clusters.contains(of) {
            return known(of);
        }
        match self.block(of, &|other: &Address| self.known(other, known)) {
            Ok(block) => self.cluster_context(of, &block, known).seen(),
            // What is wrong with it is told where it is asked for itself.
            Err(_) => Term::Unknown(Origin { address: Some(of.clone()), ..Origin::default() }),
        }
    }

    fn block(&self, cluster: &Address, known: &Known<'_>) -> Result<Block, Vec<Diagnostic>> {
        let body = self.inner.body(cluster, known)?;
        let to_diagnostic = |complaint: Complaint| {
            let path = Some(complaint.argument).filter(|argument| !argument.is_empty());
            let diagnostic = Diagnostic::error(complaint.message).at(self.inner.span(cluster, path.as_slice())).about(cluster);
            if complaint.hint.is_empty() { diagnostic } else { diagnostic.hint(complaint.hint) }
        };
        schema::read(&body).map_err(|complaints| complaints.into_iter().map(to_diagnostic).collect())
    }

    fn cluster_context<'p>(&'p self, address: &'p Address, block: &'p Block, known: &'p Known<'p>) -> ClusterContext<'p> {
        let ExpandContext { stack, mark, api_url, salt, .. } = &self.context;
        ClusterContext {
            address,
            block,
            known,
            stack,
            mark,
            api_url,
            salt,
            authkey: None,
            token: None,
            scripts: None,
            certificates: None,
            external_arbiters: &[],
        }
    }

    fn given_token(&self, block: &Block) -> Option<Secret<String>> {
        match block.get("failover_token") {
            Some(term) => term.sealed()?.map(|value| value.as_str().map(str::to_owned).ok_or(())).transpose().ok(),
            None => match &self.context.missing_token {
                MissingToken::Simulated(token) => Some(token.clone()),
                MissingToken::Refuse | MissingToken::Unknown => None,
            },
        }
    }

    /// The recorded inputs of a cluster's nodes.
    fn remembered(&self, cluster: &Address, name: &str) -> Option<String> {
        let keys = self.context.remembered.get(&Part::Keys.at(cluster))?;
        let of = |part: &str| keys.get(part)?.as_map()?.get(name)?.as_str();
        of("input").or_else(|| of("triggers_replace")).map(str::to_owned)
    }

    /// Whether the nodes of a cluster run an older dofloat's scripts, and are left so.
    #[must_use]
    pub fn is_older(&self, cluster: &Address) -> bool {
        let Ok(block) = self.block(cluster, &unknown) else { return false };
        let (current, remembered) = (scripts_of(&block), self.remembered_scripts(cluster, &block));
        remembered.is_some() && current.is_some() && remembered != current
    }

    /// The scripts that the nodes of a cluster run, where those nodes stay: another release has other ones, and its nodes are new.
    fn remembered_scripts(&self, cluster: &Address, block: &Block) -> Option<String> {
        let release = self.remembered(cluster, "corosync").and_then(|text| Some(text.split_once('-')?.0.to_owned()));
        let stays = release.is_none() || children::release(block).is_none_or(|new| Some(new) == release);
        self.remembered(cluster, "scripts").filter(|_| stays && !self.context.upgrade)
    }

    /// The token scopes that a cluster's nodes need.
    #[must_use]
    pub fn scopes(&self, cluster: &Address) -> Vec<&'static str> {
        children::scopes(&self.block(cluster, &unknown).unwrap_or_default())
    }

    /// The digests of a cluster's secrets: of those at hand, else as they are remembered.
    fn digests(&self, cluster: &Address, block: &Block) -> Result<Digests, Vec<Diagnostic>> {
        let of = |secret: &Secret<String>| Digest::of(&secret.map(|text| Value::from(text.as_str())), &self.context.salt);
        if let Some(keys) = self.keys.get(cluster) {
            let certificates = keys.certificates.as_ref().map(|certificates| certificates.digest(&self.context.salt));
            return Ok(Digests { authkey: Some(of(&keys.authkey)), token: Some(of(&keys.token)), certificates });
        }
        let remembered = |name: &str| Digest::from_text(&self.remembered(cluster, name).filter(|_| self.context.kept)?);
        let token = match self.given_token(block) {
            Some(token) => Some(of(&token)),
            None if block.contains_key("failover_token") => None,
            None => match (remembered("token"), &self.context.missing_token) {
                (None, MissingToken::Refuse) => return Err(vec![self.no_token(cluster)]),
                (found, _) => found,
            },
        };
        Ok(Digests { authkey: remembered("authkey"), token, certificates: remembered("arbiter") })
    }

    fn no_token(&self, cluster: &Address) -> Diagnostic {
        Diagnostic::error(format!("{cluster} has no `failover_token`, which its nodes need to move the address."))
            .at(self.inner.span(cluster, &["failover_token"]))
            .about(cluster)
            .hint(
                "Create a token at https://cloud.digitalocean.com/account/api/tokens with the scopes that `dofloat scopes` lists for \
                 the nodes, and pass it in a variable, for example with TF_VAR_failover_token. It is kept encrypted from then on.",
            )
    }

    fn user_data(&self, cluster: &Address, name: &str, known: &Known<'_>) -> Result<Secret<String>, Vec<Diagnostic>> {
        let block = self.block(cluster, &|other: &Address| self.known(other, known))?;
        let cluster_context = self.cluster_context(cluster, &block, known);
        let fail = |message: String| {
            vec![Diagnostic::error(message).at(self.inner.span(cluster, &["user_data"])).about(Part::Node(name).at(cluster))]
        };
        let address = (cluster_context.known)(&Part::Address.at(cluster)).get("ip_address");
        let address = address.value().and_then(Value::as_str).and_then(|text| text.parse().ok());
        let (Some(node), Some(address)) = (self.keys.get(cluster), address) else {
            return Err(fail(format!("The secrets or the address of {cluster} are not available.")));
        };
        let not_known = || fail(format!("The arguments of {cluster} are not all known."));
        let arbiter = match Arbiter::of(&block) {
            None => None,
            Some(Arbiter::Own(_)) => Some((cluster_context.known)(&Part::Arbiter.at(cluster)).get("ipv4_address")),
            Some(Arbiter::At(address)) => Some(address),
        };
        let arbiter = match (arbiter, &node.certificates, &node.pair) {
            (None, ..) => None,
            (Some(address), Some(certificates), Some(pair)) => {
                let address = address.value().and_then(Value::as_str).ok_or_else(not_known)?.to_owned();
                Some(ArbiterAccess { address, authority: certificates.authority.clone(), pair: pair.clone() })
            }
            _ => return Err(not_known()),
        };
        let node = node_of(&block, name, &cluster_context.tag(), address, &self.context.api_url, node).ok_or_else(not_known)?;
        let node = Node { arbiter, ..node };
        user_data::render(&node).map_err(|error| fail(format!("{cluster}: {error}.")))
    }

    fn cluster_of<'b>(&self, of: &'b Address) -> Option<(&'b Address, Part<'b>)> {
        let cluster = of.whole().filter(|cluster| self.clusters.contains(*cluster))?;
        Some((cluster, Part::of(of)?))
    }
}

fn unknown(_: &Address) -> Term {
    Term::Unknown(Origin::default())
}

/// A node, if all that it is made from is known.
fn node_of(block: &Block, name: &str, tag: &str, floating_ip: Ipv4Addr, api_url: &str, keys: &Keys) -> Option<Node> {
    let release = Release::of_image(text(block, "image")?)?;
    let user_script = match block.get("user_data") {
        Some(script) => Some(script.sealed()?.map(|value| value.as_str().map(str::to_owned).ok_or(())).transpose().ok()?),
        None => None,
    };
    let whole = |name: &str| u32::try_from(number(block, name)?).ok();
    let transport = match (text(block, "transport"), release) {
        (Some("udpu"), _) | (_, Release::Trusty) => Transport::Udpu,
        (_, Release::Modern) => Transport::Knet,
    };
    Some(Node {
        release,
        cluster_name: text(block, "cluster_name")?.to_owned(),
        name: name.to_owned(),
        nodes: schema::names(block)?,
        tag: tag.to_owned(),
        floating_ip,
        api_url: text(block, "api_url").unwrap_or(api_url).to_owned(),
        health_port: u16::try_from(number(block, "health_port")?).ok()?,
        health_path: text(block, "health_path")?.to_owned(),
        service: if text(block, "service")? == "none" { Service::None } else { Service::Nginx },
        transport,
        links: if transport == Transport::Knet && text(block, "links") != Some("private") { Links::Both } else { Links::Private },
        token_timeout: match block.get("token_timeout") {
            Some(_) => Some(whole("token_timeout")?),
            None => None,
        },
        no_quorum_policy: if text(block, "no_quorum_policy")? == "ignore" { NoQuorumPolicy::Ignore } else { NoQuorumPolicy::Stop },
        fencing: if text(block, "fencing")? == "api" { Fencing::Api { delay: whole("fencing_delay")? } } else { Fencing::None },
        timezone: text(block, "timezone")?.to_owned(),
        listen: if text(block, "listen")? == "anchor" { Listen::Anchor } else { Listen::Any },
        user_script,
        user_script_timeout: whole("user_data_timeout")?,
        authkey: keys.authkey.clone(),
        token: keys.token.clone(),
        arbiter: None,
    })
}

impl Resolve for Expanded<'_> {
    fn desired(&self) -> &Desired {
        &self.desired
    }

    fn begin(&self) {
        self.inner.begin();
    }

    fn body(&self, of: &Address, known: &Known<'_>) -> Result<Term, Vec<Diagnostic>> {
        let Some((cluster, part)) = self.cluster_of(of) else {
            return self.inner.body(of, &|other: &Address| self.known(other, known));
        };
        let block = self.block(cluster, &|other: &Address| self.known(other, known))?;
        if part != Part::Keys {
            let others = |guest: &&Address| *guest != cluster;
            let external_arbiters: Vec<String> =
                self.external_arbiters.keys().filter(others).filter_map(|guest| self.external_arbiters.get(guest)).cloned().collect();
            return Ok(ClusterContext { external_arbiters: &external_arbiters, ..self.cluster_context(cluster, &block, known) }.body(part));
        }
        let Digests { authkey, token, certificates } = self.digests(cluster, &block)?;
        let scripts = self.remembered_scripts(cluster, &block).or_else(|| scripts_of(&block));
        let cluster_context = ClusterContext {
            authkey: authkey.as_ref(),
            token: token.as_ref(),
            scripts: scripts.as_deref(),
            certificates: certificates.as_ref(),
            ..self.cluster_context(cluster, &block, known)
        };
        Ok(cluster_context.body(part))
    }

    fn sent(&self, of: &Address, mut body: BTreeMap<String, Term>, known: &Known<'_>) -> Result<BTreeMap<String, Term>, Vec<Diagnostic>> {
        let text = match self.cluster_of(of) {
            Some((cluster, Part::Node(name))) => Some(self.user_data(cluster, name, known)?),
            Some((cluster, Part::Arbiter)) => self.keys.get(cluster).and_then(|keys| keys.certificates.as_ref()).map(arbiter::script),
            _ => None,
        };
        if let Some(text) = text {
            body.insert("user_data".to_owned(), Term::Secret(text.map(|text| Value::from(text.as_str()))));
        }
        Ok(body)
    }

    fn made_from(&self, of: &Address, known: &Known<'_>) -> BTreeMap<String, Term> {
        let Some((cluster, Part::Node(_))) = self.cluster_of(of) else { return self.inner.made_from(of, known) };
        match self.block(cluster, &|other: &Address| self.known(other, known)) {
            Ok(block) => self.cluster_context(cluster, &block, known).made_from(),
            // What is wrong with it is told where its body is asked for.
            Err(_) => BTreeMap::new(),
        }
    }

    fn accepts(&self, of: &Address, path: &[&str], value: &str) -> bool {
        match self.cluster_of(of) {
            Some((_, Part::Node(_))) if path == ["image"] => Release::of_image(value).is_some(),
            _ => self.inner.accepts(of, path, value),
        }
    }

    fn watch(&self, pair: &Address, known: &Known<'_>) -> Option<Watch> {
        let block = self.block(pair, &|other: &Address| self.known(other, known)).ok()?;
        let of = |part: Part<'_>, attribute: &str| match known(&part.at(pair)).get(attribute) {
            Term::Value(Value::Str(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        let nodes = schema::names(&block)?.into_iter().map(|name| {
            let address = of(Part::Node(&name), "ipv4_address");
            (name, address)
        });
        Some(Watch {
            pair: pair.clone(),
            nodes: nodes.collect(),
            place: format!(":{}{}", number(&block, "health_port")?, text(&block, "health_path")?),
            address: of(Part::Address, "ip_address"),
            serves: text(&block, "service") != Some("none"),
            limit: Duration::from_secs(number(&block, "wait_limit")?),
        })
    }

    fn provisions(&self, of: &Address) -> Provisions {
        self.inner.provisions(of)
    }

    fn provisioners(&self, of: &Address, when: When, this: &Term, known: &Known<'_>) -> Result<Vec<Provisioner>, Vec<Diagnostic>> {
        self.inner.provisioners(of, when, this, &|other: &Address| self.known(other, known))
    }

    fn check(&self, of: &Address, known: &Known<'_>) -> Result<(), Vec<Diagnostic>> {
        let known = |other: &Address| self.known(other, known);
        match self.cluster_of(of) {
            // The last part to be made: now all is known of the cluster that will be.
            Some((cluster, Part::Assignment)) => self.inner.check(cluster, &known),
            Some(_) => Ok(()),
            None => self.inner.check(of, &known),
        }
    }

    fn outputs(&self, known: &Known<'_>) -> Result<BTreeMap<String, Output>, Vec<Diagnostic>> {
        self.inner.outputs(&|other: &Address| self.known(other, known))
    }

    fn checks(&self, known: &Known<'_>) -> Vec<Diagnostic> {
        self.inner.checks(&|other: &Address| self.known(other, known))
    }

    fn span(&self, of: &Address, path: &[&str]) -> Option<Span> {
        let Some((cluster, part)) = self.cluster_of(of) else { return self.inner.span(of, path) };
        let argument = part.argument(path.first().copied());
        let path = Some(argument).filter(|argument| !argument.is_empty());
        self.inner.span(cluster, path.as_slice())
    }
}
