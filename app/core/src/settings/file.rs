//! Reading and changing the file.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::schema::{Kind, SCHEMA, Setting, Value, setting};
use crate::commands::EditSettings;
use crate::language::{LANGUAGES, Language};
use crate::toml_file::{Problem, Problems, closest, kind_of, read};

/// Settings that are always valid: what is not set, or set wrongly, has its default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Value>,
    /// By language and key.
    by_language: BTreeMap<(&'static str, &'static str), Value>,
}

impl Settings {
    /// Reads a file. What is wrong in it is told, and everything else counts.
    ///
    /// ```toml
    /// [editor]
    /// tab_size = 2
    ///
    /// [language.python.editor]
    /// tab_size = 4
    /// ```
    pub fn read(text: &str) -> (Self, Vec<Problem>) {
        let mut problems = Problems::new(text);
        let table = read(text, &mut problems);
        let mut settings = Self::default();
        for (name, value) in table.get_ref() {
            let byte = name.span().start;
            let name = name.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(languages) if name == "language" => {
                    settings.read_languages(languages, &mut problems);
                }
                DeValue::Table(table) => {
                    for (setting, value) in settings_in(name, table, &mut problems) {
                        settings.values.insert(setting.key, value);
                    }
                }
                _ => problems.push(byte, unknown(name), None),
            }
        }
        (settings, problems.finish())
    }

    fn read_languages(&mut self, languages: &DeTable<'_>, problems: &mut Problems<'_>) {
        for (id, value) in languages {
            let byte = id.span().start;
            let id = id.get_ref().as_ref();
            let Some(language) = LANGUAGES.iter().find(|language| language.id == id) else {
                let hint = closest(id, LANGUAGES.iter().map(|language| language.id));
                let hint = hint.map(|name| format!("did you mean `{name}`?"));
                problems.push(byte, format!("there is no language `{id}`"), hint);
                continue;
            };
            let DeValue::Table(tables) = value.get_ref() else {
                problems.push(byte, format!("`{id}` must be a table"), None);
                continue;
            };
            for (name, value) in tables {
                let DeValue::Table(table) = value.get_ref() else {
                    problems.push(name.span().start, unknown(name.get_ref()), None);
                    continue;
                };
                for (setting, value) in settings_in(name.get_ref(), table, problems) {
                    if setting.is_by_language {
                        self.by_language.insert((language.id, setting.key), value);
                    } else {
                        let message = format!("`{}` is the same for all languages", setting.key);
                        problems.push(name.span().start, message, None);
                    }
                }
            }
        }
    }

    /// A value. For a key that is not in the schema there is none.
    pub fn get(&self, key: &str) -> Option<Value> {
        let setting = setting(key)?;
        Some(self.values.get(setting.key).cloned().unwrap_or_else(|| setting.kind.default_value()))
    }

    /// A value for a language.
    pub fn get_for(&self, key: &str, language: &Language) -> Option<Value> {
        let setting = setting(key)?;
        self.by_language.get(&(language.id, setting.key)).cloned().or_else(|| self.get(key))
    }

    /// Whether something is switched on.
    pub fn is_on(&self, key: &str) -> bool {
        self.get(key) == Some(Value::Bool(true))
    }

    /// A whole number; 0 where the setting is none.
    pub fn integer(&self, key: &str) -> i64 {
        if let Some(Value::Integer(value)) = self.get(key) { value } else { 0 }
    }

    /// A number; 0 where the setting is none.
    pub fn float(&self, key: &str) -> f64 {
        if let Some(Value::Float(value)) = self.get(key) { value } else { 0.0 }
    }

    /// A text; empty where the setting is none.
    pub fn text(&self, key: &str) -> String {
        if let Some(Value::Text(value)) = self.get(key) { value } else { String::new() }
    }

    /// How texts of a language are edited.
    pub fn edit_settings(&self, language: &Language) -> EditSettings {
        let is_on = |key| self.get_for(key, language) == Some(Value::Bool(true));
        let tab_size = match self.get_for("editor.tab_size", language) {
            Some(Value::Integer(size)) => usize::try_from(size).unwrap_or(4),
            _ => 4,
        };
        EditSettings {
            tab_size,
            insert_spaces: is_on("editor.insert_spaces"),
            auto_close: is_on("editor.auto_close"),
            auto_surround: is_on("editor.auto_surround"),
            auto_indent: is_on("editor.auto_indent"),
        }
    }

    /// The text of a file with one value changed. Comments and everything else stay. `None` when the key is not in
    /// the schema or does not take the value.
    pub fn changed_file(text: &str, key: &str, value: &Value) -> Option<String> {
        let setting = setting(key)?;
        check(setting, value).ok()?;
        let (table, name) = setting.key.split_once('.')?;
        changed(text, &[table], name, value)
    }

    /// The same with the value of a language. `None` also when all languages have the same.
    pub fn changed_file_for(text: &str, language: &Language, key: &str, value: &Value) -> Option<String> {
        let setting = setting(key).filter(|setting| setting.is_by_language)?;
        check(setting, value).ok()?;
        let (table, name) = setting.key.split_once('.')?;
        let out = changed(text, &["language", language.id, table], name, value)?;
        // One of the tables above may be written in a way that this one cannot be added to.
        let (read, _) = Self::read(&out);
        (read.get_for(key, language).as_ref() == Some(value)).then_some(out)
    }

    /// A file with every setting as a comment: what a new file begins with.
    pub fn template() -> String {
        let mut out =
            String::from("# Settings of Weft. Take the sign before a line away to set something.\n");
        let mut table = "";
        for setting in SCHEMA {
            let Some((name, key)) = setting.key.split_once('.') else { continue };
            if name != table {
                out.push_str(&format!("\n[{name}]\n"));
                table = name;
            }
            let default = setting.kind.default_value();
            out.push_str(&format!(
                "# {} ({})\n# {key} = {default}\n",
                setting.description,
                setting.kind.expected()
            ));
        }
        out
    }
}

