use super::*;
use crate::command::{self, Command, EditorCommand, commands};
use crate::commands::Motion;
use crate::limits::{CHORD_STROKES_MAX, USER_BINDINGS_MAX, WHEN_DEPTH_MAX};
use crate::testing::{self, under_seeds};

const PLATFORMS: [Platform; 3] = [Platform::Linux, Platform::Windows, Platform::MacOs];

fn strokes(keys: &str) -> Vec<Stroke> {
    Chord::parse(keys, Platform::Linux).unwrap().0
}

fn context(names: &[&str]) -> Context {
    let mut context = Context::default();
    names.iter().for_each(|name| context.set(name, true));
    context
}

#[test]
fn default_keys_can_be_read_and_hide_nothing() {
    for platform in PLATFORMS {
        for info in commands() {
            When::parse(info.when).unwrap();
            for keys in info.default_keys(platform) {
                Chord::parse(keys, platform).unwrap_or_else(|error| panic!("{}: {keys}: {error}", info.id));
            }
        }
        let hidden: Vec<_> = KeyMap::new(platform).conflicts();
        assert_eq!(hidden, [], "{platform:?}");
    }
}

#[test]
fn keys_are_read_and_shown() {
    let chord = |keys: &str, platform| Chord::parse(keys, platform).unwrap().label(platform);
    for (keys, linux, mac) in [
        ("mod+k mod+s", "Ctrl+K Ctrl+S", "⌘K ⌘S"),
        ("ctrl+shift+alt+pageup", "Ctrl+Shift+Alt+Page Up", "⌃⌥⇧Page Up"),
        ("ctrl++", "Ctrl++", "⌃+"),
        ("+", "+", "+"),
        ("f12", "F12", "F12"),
        ("esc", "Escape", "Escape"),
        ("cmd+ä", "Super+Ä", "⌘Ä"),
    ] {
        assert_eq!(chord(keys, Platform::Linux), linux);
        assert_eq!(chord(keys, Platform::MacOs), mac);
    }
    for (keys, error) in [
        ("", "no key is named"),
        ("hyper+x", "`hyper` cannot be held down: use ctrl, shift, alt or cmd"),
        ("ctrl+nokey", "there is no key `nokey`"),
        ("f25", "there is no key `f25`"),
    ] {
        assert_eq!(Chord::parse(keys, Platform::Linux).unwrap_err().to_string(), error);
    }
    let long = "a ".repeat(CHORD_STROKES_MAX);
    assert!(Chord::parse(&long, Platform::Linux).is_ok());
    assert_eq!(Chord::parse(&(long + "a"), Platform::Linux), Err(KeyError::TooLong));
}

#[test]
fn keys_find_their_command() {
    let map = KeyMap::new(Platform::Linux);
    let focus = context(&["editorTextFocus"]);
    let run = |keys: &str, context: &Context| map.resolve(&strokes(keys), context);
    let command = |id: &str| Resolution::Run(command::find(id).unwrap().command);
    assert_eq!(run("ctrl+d", &focus), command("editor.action.addSelectionToNextFindMatch"));
    assert_eq!(run("ctrl+k", &focus), Resolution::More);
    assert_eq!(run("ctrl+k ctrl+x", &focus), command("editor.action.trimTrailingWhitespace"));
    assert_eq!(run("ctrl+k ctrl+q", &focus), Resolution::None);
    assert_eq!(run("ctrl+d", &Context::default()), Resolution::None);
    assert_eq!(run("ctrl+shift+p", &Context::default()), command("workbench.action.showCommands"));
    let find = context(&["editorTextFocus", "editorHasMultipleSelections", "findWidgetVisible"]);
    assert_eq!(run("escape", &find), command("closeFindWidget"));
    let many = context(&["editorTextFocus", "editorHasMultipleSelections"]);
    assert_eq!(run("escape", &many), command("removeSecondaryCursors"));
    assert_eq!(map.label(Command::Editor(EditorCommand::DeleteLines)).unwrap(), "Ctrl+Shift+K");
    let mac = KeyMap::new(Platform::MacOs);
    assert_eq!(mac.label(Command::Editor(EditorCommand::Move(Motion::WordLeft))).unwrap(), "⌥Left");
    assert_eq!(mac.label(Command::Editor(EditorCommand::AddNextOccurrence)).unwrap(), "⌘D");
}

#[test]
fn clauses_hold_or_not() {
    let mut context = context(&["a", "b"]);
    context.set_value("lang", "rust");
    for (clause, holds) in [
        ("", true),
        ("a", true),
        ("c", false),
        ("!c", true),
        ("a && b", true),
        ("a && c", false),
        ("c || a && b", true),
        ("(c || a) && !b", false),
        ("lang == rust", true),
        ("lang == 'rust'", true),
        ("lang != rust", false),
        ("lang==go||a", true),
        ("true && !false", true),
    ] {
        assert_eq!(When::parse(clause).unwrap().holds(&context), holds, "{clause}");
    }
    for (clause, at) in [("a &&", 5), ("(a", 3), ("a b", 3), ("== x", 1), ("a == 'x", 7), ("é |", 3)] {
        assert_eq!(When::parse(clause).unwrap_err().at, at, "{clause}");
    }
    let nested = |depth: usize| format!("{}a", "!".repeat(depth));
    assert!(When::parse(&nested(WHEN_DEPTH_MAX)).is_ok());
    assert!(When::parse(&nested(WHEN_DEPTH_MAX + 1)).is_err());
}

