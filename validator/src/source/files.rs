//! Configuration files: found in a directory or taken out of a saved plan, parsed, overrides applied.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::syntax::{self, Block, Body};

/// One file.
#[derive(Debug)]
pub struct File {
    /// Path relative to the root module's directory: `main.tf`, `modules/role/main.tf`.
    pub path: String,
    /// The text.
    pub text: String,
    /// False when the file belongs to a module that is not in the repository (`.terraform/modules/…`).
    pub first_party: bool,
    /// Why it could not be parsed; its content is then unknown.
    pub error: Option<syntax::SyntaxError>,
}

/// A block and the file it stands in.
#[derive(Debug)]
pub struct Located {
    /// Index of the file in [`Sources::files`].
    pub file: usize,
    /// The block.
    pub block: Block,
}

/// One module: all its files joined, overrides applied.
#[derive(Debug, Default)]
pub struct Module {
    /// `resource` blocks by `type.name`, `data` blocks by `data.type.name`.
    pub resources: BTreeMap<String, Located>,
    /// `module` blocks by name.
    pub calls: BTreeMap<String, Located>,
    /// `variable` blocks by name.
    pub variables: BTreeMap<String, Located>,
    /// `output` blocks by name.
    pub outputs: BTreeMap<String, Located>,
    /// Locals by name.
    pub locals: BTreeMap<String, (usize, syntax::Attribute)>,
    /// `provider` blocks: local name and alias.
    pub providers: Vec<Located>,
    /// `terraform` blocks.
    pub terraform: Vec<Located>,
    /// True when a file of it could not be parsed: what is not found here may still exist.
    pub unparsed: bool,
    /// Key of the module each call leads to, when its source is known.
    pub children: HashMap<String, String>,
    /// Directory relative to the root module's.
    pub dir: String,
    /// False for modules that come from a registry or repository.
    pub first_party: bool,
}

/// The sources of one root module and all modules it calls.
#[derive(Debug, Default)]
pub struct Sources {
    /// All files.
    pub files: Vec<File>,
    /// Modules by key: empty for the root, dotted call names below (`a.sub`).
    pub modules: BTreeMap<String, Module>,
    /// Directory of the root module, when the sources were read from one: `file()` reads there.
    pub directory: Option<PathBuf>,
}

/// The files of one module in memory: its key, its directory, whether it is in the repository, and (path, text) of each file.
pub type ModuleFiles = (String, String, bool, Vec<(String, String)>);

/// Why sources cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {error}")]
pub struct ReadError {
    path: PathBuf,
    error: std::io::Error,
}

/// More files than any configuration has; a guard against being pointed at the wrong directory.
const MOST_FILES: usize = 20_000;
/// A source file larger than this is not written by anybody.
const LARGEST: u64 = 16 << 20;

fn is_source(name: &str) -> bool {
    !name.starts_with('.')
        && !name.ends_with('~')
        && [".tf", ".tf.json", ".tofu", ".tofu.json"]
            .iter()
            .any(|s| name.ends_with(s))
}

fn is_override(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = [".tf.json", ".tofu.json", ".tf", ".tofu"]
        .iter()
        .find_map(|s| name.strip_suffix(s))
        .unwrap_or(name);
    stem == "override" || stem.ends_with("_override")
}

/// Joins two relative paths, resolving `.` and `..`.
pub(crate) fn join(base: &str, rel: &str) -> String {
    let mut parts: Vec<&str> = base.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    for p in rel.split('/') {
        match p {
            "" | "." => {}
            ".." if parts.last().is_some_and(|l| *l != "..") => {
                parts.pop();
            }
            p => parts.push(p),
        }
    }
    parts.join("/")
}

