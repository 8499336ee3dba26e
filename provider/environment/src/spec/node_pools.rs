//! Node pools.

use std::collections::{BTreeMap, BTreeSet};

use super::accelerators::{self, AcceleratorSpec};
use super::collector::{Collector, word_of};
use super::{AttributePath, Cloud, Context, GcpMachineType, InstanceType, NodePoolName};
use crate::config;
use crate::defaults;

/// What runs on a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolPurpose {
    /// The cluster's own pods.
    System,
    /// Services.
    Serving,
    /// Training jobs.
    Training,
    /// Anything that needs an accelerator.
    Gpu,
    /// Anything else.
    General,
}

const PURPOSES: &[(&str, PoolPurpose)] = &[
    ("system", PoolPurpose::System),
    ("serving", PoolPurpose::Serving),
    ("training", PoolPurpose::Training),
    ("gpu", PoolPurpose::Gpu),
    ("general", PoolPurpose::General),
];

impl PoolPurpose {
    /// The word in the configuration and in the node label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Serving => "serving",
            Self::Training => "training",
            Self::Gpu => "gpu",
            Self::General => "general",
        }
    }

    /// The taint that keeps other pods away. System, serving and general nodes take every pod: the cluster's own
    /// add-ons tolerate nothing of ours.
    fn taint(self) -> Option<TaintSpec> {
        let taint = |key: &str, value: &str| TaintSpec {
            key: key.to_owned(),
            value: value.to_owned(),
            effect: "NoSchedule".to_owned(),
        };
        match self {
            Self::Training => Some(taint(PURPOSE_LABEL, "training")),
            Self::Gpu => Some(taint("nvidia.com/gpu", "present")),
            Self::System | Self::Serving | Self::General => None,
        }
    }
}

/// Label on every node with the purpose of its pool.
pub(crate) const PURPOSE_LABEL: &str = "mlops/purpose";

/// A size in the words of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 2 CPUs, 8 GiB.
    Small,
    /// 4 CPUs, 16 GiB.
    Medium,
    /// 8 CPUs, 32 GiB.
    Large,
    /// 16 CPUs, 64 GiB.
    Xlarge,
    /// One accelerator, 4 CPUs.
    GpuSmall,
    /// One accelerator, 8 CPUs.
    GpuMedium,
    /// Four accelerators.
    GpuLarge,
}

const SIZES: &[(&str, Size)] = &[
    ("small", Size::Small),
    ("medium", Size::Medium),
    ("large", Size::Large),
    ("xlarge", Size::Xlarge),
    ("gpu-small", Size::GpuSmall),
    ("gpu-medium", Size::GpuMedium),
    ("gpu-large", Size::GpuLarge),
];

impl Size {
    fn has_gpu(self) -> bool {
        matches!(self, Self::GpuSmall | Self::GpuMedium | Self::GpuLarge)
    }
}

/// AMI types of EKS that still get updates.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html>
const IMAGE_TYPES: &[&str] = &[
    "AL2023_x86_64_STANDARD",
    "AL2023_ARM_64_STANDARD",
    "AL2023_x86_64_NVIDIA",
    "AL2023_ARM_64_NVIDIA",
    "AL2023_x86_64_NEURON",
    "BOTTLEROCKET_x86_64",
    "BOTTLEROCKET_ARM_64",
    "BOTTLEROCKET_x86_64_NVIDIA",
    "BOTTLEROCKET_ARM_64_NVIDIA",
    "BOTTLEROCKET_x86_64_FIPS",
    "BOTTLEROCKET_ARM_64_FIPS",
];

/// <https://cloud.google.com/kubernetes-engine/docs/concepts/node-images>
const GKE_IMAGE_TYPES: &[&str] = &["COS_CONTAINERD", "UBUNTU_CONTAINERD"];

