use super::*;

#[test]
fn files_find_their_language() {
    for (name, first_line, id) in [
        ("src/main.rs", "", "rust"),
        ("A/B.TSX", "", "tsx"),
        ("Gemfile", "", "ruby"),
        ("run", "#!/usr/bin/env python3.12", "python"),
        ("run", "#!/bin/bash -e", "bash"),
        ("run", "hello", "text"),
        ("notes.txt", "", "text"),
        (".bashrc", "", "bash"),
        ("C:\\x\\y.sql", "", "sql"),
        ("", "", "text"),
    ] {
        assert_eq!(Language::of_file(name, first_line).id, id, "{name}");
    }
}

#[test]
fn every_extension_belongs_to_one_language() {
    for language in LANGUAGES {
        assert!(Language::by_id(language.id).is_some());
        for extension in language.extensions {
            let file = format!("x.{extension}");
            assert_eq!(Language::of_file(&file, "").id, language.id, "{extension}");
        }
        let is_sorted = language.keywords.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(is_sorted, "keywords are looked up by halving: {}", language.id);
    }
}

#[test]
fn languages_are_named_as_people_name_them() {
    for (name, id) in [
        ("rust", Some("rust")),
        ("rs", Some("rust")),
        ("JS", Some("javascript")),
        ("C++", Some("cpp")),
        ("c#", Some("csharp")),
        ("yml", Some("yaml")),
        ("shell", Some("bash")),
        ("golang", Some("go")),
        ("", None),
        ("brainfuck", None),
    ] {
        assert_eq!(Language::of_name(name).map(|language| language.id), id, "{name}");
    }
}
