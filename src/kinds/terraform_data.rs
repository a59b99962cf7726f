//! A value that lives in the state alone, to hang triggers on. There is no request in it.
//!
//! Invariant: all but `id` is what the user wrote, so the state keeps it; the same resource with the same triggers has the
//! same id on every machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::attr::{Attr, Change, EditName, Ty};
use super::erased::Scopes;
use super::{For, Hit, Kind, Made};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Term};

pub(crate) struct TerraformData;

#[derive(Deserialize)]
pub(crate) struct Spec {
    #[serde(default)]
    triggers_replace: serde_json::Value,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
}

impl Kind for TerraformData {
    const NAME: &'static str = "terraform_data";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "A uuid."),
        Attr::optional("input", Ty::Any, Change::Local, "A value to keep.").write_only(),
        Attr::computed("output", Ty::Any, "The same as `input`.").repeats(&["input"]).write_only(),
        Attr::optional("triggers_replace", Ty::Any, Change::Replace, "A value whose change recreates the resource.").write_only(),
    ];
    const SCOPES: Scopes = Scopes { read: &[], create: &[], update: &[], delete: &[] };
    type Spec = Spec;
    type Live = Live;

    async fn create(_: &Client, spec: &Spec, whose: For<'_>) -> Result<Made<Live>, ApiError> {
        let name = format!("{}\n{}\n{}", whose.ours.mark, whose.address, spec.triggers_replace);
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string();
        Ok(Made { id: Id(id.clone()), live: Some(Live { id }) })
    }

    async fn read(_: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        Ok(Some(Live { id: id.0.clone() }))
    }

    async fn edit(_: &Client, _: &Id, _: EditName, _: &Spec, _: &Body) -> Result<(), ApiError> {
        Ok(())
    }

    async fn delete(_: &Client, _: &Id, _: &Body) -> Result<(), ApiError> {
        Ok(())
    }

    async fn find(_: &Client, _: &Body, _: Ours<'_>) -> Result<Vec<Hit<Live>>, ApiError> {
        Ok(Vec::new())
    }

    fn derived(body: &Term) -> BTreeMap<String, Term> {
        BTreeMap::from([("output".to_owned(), body.get("input"))])
    }
}

#[cfg(test)]
mod tests {
    use crate::kind;
    use dofloat_base::value::{Origin, Term, Value};

    #[test]
    fn the_output_is_the_input_known_or_not_or_null() {
        let kind = kind("terraform_data").unwrap();
        for input in [Term::Value(Value::from("x")), Term::Unknown(Origin::default()), Term::null()] {
            let body = Term::map([("input".to_owned(), input.clone())].into());
            assert_eq!(kind.derived(&body).get("output"), Some(&input));
        }
        assert_eq!(kind.derived(&Term::map([].into())).get("output"), Some(&Term::null()));
    }
}