const GKE_DISK_TYPES: &[(&str, &str)] = &[
    ("pd-balanced", "pd-balanced"),
    ("pd-ssd", "pd-ssd"),
    ("pd-standard", "pd-standard"),
    ("hyperdisk-balanced", "hyperdisk-balanced"),
];

const DISK_TYPES: &[(&str, &str)] = &[("gp3", "gp3"), ("gp2", "gp2"), ("io1", "io1"), ("io2", "io2")];
const EFFECTS: [&str; 3] = ["NoSchedule", "NoExecute", "PreferNoSchedule"];

/// A node taint in Kubernetes' words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaintSpec {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
    /// `NoSchedule`, `NoExecute`, `PreferNoSchedule`.
    pub effect: String,
}

/// A node pool as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePoolSpec {
    /// What runs on it.
    pub purpose: PoolPurpose,
    /// Size, where machine types do not override it.
    pub size: Size,
    /// Machine types that the user named.
    pub own_machine_types: Option<Vec<String>>,
    /// Machine types in order of preference.
    pub machine_types: Vec<String>,
    /// Accelerators, where the cloud wants them said.
    pub accelerator: Option<AcceleratorSpec>,
    /// Fewest nodes.
    pub min: u32,
    /// Most nodes.
    pub max: u32,
    /// Spare capacity.
    pub spot: bool,
    /// Root volume.
    pub disk_gb: u32,
    /// Kind of root volume.
    pub disk_type: String,
    /// AMI type.
    pub image_type: String,
    /// Labels of the user.
    pub own_labels: BTreeMap<String, String>,
    /// Taints of the user.
    pub own_taints: BTreeSet<TaintSpec>,
    /// Nodes that may be down at a time.
    pub max_unavailable: u32,
}

pub(super) fn build(
    config: Option<&BTreeMap<String, config::NodePool>>,
    context: &Context<'_>,
    collector: &mut Collector,
) -> BTreeMap<NodePoolName, NodePoolSpec> {
    let path = AttributePath::root("node_pools");
    let pools: BTreeMap<String, config::NodePool> = match config {
        Some(pools) => pools.clone(),
        None => context.defaults.node_pools.iter().map(default_pool).collect(),
    };
    let mut built = BTreeMap::new();
    for (name, pool) in &pools {
        let at = path.key(name);
        let name = collector.known::<NodePoolName>(&at, name);
        let pool = build_pool(pool, context, &at, collector);
        if let (Some(name), Some(pool)) = (name, pool) {
            built.insert(name, pool);
        }
    }
    let open =
        |pool: &NodePoolSpec| pool.max > 0 && pool.taints().iter().all(|t| t.effect == "PreferNoSchedule");
    if built.len() == pools.len() && !built.values().any(open) {
        collector.warn(
            &path,
            "No pool for the cluster's own pods",
            "Every pool is tainted or has max = 0, so cluster DNS has nowhere to run. Add a pool of purpose system.",
        );
    }
    built
}

fn default_pool(pool: &defaults::DefaultPool) -> (String, config::NodePool) {
    let config = config::NodePool {
        purpose: Some(pool.purpose.as_str().to_owned()),
        size: word_of(&pool.size, SIZES),
        min: Some(pool.min.into()),
        max: Some(pool.max.into()),
        spot: Some(pool.spot),
        ..config::NodePool::default()
    };
    (pool.name.to_owned(), config)
}

