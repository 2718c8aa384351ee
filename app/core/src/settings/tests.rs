use super::*;
use crate::language::Language;
use crate::limits::{SETTINGS_BYTES_MAX, SETTINGS_PROBLEMS_MAX};
use crate::testing::{self, under_seeds};

#[test]
fn settings_are_read_and_the_others_have_their_default() {
    let (settings, problems) = Settings::read(
        "[editor]\ntab_size = 2\nfont_size = 15\nword_wrap = \"column\"\n\n[files]\nexclude = [\"x\"]\n\n\
         [language.python.editor]\ntab_size = 8\n",
    );
    assert_eq!(problems, []);
    assert_eq!(settings.integer("editor.tab_size"), 2);
    assert_eq!(settings.float("editor.font_size"), 15.0);
    assert_eq!(settings.text("editor.word_wrap"), "column");
    assert_eq!(settings.get("files.exclude"), Some(Value::List(vec!["x".to_owned()])));
    assert!(settings.is_on("editor.auto_close"));
    assert_eq!(settings.edit_settings(Language::by_id("python").unwrap()).tab_size, 8);
    assert_eq!(settings.edit_settings(Language::by_id("rust").unwrap()).tab_size, 2);
    assert_eq!(settings.get("nothing.there"), None);
}

#[test]
fn what_is_wrong_has_a_place_and_the_rest_counts() {
    let text = "[editor]\ntab_size = 99\ninsert_space = false\n  font_size = \"x\"\nminimap = true\n\
                word_wrap = \"maybe\"\n[nothing]\nx = 1\n[language.pyton.editor]\ntab_size = 2\n\
                [language.rust.editor]\nminimap = true\n";
    let (settings, problems) = Settings::read(text);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "line 2, column 12: `editor.tab_size` takes a number from 1 to 16, not 99",
            "line 3, column 1: there is no setting `editor.insert_space`",
            "line 4, column 15: `editor.font_size` takes a number from 6 to 72, not a text",
            "line 6, column 13: `editor.word_wrap` takes one of \"off\", \"window\", \"column\", not \"maybe\"",
            "line 8, column 1: there is no setting `nothing.x`",
            "line 9, column 11: there is no language `pyton`",
            "line 11, column 16: `editor.minimap` is the same for all languages",
        ]
    );
    assert_eq!(problems[1].hint.as_deref(), Some("did you mean `editor.insert_spaces`?"));
    assert!(settings.is_on("editor.minimap"));
    assert_eq!(settings.integer("editor.tab_size"), 4);
    let (settings, problems) = Settings::read("[editor]\ntab_size = 2\nfont_size = = 3\n");
    let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [3], "{problems:?}");
    assert_eq!(settings.integer("editor.tab_size"), 2);
}

#[test]
fn one_value_is_changed_and_the_rest_of_the_file_stays() {
    let change = |text: &str, key: &str, value: Value| Settings::changed_file(text, key, &value);
    let tab = |size| Value::Integer(size);
    let key = "editor.tab_size";
    assert_eq!(change("", key, tab(2)).unwrap(), "[editor]\ntab_size = 2\n");
    assert_eq!(change("# c\n[editor]\n", key, tab(2)).unwrap(), "# c\n[editor]\ntab_size = 2\n");
    assert_eq!(
        change("[editor]\ntab_size = 8 # why\nminimap = true\n", key, tab(2)).unwrap(),
        "[editor]\ntab_size = 2 # why\nminimap = true\n"
    );
    assert_eq!(change("[files]\n", key, tab(2)).unwrap(), "[files]\n\n[editor]\ntab_size = 2\n");
    assert_eq!(change("", key, tab(99)), None);
    assert_eq!(change("", "no.such", tab(1)), None);
    for setting in SCHEMA {
        let text = Settings::changed_file("", setting.key, &setting.kind.default_value()).unwrap();
        let (settings, problems) = Settings::read(&text);
        assert_eq!(problems, [], "{text}");
        assert_eq!(settings.get(setting.key), Some(setting.kind.default_value()));
    }
    let odd = Value::Text("a\"\\\n\u{1}b".to_owned());
    let text = change("", "editor.font_family", odd.clone()).unwrap();
    assert_eq!(Settings::read(&text).0.get("editor.font_family"), Some(odd));
}

#[test]
fn a_language_gets_a_value_of_its_own() {
    let rust = crate::language::LANGUAGES.iter().find(|language| language.id == "rust").unwrap();
    let change = |text: &str| Settings::changed_file_for(text, rust, "ai.ghosts", &Value::Bool(false));
    for (before, after) in [
        ("", "[language.rust.ai]\nghosts = false\n"),
        ("[ai]\nghosts = true\n", "[ai]\nghosts = true\n\n[language.rust.ai]\nghosts = false\n"),
        ("[language.rust.ai]\nghosts = true # why\n", "[language.rust.ai]\nghosts = false # why\n"),
        (
            "[language.rust.editor]\ntab_size = 2\n",
            "[language.rust.editor]\ntab_size = 2\n\n[language.rust.ai]\nghosts = false\n",
        ),
    ] {
        assert_eq!(change(before).as_deref(), Some(after));
    }
    // Written so that no line can be added.
    assert_eq!(change("[language.rust]\nai = {}\n"), None);
    assert_eq!(change("language = 3\n"), None);
    assert_eq!(Settings::changed_file_for("", rust, "ai.ghost_pause", &Value::Integer(1)), None);
}

#[test]
fn the_template_sets_nothing_and_names_everything() {
    let template = Settings::template();
    let (settings, problems) = Settings::read(&template);
    assert_eq!((settings, problems), (Settings::default(), vec![]));
    let signs = template.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if rest.contains(" = ") && !rest.ends_with(')') => rest,
        _ => line,
    });
    let all: Vec<&str> = signs.collect();
    let (_, problems) = Settings::read(&all.join("\n"));
    assert_eq!(problems, []);
    assert!(SCHEMA.iter().all(|setting| template.contains(setting.description)));
}

#[test]
fn any_file_can_be_read() {
    under_seeds(300, |rng| {
        let text = testing::text(rng, 40);
        let _ = Settings::read(&text);
        let _ = Settings::read(&format!("[editor]\n{text}"));
        let _ = Settings::changed_file(&text, "editor.tab_size", &Value::Integer(2));
    });
    let of = |bytes: usize| format!("[editor]\n{}", "#".repeat(bytes - "[editor]\n".len()));
    assert_eq!(Settings::read(&of(SETTINGS_BYTES_MAX)).1.len(), 0);
    assert_eq!(Settings::read(&of(SETTINGS_BYTES_MAX + 1)).1.len(), 1);
    let wrong = |count: usize| (0..count).map(|number| format!("x{number} = 1\n")).collect::<String>();
    assert_eq!(Settings::read(&wrong(SETTINGS_PROBLEMS_MAX)).1.len(), SETTINGS_PROBLEMS_MAX);
    assert_eq!(Settings::read(&wrong(SETTINGS_PROBLEMS_MAX + 1)).1.len(), SETTINGS_PROBLEMS_MAX);
}
