//! The mark of ownership.

use super::blueprint::Draft;
use super::{Mark, Tags};
use crate::component::Address;
use crate::names::gcp::label;
use crate::reference;

impl Draft<'_> {
    /// Labels of the component at an address: the user's and the mark of ownership.
    pub(super) fn tags(&self, address: &[&str]) -> Tags {
        let mut tags = self.spec.tags.clone();
        tags.extend([
            ("mlops_environment".to_owned(), label(&self.spec.id.to_string())),
            ("mlops_uid".to_owned(), uid()),
            (
                "mlops_component".to_owned(),
                label(Address::new(address).as_str()),
            ),
            (
                "mlops_managed_by".to_owned(),
                "terraform-provider-mlops".to_owned(),
            ),
        ]);
        tags
    }

    /// The mark of what has no labels but a description.
    pub(super) fn mark(&self, address: &[&str]) -> String {
        let mark = Mark {
            environment: self.spec.id.to_string(),
            uid: uid(),
            component: Address::new(address).to_string(),
        };
        // Three texts always serialise.
        serde_json::to_string(&mark).unwrap_or_default()
    }
}

fn uid() -> String {
    reference::to(&Address::new(&[reference::ENVIRONMENT]), "uid")
}
