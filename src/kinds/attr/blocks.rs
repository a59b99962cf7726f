//! Attributes that are written as blocks: what of them the API sets, what it seals, and their forms.
//!
//! Invariant: pure; a block is what the rows of its parts say, however deep.

use super::{Attr, Compare, Presence, Secrecy, Ty};
use dofloat_base::value::{Body, Value};

/// The side for which blocks are completed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// To be held against others: what is nothing is null, and what the API alone sets or seals is left out.
    Compared,
    /// As they were read.
    Read,
    /// As they are written, what is sealed too.
    Written,
}

impl Attr {
    /// Blocks in the form in which they are compared.
    pub(super) fn compared_blocks(&self, value: &Value) -> Value {
        self.whole_blocks(value, Side::Compared)
    }

    /// Blocks in the spelling in which they are known once they are there.
    pub(super) fn written_blocks(&self, value: &Value) -> Value {
        self.whole_blocks(value, Side::Written)
    }

    /// A value that was read, with all its parts; blocks have what their rows say where the API says nothing.
    #[must_use]
    pub fn read_back(&self, value: &Value) -> Value {
        match self.compare {
            Compare::Block => self.whole_blocks(value, Side::Read),
            _ => self.normal(value, &Body::new()),
        }
    }

    /// Blocks without what the API alone sets of them.
    #[must_use]
    pub fn written_parts(&self, value: &Value) -> Value {
        let (Some(rows), Value::List(items)) = (self.inner().filter(|_| self.has_chosen_parts()), value) else { return value.clone() };
        let is_written = |name: &String| rows.iter().any(|row| row.name == name && row.settable());
        let written = |item: &Value| match item {
            Value::Map(fields) => {
                Value::Map(fields.iter().filter(|(name, _)| is_written(name)).map(|(name, value)| (name.clone(), value.clone())).collect())
            }
            other => other.clone(),
        };
        Value::List(items.iter().map(written).collect())
    }

    /// Blocks that are wanted, with the parts that are left to the API as they are there.
    #[must_use]
    pub fn filled(&self, wanted: &Value, there: &Value) -> Value {
        let (Some(rows), Ty::List(_), Value::List(items)) = (self.inner(), self.ty, wanted) else { return wanted.clone() };
        let fill = |(at, item): (usize, &Value)| {
            let there = there.as_list().and_then(|there| there.get(at)?.as_map());
            let (Value::Map(fields), Some(there)) = (item, there) else { return item.clone() };
            let mut fields = fields.clone();
            for row in rows.iter().filter(|row| row.settable()) {
                let Some(there) = there.get(row.name) else { continue };
                let filled = match fields.get(row.name).filter(|value| **value != Value::Null) {
                    Some(value) => row.filled(value, there),
                    None if row.presence == Presence::OptionalComputed => there.clone(),
                    None => continue,
                };
                fields.insert(row.name.to_owned(), filled);
            }
            Value::Map(fields)
        };
        Value::List(items.iter().enumerate().map(fill).collect())
    }

    /// The sealed values in blocks, each with the part to which it belongs; nothing where there are none.
    #[must_use]
    pub fn sealed_parts(&self, value: &Value) -> Option<Value> {
        let (Some(rows), Value::List(items)) = (self.inner(), value) else { return None };
        let part = |item: &Value| {
            let fields = item.as_map()?;
            let of = |row: &Attr| fields.get(row.name).filter(|value| **value != Value::Null && **value != row.unset());
            let own = |row: &Attr| of(row).filter(|_| row.sealed).cloned();
            let mut kept: Body = rows.iter().filter_map(|row| Some((row.name.to_owned(), own(row)?))).collect();
            if !kept.is_empty() {
                let tells = |row: &&Attr| row.settable() && row.presence != Presence::OptionalComputed && row.inner().is_none();
                let open = rows.iter().filter(tells).filter(|row| !row.sealed);
                kept.extend(open.filter_map(|row| Some((row.name.to_owned(), row.normal(of(row)?, fields)))).collect::<Vec<_>>());
            }
            kept.extend(
                rows.iter().filter_map(|row| Some((row.name.to_owned(), row.sealed_parts(fields.get(row.name)?)?))).collect::<Vec<_>>(),
            );
            (!kept.is_empty()).then_some(Value::Map(kept))
        };
        let mut parts: Vec<Value> = items.iter().filter_map(part).collect();
        if matches!(self.ty, Ty::Set(_)) {
            parts.sort();
        }
        (!parts.is_empty()).then_some(Value::List(parts))
    }

    /// Whether a part of its blocks may be sealed.
    #[must_use]
    pub fn has_sealed_parts(&self) -> bool {
        self.inner().is_some_and(|rows| rows.iter().any(|row| row.sealed || row.has_sealed_parts()))
    }

    /// Blocks with every row of theirs that counts, and what stands for nothing there. A lone object of nothing is the same as none:
    /// it cannot be taken away by a request that has to have it.
    fn whole_blocks(&self, value: &Value, side: Side) -> Value {
        let (Some(rows), Value::List(items)) = (self.inner(), value) else { return value.clone() };
        let nothing = |row: &Attr| if side == Side::Compared { Value::Null } else { row.unset() };
        let counts = |row: &&Attr| side == Side::Read || row.settable();
        let normal = |item: &Value| {
            let Value::Map(fields) = item else { return item.clone() };
            let field = |row: &Attr| {
                let value = fields.get(row.name).filter(|value| **value != Value::Null).cloned().unwrap_or_else(|| row.unset());
                let normal = match row.compare {
                    _ if row.sealed => {
                        if side == Side::Written {
                            value
                        } else {
                            Value::Null
                        }
                    }
                    Compare::Block => row.whole_blocks(&value, side),
                    _ => row.normal(&value, fields),
                };
                (row.name.to_owned(), if normal == Value::Null { nothing(row) } else { normal })
            };
            Value::Map(rows.iter().filter(counts).map(field).collect())
        };
        let mut items: Vec<Value> = items.iter().map(normal).collect();
        if self.wire.single && self.presence == Presence::Optional {
            let is_nothing = |row: &Attr, value: &Value| *value == Value::Null || *value == row.unset();
            let has = |parts: &Body| rows.iter().any(|row| parts.get(row.name).is_some_and(|value| !is_nothing(row, value)));
            items.retain(|item| item.as_map().is_none_or(has));
        }
        if matches!(self.ty, Ty::Set(_)) {
            items.sort();
            items.dedup();
        }
        Value::List(items)
    }

    /// Whether it is written as blocks of which the API sets a part, or may.
    #[must_use]
    pub fn has_chosen_parts(&self) -> bool {
        let chosen = |row: &Self| matches!(row.presence, Presence::Computed | Presence::OptionalComputed) || row.has_chosen_parts();
        self.settable() && self.inner().is_some_and(|rows| rows.iter().any(chosen))
    }

    /// Whether it is sensitive, or a part of it is.
    #[must_use]
    pub fn holds_secret(&self) -> bool {
        self.secrecy == Secrecy::Sensitive || self.inner().is_some_and(|rows| rows.iter().any(Self::holds_secret))
    }
}
