//! How an action ended.

/// The end of an action, as far as the API tells it. Read the resource afterwards in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionEnd {
    /// It is done.
    Completed,
    /// It failed; the API gives no reason.
    Errored,
    /// The API does not know the action, and went on not knowing it: only the resource can tell.
    Gone,
}