impl Sources {
    /// Reads the root module in `dir` and the modules it calls by local path, or that `.terraform/modules/modules.json` names.
    ///
    /// # Errors
    /// When the directory or a file in it cannot be read.
    pub fn from_dir(dir: &Path) -> Result<Self, ReadError> {
        let mut out = Self {
            directory: Some(dir.to_owned()),
            ..Self::default()
        };
        let manifest = installed_modules(dir);
        let mut todo = vec![(String::new(), String::new(), true)];
        while let Some((key, rel, first_party)) = todo.pop() {
            if out.modules.contains_key(&key) || out.modules.len() > 2000 {
                continue;
            }
            let mut texts = Vec::new();
            let at = if rel.is_empty() {
                dir.to_owned()
            } else {
                dir.join(&rel)
            };
            let listing = std::fs::read_dir(&at).map_err(|error| ReadError {
                path: at.clone(),
                error,
            })?;
            for entry in listing.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if !is_source(&name)
                    || entry.metadata().is_ok_and(|m| !m.is_file() || m.len() > LARGEST)
                    || out.files.len() + texts.len() > MOST_FILES
                {
                    continue;
                }
                let path = entry.path();
                let bytes = std::fs::read(&path).map_err(|error| ReadError { path, error })?;
                texts.push((join(&rel, &name), String::from_utf8_lossy(&bytes).into_owned()));
            }
            out.add_module(&key, &rel, first_party, texts);
            let calls: Vec<(String, Option<String>)> = out.modules[&key]
                .calls
                .iter()
                .map(|(name, c)| {
                    let source = c.block.body.get("source").and_then(|e| match &e.kind {
                        syntax::Kind::Literal(v) => v.as_str().map(str::to_owned),
                        _ => None,
                    });
                    (name.clone(), source)
                })
                .collect();
            for (name, source) in calls {
                let child = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                let local = source.filter(|s| s.starts_with("./") || s.starts_with("../"));
                let place = match (local, manifest.get(&child)) {
                    (Some(s), _) => (join(&rel, &s), first_party),
                    (None, Some(dir)) => (dir.clone(), false),
                    (None, None) => continue,
                };
                if dir.join(&place.0).is_dir() {
                    todo.push((child, place.0, place.1));
                }
            }
        }
        out.link();
        Ok(out)
    }

    /// Makes sources from files in memory: module key, directory, first party, and (path, text) of its files.
    #[must_use]
    pub fn from_parts(parts: Vec<ModuleFiles>) -> Self {
        let mut out = Self::default();
        for (key, dir, first_party, texts) in parts {
            out.add_module(&key, &dir, first_party, texts);
        }
        out.link();
        out
    }

    /// Makes sources of a single root file, for examples and tests.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self::from_parts(vec![(
            String::new(),
            String::new(),
            true,
            vec![("main.tf".to_owned(), text.to_owned())],
        )])
    }

    fn add_module(&mut self, key: &str, dir: &str, first_party: bool, mut texts: Vec<(String, String)>) {
        // Overrides last, and everything in one stable order.
        texts.sort_by(|a, b| (is_override(&a.0), &a.0).cmp(&(is_override(&b.0), &b.0)));
        let mut module = Module {
            dir: dir.to_owned(),
            first_party,
            ..Module::default()
        };
        for (path, text) in texts {
            let parsed = if path.ends_with(".json") {
                syntax::parse_json(&text)
            } else {
                syntax::parse(&text)
            };
            let file = self.files.len();
            let overriding = is_override(&path);
            let error = parsed.as_ref().err().cloned();
            self.files.push(File {
                path,
                text,
                first_party,
                error,
            });
            match parsed {
                Ok(body) => module.take(file, body, overriding),
                Err(_) => module.unparsed = true,
            }
        }
        self.modules.insert(key.to_owned(), module);
    }

    fn link(&mut self) {
        let keys: Vec<String> = self.modules.keys().cloned().collect();
        for key in &keys {
            let children: Vec<(String, String)> = self.modules[key]
                .calls
                .keys()
                .map(|name| {
                    (
                        name.clone(),
                        if key.is_empty() {
                            name.clone()
                        } else {
                            format!("{key}.{name}")
                        },
                    )
                })
                .filter(|(_, child)| self.modules.contains_key(child))
                .collect();
            if let Some(m) = self.modules.get_mut(key) {
                m.children = children.into_iter().collect();
            }
        }
    }

    /// Fills in what these sources lack from others: modules that are not in the repository, blocks of a directory that is not quite the
    /// planned one. What is filled in has no lines.
    #[must_use]
    pub fn completed_by(mut self, other: Self) -> Self {
        fn fill<V>(into: &mut BTreeMap<String, V>, from: BTreeMap<String, V>) {
            for (k, v) in from {
                into.entry(k).or_insert(v);
            }
        }
        for (key, m) in other.modules {
            match self.modules.get_mut(&key) {
                Some(have) => {
                    fill(&mut have.resources, m.resources);
                    fill(&mut have.calls, m.calls);
                    fill(&mut have.variables, m.variables);
                    fill(&mut have.outputs, m.outputs);
                }
                None => {
                    self.modules.insert(
                        key,
                        Module {
                            first_party: false,
                            ..m
                        },
                    );
                }
            }
        }
        self
    }

    /// The text of a file that the configuration reads with `file()`: only by a relative path, only of a size a policy may have, and
    /// only where the sources come from a directory (a saved plan does not keep such files).
    #[must_use]
    pub fn file(&self, path: &str) -> Option<String> {
        let root = self.directory.as_ref()?;
        if path.is_empty() || path.starts_with(['/', '~']) {
            return None;
        }
        let path = root.join(path);
        let meta = std::fs::metadata(&path).ok()?;
        if !meta.is_file() || meta.len() > 1 << 20 {
            return None;
        }
        std::fs::read_to_string(path).ok()
    }

    /// The module at an address path (`module.a["x"].module.b`), empty for the root.
    #[must_use]
    pub fn module(&self, path: &str) -> Option<&Module> {
        self.modules.get(&module_key(path))
    }
}

/// `module.a["x"].module.b` is stored under `a.b`.
pub(crate) fn module_key(path: &str) -> String {
    let bare = crate::address::without_keys(path);
    bare.split('.')
        .filter(|p| !p.is_empty())
        .skip(1)
        .step_by(2)
        .collect::<Vec<_>>()
        .join(".")
}

