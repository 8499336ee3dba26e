//! A picture of an environment, drawn from its graph of components: from left to right the order in which they are made.
//!
//! Components of a kind that can be made at the same time share a box. An arrow leads to whoever needs what the box holds;
//! arrows that follow from others are left out. The text is the same for the same environment, so that a picture can be
//! checked in. Colours follow the reader's light or dark scheme.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::component::Address;
use crate::environment::Environment;
use crate::graph::Graph;

/// Measures in pixels.
const WIDTH: usize = 168;
const GAP_X: usize = 56;
const GAP_Y: usize = 18;
const HEAD: usize = 26;
const LINE: usize = 17;
const PAD: usize = 10;
const MARGIN: usize = 24;
const TITLE: usize = 44;
/// Members shown in a box; of more, the number is told.
const MOST: usize = 8;

const STYLE: &str = "\
    .page{fill:#ffffff}.box{fill:#f6f8fa;stroke:#8c959f}.title{fill:#1f2328;font-weight:600;font-size:15px}\
    .head{fill:#1f2328;font-weight:600}.line{fill:#57606a}.arrow{stroke:#8c959f;fill:none;stroke-width:1.3}\
    .tip{fill:#8c959f}.who{fill:#ddf4ff;stroke:#54aeff}.data{fill:#dafbe1;stroke:#4ac26b}.run{fill:#fff8c5;stroke:#d4a72c}\
    @media(prefers-color-scheme:dark){.page{fill:#0d1117}.box{fill:#161b22;stroke:#6e7681}.title,.head{fill:#e6edf3}\
    .line{fill:#9da7b3}.arrow{stroke:#6e7681}.tip{fill:#6e7681}.who{fill:#0c2d6b;stroke:#388bfd}\
    .data{fill:#0f3d1f;stroke:#2ea043}.run{fill:#3d2e00;stroke:#bb8009}}";

/// A box: components of one family that can be made at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    wave: usize,
    family: String,
    members: Vec<String>,
}

impl Environment {
    /// The picture, as SVG.
    pub fn picture(&self) -> String {
        let graph = Graph::of(&self.components);
        let groups = groups(&graph);
        let arrows = arrows(&graph, &groups);
        draw(
            &format!("{} · {}", self.spec.id, self.spec.tier.as_str()),
            &groups,
            &arrows,
        )
    }
}

/// The first part of an address.
fn family(address: &Address) -> &str {
    address.as_str().split('.').next().unwrap_or_default()
}

fn groups(graph: &Graph) -> Vec<Group> {
    // An environment's components have been ordered before: there is no circle.
    let waves = graph.waves().unwrap_or_default();
    let mut groups: BTreeMap<(usize, String), Vec<String>> = BTreeMap::new();
    for (wave, addresses) in waves.iter().enumerate() {
        for address in addresses {
            let family = family(address);
            let rest = address.as_str().strip_prefix(family).unwrap_or_default();
            groups
                .entry((wave, family.to_owned()))
                .or_default()
                .push(rest.trim_start_matches('.').replace('.', " "));
        }
    }
    groups
        .into_iter()
        .map(|((wave, family), mut members)| {
            members.retain(|member| !member.is_empty());
            members.sort();
            Group {
                wave,
                family,
                members,
            }
        })
        .collect()
}

/// Which box leads to which, without what follows from the rest.
fn arrows(graph: &Graph, groups: &[Group]) -> BTreeSet<(usize, usize)> {
    let waves = graph.waves().unwrap_or_default();
    let place: BTreeMap<&Address, usize> = waves
        .iter()
        .enumerate()
        .flat_map(|(wave, addresses)| addresses.iter().map(move |address| (wave, address)))
        .filter_map(|(wave, address)| {
            let at = groups
                .iter()
                .position(|group| group.wave == wave && group.family == family(address))?;
            Some((address, at))
        })
        .collect();
    let mut leads: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (address, to) in &place {
        for needed in graph.needs(address) {
            if let Some(from) = place.get(needed) {
                leads.entry(*from).or_default().insert(*to);
            }
        }
    }
    let mut arrows = BTreeSet::new();
    for (from, all) in &leads {
        for to in all {
            let around = all
                .iter()
                .filter(|other| *other != to)
                .any(|other| reaches(&leads, *other, *to));
            if !around {
                arrows.insert((*from, *to));
            }
        }
    }
    arrows
}

