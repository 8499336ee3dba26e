//! Resource names: projects by id or number, locations, the pieces of a name.

use super::refuse::{denied, no_project};
use super::{Gcp, Project};
use crate::answer::Refusal;

/// The piece of a name that follows a collection: of `projects/p/locations/l`, `l` for `locations`; empty if there is none.
pub(crate) fn piece<'a>(name: &'a str, collection: &str) -> &'a str {
    let mut pieces = name.split('/');
    while let Some(piece) = pieces.next() {
        if piece == collection {
            return pieces.next().unwrap_or_default();
        }
    }
    ""
}

/// The last piece of a name.
pub(crate) fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Everything before the last two pieces: the name of what this is in.
pub(crate) fn parent(name: &str) -> &str {
    let mut pieces = name.rsplitn(3, '/');
    pieces.nth(2).unwrap_or_default()
}

impl Gcp {
    /// The id of the project that a name is in, or that is named by id or number.
    ///
    /// # Errors
    /// 403 where nobody has such a project.
    pub(crate) fn project_id(&self, name: &str) -> Result<String, Refusal> {
        let project = match name.contains('/') {
            true => piece(name, "projects"),
            false => name,
        };
        if self.projects.contains_key(project) {
            return Ok(project.to_owned());
        }
        let number: u64 = project.parse().map_err(|_| no_project(project))?;
        self.projects
            .iter()
            .find(|(_, known)| known.number == number)
            .map(|(id, _)| id.clone())
            .ok_or_else(|| no_project(project))
    }

    /// The project that a name is in.
    ///
    /// # Errors
    /// 403 where nobody has such a project.
    pub(crate) fn project(&self, name: &str) -> Result<&Project, Refusal> {
        let id = self.project_id(name)?;
        self.projects.get(&id).ok_or_else(|| no_project(&id))
    }

    /// The project that a name is in, to change it.
    ///
    /// # Errors
    /// 403 where nobody has such a project.
    pub(crate) fn project_mut(&mut self, name: &str) -> Result<&mut Project, Refusal> {
        let id = self.project_id(name)?;
        self.projects.get_mut(&id).ok_or_else(|| no_project(&id))
    }

    /// A name with the project's id where its number stood.
    ///
    /// # Errors
    /// 403 where nobody has such a project.
    pub(crate) fn with_id(&self, name: &str) -> Result<String, Refusal> {
        let given = piece(name, "projects");
        let id = self.project_id(name)?;
        Ok(name.replacen(&format!("projects/{given}"), &format!("projects/{id}"), 1))
    }

    /// A name with the project's number where its id stood.
    ///
    /// # Errors
    /// 403 where nobody has such a project.
    pub(crate) fn with_number(&self, name: &str) -> Result<String, Refusal> {
        let given = piece(name, "projects");
        let number = self.project(name)?.number;
        Ok(name.replacen(&format!("projects/{given}"), &format!("projects/{number}"), 1))
    }
}

/// Regions (<https://cloud.google.com/compute/docs/regions-zones>).
pub(crate) const REGIONS: [&str; 42] = [
    "africa-south1",
    "asia-east1",
    "asia-east2",
    "asia-northeast1",
    "asia-northeast2",
    "asia-northeast3",
    "asia-south1",
    "asia-south2",
    "asia-southeast1",
    "asia-southeast2",
    "asia-southeast3",
    "australia-southeast1",
    "australia-southeast2",
    "europe-central2",
    "europe-north1",
    "europe-north2",
    "europe-southwest1",
    "europe-west1",
    "europe-west10",
    "europe-west12",
    "europe-west2",
    "europe-west3",
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "me-central1",
    "me-central2",
    "me-west1",
    "northamerica-northeast1",
    "northamerica-northeast2",
    "northamerica-south1",
    "southamerica-east1",
    "southamerica-west1",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-east5",
    "us-south1",
    "us-west1",
    "us-west2",
    "us-west4",
];

/// Zones of a region: `b`, `c`, `d` where Google has no `a`, else three from `a` on.
pub(crate) fn zones(region: &str) -> Vec<String> {
    let letters = match region {
        "europe-west1" | "us-east1" => ["b", "c", "d"],
        "us-central1" => ["a", "b", "c"],
        _ => ["a", "b", "c"],
    };
    letters
        .iter()
        .map(|letter| format!("{region}-{letter}"))
        .collect()
}

/// Whether a location is a region.
pub(crate) fn is_region(location: &str) -> bool {
    REGIONS.contains(&location)
}

/// The region of a zone.
pub(crate) fn region_of(zone: &str) -> Option<&str> {
    let (region, letter) = zone.rsplit_once('-')?;
    (is_region(region) && letter.len() == 1).then_some(region)
}

/// Checks a location: a region, a zone where `zonal`, or one of `also`.
///
/// # Errors
/// 403 in the words that Google's front end has for any location it does not know.
pub(crate) fn check_location(location: &str, zonal: bool, also: &[&str]) -> Result<(), Refusal> {
    let known = is_region(location) || (zonal && region_of(location).is_some()) || also.contains(&location);
    if known {
        return Ok(());
    }
    Err(denied(format!(
        "Permission denied on 'locations/{location}' (or it may not exist)."
    )))
}

/// A time as Google's two oldest APIs write it: in milliseconds, always.
pub(crate) fn moment(at: jiff::Timestamp) -> String {
    format!("{at:.3}")
}

/// Whether a text is lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen.
pub(crate) fn is_label(text: &str, shortest: usize, longest: usize) -> bool {
    (shortest..=longest).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-')
}