fn build_pool(
    config: &config::NodePool,
    context: &Context<'_>,
    path: &AttributePath,
    collector: &mut Collector,
) -> Option<NodePoolSpec> {
    let Some(purpose) = config.purpose.as_deref() else {
        collector.refuse(
            &path.attribute("purpose"),
            "Missing",
            "Say what runs on the pool: system, serving, training, gpu or general.",
        );
        return None;
    };
    let purpose = collector.word(
        &path.attribute("purpose"),
        Some(purpose),
        PoolPurpose::General,
        PURPOSES,
    );
    let gpu = purpose == PoolPurpose::Gpu;
    let default_size = if gpu { Size::GpuSmall } else { Size::Medium };
    let size = collector.word(
        &path.attribute("size"),
        config.size.as_deref(),
        default_size,
        SIZES,
    );
    let own_machine_types = machine_types(config, context, path, collector);
    let machine_types = match &own_machine_types {
        Some(types) => types.clone(),
        None => {
            let types = defaults::machine_types(context.defaults_version, context.cloud, size);
            types.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()
        }
    };
    let accelerator = match context.cloud {
        Cloud::Aws => None,
        Cloud::Gcp => machine_types.first().and_then(|name| accelerators::of(name)),
    };
    let has_gpu = match (&own_machine_types, context.cloud) {
        (Some(types), Cloud::Aws) => types
            .iter()
            .all(|name| matches!(name.as_bytes().first(), Some(b'g' | b'p'))),
        (Some(_), Cloud::Gcp) => accelerator.is_some(),
        (None, _) => size.has_gpu(),
    };
    let attribute = if own_machine_types.is_some() {
        "machine_types"
    } else {
        "size"
    };
    if gpu && !has_gpu {
        collector.refuse(
            &path.attribute(attribute),
            "A pool of purpose gpu without accelerators",
            match context.cloud {
                Cloud::Aws => {
                    "Use size gpu-small, gpu-medium or gpu-large, or machine types of the g and p families."
                        .to_owned()
                }
                Cloud::Gcp => format!(
                    "Use size gpu-small, gpu-medium or gpu-large, or a machine type of the families {}.",
                    accelerators::FAMILIES
                ),
            },
        );
    }
    let own_gpu = own_machine_types.is_none() && size.has_gpu();
    if !gpu && (own_gpu || accelerator.is_some()) {
        collector.refuse(
            &path.attribute(attribute),
            "Accelerators in a pool of another purpose",
            "Set purpose = \"gpu\", which also keeps other pods off these expensive nodes.",
        );
    }
    let min = collector.number(&path.attribute("min"), config.min, 0, 0, 450);
    let max = collector.number(&path.attribute("max"), config.max, min.max(1), 1, 450);
    if min > max {
        collector.refuse(
            &path.attribute("min"),
            format!("min = {min} is more than max = {max}"),
            "Raise max or lower min.",
        );
    }
    let spot = config.spot.unwrap_or(false);
    if spot && purpose == PoolPurpose::System {
        collector.refuse(
            &path.attribute("spot"),
            "The system pool cannot be spot",
            "Cluster DNS and controllers would vanish at a moment's notice. Remove spot from this pool.",
        );
    }
    let defaults = context.defaults;
    let disk = if gpu {
        defaults.gpu_disk_gb
    } else {
        defaults.disk_gb
    };
    let disk_gb = collector.number(&path.attribute("disk_gb"), config.disk_gb, disk, 20, 16_384);
    let (default, types) = match context.cloud {
        Cloud::Aws => ("gp3", DISK_TYPES),
        Cloud::Gcp => ("pd-balanced", GKE_DISK_TYPES),
    };
    let at = path.attribute("disk_type");
    let disk_type = collector.word(&at, config.disk_type.as_deref(), default, types);
    let image_type = match context.cloud {
        Cloud::Aws => image_type(config, gpu, path, collector),
        Cloud::Gcp => gke_image_type(config, path, collector),
    };
    let own_labels = labels(config, path, collector);
    let own_taints = taints(config, path, collector);
    let rotate = config.rotate.clone().unwrap_or_default();
    let at = path.attribute("rotate").attribute("max_unavailable");
    // GKE adds a node before it takes one away; EKS' rule allows no less than one.
    let (default, least) = match context.cloud {
        Cloud::Aws => (1, 1),
        Cloud::Gcp => (0, 0),
    };
    let max_unavailable = collector.number(&at, rotate.max_unavailable, default, least, 100);
    Some(NodePoolSpec {
        purpose,
        size,
        own_machine_types,
        machine_types,
        accelerator,
        min,
        max,
        spot,
        disk_gb,
        disk_type: disk_type.to_owned(),
        image_type,
        own_labels,
        own_taints,
        max_unavailable,
    })
}

