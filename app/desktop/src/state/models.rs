//! What the page of models shows: the work that goes on, hardware, offers of members, policies.

use weft_node::api::{
    AiHardwareReport, AiModelsOffered, AiTemplateKind, AiTemplateList, ApiError, Policies, Progress,
};

use crate::{limits::MODEL_WORK_MAX, link::ModelWork, remote::Remote};

/// Work on a model or a server.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) progress: Option<Progress>,
    /// Why it was not done.
    pub(crate) error: Option<ApiError>,
}

/// What is known besides the models and servers themselves.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelsPage {
    pub(crate) hardware: Remote<AiHardwareReport>,
    pub(crate) offers: Remote<AiModelsOffered>,
    pub(crate) policies: Remote<Policies>,
    pub(crate) templates: Remote<AiTemplateList>,
    pub(crate) jobs: Vec<Job>,
}

impl ModelsPage {
    /// Whether the workspace asks models on its members' devices only.
    pub(crate) fn is_local_only(&self) -> bool {
        self.policies.value().is_some_and(|policies| policies.ai_local_only)
    }

    /// Notes work that begins. `false` when there is too much already.
    pub(crate) fn begin(&mut self, number: u64, work: &ModelWork) -> bool {
        let title = work.title();
        // Trying again what failed takes its place.
        self.jobs.retain(|job| job.error.is_none() || job.title != title);
        if self.jobs.len() >= MODEL_WORK_MAX {
            return false;
        }
        self.jobs.push(Job { number, title, progress: None, error: None });
        true
    }

    /// How far work is.
    pub(crate) fn progress(&mut self, number: u64, progress: Progress) {
        if let Some(job) = self.jobs.iter_mut().find(|job| job.number == number) {
            job.progress = Some(progress);
        }
    }

    /// Work is over. Tells whether somebody waits for it.
    pub(crate) fn done(&mut self, number: u64, error: Option<ApiError>) -> bool {
        let Some(at) = self.jobs.iter().position(|job| job.number == number) else { return false };
        match error {
            None => drop(self.jobs.remove(at)),
            error => (self.jobs[at].progress, self.jobs[at].error) = (None, error),
        }
        true
    }

    /// Takes work off the list. Tells whether it still went on.
    pub(crate) fn dismiss(&mut self, number: u64) -> bool {
        let goes_on = self.jobs.iter().any(|job| job.number == number && job.error.is_none());
        self.jobs.retain(|job| job.number != number);
        goes_on
    }

    /// What comes of a template; nothing when there is none of this name.
    pub(crate) fn template_kind(&self, name: &str) -> Option<AiTemplateKind> {
        match self.templates.value() {
            Some(list) => {
                list.templates.iter().find(|template| template.name == name).map(|template| template.kind)
            }
            // Those that Weft brings, until it is known what there is.
            None => match name {
                "explain" => Some(AiTemplateKind::Words),
                "generate" | "refactor" | "document" | "test" | "fix" => Some(AiTemplateKind::Change),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_listed_until_it_is_done_or_dismissed() {
        let mut page = ModelsPage::default();
        let work = |id: usize| ModelWork::Verify(id.to_string());
        assert!(page.begin(1, &work(1)));
        assert!(page.done(1, Some(ApiError::failed("no"))) && page.jobs.len() == 1);
        assert!(page.begin(2, &work(1)), "once more");
        assert_eq!(page.jobs.iter().map(|job| job.number).collect::<Vec<_>>(), [2]);
        for number in 2..=MODEL_WORK_MAX {
            assert!(page.begin(number as u64 + 10, &work(number)));
        }
        assert!(!page.begin(99, &work(99)), "there is too much");
        assert!(page.dismiss(2) && !page.dismiss(2));
        assert!(page.done(12, None) && !page.done(12, None));
        assert_eq!(page.template_kind("explain"), Some(AiTemplateKind::Words));
        assert_eq!(page.template_kind("dance"), None);
    }
}
