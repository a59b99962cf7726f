//! Kinds that are rows of a table: every operation follows from a constant.
//!
//! Invariant: what one of them is stands in its own file, as a constant; what all of them do stands here. An answer that does not
//! fit the rows is an error, after a write one that leaves open whether it took effect.

mod body;
mod table;
mod unique;

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

pub(crate) use table::{Collection, Hooks, Plain, Ready, Taken, Unique, Update, scopes};

use super::attr::{Attr, EditName};
use super::complaints::{self, Complaints};
use super::erased::{AnyKind, Created, Found, Fut, Places, Scopes, Sure, opened};
use super::job::{Complaint, Job};
use super::{NOT_YET, UNSEEN_LIMIT, if_there, no_edit};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::{ApiError, Asked};
use dofloat_api::wait::Poll;
use dofloat_base::address::Address;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::value::{Body, Term, Value};

/// What stands between the parts of an identity.
const BETWEEN: char = ',';

impl Plain {
    /// The collection's path for what a body wants; nothing while that is not known.
    fn collection(&self, wanted: impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut path = String::new();
        for part in self.at.path.split('/').skip(1) {
            let named = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            path.push('/');
            path.push_str(&named.map_or_else(|| Some(part.to_owned()), |name| Some(segment(&wanted(name)?)))?);
        }
        Some(path)
    }

