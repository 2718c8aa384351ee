//! Keys become commands and text before anything is drawn.

use eframe::egui::{Context, Event, ImeEvent, Key, Modifiers};
use weft_editor::{Command, EditorCommand, Resolution, keymap};

use super::Shell;
use crate::{
    action::{Action, Actions},
    editor,
};

/// What keys were pressed, and where the next ones go.
#[derive(Debug, Default)]
pub(super) struct KeyInput {
    /// Strokes of a chord that is not complete.
    pending: Vec<keymap::Stroke>,
    /// Whether the text is to have the keys.
    pub(super) wants_editor_focus: bool,
    /// Whether the text is to have the keys no longer.
    pub(super) leaves_editor: bool,
    /// Text that the input method shows before it is written.
    preedit: String,
}

/// What an event asks for.
enum Wish {
    Command(Command),
    Type(String),
    Paste(String),
    Preedit(String),
    DeleteAround(usize, usize),
}

impl Shell {
    /// Takes the keys of this frame that are meant for commands or for the text.
    pub(super) fn take_keys(&mut self, ctx: &Context, actions: &mut Actions) {
        self.focus_editor(ctx);
        let has_focus = self.editor_has_focus(ctx);
        let owns_ime = self.focused_id().is_some_and(|id| ctx.memory(|memory| memory.owns_ime_events(id)));
        let context = self.key_context(has_focus);
        let events = ctx.input_mut(|input| std::mem::take(&mut input.events));
        let mut left = Vec::with_capacity(events.len());
        let mut wishes = Vec::new();
        // The text that a key types follows it; a key that was a command types nothing.
        let mut was_command = false;
        for event in events {
            match &event {
                Event::Key { key, pressed: true, modifiers, .. } => {
                    was_command = match self.stroke(*key, *modifiers, &context) {
                        Some(Some(command)) => {
                            wishes.push(Wish::Command(command));
                            true
                        }
                        Some(None) => true,
                        None => {
                            left.push(event);
                            false
                        }
                    };
                }
                Event::Text(_) if was_command => was_command = false,
                Event::Text(text) if has_focus => wishes.push(Wish::Type(text.clone())),
                Event::Paste(text) if has_focus => wishes.push(Wish::Paste(text.clone())),
                Event::Copy if has_focus => {
                    wishes.push(Wish::Command(Command::Editor(EditorCommand::Copy)));
                }
                Event::Cut if has_focus => wishes.push(Wish::Command(Command::Editor(EditorCommand::Cut))),
                Event::Ime(ime) if has_focus && owns_ime => wishes.extend(self.ime(ime)),
                _ => left.push(event),
            }
        }
        // What an action of this frame adds comes behind what is left.
        ctx.input_mut(|input| {
            left.append(&mut input.events);
            input.events = left;
        });
        self.state.chord = (!self.keys.pending.is_empty()).then(|| {
            let platform = self.state.keys.platform();
            keymap::Chord(self.keys.pending.clone()).label(platform)
        });
        if !wishes.is_empty() && has_focus {
            self.note_key();
        }
        for wish in wishes {
            self.grant(ctx, wish, actions);
        }
    }

    fn grant(&mut self, ctx: &Context, wish: Wish, actions: &mut Actions) {
        match wish {
            Wish::Command(command) => actions.push(Action::Run(command)),
            // In the order of the keys: what was asked for before comes before.
            Wish::Type(text) => {
                self.perform(ctx, actions);
                self.type_text(&text, false);
            }
            Wish::Paste(text) => {
                self.perform(ctx, actions);
                self.type_text(&text, true);
            }
            Wish::Preedit(text) => self.keys.preedit = text,
            Wish::DeleteAround(before, behind) => {
                if let Some(folder) = self.state.folder.as_mut().filter(|folder| folder.may_edit())
                    && let Some((document, view)) = folder.active_mut()
                {
                    document.delete_around(view, before, behind);
                }
            }
        }
        self.show_preedit();
    }

