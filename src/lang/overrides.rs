//! Files that override others: `override.tf`, and whatever ends in `_override.tf`.
//!
//! Invariant: what is overridden stands in an ordinary file. An argument takes the place of the one of its name, a block within the
//! place of all of its type; of `lifecycle`, `terraform` and `locals` each argument counts by itself.

use super::ast::{Attr, Block, Body};
use dofloat_base::diag::Diagnostic;

/// Blocks of which an override need not have anything to override.
const OWN: [&str; 2] = ["terraform", "provider"];

/// Whether a file overrides others, by its name.
fn overrides(file: &str) -> bool {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = name.strip_suffix(".tf.json").or_else(|| name.strip_suffix(".tf")).unwrap_or(name);
    stem == "override" || stem.ends_with("_override")
}

fn file(body: &Body) -> Option<&str> {
    let block = || Some(&*body.blocks.first()?.header.file);
    block().or_else(|| Some(&*body.attrs.first()?.span.file))
}

/// Merges what overrides into what is overridden. Files come in the order of their names.
pub(super) fn merge(bodies: &mut Vec<Body>, errors: &mut Vec<Diagnostic>) {
    let (over, mut base): (Vec<Body>, Vec<Body>) = std::mem::take(bodies).into_iter().partition(|body| file(body).is_some_and(overrides));
    for mut body in over {
        let blocks = std::mem::take(&mut body.blocks);
        for block in blocks {
            match block.kind.as_str() {
                "locals" => locals(&mut base, block, errors),
                _ => one(&mut base, block, errors),
            }
        }
        // What stands outside of any block is told where blocks are read.
        base.extend(Some(body).filter(|body| !body.attrs.is_empty()));
    }
    *bodies = base;
}

fn labels(block: &Block) -> Vec<&str> {
    block.labels.iter().map(|(label, _)| label.as_str()).collect()
}

/// The alias of a provider, by which two of one name differ.
fn alias(block: &Block) -> Option<&str> {
    block.body.attr("alias")?.value.text()
}

fn one(base: &mut Vec<Body>, over: Block, errors: &mut Vec<Diagnostic>) {
    let same = |block: &&mut Block| {
        block.kind == over.kind && labels(block) == labels(&over) && (over.kind != "provider" || alias(block) == alias(&over))
    };
    if let Some(block) = base.iter_mut().flat_map(|body| &mut body.blocks).find(same) {
        return whole(&mut block.body, over.body, &over.kind);
    }
    if OWN.contains(&over.kind.as_str()) {
        base.push(Body { attrs: Vec::new(), blocks: vec![over] });
        return;
    }
    errors.push(Diagnostic::error(format!("There is no such {} block in another file to override.", over.kind)).at(over.header).hint(
        "A file that is called `override.tf` or `NAME_override.tf` changes blocks of other files only. Rename it, or compare the names.",
    ));
}

fn locals(base: &mut [Body], over: Block, errors: &mut Vec<Diagnostic>) {
    for attr in over.body.attrs {
        let all = base.iter_mut().flat_map(|body| &mut body.blocks).filter(|block| block.kind == "locals");
        match all.flat_map(|block| &mut block.body.attrs).find(|known| known.name == attr.name) {
            Some(known) => *known = attr,
            None => errors.push(
                Diagnostic::error(format!("There is no local value \"{}\" in another file to override.", attr.name))
                    .at(attr.span)
                    .hint("A file that is called `override.tf` or `NAME_override.tf` changes values of other files only."),
            ),
        }
    }
}

fn put(attrs: &mut Vec<Attr>, attr: Attr) {
    match attrs.iter_mut().find(|known| known.name == attr.name) {
        Some(known) => *known = attr,
        None => attrs.push(attr),
    }
}

/// Merges one body into another.
fn whole(base: &mut Body, over: Body, within: &str) {
    for attr in over.attrs {
        // `count` and `for_each` exclude each other: the one that overrides counts.
        let other = match attr.name.as_str() {
            "count" => "for_each",
            "for_each" => "count",
            _ => "",
        };
        base.attrs.retain(|known| known.name != other);
        put(&mut base.attrs, attr);
    }
    let mut replaced: Vec<String> = Vec::new();
    for block in over.blocks {
        let known = base.blocks.iter_mut().find(|known| known.kind == block.kind);
        let merges = matches!((within, block.kind.as_str()), (_, "lifecycle") | ("terraform", "required_providers"));
        match known.filter(|_| merges) {
            Some(known) => whole(&mut known.body, block.body, &block.kind),
            None => {
                if !replaced.contains(&block.kind) {
                    // A dynamic block makes blocks of the type that its label says.
                    let kind = kind_of(&block).to_owned();
                    base.blocks.retain(|known| {
                        kind_of(known) != kind && !(within == "terraform" && keeps_state(&kind) && keeps_state(&known.kind))
                    });
                    replaced.push(block.kind.clone());
                }
                base.blocks.push(block);
            }
        }
    }
}

/// Whether a block says where the state is: there is one of them.
fn keeps_state(kind: &str) -> bool {
    matches!(kind, "backend" | "cloud")
}

/// The type of the blocks that a block stands for.
fn kind_of(block: &Block) -> &str {
    match block.labels.first() {
        Some((kind, _)) if block.kind == "dynamic" => kind,
        _ => &block.kind,
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::{Source, bodies};

    fn merged(files: &[(&str, &str)]) -> Result<String, Vec<String>> {
        let sources: Vec<_> = files.iter().map(|(name, text)| Source { name, text }).collect();
        let (all, errors) = bodies(&sources);
        if !errors.is_empty() {
            return Err(errors.into_iter().map(|error| error.message).collect());
        }
        let blocks = all.iter().flat_map(|body| &body.blocks);
        let shown = blocks.map(|block| {
            let attrs = block.body.attrs.iter().map(|attr| format!("{}={}", attr.name, attr.value.text().unwrap_or("?")));
            let inner = block.body.blocks.iter().flat_map(|inner| {
                inner.body.attrs.iter().map(move |attr| format!("{}.{}={}", inner.kind, attr.name, attr.value.text().unwrap_or("?")))
            });
            format!("{} {}", block.kind, attrs.chain(inner).collect::<Vec<_>>().join(" "))
        });
        Ok(shown.collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn what_overrides_takes_the_place_of_what_it_overrides() {
        let base = r#"resource "k" "n" {
  a = "1"
  count = "2"
  rule { p = "80" }
  rule { p = "81" }
  lifecycle { x = "1" }
}
locals { l = "1" }
"#;
        let over = r#"resource "k" "n" {
  b = "2"
  for_each = "3"
  rule { p = "90" }
  lifecycle { y = "2" }
}
locals { l = "2" }
terraform { required_version = "1" }
"#;
        let expected = "resource a=1 b=2 for_each=3 lifecycle.x=1 lifecycle.y=2 rule.p=90; locals l=2; terraform required_version=1";
        assert_eq!(merged(&[("a_override.tf", over), ("main.tf", base)]).as_deref(), Ok(expected));
        assert_eq!(merged(&[("main.tf", base), ("x/override.tf", over)]).as_deref(), Ok(expected));
        // Without anything to override, and with a name that only looks like it.
        assert_eq!(merged(&[("override.tf", over)]).unwrap_err().len(), 2);
        assert!(merged(&[("overrides.tf", over)]).is_ok());
        let later = r#"locals { l = "3" }"#;
        assert!(merged(&[("a_override.tf", over), ("b_override.tf", later), ("m.tf", base)]).is_ok_and(|all| all.contains("l=3")));
    }
}