    /// The parts of an identity: those of what it lies in, and its own.
    fn parts<'a>(&self, id: &'a Id) -> Result<(Vec<&'a str>, &'a str), ApiError> {
        let parents = self.at.parents().count();
        let mut parts: Vec<&str> = id.0.splitn(parents + 1, BETWEEN).collect();
        let own = parts.pop().filter(|own| parts.len() == parents && !own.is_empty() && parts.iter().all(|part| !part.is_empty()));
        let form = || {
            let form: Vec<String> = self.at.parents().chain([self.at.id]).map(str::to_uppercase).collect();
            format!("{id} is not the identity of {}; it has the form {}", self.noun, form.join(","))
        };
        own.map(|own| (parts, own)).ok_or_else(|| ApiError::Unsettled { what: form() })
    }

    /// The path of the collection that an object lies in, and its own part of the path.
    fn place<'a>(&self, id: &'a Id) -> Result<(String, &'a str), ApiError> {
        let (parents, own) = self.parts(id)?;
        let named = |name: &str| self.at.parents().position(|parent| parent == name).map(|at| parents[at].to_owned());
        Ok((self.collection(named).unwrap_or_default(), own))
    }

    fn path(&self, id: &Id) -> Result<String, ApiError> {
        let (collection, own) = self.place(id)?;
        Ok(format!("{collection}/{}", segment(own)))
    }

    /// The path of an object whose identity is not in it; nothing if there is none.
    async fn path_of_key(&self, api: &Client, id: &Id, key: &str) -> Result<Option<String>, ApiError> {
        let (collection, own) = self.place(id)?;
        let all: Vec<Json> = api.list(&collection, &[(self.at.id, own)], self.at.many).await?;
        let found = all.iter().find(|object| object[self.at.id] == *own);
        Ok(found.and_then(|object| object[key].as_str()).map(|key| format!("{collection}/{}", segment(key))))
    }

    /// The rows that stand in bodies: not those that the path names.
    fn rows(&self) -> impl Iterator<Item = &'static Attr> {
        self.attrs.iter().filter(|row| !self.at.parents().any(|parent| parent == row.name))
    }

    /// What the rows say of an object; `parents` is what it lies in.
    fn object(&self, parents: &[String], object: &Json) -> Result<(Id, Body), String> {
        let own = match &object[self.at.id] {
            Json::String(id) if !id.is_empty() => id.clone(),
            Json::Number(id) => id.to_string(),
            _ => return Err(format!("`{}` is missing", self.at.id)),
        };
        let mut body = body::live(self.attrs, object).map_err(|why| match why {
            body::Unread::Type(at) => format!("`{at}` is of another type"),
            body::Unread::Scope(at, scope) => format!("`{at}` is left out: the token lacks the scope `{scope}`"),
        })?;
        body.insert("id".to_owned(), own.as_str().into());
        for (name, value) in self.at.parents().zip(parents) {
            body.insert(name.to_owned(), value.as_str().into());
        }
        if self.row("urn").is_some() {
            body.insert("urn".to_owned(), format!("do:{}:{own}", self.urn).into());
        }
        body.retain(|_, value| *value != Value::Null);
        let id = parents.iter().map(String::as_str).chain([own.as_str()]).collect::<Vec<_>>().join(&BETWEEN.to_string());
        Ok((Id(id), body))
    }

    /// The object in the envelope of an answer to a request.
    fn answered(
        &self,
        method: &'static str,
        path: &str,
        parents: &[String],
        mut answer: Map<String, Json>,
    ) -> Result<(Id, Body), ApiError> {
        let object = answer.remove(self.at.one).ok_or_else(|| format!("`{}` is missing", self.at.one));
        object.and_then(|object| self.object(parents, &object)).map_err(|why| self.unread(method, path, &why))
    }

    /// An answer that cannot be read: after a write nobody knows what came of it.
    fn unread(&self, method: &'static str, path: &str, why: &str) -> ApiError {
        let asked = Asked { method, path: path.to_owned(), attempts: 1 };
        let why = format!("the answer does not have the form of {}: {why}", self.noun);
        if method == "GET" { ApiError::Broken { asked, why } } else { ApiError::Ambiguous { asked, why } }
    }

    /// Every object of a collection.
    async fn all(&self, api: &Client, path: &str, parents: &[String]) -> Result<Vec<(Id, Body)>, ApiError> {
        let all: Vec<Json> = api.list(path, &[], self.at.many).await?;
        all.iter().map(|object| self.object(parents, object).map_err(|why| self.unread("GET", path, &why))).collect()
    }

    /// Every object of the collections that some bodies want theirs in.
    async fn all_beside(&self, api: &Client, bodies: &[&Term]) -> Result<Vec<(Id, Body)>, ApiError> {
        let of = |body: &&Term| {
            let parents: Option<Vec<String>> = self.at.parents().map(|name| complaints::text(body, name)).collect();
            parents.zip(self.collection(|name| complaints::text(body, name)))
        };
        let places: BTreeSet<(Vec<String>, String)> = bodies.iter().filter_map(of).collect();
        let mut found = Vec::new();
        for (parents, path) in places {
            // What it is to lie in may not be there.
            found.extend(if_there(self.all(api, &path, &parents).await)?.unwrap_or_default());
        }
        Ok(found)
    }

    async fn get(&self, api: &Client, id: &Id) -> Result<Option<(Id, Body)>, ApiError> {
        let (path, (parents, own)) = (self.path(id)?, self.parts(id)?);
        let parents: Vec<String> = parents.into_iter().map(str::to_owned).collect();
        if self.at.key.is_some() {
            let collection = self.place(id)?.0;
            let all: Vec<Json> = api.list(&collection, &[(self.at.id, own)], self.at.many).await?;
            let found = all.iter().find(|object| object[self.at.id] == *own);
            return found.map(|object| self.object(&parents, object).map_err(|why| self.unread("GET", &collection, &why))).transpose();
        }
        let answer = if_there(api.get(&path, &[]).await)?;
        answer.map(|answer| self.answered("GET", &path, &parents, answer)).transpose()
    }

    async fn make(&self, api: &Client, wanted: &Body) -> Result<Created, ApiError> {
        let text = |name: &str| wanted.get(name).and_then(Value::as_str).map(str::to_owned);
        let parents: Vec<String> = self.at.parents().filter_map(text).collect();
        let path = self.collection(text).unwrap_or_default();
        let sent = body::created(self.rows(), wanted);
        let (id, body) = self.answered("POST", &path, &parents, api.create(&path, &sent).await?)?;
        let is_up = self.is_up(&body);
        Ok(Created { id, body: Some(body).filter(|_| is_up) })
    }

    async fn change(&self, api: &Client, id: &Id, edit: EditName, wanted: &Body, seen: &Body) -> Result<(), ApiError> {
        let path = self.path(id)?;
        match self.update {
            Update::Never => Err(no_edit(self.name, id, edit)),
            Update::Put => api.put::<Map<String, Json>>(&path, &body::replaced(self.rows(), edit, wanted, seen)).await.map(drop),
        }
    }

    /// What an object is not ready for yet; nothing if it is.
    async fn poll(&self, api: &Client, id: &Id) -> Result<Poll<Body>, ApiError> {
        let Some((_, body)) = self.get(api, id).await? else { return Ok(Poll::Pending(NOT_YET.to_owned())) };
        let Some(ready) = self.ready.as_ref().filter(|_| !self.is_up(&body)) else { return Ok(Poll::Ready(body)) };
        let word = body.get(ready.attr).and_then(Value::as_str).unwrap_or_default();
        if ready.never.contains(&word) {
            let what = format!("the {} {id} cannot be used: its {} is {word}", self.noun, ready.attr);
            return Err(ApiError::Unsettled { what });
        }
        Ok(Poll::Pending(format!("its {} is {word}", ready.attr)))
    }
}