fn machine_types(
    config: &config::NodePool,
    context: &Context<'_>,
    path: &AttributePath,
    collector: &mut Collector,
) -> Option<Vec<String>> {
    let types = config.machine_types.as_ref()?;
    let path = path.attribute("machine_types");
    let many = match context.cloud {
        Cloud::Aws => 20,
        Cloud::Gcp => 1,
    };
    if types.is_empty() || types.len() > many {
        let (summary, remedy) = match context.cloud {
            Cloud::Aws => (
                "1 to 20 machine types",
                "Remove machine_types to let size decide, or name 1 to 20.",
            ),
            Cloud::Gcp => (
                "A GKE node pool has one machine type",
                "Remove machine_types to let size decide, or name one.",
            ),
        };
        collector.refuse(&path, summary, remedy);
    }
    let named = types.iter().enumerate().filter_map(|(at, text)| {
        let at = path.index(at);
        match context.cloud {
            Cloud::Aws => collector
                .known::<InstanceType>(&at, text)
                .map(|name| name.to_string()),
            Cloud::Gcp => collector
                .known::<GcpMachineType>(&at, text)
                .map(|name| name.to_string()),
        }
    });
    Some(named.collect())
}

fn gke_image_type(config: &config::NodePool, path: &AttributePath, collector: &mut Collector) -> String {
    let image = config.image_type.as_deref().unwrap_or("COS_CONTAINERD");
    if !GKE_IMAGE_TYPES.contains(&image) {
        collector.refuse(
            &path.attribute("image_type"),
            format!("{image:?} is no image type of GKE for Linux"),
            format!("Use one of {}.", GKE_IMAGE_TYPES.join(", ")),
        );
    }
    image.to_owned()
}

fn image_type(
    config: &config::NodePool,
    gpu: bool,
    path: &AttributePath,
    collector: &mut Collector,
) -> String {
    let default = if gpu {
        "AL2023_x86_64_NVIDIA"
    } else {
        "AL2023_x86_64_STANDARD"
    };
    let image = config.image_type.as_deref().unwrap_or(default);
    let path = path.attribute("image_type");
    if image.starts_with("AL2_") {
        collector.refuse(
            &path,
            format!("{image} gets no updates any more"),
            "Amazon Linux 2 images ended in November 2025. Use the AL2023 image of the same kind.",
        );
    } else if !IMAGE_TYPES.contains(&image) {
        collector.refuse(
            &path,
            format!("{image:?} is no image type of EKS"),
            format!("Use one of {}.", IMAGE_TYPES.join(", ")),
        );
    } else if gpu != image.contains("NVIDIA") && !image.contains("NEURON") {
        collector.refuse(
            &path,
            format!("{image} does not fit the pool's purpose"),
            "Accelerators need an NVIDIA image, other pools must not have one. Remove image_type to get the right one.",
        );
    }
    image.to_owned()
}

/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>
fn qualified(key: &str) -> bool {
    let (prefix, name) = key
        .rsplit_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(|prefix| {
        prefix.len() <= 253
            && prefix.split('.').all(|part| {
                !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            })
    }) && !name.is_empty()
        && label_value(name)
}

