//! Buckets of Spaces, and what lies in them.
//!
//! Invariant: attributes and arguments are the official provider's. They are opened by a key of their own, not by the account's token.

use serde::Deserialize;

use super::filter;
use super::source::{Asked, Source, argument};
use crate::attr::{Attr, Change, Ty};
use crate::erased::Fut;
use crate::spaces::{self, ZONE};
use dofloat_api::client::Client;
use dofloat_api::space_request::{SpaceRequest, Verb};
use dofloat_base::digest::sha256_hex;
use dofloat_base::value::{Body, Value};

pub(super) static SOURCES: [Source; 4] = [
    Source::asked("digitalocean_spaces_bucket", &BUCKET),
    Source::asked("digitalocean_spaces_bucket_object", &OBJECT),
    Source::asked("digitalocean_spaces_bucket_objects", &OBJECTS),
    Source::asked("digitalocean_spaces_buckets", &BUCKETS),
];

const REGION: Attr = Attr::required("region", Ty::String, Change::Local, "The slug of the region that it is in.");
const BUCKET_NAME: Attr = Attr::required("bucket", Ty::String, Change::Local, "The name of the bucket.");

static BUCKET: Asked = Asked {
    rows: &[
        Attr::required("name", Ty::String, Change::Local, "Its name."),
        REGION,
        Attr::computed("urn", Ty::String, "The uniform resource name."),
        Attr::computed("bucket_domain_name", Ty::String, "Its own domain name."),
        Attr::computed("endpoint", Ty::String, "The domain name of the region's Spaces."),
    ],
    records: &[],
    lacks: Some(("bucket", "name")),
    scopes: &[],
    read: bucket,
};

const RECORD: &[Attr] = &[
    Attr::computed("name", Ty::String, "Its name."),
    Attr::computed("region", Ty::String, "The slug of the region that it is in."),
    Attr::computed("urn", Ty::String, "The uniform resource name."),
    Attr::computed("bucket_domain_name", Ty::String, "Its own domain name."),
    Attr::computed("endpoint", Ty::String, "The domain name of the region's Spaces."),
];

static BUCKETS: Asked = Asked {
    rows: &[filter::BLOCKS[0], filter::BLOCKS[1], Attr::computed("buckets", Ty::List(&Ty::Object(RECORD)), "Those that were found.")],
    records: RECORD,
    lacks: None,
    scopes: &[],
    read: buckets,
};

static OBJECT: Asked = Asked {
    rows: &[
        BUCKET_NAME,
        REGION,
        Attr::required("key", Ty::String, Change::Local, "Its name."),
        argument("range", Ty::String, "The part of it that is read: bytes=0-99."),
        Attr::chosen("version_id", Ty::String, Change::Local, "Its version."),
        Attr::computed("body", Ty::String, "What it holds, if that is a text."),
        Attr::computed("cache_control", Ty::String, "For how long it may be kept by others."),
        Attr::computed("content_disposition", Ty::String, "How it is to be shown."),
        Attr::computed("content_encoding", Ty::String, "How its content is packed."),
        Attr::computed("content_language", Ty::String, "The language that it is in."),
        Attr::computed("content_length", Ty::Number, "How many bytes it has."),
        Attr::computed("content_type", Ty::String, "What it is."),
        Attr::computed("etag", Ty::String, "The MD5 digest of its content."),
        Attr::computed("expiration", Ty::String, "When it is deleted by itself."),
        Attr::computed("expires", Ty::String, "Until when it may be kept by others."),
        Attr::computed("last_modified", Ty::String, "When it was changed."),
        Attr::computed("metadata", Ty::Map(&Ty::String), "More words about it."),
        Attr::computed("website_redirect_location", Ty::String, "Where it leads to."),
    ],
    records: &[],
    lacks: Some(("object", "key")),
    scopes: &[],
    read: object,
};

static OBJECTS: Asked = Asked {
    rows: &[
        BUCKET_NAME,
        REGION,
        argument("prefix", Ty::String, "What their names begin with."),
        argument("delimiter", Ty::String, "What parts their names into folders."),
        argument("encoding_type", Ty::String, "How names are spelt: url."),
        argument("max_keys", Ty::Number, "How many at most; 1000 otherwise."),
        Attr::computed("keys", Ty::List(&Ty::String), "Their names."),
        Attr::computed("common_prefixes", Ty::List(&Ty::String), "The folders."),
        Attr::computed("owners", Ty::List(&Ty::String), "Whose they are."),
    ],
    records: &[],
    lacks: Some(("bucket", "bucket")),
    scopes: &[],
    read: objects,
};

