//! Which requests a plain kind makes, and what answers leave out for want of a token scope.
//!
//! Invariant: all follows from the table; what hooks ask for is not known here.

use serde_json::Value as Json;

use super::table::{Form, Plain, Update};
use crate::attr::{Reads, Secrecy};
use crate::operation::{Operation, Request};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::scopes::to_see;

impl Plain {
    /// The requests that an operation is made of, as far as the table says them.
    pub(super) fn asked(&self, operation: Operation) -> Vec<Request> {
        let (list, object) = (self.at.path.to_owned(), format!("{}/{{{}}}", self.at.path, self.at.id));
        let is_part = self.form != Form::Many;
        match operation {
            Operation::Read if is_part => vec![("GET", list)],
            Operation::Read if self.at.key.is_some() => vec![("GET", list)],
            Operation::Read => vec![("GET", list), ("GET", object)],
            Operation::Create if self.hooks.make.is_some() => Vec::new(),
            Operation::Create if is_part => vec![("PUT", list)],
            Operation::Create => vec![("POST", self.made_at.unwrap_or(self.at.path).to_owned())],
            Operation::Update if self.update == Update::Never => Vec::new(),
            Operation::Update => {
                let method = if self.update == Update::Put { "PUT" } else { "PATCH" };
                vec![(method, if is_part { list } else { object })]
            }
            Operation::Delete if self.hooks.end.is_some() => Vec::new(),
            Operation::Delete if is_part => vec![("PUT", list)],
            Operation::Delete if self.gone_within.is_some() => vec![("DELETE", object.clone()), ("GET", object)],
            Operation::Delete => vec![("DELETE", object)],
        }
    }

    /// Does not take for empty what an answer leaves out because the token lacks a scope.
    pub(super) async fn must_see(&self, api: &Client, objects: &[Json]) -> Result<(), ApiError> {
        let reads = self.asked(Operation::Read);
        for row in self.attrs.iter().filter(|row| row.reads != Reads::WriteOnly) {
            let told = || reads.iter().find_map(|(_, path)| to_see(path, &row.shown_at()));
            let Some(scope) = row.read_scopes.first().copied().or_else(told) else { continue };
            let pointer = row.wire.read.map_or_else(|| format!("/{}", row.name), str::to_owned);
            let (around, _) = pointer.rsplit_once('/').unwrap_or_default();
            let is_hidden = |object: &&Json| object.pointer(&pointer).is_none() && object.pointer(around).is_some_and(Json::is_object);
            if let Some(object) = objects.iter().find(is_hidden)
                // Some cannot be asked for alone; what is left out is a secret then, and what always stands beside it.
                && api.may(scope).await.map_or(row.secrecy == Secrecy::Open, |is_there| !is_there)
            {
                return Err(ApiError::Unseen { what: format!("`{}` of the {} {}", row.name, self.noun, object[self.at.id]), scope });
            }
        }
        Ok(())
    }
}
