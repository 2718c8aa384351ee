//! Icons as lines on a grid of sixteen, drawn in the colour of the text beside them.

use eframe::egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2};

/// A picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    Folder,
    FolderOpen,
    File,
    NewFile,
    NewFolder,
    Right,
    Down,
    Up,
    Close,
    People,
    History,
    Settings,
    Device,
    Ticket,
    SplitRight,
    Warning,
    SideBar,
    Dot,
    Chat,
}

type Line = &'static [(f32, f32)];

fn lines(icon: Icon) -> &'static [Line] {
    match icon {
        Icon::Folder => &[&[(2., 4.), (6., 4.), (7.5, 5.5), (14., 5.5), (14., 12.5), (2., 12.5), (2., 4.)]],
        Icon::FolderOpen => &[
            &[(2., 12.), (2., 4.), (6., 4.), (7.5, 5.5), (13., 5.5), (13., 7.5)],
            &[(2., 12.5), (4., 7.5), (15., 7.5), (13., 12.5), (2., 12.5)],
        ],
        Icon::File => &[
            &[(4., 2.), (9.5, 2.), (12.5, 5.), (12.5, 14.), (4., 14.), (4., 2.)],
            &[(9.5, 2.), (9.5, 5.), (12.5, 5.)],
        ],
        Icon::NewFile => &[
            &[(7.5, 14.), (4., 14.), (4., 2.), (9.5, 2.), (12.5, 5.), (12.5, 8.)],
            &[(12., 10.), (12., 15.)],
            &[(9.5, 12.5), (14.5, 12.5)],
        ],
        Icon::NewFolder => &[
            &[(8., 12.5), (2., 12.5), (2., 4.), (6., 4.), (7.5, 5.5), (14., 5.5), (14., 8.)],
            &[(12., 10.), (12., 15.)],
            &[(9.5, 12.5), (14.5, 12.5)],
        ],
        Icon::Chat => {
            &[&[(2., 3.), (14., 3.), (14., 11.), (8.5, 11.), (5., 14.), (5., 11.), (2., 11.), (2., 3.)]]
        }
        Icon::Right => &[&[(6., 4.), (10., 8.), (6., 12.)]],
        Icon::Down => &[&[(4., 6.), (8., 10.), (12., 6.)]],
        Icon::Up => &[&[(4., 10.), (8., 6.), (12., 10.)]],
        Icon::Close => &[&[(4., 4.), (12., 12.)], &[(12., 4.), (4., 12.)]],
        Icon::People => &[
            &[(2., 13.5), (2.4, 11.), (4., 9.6), (7., 9.6), (8.6, 11.), (9., 13.5)],
            &[(10.4, 9.6), (12., 9.6), (13.6, 11.), (14., 13.5)],
        ],
        Icon::History => &[&[(8., 5.), (8., 8.5), (10.5, 10.)]],
        Icon::Settings => &[
            &[(2., 4.5), (8., 4.5)],
            &[(12., 4.5), (14., 4.5)],
            &[(2., 11.5), (4., 11.5)],
            &[(8., 11.5), (14., 11.5)],
        ],
        Icon::Device => {
            &[&[(3., 3.5), (13., 3.5), (13., 10.5), (3., 10.5), (3., 3.5)], &[(1.5, 13.), (14.5, 13.)]]
        }
        Icon::Ticket => &[
            &[
                (2., 4.5),
                (14., 4.5),
                (14., 6.8),
                (13., 8.),
                (14., 9.2),
                (14., 11.5),
                (2., 11.5),
                (2., 9.2),
                (3., 8.),
                (2., 6.8),
                (2., 4.5),
            ],
            &[(9.5, 6.5), (9.5, 9.5)],
        ],
        Icon::SplitRight => {
            &[&[(2., 3.), (14., 3.), (14., 13.), (2., 13.), (2., 3.)], &[(8., 3.), (8., 13.)]]
        }
        Icon::SideBar => &[&[(2., 3.), (14., 3.), (14., 13.), (2., 13.), (2., 3.)], &[(6., 3.), (6., 13.)]],
        Icon::Warning => &[&[(8., 2.5), (14.5, 13.5), (1.5, 13.5), (8., 2.5)], &[(8., 6.5), (8., 9.8)]],
        Icon::Dot => &[],
    }
}

/// Circles: the centre, the radius and whether they are filled.
fn circles(icon: Icon) -> &'static [(f32, f32, f32, bool)] {
    match icon {
        Icon::People => &[(5.5, 5.5, 2.4, false), (11., 5.8, 1.9, false)],
        Icon::History => &[(8., 8., 6., false)],
        Icon::Settings => &[(10., 4.5, 1.8, false), (6., 11.5, 1.8, false)],
        Icon::Warning => &[(8., 11.6, 0.7, true)],
        Icon::Dot => &[(8., 8., 3., true)],
        _ => &[],
    }
}

/// Draws an icon into a square.
pub(crate) fn paint(painter: &Painter, icon: Icon, rect: Rect, color: Color32) {
    let scale = rect.width() / 16.0;
    let place = |x: f32, y: f32| -> Pos2 { pos2(rect.left() + x * scale, rect.top() + y * scale) };
    let stroke = Stroke::new((1.3 * scale).max(1.0), color);
    for line in lines(icon) {
        let points: Vec<Pos2> = line.iter().map(|(x, y)| place(*x, *y)).collect();
        painter.add(Shape::line(points, stroke));
    }
    for (x, y, radius, is_filled) in circles(icon) {
        let (centre, radius) = (place(*x, *y), radius * scale);
        if *is_filled {
            painter.circle_filled(centre, radius, color);
        } else {
            painter.circle_stroke(centre, radius, stroke);
        }
    }
}
