//! The pages of this person's devices.

use weft_node::api::{DeviceAcceptPreviewed, Invitations, OwnDevices, RecoveryWords};

use super::*;

fn devices(user_key: &str) -> OwnDevices {
    serde_json::from_value(serde_json::json!({
        "user": "me", "user_name": "Ana", "user_key": user_key,
        "devices": [
            { "device": "d1", "name": "laptop", "is_this": true, "last_contact": null, "workspaces": ["Notes"],
              "has_all_mine": true, "missing": 0 },
            { "device": "d2", "name": "phone", "is_this": false, "last_contact": null, "workspaces": ["Notes"],
              "has_all_mine": false, "missing": 4 },
        ],
    }))
    .unwrap()
}

fn words() -> RecoveryWords {
    let words: Vec<String> = (1..=24).map(|number| format!("word{number}")).collect();
    serde_json::from_value(serde_json::json!({ "words": words, "keepers": [] })).unwrap()
}

#[test]
fn the_page_of_devices_lists_links_and_puts_out() {
    let mut window = Window::with(&[("a.md", "")]);
    window.harness.state_mut().show_page(Some(Page::Devices));
    window.settle();
    assert!(window.take_ask(|ask| matches!(ask, Ask::Devices)).is_some());
    window.tell(FromLink::Devices(Ok(devices("here"))));
    assert!(window.has("laptop (this device)") && window.has("phone"));
    assert!(window.has_words("lacks 4 of your edits"));
    window.click("Make a ticket for it");
    assert!(window.take_ask(|ask| matches!(ask, Ask::LinkDevice)).is_some());
    window.tell(FromLink::LinkDevice(Err(ApiError::failed("no room").hint("make some"))));
    assert!(window.has("No room") && window.has("Make some"));
    let waiting: Invitations = serde_json::from_value(serde_json::json!({ "invitations": [{
        "id": "1", "role": "owner", "expires": "2026-11-22T04:13:53Z", "uses_left": 1,
        "waiting": [{ "user": "new", "fingerprint": "abc (one two)", "name": "Ana", "device_name": "tablet" }],
        "workspace": "", "workspace_name": "",
    }] }))
    .unwrap();
    window.tell(FromLink::Invitations(Ok(waiting)));
    assert!(window.has("As a device of yours. Does it show the same signs?"));
    window.click("Let in");
    assert!(window.take_ask(|ask| matches!(ask, Ask::Confirm(user) if user == "new")).is_some());
    window.click("Put out…");
    window.click("Put out now");
    assert!(window.take_ask(|ask| matches!(ask, Ask::Revoke { who } if who == "d2")).is_some());
}

#[test]
fn the_words_are_shown_checked_and_forgotten() {
    let mut window = Window::with(&[("a.md", "")]);
    window.harness.state_mut().show_page(Some(Page::Devices));
    window.settle();
    window.tell(FromLink::Devices(Ok(devices("here-and-on-paper"))));
    window.click("Show the 24 words…");
    assert!(window.take_ask(|ask| matches!(ask, Ask::RecoveryWords)).is_some());
    window.tell(FromLink::RecoveryWords(Ok(words())));
    assert!(window.has("word1") && window.has("word24"));
    assert!(!format!("{:?}", window.shell().state.pages.words).contains("word7"), "they never show in a log");
    window
        .harness
        .get_by_role_and_label(Kind::MultilineTextInput, "Type them from the paper to check them")
        .focus();
    window.settle();
    window.type_text("word1 word2");
    window.click("Check");
    assert!(
        window.take_ask(|ask| matches!(ask, Ask::CheckWords(words) if words.0 == "word1 word2")).is_some()
    );
    window.tell(FromLink::CheckWords(Err(ApiError::usage("these are not the words"))));
    assert!(window.has("These are not the words"));
    window.tell(FromLink::CheckWords(Ok(())));
    assert!(window.has("These are the right words."));
    window.click("Keep the key on paper only…");
    window.click("Take it off this device");
    assert!(window.take_ask(|ask| matches!(ask, Ask::PaperOnly)).is_some());
    window.harness.state_mut().show_page(None);
    window.settle();
    assert!(window.shell().state.pages.words.value().is_none() && window.shell().drafts.words.is_empty());
}

