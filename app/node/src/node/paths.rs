//! Paths as people give them, and as workspaces know them.

use std::path::{Component, Path, PathBuf};

use crate::api::ApiError;

/// An absolute path without links in the part of it that exists.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut existing = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    loop {
        if let Ok(real) = existing.canonicalize() {
            return rest.iter().rev().fold(real, |path, name| path.join(name));
        }
        let Some(name) = existing.file_name().map(ToOwned::to_owned) else { return existing };
        rest.push(name);
        existing.pop();
    }
}

/// The name of a file inside of a workspace.
pub(crate) fn inside(rest: &Path) -> Result<String, ApiError> {
    let mut names = Vec::new();
    for part in rest.components() {
        match part {
            Component::Normal(name) => match name.to_str() {
                Some(name) => names.push(name),
                None => {
                    return Err(ApiError::usage(format!("the name of {} is not Unicode", rest.display()))
                        .hint("rename it; names in a workspace are Unicode"));
                }
            },
            Component::CurDir => {}
            _ => return Err(ApiError::usage(format!("{} leaves the workspace", rest.display()))),
        }
    }
    if names.is_empty() {
        return Err(ApiError::usage("this is the workspace itself").hint("name a file in it"));
    }
    Ok(names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_exist_yet_is_resolved_as_far_as_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(absolute(&folder.path().join("a/b")), real.join("a/b"));
    }

    #[test]
    fn names_inside_are_joined_by_slashes() {
        assert_eq!(inside(Path::new("a/./b")).unwrap(), "a/b");
        assert!(inside(Path::new("a/../../b")).is_err());
        assert!(inside(Path::new("")).is_err());
    }
}
