//! A value that must not be shown.
//!
//! Invariant: a `Secret` prints as `(sensitive value)` and has no `Serialize`. `expose` is called in eight places only
//! (a test reads the sources): building a Spec, what a provisioner is given, the token header, a bucket's key, the age file, the values of variables, the border of the
//! language, and where secrets are cut out of what is printed. Everything else maps, and the mark stays.

use std::fmt;
use std::sync::Arc;

/// A value that is masked wherever it is printed.
pub struct Secret<T: ?Sized>(Arc<T>);

impl<T> Secret<T> {
    /// Marks a value as secret.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// Computes with the value; the result is as secret as the value was.
    pub fn map<U>(&self, f: impl FnOnce(&T) -> U) -> Secret<U> {
        Secret::new(f(&self.0))
    }

    /// Computes with two secrets.
    pub fn zip<U, V>(&self, other: &Secret<U>, f: impl FnOnce(&T, &U) -> V) -> Secret<V> {
        Secret::new(f(&self.0, &other.0))
    }

    /// The value itself.
    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl Secret<String> {
    /// How long it is, in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.0.len()
    }
}

impl<T: Clone, E: Clone> Secret<Result<T, E>> {
    /// Splits what may have failed. The error must say nothing of the value.
    ///
    /// # Errors
    /// The error.
    pub fn transpose(&self) -> Result<Secret<T>, E> {
        match &*self.0 {
            Ok(value) => Ok(Secret::new(value.clone())),
            Err(error) => Err(error.clone()),
        }
    }
}

impl<T> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive value)")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive value)")
    }
}

impl<T: PartialEq> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Eq> Eq for Secret<T> {}