#[test]
fn the_persons_keys_come_first() {
    let text = r#"
[[binding]]
key = "ctrl+d"
command = "editor.action.deleteLines"
when = "editorTextFocus"

[[binding]]
key = "ctrl+shift+k"
command = "-editor.action.deleteLines"

[[binding]]
command = "-undo"
"#;
    let (map, problems) = KeyMap::new(Platform::Linux).with_user(text);
    assert_eq!(problems, []);
    let focus = context(&["editorTextFocus"]);
    let delete = Command::Editor(EditorCommand::DeleteLines);
    assert_eq!(map.resolve(&strokes("ctrl+d"), &focus), Resolution::Run(delete));
    assert_eq!(map.resolve(&strokes("ctrl+shift+k"), &focus), Resolution::None);
    assert_eq!(map.resolve(&strokes("ctrl+z"), &focus), Resolution::None);
    assert_eq!(map.label(delete).unwrap(), "Ctrl+D");
    let conflicts = map.conflicts();
    assert_eq!(conflicts.len(), 1);
    assert_eq!((conflicts[0].wins, conflicts[0].wins_origin), (delete, Origin::User { line: 2 }));
    assert_eq!(conflicts[0].hidden, Command::Editor(EditorCommand::AddNextOccurrence));
    let (map, _) =
        KeyMap::new(Platform::Linux).with_user("[[binding]]\nkey = \"ctrl+k\"\ncommand = \"undo\"\n");
    assert!(map.conflicts().iter().all(|conflict| conflict.is_longer));
    assert!(map.conflicts().len() > 5, "chords that begin with these keys cannot be reached");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let text = r#"colour = 1
[[binding]]
key = "ctrl+d"
command = "editor.action.deleteLine"

[[binding]]
key = "hyper+d"
command = "undo"

[[binding]]
key = "ctrl+e"
command = "undo"
when = "a &&"

[[binding]]
key = 7
command = "undo"

[[binding]]
key = "ctrl+e"

[[binding]]
key = "ctrl+e"
command = "redo"
"#;
    let (map, problems) = KeyMap::new(Platform::Linux).with_user(text);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "line 1, column 1: `colour` must be a list of tables",
            "line 4, column 11: there is no command `editor.action.deleteLine`",
            "line 7, column 7: `hyper` cannot be held down: use ctrl, shift, alt or cmd",
            "line 13, column 8: the clause is wrong at character 5: a name was expected",
            "line 16, column 7: `key` must be a text, not a number",
            "line 19, column 1: a binding needs a command",
        ]
    );
    assert_eq!(problems[1].hint.as_deref(), Some("did you mean `editor.action.deleteLines`?"));
    let redo = Command::Editor(EditorCommand::Redo);
    assert_eq!(map.resolve(&strokes("ctrl+e"), &Context::default()), Resolution::Run(redo));
}

#[test]
fn there_are_at_most_so_many_bindings() {
    let of = |count: usize| "[[binding]]\nkey = \"f9\"\ncommand = \"undo\"\n".repeat(count);
    assert_eq!(KeyMap::new(Platform::Linux).with_user(&of(USER_BINDINGS_MAX)).1, []);
    assert_eq!(KeyMap::new(Platform::Linux).with_user(&of(USER_BINDINGS_MAX + 1)).1.len(), 1);
}

#[test]
fn any_text_can_be_read() {
    under_seeds(200, |rng| {
        let text = testing::text(rng, 30);
        let _ = KeyMap::new(Platform::Linux).with_user(&format!("[[binding]]\n{text}"));
        let _ = When::parse(&text);
        let _ = Chord::parse(&text, Platform::MacOs);
    });
}

#[test]
fn a_new_file_has_all_commands_as_comments() {
    for platform in PLATFORMS {
        let text = KeyMap::new(platform).template();
        let (keys, problems) = KeyMap::new(platform).with_user(&text);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(keys.bindings(), KeyMap::new(platform).bindings());
        for info in crate::command::commands() {
            assert!(text.contains(info.id), "{}", info.id);
        }
        // What is given as an example does what it says.
        let example: String = text
            .lines()
            .map(|line| line.trim_start_matches("# "))
            .filter(|line| line.starts_with("[[") || line.contains(" = "))
            .map(|line| format!("{line}\n"))
            .collect();
        let (keys, problems) = KeyMap::new(platform).with_user(&example);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(keys.bindings().len(), KeyMap::new(platform).bindings().len() + 1);
    }
}
