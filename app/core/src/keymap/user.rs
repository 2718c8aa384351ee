//! The person's own bindings.

use toml::de::{DeTable, DeValue};

use super::{Binding, Chord, KeyMap, Origin, When};
use crate::command;
use crate::limits::USER_BINDINGS_MAX;
use crate::toml_file::{Problem, Problems, closest, kind_of, read};

impl KeyMap {
    /// Reads the person's own bindings on top of these. Each stands in a table of its own:
    ///
    /// ```toml
    /// [[binding]]
    /// key = "ctrl+k ctrl+c"
    /// command = "editor.action.commentLine"
    /// when = "editorTextFocus"
    /// ```
    ///
    /// A minus before the command takes its default away: from the keys, or from all keys where none are named. What
    /// is wrong is told and left out; the rest counts.
    pub fn with_user(mut self, text: &str) -> (Self, Vec<Problem>) {
        let mut problems = Problems::new(text);
        let table = read(text, &mut problems);
        for (name, value) in table.get_ref() {
            let byte = name.span().start;
            let DeValue::Array(list) = value.get_ref() else {
                problems.push(byte, format!("`{}` must be a list of tables", name.get_ref()), None);
                continue;
            };
            if name.get_ref().as_ref() != "binding" {
                let hint = Some("bindings stand in tables named [[binding]]".to_owned());
                problems.push(byte, format!("`{}` is not known here", name.get_ref()), hint);
                continue;
            }
            for (index, entry) in list.iter().enumerate() {
                if index >= USER_BINDINGS_MAX {
                    problems.push(
                        entry.span().start,
                        format!("there are at most {USER_BINDINGS_MAX} bindings"),
                        None,
                    );
                    break;
                }
                match entry.get_ref() {
                    DeValue::Table(table) => self.read_binding(table, entry.span().start, &mut problems),
                    other => {
                        problems.push(
                            entry.span().start,
                            format!("a table was expected, not {}", kind_of(other)),
                            None,
                        );
                    }
                }
            }
        }
        (self, problems.finish())
    }

    /// A file with an example and every command as a comment: what a new file begins with.
    pub fn template(&self) -> String {
        let mut out = String::from(
            "# Keys of Weft, on top of those that it comes with. For each one:\n#\n# [[binding]]\n# key = \"ctrl+k ctrl+c\"\n\
             # command = \"editor.action.commentLine\"\n# when = \"editorTextFocus\"\n#\n\
             # A minus before the command takes its keys away. All commands, with the keys that they have:\n#\n",
        );
        for info in command::commands() {
            let keys = self.label(info.command).map(|keys| format!(" ({keys})")).unwrap_or_default();
            out.push_str(&format!("# {}: {}{keys}\n", info.id, info.title));
        }
        out
    }

    fn read_binding(&mut self, table: &DeTable<'_>, start: usize, problems: &mut Problems<'_>) {
        let mut texts: [Option<(String, usize)>; 3] = [None, None, None];
        for (name, value) in table {
            let known = ["key", "command", "when"].iter().position(|known| name.get_ref().as_ref() == *known);
            match (known, value.get_ref()) {
                (Some(index), DeValue::String(text)) => {
                    texts[index] = Some((text.to_string(), value.span().start))
                }
                (Some(_), other) => {
                    let message = format!("`{}` must be a text, not {}", name.get_ref(), kind_of(other));
                    problems.push(value.span().start, message, None);
                    return;
                }
                (None, _) => {
                    problems.push(name.span().start, format!("`{}` is not known", name.get_ref()), None)
                }
            }
        }
        let [key, command, when] = texts;
        let Some((command, command_at)) = command else {
            problems.push(start, "a binding needs a command", None);
            return;
        };
        let chord = match key.map(|(key, at)| (Chord::parse(&key, self.platform()), at)) {
            None => None,
            Some((Ok(chord), _)) => Some(chord),
            Some((Err(error), at)) => {
                problems.push(at, error.to_string(), None);
                return;
            }
        };
        let removes = command.strip_prefix('-');
        let id = removes.unwrap_or(&command);
        let Some(info) = command::find(id) else {
            let names = command::commands().iter().map(|info| info.id);
            let hint = closest(id, names).map(|name| format!("did you mean `{name}`?"));
            problems.push(command_at, format!("there is no command `{id}`"), hint);
            return;
        };
        if removes.is_some() {
            self.remove(info, chord.as_ref());
            return;
        }
        let Some(chord) = chord else {
            problems.push(start, "a binding needs a key", None);
            return;
        };
        let when = match when.map(|(when, at)| (When::parse(&when), at)) {
            None => When::Always,
            Some((Ok(when), _)) => when,
            Some((Err(error), at)) => {
                problems.push(at, error.to_string(), None);
                return;
            }
        };
        let origin = Origin::User { line: problems.line_of(start) };
        self.push(Binding { chord, command: info.command, when, origin });
    }
}
