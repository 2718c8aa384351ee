use super::*;
use crate::syntax::Highlight;
use crate::testing::{self, under_seeds};

fn themes() -> [(&'static Theme, f64); 3] {
    [(Theme::dark(), 4.5), (Theme::light(), 4.5), (Theme::high_contrast(), 7.0)]
}

#[test]
fn text_can_be_read_on_what_is_behind_it() {
    let mut weak = Vec::new();
    for (theme, least) in themes() {
        let mut check = |what: String, text: Color, behind: Color| {
            let ratio = contrast(text.on(behind), behind);
            if ratio < least {
                weak.push(format!("{}: {what}: {ratio:.2}", theme.name));
            }
        };
        let background = theme.color("background");
        for kind in Highlight::ALL {
            let color = theme.style(kind).color;
            check(format!("{kind:?}"), color, background);
            check(format!("{kind:?} on the current line"), color, theme.color("current_line").on(background));
        }
        for role in ["text", "text_muted", "text_faint", "error", "warning", "info", "success", "accent"] {
            for behind in ["background", "panel", "panel_raised"] {
                check(format!("{role} on {behind}"), theme.color(role), theme.color(behind));
            }
        }
        for role in ["line_number", "line_number_current", "added", "removed", "changed"] {
            check(role.to_owned(), theme.color(role), background);
        }
        for behind in ["selection", "find_match", "find_match_current", "bracket_match"] {
            check(format!("text on {behind}"), theme.color("text"), theme.color(behind).on(background));
        }
        check("text on accent".to_owned(), theme.color("accent_text"), theme.color("accent"));
        for number in 0..8 {
            check(format!("name of person {number}"), theme.color("person_text"), theme.person(number));
        }
    }
    assert_eq!(weak, [""; 0]);
}

#[test]
fn built_in_themes_name_everything() {
    for text in [include_str!("dark.toml"), include_str!("light.toml"), include_str!("high_contrast.toml")] {
        let (theme, problems) = Theme::read(text);
        assert_eq!(problems, []);
        for role in ROLES {
            assert!(text.contains(&format!("\n{role} = ")), "{}: {role}", theme.name);
        }
        for kind in Highlight::ALL {
            assert!(text.contains(&format!("\n{} = ", format!("{kind:?}").to_lowercase())), "{kind:?}");
        }
    }
    assert!(Theme::dark().is_dark && !Theme::light().is_dark);
    assert!(["dark", "light", "high-contrast"].iter().all(|id| Theme::by_id(id).is_some()));
}

#[test]
fn themes_of_the_person_are_read_on_top() {
    let text = "name = \"Mine\"\nbase = \"light\"\n[colors]\nbackground = \"#fff8f0\"\naccnt = \"#000\"\n\
                caret = \"red\"\n[syntax]\ncomment = \"bold italic #888\"\nstring = \"green\"\nnothing = \"#000\"\n";
    let (theme, problems) = Theme::read(text);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "line 5, column 1: there is no colour `accnt`",
            "line 6, column 9: a colour is written \"#rrggbb\" or \"#rrggbbaa\"",
            "line 9, column 10: a style is written \"#rrggbb\", with `bold` or `italic` before it",
            "line 10, column 1: no text is of the kind `nothing`",
        ]
    );
    assert_eq!(theme.name, "Mine");
    assert_eq!(Some(theme.color("background")), Color::parse("#fff8f0"));
    assert_eq!(theme.color("caret"), Theme::light().color("caret"));
    let comment = theme.style(Highlight::Comment);
    assert!(comment.is_bold && comment.is_italic && comment.color == Color::parse("#888888").unwrap());
    under_seeds(100, |rng| drop(Theme::read(&testing::text(rng, 30))));
}

#[test]
fn colours_are_read_and_laid_over_each_other() {
    let color = |text| Color::parse(text).unwrap();
    assert_eq!(color("#fff"), color("#ffffff"));
    assert_eq!(color("#00000080").on(color("#fff")).red, 127);
    for text in ["", "#", "#12", "#12345", "red", "#ggg", "#é12", "#1234567é"] {
        assert_eq!(Color::parse(text), None, "{text}");
    }
    assert!((contrast(color("#000"), color("#fff")) - 21.0).abs() < 0.01);
}
