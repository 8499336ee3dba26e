//! The GCP driver: carries out the steps of an environment's plan.
