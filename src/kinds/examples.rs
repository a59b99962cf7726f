//! A sentence on each resource type and data source, and a block of it with what that refers to.
//!
//! Invariant: the files beside it are configurations as they stand; together they are one stack. A block belongs to the comment
//! above it, and an example is complete by itself: whatever a block refers to comes with it.

use std::collections::BTreeSet;

/// The configurations.
const FILES: [&str; 6] = [
    include_str!("examples/account.tf"),
    include_str!("examples/compute.tf"),
    include_str!("examples/lookups.tf"),
    include_str!("examples/network.tf"),
    include_str!("examples/storage.tf"),
    include_str!("examples/utilities.tf"),
];

/// The word before an import ID in the comment above a block.
const IMPORT: &str = "Import: ";

/// A resource type or data source as its first block shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its description, in a sentence or two.
    pub what: String,
    /// An import ID, where that does not follow from the attributes.
    pub import: Option<&'static str>,
    /// The address of the block: `digitalocean_droplet.web`, `data.digitalocean_vpc.default`.
    pub address: String,
    /// The block, and then what it refers to.
    pub text: String,
}

/// A block of a file.
struct Block {
    comment: Vec<&'static str>,
    address: String,
    text: &'static str,
}

impl Block {
    /// Its resource type, `data.` in front of that of a data source.
    fn kind(&self) -> &str {
        self.address.rsplit_once('.').map_or("", |(kind, _)| kind)
    }

    fn refers_to(&self, other: &Self) -> bool {
        let is_end = |c: char| !(c.is_alphanumeric() || c == '_');
        // A resource's address ends that of a data source of its name.
        let is_whole = |at: usize| {
            let (before, after) = (&self.text[..at], &self.text[at + other.address.len()..]);
            before.ends_with(|c: char| is_end(c) && c != '.') && after.starts_with(is_end)
        };
        self.text.match_indices(&other.address).any(|(at, _)| is_whole(at))
    }
}

/// The example of a resource type, or of a data source by its name with `data.` in front.
#[must_use]
pub fn example(kind: &str) -> Option<Example> {
    let blocks = blocks();
    let first = blocks.iter().position(|block| block.kind() == kind)?;
    let (mut shown, mut met) = (vec![first], BTreeSet::from([first]));
    let mut next = 0;
    while let Some(block) = shown.get(next).map(|at| &blocks[*at]) {
        let referred = blocks.iter().enumerate().filter(|(at, other)| !met.contains(at) && block.refers_to(other));
        let found: Vec<usize> = referred.map(|(at, _)| at).collect();
        met.extend(&found);
        shown.extend(found);
        next += 1;
    }
    let block = &blocks[first];
    let says = block.comment.iter().filter(|line| !line.starts_with(IMPORT)).copied().collect::<Vec<_>>();
    Some(Example {
        what: says.join(" "),
        import: block.comment.iter().find_map(|line| line.strip_prefix(IMPORT)),
        address: block.address.clone(),
        text: shown.iter().map(|at| blocks[*at].text).collect::<Vec<_>>().join("\n\n"),
    })
}

/// All of them as one configuration.
#[must_use]
pub fn all() -> String {
    FILES.join("\n")
}

fn blocks() -> Vec<Block> {
    FILES.iter().flat_map(|file| file.split("\n\n")).filter_map(block).collect()
}

/// A paragraph of the file: a comment, and a block.
fn block(part: &'static str) -> Option<Block> {
    let (mut text, mut comment) = (part.trim_matches('\n'), Vec::new());
    while let Some((line, rest)) = text.strip_prefix("# ").and_then(|text| text.split_once('\n')) {
        comment.push(line);
        text = rest;
    }
    let mut head = text.split('"');
    let data = if head.next()?.starts_with("data") { "data." } else { "" };
    let (kind, name) = (head.next()?, head.nth(1)?);
    Some(Block { comment, address: format!("{data}{kind}.{name}"), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_type_and_data_source_has_an_example_that_says_what_it_is() {
        let kinds = crate::KINDS.iter().chain(crate::LOCAL).map(|kind| kind.name().to_owned());
        let sources = crate::data::sources().chain(crate::data::locals()).map(|source| format!("data.{}", source.name));
        for kind in kinds.chain(sources).chain(["dofloat_cluster".to_owned()]) {
            let example = example(&kind).unwrap_or_else(|| panic!("write a block of {kind} in src/kinds/examples"));
            assert!(example.what.ends_with('.') && example.what.starts_with(char::is_uppercase), "{kind}: {:?}", example.what);
            assert!(example.text.contains(kind.trim_start_matches("data.")), "{kind}");
        }
    }

    #[test]
    fn an_example_has_what_it_refers_to_and_nothing_else() {
        let text = example("digitalocean_reserved_ip_assignment").unwrap().text;
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("resource")).collect();
        let expected = ["_reserved_ip_assignment\" \"web", "_droplet\" \"web", "_reserved_ip\" \"web", "_ssh_key\" \"ops"];
        assert_eq!(heads, expected.map(|of| format!("resource \"digitalocean{of}\" {{")));
        let data = example("data.digitalocean_vpc").unwrap();
        assert_eq!((data.text.matches(" {\n").count(), data.address.as_str()), (1, "data.digitalocean_vpc.default"));
        assert_eq!(example("random_integer").unwrap().import, Some("15390,1,50000"));
        assert_eq!(example("digitalocean_nothing"), None);
    }
}