    /// `None` when the key is no part of a command; else the command, if the chord is complete.
    #[expect(clippy::option_option, reason = "three outcomes: not ours, ours and more to come, a command")]
    fn stroke(
        &mut self,
        key: Key,
        modifiers: Modifiers,
        context: &keymap::Context,
    ) -> Option<Option<Command>> {
        let stroke = stroke_of(key, modifiers)?;
        self.keys.pending.push(stroke);
        match self.state.keys.resolve(&self.keys.pending, context) {
            Resolution::Run(command) => {
                self.keys.pending.clear();
                Some(Some(command))
            }
            Resolution::More => Some(None),
            Resolution::None => {
                let was_chord = self.keys.pending.len() > 1;
                self.keys.pending.clear();
                // The end of a chord that means nothing is thrown away.
                was_chord.then_some(None)
            }
        }
    }

    fn ime(&mut self, event: &ImeEvent) -> Vec<Wish> {
        match event {
            ImeEvent::Preedit { text, .. } if text.is_empty() && self.keys.preedit.is_empty() => Vec::new(),
            ImeEvent::Preedit { text, .. } if text == "\n" || text == "\r" => Vec::new(),
            ImeEvent::Preedit { text, .. } => vec![Wish::Preedit(text.clone())],
            ImeEvent::Commit(text) if text == "\n" || text == "\r" => Vec::new(),
            ImeEvent::Commit(text) if text.is_empty() => vec![Wish::Preedit(String::new())],
            ImeEvent::Commit(text) => vec![Wish::Preedit(String::new()), Wish::Type(text.clone())],
            ImeEvent::DeleteSurrounding { before_chars, after_chars } => {
                vec![Wish::DeleteAround(*before_chars, *after_chars)]
            }
            _ => Vec::new(),
        }
    }

    fn key_context(&self, has_focus: bool) -> keymap::Context {
        let mut context = keymap::Context::default();
        let is_above = self.state.overlay.is_some();
        let folder = self.state.folder.as_ref().filter(|_| !is_above);
        let active = folder.and_then(crate::state::Folder::active);
        context.set("editorFocus", has_focus);
        context.set("editorTextFocus", has_focus);
        context.set("editorIsOpen", active.is_some());
        context.set("findWidgetVisible", self.state.find.is_open() && active.is_some());
        context.set("hasSearchResult", !is_above && !self.state.search.matches.is_empty());
        context.set("editorReadonly", folder.is_some_and(|folder| !folder.may_edit()));
        if let Some((document, view)) = active
            && let Some(view) = document.view(view)
        {
            let selections = view.selections();
            context.set("editorHasSelection", selections.all().iter().any(|one| !one.is_empty()));
            context.set("editorHasMultipleSelections", selections.count() > 1);
        }
        if let Some((document, view)) = active {
            context.set("inlineSuggestionVisible", document.ghost(view).is_some() && !self.is_composing());
        }
        context
    }

    fn focused_id(&self) -> Option<eframe::egui::Id> {
        let folder = self.state.folder.as_ref()?;
        folder.active()?;
        Some(editor::id_of(folder.layout.focused()))
    }

    /// Whether the input method shows what is not written yet.
    pub(super) fn is_composing(&self) -> bool {
        !self.keys.preedit.is_empty()
    }

    pub(super) fn editor_has_focus(&self, ctx: &Context) -> bool {
        let id = self.focused_id().filter(|_| self.state.overlay.is_none());
        id.is_some_and(|id| ctx.memory(|memory| memory.has_focus(id)))
    }

    /// Gives the text the keys when something has ended that had them.
    fn focus_editor(&mut self, ctx: &Context) {
        if std::mem::take(&mut self.keys.leaves_editor) {
            self.keys.wants_editor_focus = false;
            if let Some(id) = self.focused_id() {
                ctx.memory_mut(|memory| memory.surrender_focus(id));
            }
        }
        if !self.keys.wants_editor_focus || self.state.overlay.is_some() {
            return;
        }
        if let Some(id) = self.focused_id() {
            ctx.memory_mut(|memory| memory.request_focus(id));
            self.keys.wants_editor_focus = false;
        }
    }