fn reaches(leads: &BTreeMap<usize, BTreeSet<usize>>, from: usize, to: usize) -> bool {
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            open.extend(leads.get(&at).into_iter().flatten());
        }
    }
    false
}

/// Where a box stands.
#[derive(Clone, Copy)]
struct Frame {
    x: usize,
    y: usize,
    height: usize,
}

fn lines(group: &Group) -> Vec<String> {
    if group.members.len() <= MOST {
        return group.members.clone();
    }
    let mut lines: Vec<String> = group.members.iter().take(MOST - 1).cloned().collect();
    lines.push(format!("… and {} more", group.members.len() - lines.len()));
    lines
}

fn height(group: &Group) -> usize {
    let lines = lines(group).len();
    HEAD + lines * LINE + if lines > 0 { PAD } else { 0 }
}

fn frames(groups: &[Group]) -> (Vec<Frame>, usize) {
    let columns = groups.iter().map(|group| group.wave + 1).max().unwrap_or(0);
    let tall = |column: usize| -> usize {
        let inside = groups.iter().filter(|group| group.wave == column);
        inside
            .map(|group| height(group) + GAP_Y)
            .sum::<usize>()
            .saturating_sub(GAP_Y)
    };
    let tallest = (0..columns).map(tall).max().unwrap_or(0);
    let mut next: Vec<usize> = (0..columns).map(|column| (tallest - tall(column)) / 2).collect();
    let frames = groups
        .iter()
        .map(|group| {
            let y = MARGIN + TITLE + next[group.wave];
            next[group.wave] += height(group) + GAP_Y;
            Frame {
                x: MARGIN + group.wave * (WIDTH + GAP_X),
                y,
                height: height(group),
            }
        })
        .collect();
    (frames, tallest)
}

/// The colour of a family, by what it is about.
fn class(family: &str) -> &'static str {
    match family {
        "identities" | "boundaries" | "federation" | "access" | "trust" | "grants" => "who",
        "buckets" | "registry" | "secrets" | "keys" | "key_ring" => "data",
        "cluster" | "node_pools" => "run",
        _ => "box",
    }
}

fn draw(title: &str, groups: &[Group], arrows: &BTreeSet<(usize, usize)>) -> String {
    let (frames, tallest) = frames(groups);
    let columns = groups.iter().map(|group| group.wave + 1).max().unwrap_or(1);
    let width = 2 * MARGIN + columns * (WIDTH + GAP_X) - GAP_X;
    let height = 2 * MARGIN + TITLE + tallest;
    let title = escaped(title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{title}\" font-family=\"system-ui,sans-serif\" font-size=\"12\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path class=\"tip\" d=\"M0 0 8 4 0 8z\"/></marker></defs>\n\
         <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n\
         <text class=\"title\" x=\"{MARGIN}\" y=\"{}\">{title}</text>\n",
        MARGIN + 16
    );
    for (from, to) in arrows {
        let (a, b) = (frames[*from], frames[*to]);
        let (x1, y1) = (a.x + WIDTH, a.y + a.height / 2);
        let (x2, y2) = (b.x, b.y + b.height / 2);
        let bend = GAP_X * 3 / 4;
        // Writing into a text cannot fail.
        let _ = writeln!(
            svg,
            "<path class=\"arrow\" d=\"M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}\" marker-end=\"url(#tip)\"/>",
            x1 + bend,
            x2.saturating_sub(bend)
        );
    }
    for (group, frame) in groups.iter().zip(&frames) {
        let Frame { x, y, height } = *frame;
        let _ = writeln!(
            svg,
            "<g><rect class=\"{}\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>\
             <text class=\"head\" x=\"{}\" y=\"{}\">{}</text>",
            class(&group.family),
            x + PAD,
            y + 18,
            escaped(&group.family.replace('_', " "))
        );
        for (number, line) in lines(group).iter().enumerate() {
            let _ = writeln!(
                svg,
                "<text class=\"line\" x=\"{}\" y=\"{}\">{}</text>",
                x + PAD,
                y + HEAD + 11 + number * LINE,
                escaped(&shortened(line))
            );
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// A line that fits its box.
fn shortened(text: &str) -> String {
    const MOST: usize = 24;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let start: String = text.chars().take(MOST - 1).collect();
    format!("{start}…")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