fn found((id, body): (Id, Body), sure: Sure) -> Found {
    Found { id, body, sure, marks: Vec::new(), project: None }
}

impl AnyKind for Plain {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_plain(&self) -> bool {
        true
    }

    fn attrs(&self) -> &'static [Attr] {
        self.attrs
    }

    fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    fn markable(&self) -> bool {
        false
    }

    fn tags<'a>(&'a self, _: &'a Client) -> Fut<'a, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn costs(&self) -> bool {
        self.costs
    }

    fn unique(&self) -> bool {
        // What is known by a name is not: another account may give it too.
        self.row("id").is_some() && self.at.id != "name"
    }

    fn lodged(&self) -> bool {
        false
    }

    fn lodges(&self, _: &Term) -> bool {
        false
    }

    fn check(&self, body: &Term) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints::rows(self.attrs, body, &[], &mut complaints);
        (self.hooks.check)(body, &mut complaints);
        complaints.into_vec()
    }

    fn preflight<'a>(&'a self, api: &'a Client, jobs: &'a [Job]) -> Fut<'a, Vec<Complaint>> {
        Box::pin(async move {
            if jobs.is_empty() || self.unique.is_empty() {
                return Ok(Vec::new());
            }
            let bodies: Vec<&Term> = jobs.iter().map(|job| &job.body).collect();
            let existing = self.all_beside(api, &bodies).await?;
            Ok(unique::taken(self, jobs, &existing))
        })
    }

    fn create<'a>(&'a self, api: &'a Client, _: &'a Address, body: &'a Term, _: Ours<'a>) -> Fut<'a, Created> {
        Box::pin(async move { self.make(api, &opened(self.name, body)?).await })
    }

    fn wait_ready<'a>(&'a self, api: &'a Client, id: &'a Id, _: &'a Term) -> Fut<'a, Body> {
        let (what, limit) = match &self.ready {
            Some(ready) => (format!("the {} {id} to be {}", self.noun, ready.is.join(" or ")), ready.limit),
            None => (format!("the {} {id} to be there", self.noun), UNSEEN_LIMIT),
        };
        Box::pin(async move { api.wait_saying(&what, limit, || self.poll(api, id)).await })
    }

    fn stillborn<'a>(&'a self, _: &'a Client, _: &'a Id, seen: &'a Body) -> Fut<'a, bool> {
        let word = |ready: &Ready| seen.get(ready.attr).and_then(Value::as_str).is_some_and(|word| ready.never.contains(&word));
        let is_lost = self.ready.as_ref().is_some_and(word);
        Box::pin(async move { Ok(is_lost) })
    }

    fn list<'a>(&'a self, api: &'a Client, ids: &'a [Id], _: Ours<'a>) -> Fut<'a, Vec<Found>> {
        Box::pin(async move {
            let mut places: BTreeSet<(String, Vec<String>)> = BTreeSet::new();
            for id in ids {
                // An identity of another form is not in any list; a look says so.
                let Ok((parents, _)) = self.parts(id) else { continue };
                places.insert((self.place(id)?.0, parents.into_iter().map(str::to_owned).collect()));
            }
            let mut all = Vec::new();
            for (path, parents) in places {
                all.extend(if_there(self.all(api, &path, &parents).await)?.unwrap_or_default());
            }
            let asked: BTreeSet<&Id> = ids.iter().collect();
            Ok(all.into_iter().filter(|(id, _)| asked.contains(id)).map(|object| found(object, Sure::Ours)).collect())
        })
    }

    fn read<'a>(&'a self, api: &'a Client, id: &'a Id) -> Fut<'a, Option<Found>> {
        Box::pin(async move { Ok(self.get(api, id).await?.map(|object| found(object, Sure::Ours))) })
    }

    fn edit<'a>(&'a self, api: &'a Client, id: &'a Id, edit: EditName, body: &'a Term, seen: &'a Body) -> Fut<'a, ()> {
        Box::pin(async move { self.change(api, id, edit, &opened(self.name, body)?, seen).await })
    }

    fn delete<'a>(&'a self, api: &'a Client, id: &'a Id, _: &'a Body) -> Fut<'a, ()> {
        Box::pin(async move {
            let path = match self.at.key {
                Some(key) => self.path_of_key(api, id, key).await?,
                None => Some(self.path(id)?),
            };
            match path {
                Some(path) => api.delete(&path, &[]).await,
                None => Ok(()),
            }
        })
    }

    fn find<'a>(&'a self, api: &'a Client, body: &'a Body, _: Ours<'a>) -> Fut<'a, Vec<Found>> {
        Box::pin(async move {
            let all = self.all_beside(api, &[&Term::Value(Value::Map(body.clone()))]).await?;
            let sure = if self.unique.is_empty() { Sure::Alike } else { Sure::Named };
            let fits = all.into_iter().filter(|(_, there)| unique::may_be(self, body, there));
            Ok(fits.map(|object| found(object, sure.clone())).collect())
        })
    }

    fn claim<'a>(&'a self, _: &'a Client, _: &'a Id, _: &'a [Mark], _: Ours<'a>) -> Fut<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn before_delete<'a>(&'a self, _: &'a Client, _: &'a Id, _: &'a Body, _: &'a [Id]) -> Fut<'a, Vec<Complaint>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn remark(&self, _: &Body) -> Option<String> {
        None
    }

    fn is_up(&self, seen: &Body) -> bool {
        let is = |ready: &Ready| seen.get(ready.attr).and_then(Value::as_str).is_some_and(|word| ready.is.contains(&word));
        self.ready.as_ref().is_none_or(is)
    }

    fn is_busy<'a>(&'a self, _: &'a Client, _: &'a Id) -> Fut<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn powered(&self, _: &Body) -> Option<bool> {
        None
    }

    fn derived(&self, _: &Term) -> std::collections::BTreeMap<String, Term> {
        std::collections::BTreeMap::new()
    }

    fn identity(&self, body: &Body) -> Option<Id> {
        let text = |name: &str| match body.get(name)? {
            Value::Str(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let own = text("id")?;
        if own.contains(BETWEEN) {
            return Some(Id(own));
        }
        let parts: Vec<String> = self.at.parents().map(text).chain([Some(own)]).collect::<Option<_>>()?;
        Some(Id(parts.join(&BETWEEN.to_string())))
    }

    fn seek<'a>(&'a self, api: &'a Client, names: &'a [String]) -> Fut<'a, Option<Places>> {
        Box::pin(async move {
            if self.at.parents().next().is_some() {
                return Ok(None);
            }
            let all = self.all(api, self.at.path, &[]).await?;
            let keys = || ["id"].into_iter().chain(self.unique.iter().flat_map(|unique| unique.attrs.iter().copied()));
            let is = |body: &Body, name: &String| {
                keys().any(|key| body.get(key).and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(name)))
            };
            let place = |name: &String| {
                let (_, body) = all.iter().find(|(_, body)| is(body, name))?;
                Some((name.clone(), body.get("region").and_then(Value::as_str).map(str::to_owned)))
            };
            Ok(Some(names.iter().filter_map(place).collect()))
        })
    }

    fn missing(&self, name: &str) -> (String, String) {
        let message = format!("The account has no {} `{name}`.", self.noun);
        (message, format!("Name one that the account has, or make one with a `{}` resource.", self.name))
    }

    fn renamed(&self, body: Body) -> Body {
        body
    }

    fn parting(&self, _: &Body) -> Option<String> {
        None
    }
}