    /// The caret stands still and can be seen while keys are pressed.
    fn note_key(&mut self) {
        let now = self.state.now;
        self.stop_following();
        if let Some(editor) = self.active_editor() {
            editor.note_key(now);
        }
    }

    fn show_preedit(&mut self) {
        let text = self.keys.preedit.clone();
        if let Some(editor) = self.active_editor() {
            editor.set_preedit(text);
        }
    }

    fn active_editor(&mut self) -> Option<&mut crate::editor::EditorWidget> {
        let folder = self.state.folder.as_ref()?;
        let key = (folder.layout.focused(), folder.active_path()?.to_owned());
        self.editors.get_mut(&key)
    }
}

/// A key as the key map names it.
fn stroke_of(key: Key, modifiers: Modifiers) -> Option<keymap::Stroke> {
    let (name, is_shifted) = name_of(key)?;
    Some(keymap::Stroke {
        ctrl: modifiers.ctrl,
        shift: modifiers.shift || is_shifted,
        alt: modifiers.alt,
        meta: modifiers.mac_cmd,
        key: name,
    })
}

/// The name of a key, and whether it is one that is only reached with Shift.
fn name_of(key: Key) -> Option<(String, bool)> {
    let (name, is_shifted) = match key {
        Key::ArrowDown => ("down", false),
        Key::ArrowLeft => ("left", false),
        Key::ArrowRight => ("right", false),
        Key::ArrowUp => ("up", false),
        Key::Escape => ("escape", false),
        Key::Tab => ("tab", false),
        Key::Backspace => ("backspace", false),
        Key::Enter => ("enter", false),
        Key::Space => ("space", false),
        Key::Insert => ("insert", false),
        Key::Delete => ("delete", false),
        Key::Home => ("home", false),
        Key::End => ("end", false),
        Key::PageUp => ("pageup", false),
        Key::PageDown => ("pagedown", false),
        Key::Copy | Key::Cut | Key::Paste => return None,
        Key::Colon => (";", true),
        Key::Comma => (",", false),
        Key::Backslash => ("\\", false),
        Key::Slash => ("/", false),
        Key::Pipe => ("\\", true),
        Key::Questionmark => ("/", true),
        Key::Exclamationmark => ("1", true),
        Key::OpenBracket => ("[", false),
        Key::CloseBracket => ("]", false),
        Key::OpenCurlyBracket => ("[", true),
        Key::CloseCurlyBracket => ("]", true),
        Key::Backtick => ("`", false),
        Key::Minus => ("-", false),
        Key::Period => (".", false),
        Key::Plus => ("=", true),
        Key::Equals => ("=", false),
        Key::Semicolon => (";", false),
        Key::Quote => ("'", false),
        key => {
            let name = key.name().to_lowercase();
            let is_number = name.strip_prefix('f').is_some_and(|rest| rest.parse::<u8>().is_ok());
            return (name.chars().count() == 1 || is_number).then_some((name, false));
        }
    };
    Some((name.to_owned(), is_shifted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_names_of_the_key_map() {
        let named = |key, modifiers| {
            stroke_of(key, modifiers).map(|stroke| stroke.label(weft_editor::Platform::Linux))
        };
        assert_eq!(named(Key::P, Modifiers::CTRL | Modifiers::SHIFT).as_deref(), Some("Ctrl+Shift+P"));
        assert_eq!(named(Key::Plus, Modifiers::CTRL).as_deref(), Some("Ctrl+Shift+="));
        assert_eq!(named(Key::F3, Modifiers::NONE).as_deref(), Some("F3"));
        assert_eq!(named(Key::Num1, Modifiers::ALT).as_deref(), Some("Alt+1"));
        assert_eq!(named(Key::Copy, Modifiers::NONE), None);
    }
}
