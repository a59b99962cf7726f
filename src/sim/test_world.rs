//! A world to ask in unit tests.

use serde_json::{Value, json};

use super::{Options, Request, Response, Scopes, World};

/// An ed25519 key of no use.
pub(super) const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example";

pub(super) struct TestWorld {
    pub(super) world: World,
    token: String,
}

impl TestWorld {
    pub(super) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(super) fn with(options: Options) -> Self {
        Self { world: World::new(&options), token: "test".to_owned() }
    }

    /// A world whose token has these scopes only.
    pub(super) fn scoped(scopes: &str) -> Self {
        let mut options = Options::default();
        options.tokens.insert("test".to_owned(), Scopes::parse(scopes));
        Self::with(options)
    }

    /// A world with these faults.
    pub(super) fn faulty(faults: &[&str]) -> Self {
        Self::with(Options { faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(), ..Options::default() })
    }

    /// A world in which things are seen unfinished so many times.
    pub(super) fn slow(looks: u32) -> Self {
        Self::with(Options { clock: super::ClockMode::Explicit { looks }, ..Options::default() })
    }

    /// Asks, `POST /droplets` for example, and returns the whole answer.
    pub(super) fn ask(&mut self, asked: &str, body: Value) -> Response {
        let (method, target) = asked.split_once(' ').unwrap();
        let body = (!body.is_null()).then_some(body);
        let request = Request { token: Some(self.token.clone()), ..Request::new(method, &format!("/v2{target}"), body.as_ref()) };
        self.world.handle(&request)
    }

    /// Asks and expects success.
    #[track_caller]
    pub(super) fn ok(&mut self, asked: &str, body: Value) -> Value {
        let response = self.ask(asked, body);
        assert!(response.status < 300, "{asked}: {} {:?}", response.status, response.body);
        response.body.unwrap_or_default()
    }

    /// Asks and expects this status and words in the message.
    #[track_caller]
    pub(super) fn refused(&mut self, asked: &str, body: Value, status: u16, words: &str) {
        let before = self.world.to_json();
        let shown = body.clone();
        let response = self.ask(asked, body);
        let message = response.body.as_ref().map(|body| body["message"].to_string()).unwrap_or_default();
        assert_eq!(response.status, status, "{asked} {shown}: {message}");
        assert!(message.contains(words), "{asked} {shown}: {message} does not say {words:?}");
        if status < 500 {
            let after = self.world.to_json();
            assert_eq!(before["made"], after["made"], "{asked} {shown} made something");
        }
    }

    pub(super) fn get(&mut self, target: &str) -> Value {
        self.ok(&format!("GET {target}"), Value::Null)
    }

    /// Makes a droplet and waits for it; returns its identifier.
    #[track_caller]
    pub(super) fn droplet(&mut self, name: &str) -> u64 {
        let body = self.ok("POST /droplets", wanted(name, json!({})));
        let id = body["droplet"]["id"].as_u64().unwrap();
        self.world.finish_all();
        id
    }
}

/// A droplet's create body with these fields besides.
pub(super) fn wanted(name: &str, more: Value) -> Value {
    let mut body = json!({ "name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-14-04-x64" });
    if let (Value::Object(fields), Value::Object(more)) = (&mut body, more) {
        fields.extend(more);
    }
    body
}