fn installed_modules(dir: &Path) -> HashMap<String, String> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        #[serde(rename = "Modules")]
        modules: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(rename = "Key")]
        key: String,
        #[serde(rename = "Dir")]
        dir: String,
    }
    let data = std::env::var_os("TF_DATA_DIR").map_or_else(|| dir.join(".terraform"), |d| dir.join(d));
    std::fs::read(data.join("modules/modules.json"))
        .ok()
        .and_then(|b| serde_json::from_slice::<Manifest>(&b).ok())
        .map(|m| m.modules.into_iter().map(|e| (e.key, e.dir)).collect())
        .unwrap_or_default()
}

impl Module {
    fn take(&mut self, file: usize, body: Body, overriding: bool) {
        for block in body.blocks {
            let key = block.labels.join(".");
            let located = |block| Located { file, block };
            let map = match block.kind.as_str() {
                "resource" => (&mut self.resources, key),
                "data" => (&mut self.resources, format!("data.{key}")),
                "module" => (&mut self.calls, key),
                "variable" => (&mut self.variables, key),
                "output" => (&mut self.outputs, key),
                "locals" => {
                    for a in block.body.attributes {
                        self.locals.insert(a.name.clone(), (file, a));
                    }
                    continue;
                }
                "provider" => {
                    let alias = |b: &Block| match b.body.get("alias").map(|e| &e.kind) {
                        Some(syntax::Kind::Literal(v)) => v.as_str().map(str::to_owned),
                        _ => None,
                    };
                    let same = self.providers.iter_mut().find(|p| {
                        overriding && p.block.labels == block.labels && alias(&p.block) == alias(&block)
                    });
                    match same {
                        Some(p) => merge(&mut p.block.body, block.body),
                        None => self.providers.push(located(block)),
                    }
                    continue;
                }
                "terraform" => {
                    match self.terraform.first_mut() {
                        // A backend or cloud block of an override file replaces whatever backend or cloud block there was.
                        Some(t) if overriding => {
                            if block
                                .body
                                .blocks
                                .iter()
                                .any(|b| matches!(b.kind.as_str(), "backend" | "cloud" | "state_store"))
                            {
                                self.terraform.iter_mut().for_each(|t| {
                                    t.block.body.blocks.retain(|b| {
                                        !matches!(b.kind.as_str(), "backend" | "cloud" | "state_store")
                                    })
                                });
                                self.terraform.push(located(block));
                            } else {
                                merge(&mut t.block.body, block.body);
                            }
                        }
                        _ => self.terraform.push(located(block)),
                    }
                    continue;
                }
                _ => continue,
            };
            let (map, key) = map;
            match map.get_mut(&key) {
                Some(base) if overriding => merge(&mut base.block.body, block.body),
                Some(_) => {}
                None => {
                    map.insert(key, located(block));
                }
            }
        }
    }
}

/// Override files replace attributes one by one, and nested blocks by kind.
fn merge(base: &mut Body, over: Body) {
    for a in over.attributes {
        base.attributes.retain(|b| b.name != a.name);
        base.attributes.push(a);
    }
    let kinds: Vec<String> = over.blocks.iter().map(|b| b.kind.clone()).collect();
    base.blocks.retain(|b| !kinds.contains(&b.kind));
    base.blocks.extend(over.blocks);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn override_files_win_over_what_they_override() {
        let s = Sources::from_parts(vec![(
            String::new(),
            String::new(),
            true,
            vec![
                (
                    "backend_override.tf".into(),
                    "terraform {\n  backend \"local\" {}\n}\n".into(),
                ),
                (
                    "main.tf".into(),
                    "terraform {\n  backend \"s3\" {\n    bucket = \"b\"\n  }\n}\n".into(),
                ),
            ],
        )]);
        let blocks: Vec<&str> = s.modules[""]
            .terraform
            .iter()
            .flat_map(|t| &t.block.body.blocks)
            .map(|b| b.labels[0].as_str())
            .collect();
        assert_eq!(blocks, ["local"]);
    }

    #[test]
    fn relative_module_paths_are_joined() {
        assert_eq!(join("live/prod", "../../modules/role"), "modules/role");
        assert_eq!(join("", "./m"), "m");
        assert_eq!(join("", "../m"), "../m");
    }

    #[test]
    fn a_byte_order_mark_and_a_repeated_key_do_not_hide_a_file() {
        let s = Sources::from_text("\u{feff}locals {\n  a = { x = 1, x = 2 }\n}\n");
        assert!(s.files[0].error.is_none(), "{:?}", s.files[0].error);
        assert!(s.modules[""].locals.contains_key("a"));
    }

    #[test]
    fn what_cannot_be_parsed_is_said() {
        let s = Sources::from_text("resource \"a\" \"b\" {");
        assert!(s.files[0].error.is_some() && s.modules[""].unparsed);
    }
}