fn of<'a>(given: &'a Body, name: &str) -> &'a str {
    given.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn record(name: &str, region: &str) -> Body {
    let fields = [
        ("name", name.to_owned()),
        ("region", region.to_owned()),
        ("urn", format!("do:space:{name}")),
        ("bucket_domain_name", format!("{name}.{region}.{ZONE}")),
        ("endpoint", format!("{region}.{ZONE}")),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn bucket<'a>(api: &'a Client, given: &'a Body) -> Fut<'a, Body> {
    Box::pin(async move {
        let (name, region) = (of(given, "name"), of(given, "region").to_lowercase());
        api.space(&SpaceRequest::new(Verb::Get, &region, name, "location")).await?;
        let mut body = record(name, &region);
        body.insert("id".to_owned(), name.into());
        Ok(body)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Listed {
    buckets: Buckets,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Buckets {
    bucket: Vec<Named>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Named {
    name: String,
}

fn buckets<'a>(api: &'a Client, given: &'a Body) -> Fut<'a, Body> {
    Box::pin(async move {
        let mut all = Vec::new();
        for region in spaces::LISTED {
            let listed: Listed = api.space(&SpaceRequest::new(Verb::Get, region, "", "")).await?.xml()?;
            all.extend(listed.buckets.bucket.iter().map(|bucket| record(&bucket.name, region)));
        }
        let chosen = Value::List(filter::chosen(RECORD, all, given).into_iter().map(Value::Map).collect());
        let id = format!("buckets/{}", &sha256_hex(chosen.to_json().to_string().as_bytes())[..16]);
        Ok(Body::from([("buckets".to_owned(), chosen), ("id".to_owned(), id.into())]))
    })
}

fn object<'a>(api: &'a Client, given: &'a Body) -> Fut<'a, Body> {
    Box::pin(async move {
        let (region, bucket, key) = (of(given, "region").to_lowercase(), of(given, "bucket"), of(given, "key"));
        let ask = |verb: Verb| {
            let mut request = SpaceRequest::new(verb, &region, bucket, "").of(key);
            if !of(given, "version_id").is_empty() {
                request = request.asking("versionId", of(given, "version_id"));
            }
            if !of(given, "range").is_empty() {
                request = request.header("range", of(given, "range"));
            }
            request
        };
        let head = api.space(&ask(Verb::Head)).await?;
        let text = |name: &str| Value::from(head.header(name).unwrap_or_default());
        let kind = head.header("content-type").unwrap_or_default();
        let is_text = kind.starts_with("text/") || kind == "application/json";
        let content = if is_text { api.space(&ask(Verb::Get)).await?.body } else { Vec::new() };
        let metadata = head.headers().filter_map(|(name, value)| Some((name.strip_prefix("x-amz-meta-")?.to_owned(), Value::from(value))));
        let length: i64 = head.header("content-length").and_then(|text| text.parse().ok()).unwrap_or_default();
        let mut body = Body::from([
            ("body".to_owned(), String::from_utf8_lossy(&content).into_owned().into()),
            ("content_length".to_owned(), length.into()),
            ("etag".to_owned(), head.header("etag").unwrap_or_default().trim_matches('"').into()),
            ("metadata".to_owned(), Value::Map(metadata.collect())),
            ("id".to_owned(), format!("{bucket}/{key}").into()),
        ]);
        for (name, header) in [
            ("cache_control", "cache-control"),
            ("content_disposition", "content-disposition"),
            ("content_encoding", "content-encoding"),
            ("content_language", "content-language"),
            ("content_type", "content-type"),
            ("expiration", "x-amz-expiration"),
            ("expires", "expires"),
            ("last_modified", "last-modified"),
            ("version_id", "x-amz-version-id"),
            ("website_redirect_location", "x-amz-website-redirect-location"),
        ] {
            body.insert(name.to_owned(), text(header));
        }
        Ok(body)
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Page {
    contents: Vec<Content>,
    common_prefixes: Vec<Prefix>,
    next_continuation_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Content {
    key: String,
    owner: Option<Owner>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Owner {
    #[serde(rename = "ID")]
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Prefix {
    prefix: String,
}

/// What one list shows at most.
const PAGE: usize = 1000;

fn objects<'a>(api: &'a Client, given: &'a Body) -> Fut<'a, Body> {
    Box::pin(async move {
        let (region, bucket) = (of(given, "region").to_lowercase(), of(given, "bucket"));
        let wanted = given.get("max_keys").and_then(|most| most.to_json().as_u64()).and_then(|most| usize::try_from(most).ok());
        let most = wanted.unwrap_or(PAGE);
        let (mut all, mut folders, mut token) = (Vec::new(), Vec::new(), None::<String>);
        loop {
            let left = most.saturating_sub(all.len()).min(PAGE);
            let mut request = SpaceRequest::new(Verb::Get, &region, bucket, "").asking("list-type", "2").asking("fetch-owner", "true");
            request = request.asking("max-keys", left.to_string());
            for (argument, name) in [("prefix", "prefix"), ("delimiter", "delimiter"), ("encoding_type", "encoding-type")] {
                if !of(given, argument).is_empty() {
                    request = request.asking(name, of(given, argument));
                }
            }
            if let Some(token) = token.take() {
                request = request.asking("continuation-token", token);
            }
            let page: Page = api.space(&request).await?.xml()?;
            folders.extend(page.common_prefixes.into_iter().map(|of| of.prefix));
            all.extend(page.contents);
            match page.next_continuation_token.filter(|_| all.len() < most) {
                Some(next) if !next.is_empty() => token = Some(next),
                _ => break,
            }
        }
        all.truncate(most);
        let texts = |all: Vec<String>| Value::List(all.into_iter().map(Value::from).collect());
        let owners = all.iter().filter_map(|of| Some(of.owner.as_ref()?.id.clone())).collect();
        let keys: Vec<String> = all.into_iter().map(|of| of.key).collect();
        let id = format!("{bucket}/{}", &sha256_hex(keys.join("\n").as_bytes())[..16]);
        Ok(Body::from([
            ("keys".to_owned(), texts(keys)),
            ("common_prefixes".to_owned(), texts(folders)),
            ("owners".to_owned(), texts(owners)),
            ("id".to_owned(), id.into()),
        ]))
    })
}