#[test]
fn a_device_is_linked_from_the_first_page() {
    let mut window = Window::first();
    window.click("Link this device");
    window.harness.get_by_role_and_label(Kind::TextInput, "Ticket").focus();
    window.settle();
    window.type_text("ticket");
    window.click("Look up");
    let asked = window.take_ask(|ask| matches!(ask, Ask::AcceptPreview { ticket, .. } if ticket == "ticket"));
    assert!(asked.is_some());
    let preview: DeviceAcceptPreviewed = serde_json::from_value(serde_json::json!({
        "user": "u", "user_name": "Ana", "by": "laptop", "fingerprint": "abc (one two three)",
        "workspaces": [{ "workspace": "w", "name": "Notes", "folder": "/home/ana/Notes", "files": 3, "bytes": 2000 }],
    }))
    .unwrap();
    window.tell(FromLink::AcceptPreview(Ok(Box::new(preview))));
    assert!(window.has("A device of Ana, by the ticket of laptop") && window.has("one two three"));
    window.click("Link this device");
    assert!(window.take_ask(|ask| matches!(ask, Ask::Accept { .. })).is_some());
    let accepted = serde_json::json!({ "user": "u", "user_name": "Ana", "device": "d", "workspaces": [] });
    window.tell(FromLink::Accept(Ok(Box::new(serde_json::from_value(accepted).unwrap()))));
    assert!(window.has("This device is yours now"));
}

#[test]
fn a_relay_is_used_only_when_one_is_named() {
    let mut window = Window::with(&[("a.md", "")]);
    window.harness.state_mut().show_page(Some(Page::Share));
    window.settle();
    assert!(window.has_words("A relay sees which devices talk"));
    window.click("Also through a relay");
    window.harness.get_by_role_and_label(Kind::TextInput, "Address of the relay").focus();
    window.settle();
    window.type_text("https://relay.example.org");
    window.click("Use this relay");
    let saved = |window: &Window, words: &str| {
        let is_saved =
            |request: &ToLink| matches!(request, ToLink::Save(Saved::Settings(text)) if text.contains(words));
        window.asked.iter().any(is_saved)
    };
    assert!(saved(&window, "relay = \"https://relay.example.org\""));
    window.click("Devices on this network");
    assert_eq!(window.shell().state.settings.text("network.relay"), "");
}

#[test]
fn a_passphrase_is_asked_for_in_the_window_and_kept_nowhere() {
    let mut window = Window::first();
    window.tell(FromLink::PassphraseWanted("Passphrase of this device's data".to_owned()));
    assert!(window.has("Passphrase of this device's data") && !window.has("Without a passphrase"));
    window.type_text("correct horse");
    window.press(Modifiers::NONE, Key::Enter);
    let answered = window.asked.iter().any(|request| {
        let words = weft_node::api::Words("correct horse".to_owned());
        matches!(request, ToLink::Passphrase(answer) if *answer == crate::link::PassphraseAnswer::Text(words))
    });
    assert!(answered && window.shell().drafts.passphrase.is_empty());
    assert!(
        !window.asked.iter().any(|request| format!("{request:?}").contains("horse")),
        "it shows in no log"
    );
    assert!(!window.has("Passphrase of this device's data"));
    window.tell(FromLink::PassphraseWanted("Choose a passphrase for this device's data".to_owned()));
    window.click("Without a passphrase");
    let is_file =
        |request: &ToLink| matches!(request, ToLink::Passphrase(crate::link::PassphraseAnswer::File));
    assert!(window.asked.iter().any(is_file));
}
