//! The components of an app.
//!
//! Invariant: rows only. What is secret in them is sealed: it is sent, and never read.

use crate::attr::{Attr, Change, EditName, Lit, Ty};
use crate::compare::{EMPTY_IS_NULL, SET, or_empty};
use crate::valid::Valid;
use dofloat_base::value::Value;

/// The edit by which an app becomes what its block says.
pub(super) const DEPLOY: EditName = "deploy";
pub(super) const CHANGED: Change = Change::InPlace(DEPLOY);

/// An option that is off where nothing is written.
pub(super) const fn flag(name: &'static str, doc: &'static str) -> Attr {
    Attr::optional(name, Ty::Bool, CHANGED, doc).default(Lit::Bool(false))
}

const fn text(name: &'static str, doc: &'static str) -> Attr {
    Attr::optional(name, Ty::String, CHANGED, doc).compare(EMPTY_IS_NULL)
}

const fn number(name: &'static str, doc: &'static str) -> Attr {
    Attr::chosen(name, Ty::Number, CHANGED, doc)
}

const fn block(name: &'static str, rows: &'static Ty, doc: &'static str) -> Attr {
    Attr::optional(name, Ty::List(rows), CHANGED, doc).single()
}

const PORT: Valid = Valid::Between(1, 65535);

const NAME: Attr = Attr::required("name", Ty::String, CHANGED, "Its name, unique in the app.");
const GIT: Attr = block("git", &Ty::Object(REPOSITORY), "A repository that anybody may clone.");
const GITHUB: Attr = block("github", &Ty::Object(HOSTED), "A repository of GitHub.");
const GITLAB: Attr = block("gitlab", &Ty::Object(HOSTED), "A repository of GitLab.");
const BITBUCKET: Attr = block("bitbucket", &Ty::Object(HOSTED), "A repository of Bitbucket.");
const IMAGE: Attr = block("image", &Ty::Object(PULLED), "An image of a registry.");
const SOURCE_DIR: Attr = Attr::chosen("source_dir", Ty::String, CHANGED, "The folder that it is built in.");
const ENVIRONMENT: Attr = Attr::chosen("environment_slug", Ty::String, CHANGED, "What sort of thing is built: go, node-js and so on.");
const DOCKERFILE: Attr = text("dockerfile_path", "The Dockerfile by which it is built.");
const BUILD: Attr = text("build_command", "The command that builds it.");
const RUN: Attr = Attr::chosen("run_command", Ty::String, CHANGED, "The command that runs it.");
const SIZE: Attr = Attr::chosen("instance_size_slug", Ty::String, CHANGED, "The slug of its size: apps-s-1vcpu-1gb and so on.");
const COUNT: Attr = number("instance_count", "How many of it there are.");
const ROUTES: Attr = Attr::chosen("routes", Ty::List(&Ty::Object(ROUTE)), CHANGED, "Its paths; `ingress` is to be preferred.").blocks();
const WITH_CORS: Attr = block("cors", &Ty::Object(CORS), "Which other sites may ask; `ingress` is to be preferred.");
const ALERTS: Attr =
    Attr::optional("alert", Ty::List(&Ty::Object(COMPONENT_ALERT)), CHANGED, "What is told of it.").blocks().wire("alerts", "/alerts");
const LOGS: Attr = Attr::optional("log_destination", Ty::List(&Ty::Object(LOG)), CHANGED, "Where its logs are sent.")
    .blocks()
    .wire("log_destinations", "/log_destinations");
const LIVENESS: Attr = block("liveness_health_check", &Ty::Object(HEALTH), "How it is seen that it must be restarted.");
const TERMINATION: Attr = block("termination", &Ty::Object(ENDING), "How it is stopped.");
const AUTOSCALING: Attr = block("autoscaling", &Ty::Object(SCALING), "How many of it there may be.");

/// Variables of the environment, of a component or of all.
pub(super) const ENV: Attr =
    Attr::optional("env", Ty::Set(&Ty::Object(VARIABLE)), CHANGED, "A variable of the environment.").blocks().wire("envs", "/envs");

const VARIABLE: &[Attr] = &[
    Attr::required("key", Ty::String, CHANGED, "Its name."),
    // Sensitive with the official provider too, whatever its type: state and plans hold none.
    text("value", "Its value.").sealed(),
    Attr::optional("scope", Ty::String, CHANGED, "When it is there: RUN_TIME, BUILD_TIME or RUN_AND_BUILD_TIME.")
        .default(Lit::Str("RUN_AND_BUILD_TIME"))
        .valid(Valid::OneOf(&["UNSET", "RUN_TIME", "BUILD_TIME", "RUN_AND_BUILD_TIME"])),
    // The API does not always say GENERAL where that was written.
    Attr::optional("type", Ty::String, CHANGED, "GENERAL, or SECRET for what must not be seen.")
        .compare(crate::attr::Compare::Normal(|value| match value.as_str() {
            Some("" | "GENERAL") => Value::Null,
            _ => value.clone(),
        }))
        .valid(Valid::OneOf(&["GENERAL", "SECRET"])),
];

