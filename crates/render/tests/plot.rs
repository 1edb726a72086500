//! Plots as files and in terminals. Accept a wanted change with `INSTA_UPDATE=always`.

use memsight_model::Explain as _;
use memsight_render::plot::{Plot, Point, Series, Size, png, svg, terminal};
use memsight_render::text::Style;
use tiny_skia::Pixmap;

const MIB: f64 = 1_048_576.0;

fn line(name: &str, seconds: std::ops::Range<i32>, mib: impl Fn(f64) -> f64) -> Series {
    let points = seconds.map(|i| (f64::from(i), mib(f64::from(i)) * MIB)).collect();
    Series { name: name.into(), points }
}

/// One process with a spike, two moments, and a limit in sight.
fn single() -> Plot {
    Plot {
        title: "python train.py (4242)".into(),
        subtitle: "every second".into(),
        measure: "RSS".into(),
        series: vec![line("python 4242", 0..181, |t| if t == 70.0 { 300.0 } else { 80.0 + t })],
        markers: vec![(5.0, "import".into()), (60.0, "epoch 1".into()), (61.0, "epoch 2".into())],
        limit: Some(512.0 * MIB),
        ..Plot::default()
    }
}

/// A server, ten workers born one after the other, their sum.
fn tree() -> Plot {
    let worker =
        |k: i32| line(&format!("worker {k}"), k * 30..600 - k * 20, move |t| f64::from(40 + 6 * k) + t / 100.0);
    let series: Vec<Series> = (0..11).map(worker).collect();
    let at = |t: f64| series.iter().flat_map(|s| &s.points).filter(|p| p.0 == t).map(|p| p.1).sum::<f64>();
    let total: Vec<Point> = (0..600).map(|i| (f64::from(i), at(f64::from(i)))).collect();
    Plot { title: "gunicorn app:app (1200)".into(), series, total, limit: Some(1e12), ..Plot::default() }
}

fn hostile() -> Plot {
    let name = "</text><script>alert(1)</script>\u{1b}[31m\u{0}\u{202e}\u{ffff}&\"'";
    let points = vec![(f64::NAN, 1.0), (1.0, f64::INFINITY), (2.0, 5e7), (1.0, -3.0), (1e300, 1e300), (2.0, 5e7)];
    Plot {
        title: name.into(),
        subtitle: name.repeat(50),
        measure: name.into(),
        series: vec![Series { name: name.into(), points: points.clone() }, Series { name: "漢字".repeat(99), points }],
        total: vec![(0.0, 0.0)],
        markers: vec![(f64::NAN, name.into()), (1.5, name.into()), (-1e300, name.into()), (1.5, String::new())],
        limit: Some(f64::NAN),
    }
}

#[test]
fn one_process_in_a_terminal() {
    let style = Style::plain(80);
    insta::assert_snapshot!("single-80", terminal(&single(), 80, 20, &style, false));
    insta::assert_snapshot!("single-40-ascii", terminal(&single(), 40, 10, &style, true));
    insta::assert_snapshot!("single-20", terminal(&single(), 20, 5, &style, false));
}

#[test]
fn a_tree_in_a_terminal() {
    let style = Style::plain(120);
    insta::assert_snapshot!("tree-120", terminal(&tree(), 120, 24, &style, false));
    insta::assert_snapshot!("tree-80-ascii", terminal(&tree(), 80, 16, &style, true));
    let colored = terminal(&tree(), 80, 16, &Style { color: true, width: 80 }, false);
    assert!(colored.contains("\x1b[36m"), "lines have colours where the terminal has");
}

#[test]
fn a_terminal_is_never_overrun() {
    for plot in [single(), tree(), hostile(), Plot::default()] {
        for width in 0..100 {
            for height in [1, 2, 4, 5, 7, 8, 9, 10, 11, 30] {
                for ascii in [false, true] {
                    let text = terminal(&plot, width, height, &Style::plain(width), ascii);
                    assert!(text.lines().count() <= height, "{width} x {height}:\n{text}");
                    let widest = text.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap_or(0);
                    assert!(widest <= width.max(1), "{width} x {height}, {widest} columns:\n{text}");
                    assert!(!text.contains('\x1b') && text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
                    assert!(!ascii || plot.title.contains("script") || text.is_ascii() || text.contains('…'), "{text}");
                }
            }
        }
    }
}

#[test]
fn nothing_is_said_in_words() {
    assert_eq!(terminal(&Plot::default(), 80, 20, &Style::plain(80), false), "no samples\n");
    assert!(svg(&Plot::default(), Size::default()).contains(">no samples</text>"));
    let one = Plot { series: vec![line("one", 3..4, |_| 7.0)], ..Plot::default() };
    let one = svg(&one, Size::default());
    assert!(one.contains(">one sample</text>") && one.contains(">peak 7.0 MiB at 3.0 s</text>"), "{one}");
}

#[test]
fn a_plot_as_svg() {
    let mut plot = single();
    plot.series[0].points.retain(|point| point.0 % 10.0 == 0.0);
    insta::assert_snapshot!("single-svg", svg(&plot, Size { width: 480, height: 240 }));
}

#[test]
fn the_legend_names_eight_and_counts_the_others() {
    let text = svg(&tree(), Size::default());
    for name in ["sum", "1  worker 10", "8  worker 3", "3 others"] {
        assert!(text.contains(&format!(">{name}</text>")), "{name}");
    }
    assert!(!text.contains("worker 2<"));
    assert!(text.contains("limit 931.3 GiB, above this picture"));
}

#[test]
fn names_of_the_target_are_no_markup() {
    for (width, height) in [(64, 64), (200, 170), (960, 480)] {
        let text = svg(&hostile(), Size { width, height });
        assert!(!text.contains("<script") && !text.contains('\x1b') && !text.contains('\0'), "{text}");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        png(&hostile(), Size { width, height }).expect("a picture");
    }
}

#[test]
fn a_plot_as_png() {
    let bytes = png(&single(), Size { width: 480, height: 240 }).expect("a picture");
    let picture = Pixmap::decode_png(&bytes).expect("a PNG");
    assert_eq!((picture.width(), picture.height()), (960, 480));
    let colors = |wanted: (u8, u8, u8)| {
        let is = |pixel: &&tiny_skia::PremultipliedColorU8| (pixel.red(), pixel.green(), pixel.blue()) == wanted;
        picture.pixels().iter().filter(is).count()
    };
    assert_eq!(picture.pixel(1, 1).map(|pixel| pixel.red()), Some(255), "white paper");
    assert!(colors((0x00, 0x72, 0xb2)) > 500, "the line");
    assert!(colors((0xb3, 0x26, 0x1e)) > 200, "the limit");
    assert!(colors((0x1f, 0x23, 0x28)) > 100, "letters of the title");
}

#[test]
fn sizes_that_no_picture_has_are_refused() {
    for (width, height) in [(0, 0), (63, 480), (960, 100_000), (u32::MAX, u32::MAX)] {
        let error = png(&single(), Size { width, height }).expect_err("no such picture");
        assert_eq!(error.code(), "MS-E150");
        assert!(svg(&single(), Size { width, height }).ends_with("</svg>\n"));
    }
}
