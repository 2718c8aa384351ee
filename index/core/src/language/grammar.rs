//! The grammars, as their crates give them.

use tree_sitter_language::LanguageFn;

/// A grammar as its crate gives it. Queries are joined in their order; of several that match one node the last counts.
pub struct GrammarSource {
    /// The grammar.
    pub language: LanguageFn,
    /// Queries for colours.
    pub highlights: Vec<&'static str>,
    /// Queries for what is defined.
    pub tags: Vec<&'static str>,
}

/// A source of some queries for colours and some for the outline.
fn joined(language: LanguageFn, highlights: &[&'static str], tags: &[&'static str]) -> GrammarSource {
    GrammarSource { language, highlights: highlights.to_vec(), tags: tags.to_vec() }
}

/// The grammar of a language by its id, if there is one.
#[must_use]
pub fn grammar_source(id: &str) -> Option<GrammarSource> {
    script(id).or_else(|| compiled(id)).or_else(|| markup(id))
}

/// JavaScript and its relatives, whose queries build upon each other.
fn script(id: &str) -> Option<GrammarSource> {
    let javascript = tree_sitter_javascript::HIGHLIGHT_QUERY;
    let jsx = tree_sitter_javascript::JSX_HIGHLIGHT_QUERY;
    let javascript_tags = tree_sitter_javascript::TAGS_QUERY;
    let typescript = tree_sitter_typescript::HIGHLIGHTS_QUERY;
    let typescript_tags = tree_sitter_typescript::TAGS_QUERY;
    Some(match id {
        "javascript" => joined(tree_sitter_javascript::LANGUAGE, &[javascript, jsx], &[javascript_tags]),
        "typescript" => joined(
            tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
            &[javascript, typescript],
            &[javascript_tags, typescript_tags],
        ),
        "tsx" => joined(
            tree_sitter_typescript::LANGUAGE_TSX,
            &[javascript, jsx, typescript],
            &[javascript_tags, typescript_tags],
        ),
        _ => return None,
    })
}

/// Languages whose crates bring an outline.
fn compiled(id: &str) -> Option<GrammarSource> {
    Some(match id {
        "rust" => joined(
            tree_sitter_rust::LANGUAGE,
            &[tree_sitter_rust::HIGHLIGHTS_QUERY],
            &[tree_sitter_rust::TAGS_QUERY],
        ),
        "python" => joined(
            tree_sitter_python::LANGUAGE,
            &[tree_sitter_python::HIGHLIGHTS_QUERY],
            &[tree_sitter_python::TAGS_QUERY],
        ),
        "go" => joined(
            tree_sitter_go::LANGUAGE,
            &[tree_sitter_go::HIGHLIGHTS_QUERY],
            &[tree_sitter_go::TAGS_QUERY],
        ),
        "c" => {
            joined(tree_sitter_c::LANGUAGE, &[tree_sitter_c::HIGHLIGHT_QUERY], &[tree_sitter_c::TAGS_QUERY])
        }
        "cpp" => joined(
            tree_sitter_cpp::LANGUAGE,
            &[tree_sitter_c::HIGHLIGHT_QUERY, tree_sitter_cpp::HIGHLIGHT_QUERY],
            &[tree_sitter_cpp::TAGS_QUERY],
        ),
        "java" => joined(
            tree_sitter_java::LANGUAGE,
            &[tree_sitter_java::HIGHLIGHTS_QUERY],
            &[tree_sitter_java::TAGS_QUERY],
        ),
        "csharp" => joined(
            tree_sitter_c_sharp::LANGUAGE,
            &[tree_sitter_c_sharp::HIGHLIGHTS_QUERY],
            &[tree_sitter_c_sharp::TAGS_QUERY],
        ),
        "ruby" => joined(
            tree_sitter_ruby::LANGUAGE,
            &[tree_sitter_ruby::HIGHLIGHTS_QUERY],
            &[tree_sitter_ruby::TAGS_QUERY],
        ),
        _ => return None,
    })
}

/// Languages whose outline is found by queries of our own, where they have one.
fn markup(id: &str) -> Option<GrammarSource> {
    let (language, highlights) = match id {
        "bash" => (tree_sitter_bash::LANGUAGE, tree_sitter_bash::HIGHLIGHT_QUERY),
        "html" => (tree_sitter_html::LANGUAGE, tree_sitter_html::HIGHLIGHTS_QUERY),
        "css" => (tree_sitter_css::LANGUAGE, tree_sitter_css::HIGHLIGHTS_QUERY),
        "json" => (tree_sitter_json::LANGUAGE, tree_sitter_json::HIGHLIGHTS_QUERY),
        "toml" => (tree_sitter_toml_ng::LANGUAGE, tree_sitter_toml_ng::HIGHLIGHTS_QUERY),
        "yaml" => (tree_sitter_yaml::LANGUAGE, tree_sitter_yaml::HIGHLIGHTS_QUERY),
        "sql" => (tree_sitter_sequel::LANGUAGE, tree_sitter_sequel::HIGHLIGHTS_QUERY),
        "markdown" => (tree_sitter_md::LANGUAGE, tree_sitter_md::HIGHLIGHT_QUERY_BLOCK),
        "markdown-inline" => (tree_sitter_md::INLINE_LANGUAGE, tree_sitter_md::HIGHLIGHT_QUERY_INLINE),
        _ => return None,
    };
    Some(joined(language, &[highlights], &[]))
}
