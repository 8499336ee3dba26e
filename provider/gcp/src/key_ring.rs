//! A KMS key ring. Its name is taken for ever once it was made, so one that stands is the one we want.

use async_trait::async_trait;
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::{Monitor, Reason};
use mlops_environment::gcp::KeyRing;

use crate::driver::Gcp;
use crate::failure::{Outcome, optional};
use crate::mark::asking;
use crate::name::{parent, short};
use crate::object::{Changes, Object, Wanted, outputs, ready};

impl Wanted<KeyRing> {
    fn present(&self) -> Present {
        let known = outputs([("name", self.name.clone())]);
        ready(&self.name, asking(&self.owner), self, known)
    }
}

#[async_trait]
impl Object for Wanted<KeyRing> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let found = gcp
            .clients
            .call("cloudkms:GetKeyRing", || {
                gcp.clients.keys.get_key_ring().set_name(&self.name).send()
            })
            .await;
        Ok(match optional(found)? {
            Some(_) => Observation::Present(self.present()),
            None => Observation::Absent,
        })
    }

    async fn create(&self, gcp: &Gcp, _: &Component, _: &dyn Monitor) -> Outcome<Present> {
        let made = gcp
            .clients
            .make("cloudkms:CreateKeyRing", || {
                gcp.clients
                    .keys
                    .create_key_ring()
                    .set_parent(parent(&self.name))
                    .set_key_ring_id(short(&self.name))
                    .set_key_ring(google_cloud_kms_v1::model::KeyRing::new())
                    .send()
            })
            .await;
        match made {
            Err(failure) if failure.reason != Reason::AlreadyExists => Err(failure),
            _ => Ok(self.present()),
        }
    }

    async fn update(&self, _: &Gcp, _: &Component, _: &Changes<'_>) -> Outcome<()> {
        Ok(())
    }

    async fn delete(&self, _: &Gcp, _: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        Ok(())
    }
}