/// Which other sites may ask.
pub(super) const CORS: &[Attr] = &[
    Attr::optional("allow_origins", Ty::List(&Ty::Object(ORIGIN)), CHANGED, "Which sites.").blocks(),
    Attr::optional("allow_methods", Ty::Set(&Ty::String), CHANGED, "By which methods.").compare(SET),
    Attr::optional("allow_headers", Ty::Set(&Ty::String), CHANGED, "With which headers.").compare(SET),
    Attr::optional("expose_headers", Ty::Set(&Ty::String), CHANGED, "Which headers of an answer they may read.").compare(SET),
    text("max_age", "For how long a browser need not ask again, as 5h30m."),
    flag("allow_credentials", "Whether requests with credentials are answered."),
];
const ORIGIN: &[Attr] =
    &[text("exact", "The origin."), text("prefix", "How it begins; `regex` is to be preferred."), text("regex", "A pattern of it.")];

const REPOSITORY: &[Attr] = &[text("repo_clone_url", "The URL by which it is cloned."), text("branch", "The branch.")];
const HOSTED: &[Attr] = &[
    text("repo", "The repository as owner/name."),
    text("branch", "The branch."),
    flag("deploy_on_push", "Whether each new commit is deployed."),
];
const PULLED: &[Attr] = &[
    Attr::required("registry_type", Ty::String, CHANGED, "DOCR, DOCKER_HUB or GHCR.").valid(Valid::OneOf(&[
        "UNSPECIFIED",
        "DOCKER_HUB",
        "DOCR",
        "GHCR",
    ])),
    text("registry", "The registry's name; none with DOCR."),
    Attr::required("repository", Ty::String, CHANGED, "The repository's name."),
    Attr::chosen("tag", Ty::String, CHANGED, "The tag; latest by default."),
    text("digest", "The image's digest, in place of a tag."),
    text("registry_credentials", "What opens a registry that is not everybody's.").sealed(),
    Attr::chosen("deploy_on_push", Ty::List(&Ty::Object(PUSHED)), CHANGED, "Whether each image that is pushed is deployed.").single(),
];
const PUSHED: &[Attr] = &[flag("enabled", "Whether it is.")];

const ROUTE: &[Attr] = &[text("path", "How the paths begin."), flag("preserve_path_prefix", "Whether it is told the whole path.")];

const HEALTH: &[Attr] = &[
    number("port", "Where it is asked.").valid(PORT),
    text("http_path", "The path that it is asked for."),
    number("initial_delay_seconds", "After how many seconds it is asked first."),
    number("period_seconds", "After how many seconds it is asked again."),
    number("timeout_seconds", "For how many seconds an answer is waited for."),
    number("success_threshold", "After how many good answers it is well."),
    number("failure_threshold", "After how many bad answers it is not."),
];

const ENDING: &[Attr] = &[
    or_empty(Attr::optional("grace_period_seconds", Ty::Number, CHANGED, "After how many seconds it is killed.")),
    or_empty(Attr::optional("drain_seconds", Ty::Number, CHANGED, "For how many seconds it finishes what it was asked.")),
];

const SCALING: &[Attr] = &[
    Attr::required("min_instance_count", Ty::Number, CHANGED, "The least.").valid(Valid::Between(1, 250)),
    Attr::required("max_instance_count", Ty::Number, CHANGED, "The most.").valid(Valid::Between(1, 250)),
    Attr::required("metrics", Ty::List(&Ty::Object(METRICS)), CHANGED, "By what it is decided.").single(),
];
const METRICS: &[Attr] = &[
    block("cpu", &Ty::Object(CPU), "By the processors."),
    block("requests_per_second", &Ty::Object(RATE), "By how often it is asked."),
    block("request_duration", &Ty::Object(LATENCY), "By how long it takes."),
];
const CPU: &[Attr] = &[Attr::required("percent", Ty::Number, CHANGED, "How much of them.").valid(Valid::Between(1, 100))];
const RATE: &[Attr] = &[Attr::required("per_instance", Ty::Number, CHANGED, "How often each.")];
const LATENCY: &[Attr] = &[Attr::required("p95_milliseconds", Ty::Number, CHANGED, "How long 95 of 100 requests take at most.")];

/// Whether an alert is silent.
pub(super) const ALERT_DISABLED: Attr = flag("disabled", "Whether it is silent.");
const COMPONENT_ALERT: &[Attr] = &[
    Attr::required("rule", Ty::String, CHANGED, "CPU_UTILIZATION, MEM_UTILIZATION, RESTART_COUNT and so on."),
    Attr::required("value", Ty::Number, CHANGED, "From which value on."),
    Attr::required("operator", Ty::String, CHANGED, "GREATER_THAN or LESS_THAN.").valid(Valid::OneOf(&[
        "GREATER_THAN",
        "LESS_THAN",
        "UNSPECIFIED_OPERATOR",
    ])),
    Attr::required("window", Ty::String, CHANGED, "For how long: FIVE_MINUTES, TEN_MINUTES, THIRTY_MINUTES or ONE_HOUR.")
        .valid(Valid::OneOf(&["FIVE_MINUTES", "TEN_MINUTES", "THIRTY_MINUTES", "ONE_HOUR", "UNSPECIFIED_WINDOW"])),
    ALERT_DISABLED,
];