fn label_value(value: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= 63
        && edge(value.chars().next())
        && edge(value.chars().last())
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn labels(
    config: &config::NodePool,
    path: &AttributePath,
    collector: &mut Collector,
) -> BTreeMap<String, String> {
    let labels = config.labels.clone().unwrap_or_default();
    for (key, value) in &labels {
        let at = path.attribute("labels").key(key);
        if !qualified(key) || (!label_value(value) && !crate::reference::is_placeholder(value)) {
            collector.refuse(
                &at,
                "Not a Kubernetes label",
                "Keys and values have at most 63 letters, digits, - _ and ., and begin and end with a letter or digit.",
            );
        }
        let prefix = key.split('/').next().unwrap_or_default();
        let reserved = ["kubernetes.io", "k8s.io", "eks.amazonaws.com", "cloud.google.com"];
        let theirs = reserved
            .iter()
            .any(|r| prefix == *r || prefix.ends_with(&format!(".{r}")));
        if key.contains('/') && (theirs || prefix == "mlops") {
            collector.refuse(
                &at,
                "Reserved label",
                "Labels under this prefix are set by others. Use a prefix of yours.",
            );
        }
    }
    labels
}

fn taints(config: &config::NodePool, path: &AttributePath, collector: &mut Collector) -> BTreeSet<TaintSpec> {
    let mut taints = BTreeSet::new();
    for (index, taint) in config.taints.iter().flatten().enumerate() {
        let at = path.attribute("taints").index(index);
        let key = taint.key.clone().unwrap_or_default();
        let value = taint.value.clone().unwrap_or_default();
        let effect = taint.effect.clone().unwrap_or_else(|| "NoSchedule".to_owned());
        if !qualified(&key) || !label_value(&value) {
            collector.refuse(
                &at,
                "Not a Kubernetes taint",
                "Give key and value as in kubectl taint.",
            );
        }
        if !EFFECTS.contains(&effect.as_str()) {
            collector.refuse(
                &at.attribute("effect"),
                format!("{effect:?} is no effect of a taint"),
                format!("Use {}.", EFFECTS.join(", ")),
            );
        }
        if !taints.insert(TaintSpec { key, value, effect }) {
            collector.refuse(&at, "Taint given twice", "Remove one of the two.");
        }
    }
    taints
}

impl NodePoolSpec {
    /// Labels of the nodes.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.own_labels.clone();
        labels.insert(PURPOSE_LABEL.to_owned(), self.purpose.as_str().to_owned());
        labels
    }

    /// Taints of the nodes.
    pub fn taints(&self) -> BTreeSet<TaintSpec> {
        self.own_taints
            .iter()
            .cloned()
            .chain(self.purpose.taint())
            .collect()
    }

    /// The pool in a few words: `gpu-small, 0..2, spot`.
    pub fn summary(&self) -> String {
        let size = match &self.own_machine_types {
            Some(types) => types.join("/"),
            None => word_of(&self.size, SIZES).unwrap_or_default(),
        };
        let mut words = vec![size, format!("{}..{}", self.min, self.max)];
        words.extend(self.spot.then(|| "spot".to_owned()));
        words.extend(self.taints().iter().map(|taint| format!("taint {}", taint.key)));
        words.join(", ")
    }

    pub(super) fn resolved(&self) -> config::NodePool {
        config::NodePool {
            purpose: Some(self.purpose.as_str().to_owned()),
            size: word_of(&self.size, SIZES),
            machine_types: self.own_machine_types.clone(),
            min: Some(self.min.into()),
            max: Some(self.max.into()),
            spot: Some(self.spot),
            disk_gb: Some(self.disk_gb.into()),
            disk_type: Some(self.disk_type.clone()),
            image_type: Some(self.image_type.clone()),
            labels: (!self.own_labels.is_empty()).then(|| self.own_labels.clone()),
            taints: (!self.own_taints.is_empty()).then(|| {
                self.own_taints
                    .iter()
                    .map(|taint| config::Taint {
                        key: Some(taint.key.clone()),
                        value: Some(taint.value.clone()),
                        effect: Some(taint.effect.clone()),
                    })
                    .collect()
            }),
            rotate: Some(config::Rotate {
                max_unavailable: Some(self.max_unavailable.into()),
            }),
        }
    }
}
