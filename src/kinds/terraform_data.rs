//! A value that lives in the state alone, to hang triggers on. There is no request in it.
//!
//! Invariant: all but `id` is what the user wrote, so the state keeps it; what is made anew has a new id, as others hang on that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Builder;

use super::attr::{Attr, Change, EditName, Ty};
use super::erased::Scopes;
use super::{Candidate, Kind, NewObject};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::rng::entropy;
use dofloat_base::value::{Body, Term};

pub(crate) struct TerraformData;

#[derive(Deserialize)]
pub(crate) struct Spec {}

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

    async fn create(_: &Client, _: &Spec, _: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let id = Builder::from_random_bytes(entropy()).into_uuid().to_string();
        Ok(NewObject { id: Id(id.clone()), live: Some(Live { id }) })
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

    async fn find(_: &Client, _: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
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
