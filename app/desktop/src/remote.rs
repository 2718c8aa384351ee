//! Values that are on their way.

use weft_node::api::ApiError;

/// A value of the node. The last good one stays while a new one is on its way or could not be had.
#[derive(Debug, Clone, Default)]
pub(crate) enum Remote<T> {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// It was asked for.
    Pending(Option<T>),
    /// It is here.
    Ready(T),
    /// It could not be had.
    Failed { error: ApiError, last: Option<T> },
}

impl<T> Remote<T> {
    /// The last good value.
    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Self::Unasked => None,
            Self::Pending(last) | Self::Failed { last, .. } => last.as_ref(),
            Self::Ready(value) => Some(value),
        }
    }

    fn into_value(self) -> Option<T> {
        match self {
            Self::Unasked => None,
            Self::Pending(last) | Self::Failed { last, .. } => last,
            Self::Ready(value) => Some(value),
        }
    }

    /// Notes that it was asked for.
    pub(crate) fn ask(&mut self) {
        *self = Self::Pending(std::mem::take(self).into_value());
    }

    /// Takes an answer.
    pub(crate) fn answer(&mut self, result: Result<T, ApiError>) {
        *self = match result {
            Ok(value) => Self::Ready(value),
            Err(error) => Self::Failed { error, last: std::mem::take(self).into_value() },
        };
    }

    /// Whether an answer is awaited.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self, Self::Pending(_))
    }

    /// Why it could not be had.
    pub(crate) fn error(&self) -> Option<&ApiError> {
        if let Self::Failed { error, .. } = self { Some(error) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_good_value_stays() {
        let mut remote = Remote::default();
        remote.ask();
        assert!(remote.is_pending() && remote.value().is_none());
        remote.answer(Ok(1));
        remote.ask();
        assert_eq!(remote.value(), Some(&1));
        remote.answer(Err(ApiError::failed("no")));
        assert_eq!(
            (remote.value(), remote.error().map(|error| error.message.as_str())),
            (Some(&1), Some("no"))
        );
    }
}
