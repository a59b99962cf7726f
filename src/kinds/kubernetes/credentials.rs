//! Credentials of a cluster, and the file that `kubectl` reads.
//!
//! Invariant: the API gives other credentials each time that it is asked, and they expire. Those that a run with the lock was given
//! are kept in the stack's encrypted file until then, so that what is made of them stays as it is. Nothing of it is in the state.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::pool::{CLUSTER, CLUSTERS};
use crate::attr::{Attr, Ty};
use crate::erased::Fut;
use crate::kept;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Value};

pub(super) const ROWS: &[Attr] = &[
    Attr::computed("raw_config", Ty::String, "The whole file.").sensitive(),
    Attr::computed("host", Ty::String, "The address of the cluster's API."),
    Attr::computed("cluster_ca_certificate", Ty::String, "The certificate of its authority, in base64."),
    Attr::computed("token", Ty::String, "The token that opens it.").sensitive(),
    Attr::computed("client_key", Ty::String, "The key that opens it, where no token does.").sensitive(),
    Attr::computed("client_certificate", Ty::String, "The certificate of that key.").sensitive(),
    Attr::computed("expires_at", Ty::String, "When that is over."),
];

/// For how long, as the configuration says it.
const SECONDS: &str = "kubeconfig_expire_seconds";

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    server: String,
    #[serde(default)]
    certificate_authority_data: String,
    #[serde(default)]
    client_certificate_data: Option<String>,
    #[serde(default)]
    client_key_data: Option<String>,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    expires_at: String,
}

/// Adds the credentials of clusters that have some.
pub(super) fn add<'a>(api: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    Box::pin(async move {
        for body in bodies {
            let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            if !["running", "degraded", "upgrading"].contains(&text("status").as_str()) {
                continue;
            }
            let id = Id(text("id"));
            let mut config = current(api, &id, body.get(SECONDS)).await?;
            config.remove(SECONDS);
            config.insert("raw_config".to_owned(), file(&text("region"), &text("name"), &config).into());
            body.insert("kube_config".to_owned(), Value::List(vec![Value::Map(config)]));
        }
        Ok(())
    })
}

/// Says before the first credentials are asked for how long they are to be good.
pub(super) fn prepare(api: &Client, id: &Id, seconds: Option<i64>) {
    if let Some(seconds) = seconds.filter(|_| kept::of(api, CLUSTER, id).is_empty()) {
        kept::keep(api, CLUSTER, id, Body::from([(SECONDS.to_owned(), seconds.into())]));
    }
}

/// The credentials that are kept and still good, else others.
async fn current(api: &Client, id: &Id, seconds: Option<&Value>) -> Result<Body, ApiError> {
    let kept = kept::of(api, CLUSTER, id);
    if kept::is_good(api, &kept, "expires_at") {
        return Ok(kept);
    }
    let seconds = seconds.or(kept.get(SECONDS)).filter(|seconds| **seconds != Value::Null).map(Value::to_json);
    let text = seconds.as_ref().map_or_else(|| "0".to_owned(), ToString::to_string);
    let path = format!("{CLUSTERS}/{}/credentials", segment(&id.0));
    let answer: Answer = api.get(&path, &[("expiry_seconds", &text)]).await?;
    // Certificate and key come in base64, and are given as texts.
    let decoded = |data: Option<String>| {
        let bytes = data.and_then(|data| STANDARD.decode(data).ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let mut config = Body::from([
        ("host".to_owned(), answer.server.into()),
        ("cluster_ca_certificate".to_owned(), answer.certificate_authority_data.into()),
        ("token".to_owned(), answer.token.unwrap_or_default().into()),
        ("client_key".to_owned(), decoded(answer.client_key_data).into()),
        ("client_certificate".to_owned(), decoded(answer.client_certificate_data).into()),
        ("expires_at".to_owned(), answer.expires_at.into()),
    ]);
    if let Some(seconds) = seconds {
        config.insert(SECONDS.to_owned(), Value::from_json(&seconds));
    }
    kept::keep(api, CLUSTER, id, config.clone());
    Ok(config)
}

/// The file that `kubectl` reads, as the official provider writes it.
fn file(region: &str, name: &str, config: &Body) -> String {
    let of = |name: &str| config.get(name).and_then(Value::as_str).unwrap_or_default();
    let cluster = format!("do-{region}-{name}");
    let data = |field: &str, name: &str| match of(name) {
        "" => String::new(),
        text => format!("    {field}: {}\n", STANDARD.encode(text)),
    };
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    certificate-authority-data: {authority}\n    server: {server}\n  name: {cluster}\n\
         contexts:\n- context:\n    cluster: {cluster}\n    user: {cluster}-admin\n  name: {cluster}\ncurrent-context: {cluster}\nusers:\n\
         - name: {cluster}-admin\n  user:\n{key}{certificate}    token: {token}\n",
        authority = of("cluster_ca_certificate"),
        server = of("host"),
        key = data("client-key-data", "client_key"),
        certificate = data("client-certificate-data", "client_certificate"),
        token = of("token"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_kubectl_is_that_of_the_official_provider() {
        let config = Body::from([
            ("host".to_owned(), "https://h".into()),
            ("cluster_ca_certificate".to_owned(), "Q0E=".into()),
            ("token".to_owned(), "T".into()),
            ("client_key".to_owned(), "K".into()),
        ]);
        let expected = concat!(
            "apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    certificate-authority-data: Q0E=\n    server: https://h\n",
            "  name: do-nyc3-a\ncontexts:\n- context:\n    cluster: do-nyc3-a\n    user: do-nyc3-a-admin\n  name: do-nyc3-a\n",
            "current-context: do-nyc3-a\nusers:\n- name: do-nyc3-a-admin\n  user:\n    client-key-data: Sw==\n    token: T\n",
        );
        assert_eq!(file("nyc3", "a", &config), expected);
    }
}
