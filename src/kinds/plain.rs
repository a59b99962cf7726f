//! Kinds that are rows of a table: every operation follows from a constant.
//!
//! Invariant: what one of them is stands in its own file, as a constant; what all of them do stands here. An answer that does not
//! fit the rows is an error, after a write one that leaves open whether it took effect.

mod asked;
mod body;
mod table;
mod unique;
mod waits;

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

pub(crate) use table::{Collection, Form, Hooks, IDENTITY, Plain, Ready, Taken, UPDATE, Unique, Update, scopes};

use super::attr::{Attr, EditName};
use super::complaints::{self, Complaints};
use super::erased::{AnyKind, Certainty, Created, Found, Fut, Places, Scopes, opened};
use super::job::{Complaint, Job};
use super::operation::{Operation, Request};
use super::{if_there, no_edit, unique_key};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::{ApiError, Asked};
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::value::{Body, Term, Value};

/// The separator between the parts of an identity.
const BETWEEN: char = ',';

impl Plain {
    /// The collection's path for what a body wants; nothing while that is not known.
    fn collection(&self, wanted: impl Fn(&str) -> Option<String>) -> Option<String> {
        filled(self.at.path, wanted)
    }

    /// The parts of an identity: those of what it lies in, and its own.
    fn parts<'a>(&self, id: &'a Id) -> Result<(Vec<&'a str>, &'a str), ApiError> {
        if let Form::Part(_) = self.form {
            // It has no identity of its own.
            return Ok((vec![&id.0], &id.0));
        }
        let parents = self.at.parents().count();
        let whole = if self.shared { id.0.rsplit_once(BETWEEN).map_or(id.0.as_str(), |(of, _)| of) } else { &id.0 };
        let mut parts: Vec<&str> = whole.splitn(parents + 1, BETWEEN).collect();
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
        Ok(if self.form == Form::Many { format!("{collection}/{}", segment(own)) } else { collection })
    }

    /// The path of an object whose identity is not in it; nothing if there is none.
    async fn path_of_key(&self, api: &Client, id: &Id, key: &str) -> Result<Option<String>, ApiError> {
        let (collection, own) = self.place(id)?;
        let all: Vec<Json> = api.list(&collection, &[(self.at.id, own)], self.at.many).await?;
        let found = all.iter().find(|object| object[self.at.id] == *own);
        Ok(found.and_then(|object| object[key].as_str()).map(|key| format!("{collection}/{}", segment(key))))
    }

    /// The rows that stand in bodies: not those that a path names.
    fn rows(&self) -> impl Iterator<Item = &'static Attr> {
        let in_path = |name: &str| self.at.parents().chain(table::named(self.made_at.unwrap_or_default())).any(|of| of == name);
        self.attrs.iter().filter(move |row| !in_path(row.name))
    }

    async fn altered(&self, api: &Client, mut fields: Map<String, Json>) -> Result<Map<String, Json>, ApiError> {
        if let Some(sent) = self.hooks.sent {
            sent(api, &mut fields).await?;
        }
        Ok(fields)
    }

    async fn shown(&self, api: &Client, objects: Vec<(Id, Body)>) -> Result<Vec<(Id, Body)>, ApiError> {
        let there = objects.into_iter().filter(|(_, body)| (self.hooks.is_there)(body));
        let (ids, mut bodies): (Vec<Id>, Vec<Body>) = there.unzip();
        for hook in [self.hooks.seen, self.hooks.read_details].into_iter().flatten() {
            hook(api, &mut bodies).await?;
        }
        Ok(ids.into_iter().zip(bodies).collect())
    }

    /// The body of an object by its rows; `parents` names the objects that it lies in.
    fn object(&self, parents: &[String], object: &Json) -> Result<(Id, Body), String> {
        let own = match &object[self.at.id] {
            _ if matches!(self.form, Form::Part(_)) => parents.concat(),
            Json::String(id) if !id.is_empty() => id.clone(),
            Json::Number(id) => id.to_string(),
            _ => return Err(format!("`{}` is missing", self.at.id)),
        };
        let mut body = body::live(self.attrs, object).map_err(|at| format!("`{at}` is of another type"))?;
        body.insert("id".to_owned(), own.as_str().into());
        for (name, value) in self.at.parents().zip(parents) {
            body.insert(name.to_owned(), value.as_str().into());
        }
        if self.row("urn").is_some() {
            body.insert("urn".to_owned(), format!("do:{}:{own}", self.urn).into());
        }
        body.retain(|_, value| *value != Value::Null);
        if let Form::Part(_) = self.form {
            return Ok((Id(own), body));
        }
        let id = parents.iter().map(String::as_str).chain([own.as_str()]).collect::<Vec<_>>().join(&BETWEEN.to_string());
        Ok((Id(id), body))
    }

    /// The object in an answer, which a few reads give without its envelope.
    fn unwrapped(&self, mut answer: Map<String, Json>) -> Option<Json> {
        let enveloped = answer.remove(self.at.one);
        enveloped.or_else(|| Some(Json::Object(answer)).filter(|object| object.get(self.at.id).is_some()))
    }

    /// The object in the envelope of an answer to a request.
    fn answered(&self, method: &'static str, path: &str, parents: &[String], answer: Map<String, Json>) -> Result<(Id, Body), ApiError> {
        let object = match self.form {
            Form::Part(_) => Ok(Json::Object(answer)),
            Form::Many => self.unwrapped(answer).ok_or_else(|| format!("`{}` is missing", self.at.one)),
        };
        object.and_then(|object| self.object(parents, &object)).map_err(|why| self.unread(method, path, &why))
    }

    /// An answer that cannot be read: after a write nobody knows what came of it.
    fn unread(&self, method: &'static str, path: &str, why: &str) -> ApiError {
        let asked = Asked { method, path: path.to_owned(), attempts: 1 };
        let why = format!("the answer does not have the form of {}: {why}", self.noun);
        if method == "GET" { ApiError::Broken { asked, why } } else { ApiError::Ambiguous { asked, why } }
    }

    /// Every object of a collection.
    async fn all_in(&self, api: &Client, path: &str, parents: &[String]) -> Result<Vec<(Id, Body)>, ApiError> {
        if self.form != Form::Many {
            return Ok(self.only(api, path, parents).await?.into_iter().collect());
        }
        let all: Vec<Json> = api.list(path, self.among, self.at.many).await?;
        self.must_see(api, &all).await?;
        all.iter().map(|object| self.object(parents, object).map_err(|why| self.unread("GET", path, &why))).collect()
    }

    /// The one object of a path.
    async fn only(&self, api: &Client, path: &str, parents: &[String]) -> Result<Option<(Id, Body)>, ApiError> {
        let Some(answer) = if_there(api.get(path, &[]).await)? else { return Ok(None) };
        let answer: Map<String, Json> = answer;
        self.must_see(api, &[Json::Object(answer.clone())]).await?;
        let (id, body) = self.answered("GET", path, parents, answer)?;
        if let Form::Part(list) = self.form
            && body.get(list).and_then(Value::as_list).is_none_or(<[Value]>::is_empty)
        {
            return Ok(None);
        }
        Ok(self.shown(api, vec![(id, body)]).await?.pop())
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
            found.extend(if_there(self.all_in(api, &path, &parents).await)?.unwrap_or_default());
        }
        Ok(found)
    }

    async fn get(&self, api: &Client, id: &Id) -> Result<Option<(Id, Body)>, ApiError> {
        let (path, (parents, own)) = (self.path(id)?, self.parts(id)?);
        let parents: Vec<String> = parents.into_iter().map(str::to_owned).collect();
        if self.at.key.is_some() {
            let collection = self.place(id)?.0;
            let all: Vec<Json> = api.list(&collection, &[(self.at.id, own)], self.at.many).await?;
            self.must_see(api, &all).await?;
            let found = all.iter().find(|object| object[self.at.id] == *own);
            return found.map(|object| self.object(&parents, object).map_err(|why| self.unread("GET", &collection, &why))).transpose();
        }
        if self.form != Form::Many {
            return Ok(self.only(api, &path, &parents).await?.filter(|(found, _)| found == id));
        }
        let Some(answer) = if_there(api.get::<Map<String, Json>>(&path, &[]).await)? else { return Ok(None) };
        if let Some(object) = answer.get(self.at.one) {
            self.must_see(api, std::slice::from_ref(object)).await?;
        }
        let mut found = self.answered("GET", &path, &parents, answer)?;
        if self.shared {
            // Hooks know it by the identity of which it is one.
            found.0 = id.clone();
            found.1.insert(IDENTITY.to_owned(), id.0.as_str().into());
        }
        Ok(self.shown(api, vec![found]).await?.pop())
    }

    async fn make(&self, api: &Client, wanted: &Body) -> Result<Created, ApiError> {
        if let Some(make) = self.hooks.make {
            return Ok(Created { id: make(api, wanted).await?, body: None });
        }
        let text = |name: &str| wanted.get(name).and_then(Value::as_str).map(str::to_owned);
        let parents: Vec<String> = self.at.parents().filter_map(text).collect();
        let path = filled(self.made_at.unwrap_or(self.at.path), text).unwrap_or_default();
        let sent = self.altered(api, body::created(self.rows(), wanted)).await?;
        if let Form::Part(_) = self.form {
            api.replace(&path, &sent).await?;
            return Ok(Created { id: Id(parents.concat()), body: None });
        }
        let (id, body) = self.answered("POST", &path, &parents, api.create(&path, &sent).await?)?;
        // The identity is to be known before anything else is asked.
        let hooks = &self.hooks;
        let is_up = self.is_up(&body) && hooks.seen.is_none() && hooks.read_details.is_none() && hooks.after_create.is_none();
        Ok(Created { id, body: Some(body).filter(|_| is_up) })
    }

    async fn change(&self, api: &Client, id: &Id, edit: EditName, wanted: &Body, seen: &Body) -> Result<(), ApiError> {
        if let Some(hook) = self.hooks.edit.filter(|_| edit != UPDATE) {
            return hook(api, id, edit, wanted, seen).await;
        }
        let path = self.path(id)?;
        match self.update {
            Update::Never => Err(no_edit(self.name, id, edit)),
            Update::Put => api.replace(&path, &self.replacement(api, edit, wanted, seen).await?).await,
            Update::Patch => {
                let sent = self.altered(api, body::changed(self.rows(), edit, wanted, seen)).await?;
                api.patch::<Json>(&path, &sent).await.map(drop)
            }
        }
    }

    /// The body of an edit's PUT.
    pub(crate) async fn replacement(
        &self,
        api: &Client,
        edit: EditName,
        wanted: &Body,
        seen: &Body,
    ) -> Result<Map<String, Json>, ApiError> {
        self.altered(api, body::replaced(self.rows(), edit, wanted, seen)).await
    }
}

