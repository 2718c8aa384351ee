//! One number for a whole folder tree.

use super::key::NodeKind;
use crate::ContentId;

/// One line of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DigestLine<'a> {
    /// Where it is.
    pub path: &'a str,
    /// What it is.
    pub kind: NodeKind,
    /// Whether it may be run.
    pub executable: bool,
    /// What it holds; none for folders.
    pub content: Option<ContentId>,
}

/// Hashes a shown tree; the lines may come in any order.
pub fn digest_tree<'a>(lines: impl IntoIterator<Item = DigestLine<'a>>) -> [u8; 32] {
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_unstable();
    let mut hasher = blake3::Hasher::new_derive_key("weft 2026 tree digest v1");
    for line in lines {
        // The length keeps a path apart from what follows it.
        hasher.update(&(line.path.len() as u64).to_le_bytes());
        hasher.update(line.path.as_bytes());
        hasher.update(&[line.kind.number(), u8::from(line.executable)]);
        match line.content {
            Some(content) => hasher.update(&[1]).update(content.as_bytes()),
            None => hasher.update(&[0]),
        };
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_counts_but_the_order() {
        let line = |path, executable, content: Option<u8>| DigestLine {
            path,
            kind: NodeKind::File,
            executable,
            content: content.map(|byte| ContentId::from_bytes([byte; 32])),
        };
        let (a, b) = (line("a", false, Some(1)), line("b", false, Some(2)));
        assert_eq!(digest_tree([a, b]), digest_tree([b, a]));
        let folder = DigestLine { kind: NodeKind::Folder, ..a };
        let others = [
            digest_tree([a, b]),
            digest_tree([a]),
            digest_tree([]),
            digest_tree([line("a", true, Some(1)), b]),
            digest_tree([line("a", false, None), b]),
            digest_tree([line("a", false, Some(2)), b]),
            digest_tree([line("ab", false, Some(1)), b]),
            digest_tree([folder, b]),
        ];
        for (place, digest) in others.iter().enumerate() {
            assert!(!others[..place].contains(digest));
        }
    }
}
