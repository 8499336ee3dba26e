//! An environment that stands, without its state: out of its claim, and looked at.

use mlops_environment::Environment as Model;
use tfplugin::provider::ImportTarget;
use tfplugin::{CallContext, Diagnostic, Diagnostics, ReadRequest, Resource, Value};

use super::private::Private;
use super::wanted::{self, Wanted};
use super::{Environment, read};
use crate::clouds::Cloud;
use crate::executor::{Executor, Sighting};

/// What is known of it.
pub(crate) struct Standing {
    /// The cloud that it is on.
    pub(crate) cloud: Cloud,
    /// What it is made of.
    pub(crate) model: Box<Model>,
    /// As its state would be.
    pub(crate) state: Value,
    /// Private data of that state.
    private: Private,
    /// What could not be read, and what else there is to say.
    pub(crate) diagnostics: Diagnostics,
}

impl Environment {
    /// Finds an environment by its id.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub(crate) async fn standing(&self, context: &CallContext, id: &str) -> Result<Standing, Diagnostics> {
        let imported = self.import(context, ImportTarget::Id(id.to_owned())).await?;
        let answer = self
            .read(
                context,
                ReadRequest {
                    state: imported.state,
                    private: imported.private,
                },
            )
            .await;
        if answer.diagnostics.has_errors() {
            return Err(answer.diagnostics);
        }
        if answer.state.is_null() {
            return Err(Diagnostic::error(
                format!("Nothing of {id} stands"),
                "It has a claim, and none of its components: it was deleted by other means. Apply it again, or destroy it where \
                 its state is.",
            )
            .into());
        }
        let cloud = self.clouds.of(&answer.state).await?;
        let model = match wanted::remembered(&self.schema, &answer.state, &cloud.facts)? {
            Wanted::Environment(model) => model,
            // A state is wholly known.
            Wanted::Open(_) => {
                return Err(Diagnostic::error(
                    "The settings are not known",
                    "This is a mistake in the provider: please report it.",
                )
                .into());
            }
        };
        Ok(Standing {
            cloud,
            model,
            private: Private::read(&answer.private),
            state: answer.state,
            diagnostics: answer.diagnostics,
        })
    }
}

impl Standing {
    /// Looks at every component.
    pub(crate) async fn look(&self, context: &CallContext) -> Vec<Sighting> {
        let executor = Executor {
            driver: std::sync::Arc::clone(&self.cloud.driver),
            limit: read::READS,
            cancelled: context.cancelled.child_token(),
        };
        let world = read::world(&self.private, &self.state);
        executor
            .observe(&self.model.components, &world)
            .await
            .into_values()
            .collect()
    }
}