/// A path with the values of what it names; nothing while one is not known.
fn filled(pattern: &str, wanted: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut path = String::new();
    for part in pattern.split('/').skip(1) {
        let named = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        path.push('/');
        path.push_str(&named.map_or_else(|| Some(part.to_owned()), |name| Some(segment(&wanted(name)?)))?);
    }
    Some(path)
}

fn found((id, body): (Id, Body), certainty: Certainty) -> Found {
    Found { id, body, certainty, marks: Vec::new(), project: None }
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

    fn requests(&self, operation: Operation) -> Vec<Request> {
        self.asked(operation)
    }

    fn markable(&self) -> bool {
        false
    }

    fn tags<'a>(&'a self, _: &'a Client) -> Fut<'a, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn billed(&self) -> bool {
        self.billed
    }

    fn unique_keys(&self, body: &Term) -> Vec<String> {
        let refusing = self.unique.iter().filter(|unique| unique.taken == Taken::Refuse);
        let keys = refusing.map(|unique| unique.attrs).chain([self.unique_key]);
        keys.filter_map(|names| unique_key(self.name, self.attrs, names, body)).collect()
    }

    fn globally_unique(&self) -> bool {
        // What is known by a name is not: another account may give it too.
        self.row("id").is_some() && self.at.id != "name"
    }

    fn marked_by_project(&self) -> bool {
        false
    }

    fn joins_project(&self, _: &Term) -> bool {
        false
    }

    fn check(&self, body: &Term) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints::rows(self.attrs, body, &[], &mut complaints);
        complaints.empty(self.at.parents(), body);
        (self.hooks.check)(body, &mut complaints);
        complaints.into_vec()
    }

    fn preflight<'a>(&'a self, api: &'a Client, jobs: &'a [Job]) -> Fut<'a, Vec<Complaint>> {
        Box::pin(async move {
            let mut complaints = Complaints::default();
            for (job, seen) in jobs.iter().filter_map(|job| Some((job, job.seen.as_ref()?))) {
                complaints.about(job);
                (self.hooks.against)(job, seen, &mut complaints);
            }
            if !jobs.is_empty() && !self.unique.is_empty() {
                let bodies: Vec<&Term> = jobs.iter().map(|job| &job.body).collect();
                let existing = self.all_beside(api, &bodies).await?;
                unique::taken(self, jobs, &existing, &mut complaints);
            }
            Ok(complaints.into_vec())
        })
    }

    fn create<'a>(&'a self, api: &'a Client, body: &'a Term, _: Ours<'a>) -> Fut<'a, Created> {
        Box::pin(async move { self.make(api, &opened(self.name, body)?).await })
    }

    fn wait_ready<'a>(&'a self, api: &'a Client, id: &'a Id, wanted: &'a Term) -> Fut<'a, Body> {
        Box::pin(async move {
            if let Some(after_create) = self.hooks.after_create {
                after_create(api, id, wanted).await?;
            }
            self.until_ready(api, id, "create").await
        })
    }

    fn creation_failed<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, bool> {
        if let Some(creation_failed) = self.hooks.creation_failed {
            return creation_failed(api, id, seen);
        }
        let word = |ready: &Ready| seen.get(ready.attr).and_then(Value::as_str).is_some_and(|word| ready.never.contains(&word));
        let is_lost = self.ready.as_ref().is_some_and(word) || (self.hooks.lost)(api, seen).is_some();
        Box::pin(async move { Ok(is_lost) })
    }

    fn list<'a>(&'a self, api: &'a Client, ids: &'a [Id], _: Ours<'a>) -> Fut<'a, Vec<Found>> {
        Box::pin(async move {
            let mut places: BTreeSet<(String, Vec<String>)> = BTreeSet::new();
            // One object of a list would be several of them.
            for id in ids.iter().filter(|_| !self.shared) {
                // An identity of another form is not in any list; a look says so.
                let Ok((parents, _)) = self.parts(id) else { continue };
                places.insert((self.place(id)?.0, parents.into_iter().map(str::to_owned).collect()));
            }
            let mut all = Vec::new();
            for (path, parents) in places {
                all.extend(if_there(self.all_in(api, &path, &parents).await)?.unwrap_or_default());
            }
            let asked: BTreeSet<&Id> = ids.iter().collect();
            all.retain(|(id, _)| asked.contains(id));
            Ok(self.shown(api, all).await?.into_iter().map(|object| found(object, Certainty::Ours)).collect())
        })
    }

    fn read<'a>(&'a self, api: &'a Client, id: &'a Id) -> Fut<'a, Option<Found>> {
        Box::pin(async move { Ok(self.get(api, id).await?.map(|object| found(object, Certainty::Ours))) })
    }

    fn edit<'a>(&'a self, api: &'a Client, id: &'a Id, edit: EditName, body: &'a Term, seen: &'a Body) -> Fut<'a, ()> {
        Box::pin(async move { self.change(api, id, edit, &opened(self.name, body)?, seen).await })
    }

    fn delete<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, ()> {
        Box::pin(async move {
            if let Some(end) = self.hooks.end {
                return end(api, id, seen).await;
            }
            if let Some(leave) = self.hooks.leave {
                leave(api, id, seen).await?;
            }
            let path = match self.at.key {
                Some(key) => self.path_of_key(api, id, key).await?,
                None => Some(self.path(id)?),
            };
            match (path, self.form) {
                (Some(path), Form::Part(list)) => {
                    let nothing = Map::from_iter([(
                        self.row(list).and_then(|row| row.wire.sent).unwrap_or(list).to_owned(),
                        Json::Array(Vec::new()),
                    )]);
                    if_there(api.replace(&path, &nothing).await).map(drop)
                }
                (Some(path), _) => {
                    api.delete(&path, &[]).await?;
                    self.until_gone(api, id, &path).await
                }
                (None, _) => Ok(()),
            }
        })
    }

    fn find<'a>(&'a self, api: &'a Client, body: &'a Body, _: Ours<'a>) -> Fut<'a, Vec<Found>> {
        Box::pin(async move {
            if self.repeatable {
                return Ok(Vec::new());
            }
            if let Some(wait) = self.hooks.before_find {
                wait(api, body).await?;
            }
            let mut all = self.all_beside(api, &[&Term::Value(Value::Map(body.clone()))]).await?;
            if !self.unique.is_empty() {
                all.retain(|(_, there)| unique::may_be(self, body, there));
            }
            let all = self.shown(api, all).await?;
            let is_sure = self.unique.first().is_some_and(|unique| unique.taken == Taken::Refuse);
            let certainty = if is_sure { Certainty::Named } else { Certainty::Alike };
            let fits = all.into_iter().filter(|(_, there)| unique::may_be(self, body, there));
            Ok(fits.map(|object| found(object, certainty.clone())).collect())
        })
    }

    fn claim<'a>(&'a self, _: &'a Client, _: &'a Id, _: &'a [Mark], _: Ours<'a>) -> Fut<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn before_delete<'a>(&'a self, _: &'a Client, _: &'a Id, _: &'a Body, _: &'a [Id]) -> Fut<'a, Vec<Complaint>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn note(&self, _: &Body) -> Option<String> {
        None
    }

    fn is_up(&self, seen: &Body) -> bool {
        self.ready.as_ref().is_none_or(|ready| ready.is_reached(seen)) && (self.hooks.yet)(seen).is_none()
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
        if self.shared {
            return None;
        }
        let text = |name: &str| match body.get(name)? {
            Value::Str(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let own = if self.at.id == "id" { text("id")? } else { text(self.at.id).or_else(|| text("id"))? };
        if own.contains(BETWEEN) || matches!(self.form, Form::Part(_)) {
            return Some(Id(own));
        }
        let parts: Vec<String> = self.at.parents().map(text).chain([Some(own)]).collect::<Option<_>>()?;
        Some(Id(parts.join(&BETWEEN.to_string())))
    }

    fn lookup<'a>(&'a self, api: &'a Client, names: &'a [String]) -> Fut<'a, Option<Places>> {
        Box::pin(async move {
            if self.at.parents().next().is_some() {
                return Ok(None);
            }
            let all = self.all_in(api, self.at.path, &[]).await?;
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

    fn all<'a>(&'a self, api: &'a Client, beside: &'a Body) -> Fut<'a, Vec<Body>> {
        Box::pin(async move {
            let all = self.all_beside(api, &[&Term::Value(Value::Map(beside.clone()))]).await?;
            let mut bodies: Vec<Body> = all.into_iter().map(|(_, body)| body).collect();
            if let Some(seen) = self.hooks.seen {
                seen(api, &mut bodies).await?;
            }
            Ok(bodies)
        })
    }

    fn read_details<'a>(&'a self, api: &'a Client, body: &'a mut Body) -> Fut<'a, ()> {
        Box::pin(async move {
            match self.hooks.read_details {
                Some(read_details) => read_details(api, std::slice::from_mut(body)).await,
                None => Ok(()),
            }
        })
    }

    fn missing(&self, name: &str) -> (String, String) {
        let message = format!("The account has no {} `{name}`.", self.noun);
        (message, format!("Name one that the account has, or make one with a `{}` resource.", self.name))
    }

    fn renamed(&self, body: Body) -> Body {
        body
    }

    fn data_loss(&self, _: &Body) -> Option<String> {
        None
    }
}