/// The text of a file with one value of a table changed.
fn changed(text: &str, tables: &[&str], name: &str, value: &Value) -> Option<String> {
    let mut ignored = Problems::new(text);
    let file = read(text, &mut ignored);
    let mut out = text.to_owned();
    let mut table = Some(file.get_ref());
    for part in tables {
        let inner = table.and_then(|table| table.iter().find(|(other, _)| other.get_ref().as_ref() == *part));
        table = match inner.map(|(_, value)| value.get_ref()) {
            Some(DeValue::Table(table)) => Some(table),
            Some(_) => return None,
            None => None,
        };
    }
    let old = table.and_then(|table| table.iter().find(|(other, _)| other.get_ref().as_ref() == name));
    if let Some((_, old)) = old {
        out.replace_range(old.span(), &value.to_string());
        return Some(out);
    }
    // Behind the head of the table.
    let head = format!("[{}]", tables.join("."));
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        if line.trim_start().starts_with(&head) {
            let end = if line.ends_with('\n') { "" } else { "\n" };
            out.insert_str(at, &format!("{end}{name} = {value}\n"));
            return Some(out);
        }
    }
    if table.is_some() {
        // It is written in a way that no line can be added to.
        return None;
    }
    let gap = if out.is_empty() || out.ends_with("\n\n") { "" } else { "\n" };
    let end = if out.is_empty() || out.ends_with('\n') { "" } else { "\n" };
    out.push_str(&format!("{end}{gap}{head}\n{name} = {value}\n"));
    Some(out)
}

fn unknown(name: &str) -> String {
    format!("there is no setting `{name}`")
}

/// The valid settings of a table.
fn settings_in(
    name: &str,
    table: &DeTable<'_>,
    problems: &mut Problems<'_>,
) -> Vec<(&'static Setting, Value)> {
    let mut found = Vec::new();
    // A value without a place stands for one that could not be read; that is told already.
    for (key, value) in table.iter().filter(|(_, value)| !value.span().is_empty()) {
        let full = format!("{name}.{}", key.get_ref());
        let Some(setting) = setting(&full) else {
            let hint = closest(&full, SCHEMA.iter().map(|setting| setting.key));
            let hint = hint.map(|name| format!("did you mean `{name}`?"));
            problems.push(key.span().start, unknown(&full), hint);
            continue;
        };
        let read =
            value_of(setting, value.get_ref()).and_then(|value| check(setting, &value).map(|()| value));
        match read {
            Ok(value) => found.push((setting, value)),
            Err(message) => problems.push(value.span().start, message, None),
        }
    }
    found
}

/// A value as the setting wants it.
fn value_of(setting: &Setting, value: &DeValue<'_>) -> Result<Value, String> {
    let wrong = || format!("`{}` takes {}, not {}", setting.key, setting.kind.expected(), kind_of(value));
    match (&setting.kind, value) {
        (Kind::Bool { .. }, DeValue::Boolean(value)) => Ok(Value::Bool(*value)),
        (Kind::Integer { .. }, DeValue::Integer(number)) => {
            i64::from_str_radix(number.as_str(), number.radix()).map(Value::Integer).map_err(|_| wrong())
        }
        (Kind::Float { .. }, DeValue::Integer(number)) => {
            number.as_str().parse().map(Value::Float).map_err(|_| wrong())
        }
        (Kind::Float { .. }, DeValue::Float(number)) => {
            number.as_str().parse().map(Value::Float).map_err(|_| wrong())
        }
        (Kind::Choice { .. } | Kind::Text { .. }, DeValue::String(text)) => Ok(Value::Text(text.to_string())),
        (Kind::List { .. }, DeValue::Array(list)) => {
            let texts = list.iter().map(|entry| match entry.get_ref() {
                DeValue::String(text) => Ok(text.to_string()),
                _ => Err(wrong()),
            });
            texts.collect::<Result<_, _>>().map(Value::List)
        }
        _ => Err(wrong()),
    }
}

/// Whether a value is one that the setting takes.
fn check(setting: &Setting, value: &Value) -> Result<(), String> {
    let is_fine = match (&setting.kind, value) {
        (Kind::Integer { min, max, .. }, Value::Integer(value)) => (min..=max).contains(&value),
        (Kind::Float { min, max, .. }, Value::Float(value)) => (min..=max).contains(&value),
        (Kind::Choice { choices, .. }, Value::Text(value)) => choices.contains(&value.as_str()),
        (Kind::Bool { .. }, Value::Bool(_))
        | (Kind::Text { .. }, Value::Text(_))
        | (Kind::List { .. }, Value::List(_)) => true,
        _ => false,
    };
    if is_fine {
        Ok(())
    } else {
        Err(format!("`{}` takes {}, not {value}", setting.key, setting.kind.expected()))
    }
}
