//! Two windows of two nodes side by side: sharing, joining, and writing one file together.

use std::{fs, path::Path, time::Duration};

use super::{ACCENT, BARS, HEIGHT, Place, Screen, eventually, screen};

/// Ana at the left and Ben at the right of one display.
fn people<'a>(root: &Path, screen: &'a Screen) -> (Place<'a>, Place<'a>) {
    let half = screen::WIDTH / 2;
    let place = |name: &str, area| Place {
        home: root.join(name).join("home"),
        folder: root.join(name).join("notes"),
        screen,
        area,
    };
    (place("ana", (0, 0, half, HEIGHT)), place("ben", (half, 0, screen::WIDTH, HEIGHT)))
}

/// Shares by the left window and joins by the right one. The ticket goes over the clipboard.
fn share_and_join(ana: &Place<'_>, of_ana: &str, ben: &Place<'_>, of_ben: &str) {
    let screen = ana.screen;
    ana.focus(of_ana);
    ana.command("share folder");
    let (left, _, _, bottom) = ana.press_primary("the button that makes a ticket", BARS);
    // Below it comes a card with the ticket, a button that copies it, and a code of black and white squares.
    eventually("the ticket", || screen.colours(ana.area).get(&[255; 3]).is_some_and(|count| *count > 5_000));
    std::thread::sleep(Duration::from_millis(500));
    screen.click((left + 20, bottom + 134, left + 120, bottom + 148));

    ben.focus(of_ben);
    ben.command("join with a ticket");
    screen.key("ctrl+v");
    screen.key("Tab");
    screen.key("ctrl+a");
    screen.type_text(&ben.folder.to_string_lossy());
    let (_, _, _, bottom) = ben.press_primary("the button that looks the ticket up", BARS);
    // The button that joins stands below what the ticket leads to and the signs to be compared.
    ben.press_primary("the button that joins", bottom);
    // Ana's window shows who waits above everything else on that page.
    let (left, _, right, bottom) = ana.area;
    eventually("who waits", || screen.buttons((left, BARS, right, bottom), ACCENT).len() == 2);
    ana.focus(of_ana);
    ana.press_primary("the button that lets in", BARS);
    eventually("the file at ben", || ben.file("plan.md") == "# Plan\n");
    // The page is closed by the cross in its corner.
    screen.click((right - 32, 52, right - 16, 68));
}

#[test]
fn two_windows_share_join_and_write_one_file_side_by_side() {
    if !screen::can_run() {
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let screen = Screen::new();
    let (ana, ben) = people(root.path(), &screen);
    for place in [&ana, &ben] {
        place.settle();
        fs::create_dir_all(place.folder.parent().expect("a folder above")).expect("a folder");
    }
    fs::create_dir_all(&ana.folder).expect("a folder");
    fs::write(ana.folder.join("plan.md"), "# Plan\n").expect("a file");
    ana.answer(&["init", "--json"]);
    let (_ana_window, of_ana) = ana.open(&["open", "notes"], &[]);
    let (_ben_window, of_ben) = ben.open(&[], std::slice::from_ref(&of_ana));
    share_and_join(&ana, &of_ana, &ben, &of_ben);

    ana.quick_open(&of_ana, "plan", "plan.md");
    let alone = screen.colours(ana.area);
    ben.quick_open(&of_ben, "plan", "plan.md");
    // What one types is in the other's folder, and in the other's window: their undo works on it.
    screen.key("ctrl+End");
    screen.type_text("from ben");
    eventually("ben's words at ana", || ana.file("plan.md").ends_with("from ben"));
    // His cursor is seen: there is more of the colour that his disc at the bottom has, as much as a name takes.
    let is_colourful = |colour: &screen::Colour| {
        let (most, least) = (colour.iter().max(), colour.iter().min());
        most.zip(least).is_some_and(|(most, least)| most - least > 60)
    };
    eventually("ben's cursor in ana's window", || {
        screen.colours(ana.area).iter().any(|(colour, count)| {
            let before = alone.get(colour).copied().unwrap_or(0);
            before > 100 && *count > before + 250 && is_colourful(colour)
        })
    });

    ana.focus(&of_ana);
    screen.key("ctrl+Home");
    screen.type_text("ana");
    eventually("ana's word at ben", || ben.file("plan.md").starts_with("ana# Plan"));
    ben.focus(&of_ben);
    screen.type_text("!");
    eventually("ben goes on behind his words", || ana.file("plan.md").ends_with("from ben!"));
    // Undo takes back what is one's own and leaves what the other wrote, in both windows.
    ana.focus(&of_ana);
    screen.key("ctrl+z");
    eventually("ana's word is taken back", || ben.file("plan.md").starts_with("# Plan"));
    assert!(ana.file("plan.md").contains("from ben!"), "{}", ana.file("plan.md"));
    for _ in 0..3 {
        screen.key("ctrl+z");
    }
    std::thread::sleep(Duration::from_millis(500));
    assert!(ana.file("plan.md").ends_with("from ben!"), "{}", ana.file("plan.md"));
    assert_eq!(ana.file("plan.md"), ben.file("plan.md"));
    for (place, id) in [(&ana, &of_ana), (&ben, &of_ben)] {
        place.focus(id);
        screen.key("ctrl+q");
    }
}