const LOG: &[Attr] = &[
    Attr::required("name", Ty::String, CHANGED, "What it is called."),
    block("papertrail", &Ty::Object(PAPERTRAIL), "Papertrail."),
    block("datadog", &Ty::Object(DATADOG), "Datadog."),
    block("logtail", &Ty::Object(LOGTAIL), "Logtail."),
    block("open_search", &Ty::Object(OPEN_SEARCH), "OpenSearch."),
];
const PAPERTRAIL: &[Attr] = &[Attr::required("endpoint", Ty::String, CHANGED, "Where it listens.")];
const DATADOG: &[Attr] = &[
    Attr::optional("endpoint", Ty::String, CHANGED, "Where it listens.").default(Lit::Str("https://http-intake.logs.datadoghq.com")),
    Attr::required("api_key", Ty::String, CHANGED, "What opens it.").sealed(),
];
const LOGTAIL: &[Attr] = &[Attr::required("token", Ty::String, CHANGED, "What opens it.").sealed()];
const OPEN_SEARCH: &[Attr] = &[
    text("endpoint", "Where it listens."),
    block("basic_auth", &Ty::Object(BASIC), "As whom."),
    Attr::chosen("index_name", Ty::String, CHANGED, "The index; logs by default."),
    text("cluster_name", "The database cluster of the account, in place of an endpoint."),
];
const BASIC: &[Attr] = &[text("user", "The name."), text("password", "The password.").sealed()];

pub(super) const SERVICE: &[Attr] = &[
    NAME,
    GIT,
    GITHUB,
    GITLAB,
    BITBUCKET,
    IMAGE,
    ENV,
    SOURCE_DIR,
    ENVIRONMENT,
    DOCKERFILE,
    BUILD,
    RUN,
    SIZE,
    COUNT,
    number("http_port", "The port that it listens on.").valid(PORT),
    Attr::chosen("internal_ports", Ty::Set(&Ty::Number), CHANGED, "The ports that other components reach.").compare(SET),
    Attr::chosen("protocol", Ty::String, CHANGED, "HTTP or HTTP2.").valid(Valid::OneOf(&["HTTP", "HTTP2"])),
    ROUTES,
    WITH_CORS,
    block("health_check", &Ty::Object(HEALTH), "How it is seen whether it works."),
    LIVENESS,
    TERMINATION,
    AUTOSCALING,
    ALERTS,
    LOGS,
];

pub(super) const STATIC_SITE: &[Attr] = &[
    NAME,
    GIT,
    GITHUB,
    GITLAB,
    BITBUCKET,
    ENV,
    SOURCE_DIR,
    ENVIRONMENT,
    DOCKERFILE,
    BUILD,
    text("output_dir", "The folder that is built."),
    Attr::chosen("index_document", Ty::String, CHANGED, "The page of a folder."),
    Attr::chosen("error_document", Ty::String, CHANGED, "The page for what is not there."),
    text("catchall_document", "The page in place of what is not there."),
    ROUTES,
    WITH_CORS,
];

pub(super) const WORKER: &[Attr] = &[
    NAME,
    GIT,
    GITHUB,
    GITLAB,
    BITBUCKET,
    IMAGE,
    ENV,
    SOURCE_DIR,
    ENVIRONMENT,
    DOCKERFILE,
    BUILD,
    RUN,
    SIZE,
    COUNT,
    LIVENESS,
    TERMINATION,
    AUTOSCALING,
    ALERTS,
    LOGS,
];

pub(super) const JOB: &[Attr] = &[
    NAME,
    GIT,
    GITHUB,
    GITLAB,
    BITBUCKET,
    IMAGE,
    ENV,
    SOURCE_DIR,
    ENVIRONMENT,
    DOCKERFILE,
    BUILD,
    RUN,
    SIZE,
    COUNT,
    Attr::chosen("kind", Ty::String, CHANGED, "When it runs: PRE_DEPLOY, POST_DEPLOY or FAILED_DEPLOY.").valid(Valid::OneOf(&[
        "UNSPECIFIED",
        "PRE_DEPLOY",
        "POST_DEPLOY",
        "FAILED_DEPLOY",
    ])),
    TERMINATION,
    ALERTS,
    LOGS,
];

pub(super) const FUNCTION: &[Attr] = &[NAME, GIT, GITHUB, GITLAB, BITBUCKET, ENV, SOURCE_DIR, ROUTES, WITH_CORS, ALERTS, LOGS];
