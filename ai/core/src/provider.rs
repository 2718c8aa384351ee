//! Who answers: this device or an endpoint somewhere else, and which of them a request goes to.

use crate::request::{Event, Failure, FailureKind, Generate};

/// What kind of place a model runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderKind {
    /// This device: nothing leaves it.
    Device,
    /// A service that somebody set up: the prompt leaves this device.
    Http,
}

/// A model that a provider has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The name of the model.
    pub model: String,
    /// Tokens of its context; 0 when that is not known.
    pub context_tokens: u32,
    /// Whether it was taught to fill in the middle.
    pub can_fill: bool,
    /// Whether it answers chats.
    pub can_chat: bool,
}

/// Takes what comes back; called in order, from any thread, and must not block. The last event is `Done` or `Failed`.
pub type Sink = Box<dyn FnMut(Event) + Send>;

/// Ends a request when it is dropped or told to; what came until then stays.
pub trait Cancel: Send + Sync {
    /// Ends it: nothing more is computed than the step under way.
    fn cancel(&self);
}

/// Somebody who answers requests for text.
pub trait Provider: Send + Sync {
    /// What kind of place it is.
    fn kind(&self) -> ProviderKind;

    /// Its name, as a person chose it or as its models have it.
    fn name(&self) -> String;

    /// The models it has.
    fn offers(&self) -> Vec<Offer>;

    /// Begins a request.
    fn submit(&self, model: &str, request: Generate, sink: Sink) -> Box<dyn Cancel>;
}

/// What a workspace and a person allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// The workspace keeps everything on its members' devices.
    pub is_local_only: bool,
    /// The person has agreed that prompts go to this kind of place.
    pub is_http_confirmed: bool,
}

/// Chooses the provider for a model: the one that has it; this device when several do.
///
/// # Errors
/// When nobody has it, or it is not allowed.
pub fn choose<'a>(providers: &[&'a dyn Provider], model: &str, policy: Policy) -> Result<&'a dyn Provider, Failure> {
    let mut having: Vec<&dyn Provider> = providers
        .iter()
        .copied()
        .filter(|provider| provider.offers().iter().any(|offer| offer.model == model))
        .collect();
    having.sort_by_key(|provider| provider.kind());
    let Some(first) = having.first() else {
        return Err(Failure::new(FailureKind::Unable, format!("there is no model {model:?}"))
            .hint("`weft ai models` lists what there is"));
    };
    if first.kind() == ProviderKind::Http && policy.is_local_only {
        return Err(Failure::new(
            FailureKind::Unable,
            format!("{} is a service outside, and this workspace keeps everything on its members' devices", first.name()),
        )
        .hint("use a model on this device: `weft ai models`"));
    }
    if first.kind() == ProviderKind::Http && !policy.is_http_confirmed {
        return Err(Failure::new(
            FailureKind::Unable,
            format!("nothing was sent to {} yet, and that must be confirmed first", first.name()),
        )
        .hint("say --send once you agree that the prompt leaves this device"));
    }
    Ok(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Named(ProviderKind, &'static str);

    struct Nothing;

    impl Cancel for Nothing {
        fn cancel(&self) {}
    }

    impl Provider for Named {
        fn kind(&self) -> ProviderKind {
            self.0
        }

        fn name(&self) -> String {
            format!("{:?}", self.0)
        }

        fn offers(&self) -> Vec<Offer> {
            vec![Offer { model: self.1.to_owned(), context_tokens: 0, can_fill: false, can_chat: true }]
        }

        fn submit(&self, _: &str, _: Generate, _: Sink) -> Box<dyn Cancel> {
            Box::new(Nothing)
        }
    }

    #[test]
    fn this_device_comes_first_and_what_leaves_it_is_allowed_first() {
        let (far, near) = (Named(ProviderKind::Http, "m"), Named(ProviderKind::Device, "m"));
        let only_far = Named(ProviderKind::Http, "far");
        let all: [&dyn Provider; 3] = [&far, &near, &only_far];
        let chosen = |model, policy| choose(&all, model, policy).map(Provider::kind);
        assert_eq!(chosen("m", Policy::default()), Ok(ProviderKind::Device));
        assert!(chosen("n", Policy::default()).is_err_and(|failure| failure.message.contains("no model")));
        assert!(chosen("far", Policy::default()).is_err_and(|failure| failure.message.contains("confirmed")));
        let confirmed = Policy { is_http_confirmed: true, ..Policy::default() };
        assert_eq!(chosen("far", confirmed), Ok(ProviderKind::Http));
        let closed = Policy { is_local_only: true, is_http_confirmed: true };
        assert!(chosen("far", closed).is_err_and(|failure| failure.message.contains("keeps everything")));
    }
}
