//! Accelerators that come with a machine type of Google Cloud: GKE wants them said, though the type decides them.
//! <https://cloud.google.com/compute/docs/gpus>

/// Accelerators of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceleratorSpec {
    /// For example `nvidia-l4`.
    pub kind: &'static str,
    /// How many.
    pub count: u32,
}

/// Families with accelerators, for messages.
pub(super) const FAMILIES: &str = "g2-standard, a2-highgpu, a2-ultragpu or a3-highgpu";

/// The accelerators of a machine type; none if it has none, or is not known here.
pub(super) fn of(machine_type: &str) -> Option<AcceleratorSpec> {
    let (family, size) = machine_type.rsplit_once('-')?;
    let gpus = |size: &str| size.strip_suffix('g')?.parse::<u32>().ok();
    let (kind, count) = match family {
        "g2-standard" => {
            let count = match size {
                "4" | "8" | "12" | "16" | "32" => 1,
                "24" => 2,
                "48" => 4,
                "96" => 8,
                _ => return None,
            };
            ("nvidia-l4", count)
        }
        "a2-highgpu" => (
            "nvidia-tesla-a100",
            gpus(size).filter(|n| [1, 2, 4, 8].contains(n))?,
        ),
        "a2-ultragpu" => (
            "nvidia-a100-80gb",
            gpus(size).filter(|n| [1, 2, 4, 8].contains(n))?,
        ),
        "a3-highgpu" => (
            "nvidia-h100-80gb",
            gpus(size).filter(|n| [1, 2, 4, 8].contains(n))?,
        ),
        _ => return None,
    };
    Some(AcceleratorSpec { kind, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_decides_the_accelerators() {
        let of = |name: &str| of(name).map(|found| (found.kind, found.count));
        assert_eq!(of("g2-standard-48"), Some(("nvidia-l4", 4)));
        assert_eq!(of("a2-highgpu-2g"), Some(("nvidia-tesla-a100", 2)));
        assert_eq!(of("g2-standard-5"), None);
        assert_eq!(of("e2-standard-4"), None);
    }
}
