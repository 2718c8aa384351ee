//! Documents that the tests write by hand, whole and damaged ones, read here and in a process of their own.
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place")]

use std::io::Write as _;
use std::time::{Duration, Instant};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use weft_documents::limits::{
    DOCUMENT_BYTES_MAX, FORM_DEPTH_MAX, FORMS_MAX, MEMORY_BYTES_MAX, PAGE_BYTES_MAX, PASSAGES_MAX,
    PLACE_BYTES_MAX, PROCESSOR_SECONDS_MAX, READING_TIME_MAX, TEXT_BYTES_MAX, TIME_MAX, UNPACKED_BYTES_MAX,
};
use weft_documents::{DocumentKind, ExtractError, Extracted, Guard, extract, extract_until};

/// A PDF file with these texts on its pages, one line each.
fn pdf(pages: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Count {} /Kids [{}] >>",
            pages.len(),
            (0..pages.len()).map(|page| format!("{} 0 R ", 4 + page * 2)).collect::<String>()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (page, text) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            5 + page * 2
        ));
        let shown = format!("BT /F1 12 Tf 50 700 Td ({text}) Tj ET");
        objects.push(format!("<< /Length {} >>\nstream\n{shown}\nendstream", shown.len()));
    }
    file(&objects)
}

/// A PDF file with one page, of which the forms are the objects from the fifth on.
fn pdf_of_forms(page: &str, names: &str, forms: &[(&str, &str)]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Count 1 /Kids [4 0 R] /Resources << /Font << /F1 3 0 R >> /XObject << {names} >> >> >>"
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {} 0 R >>", 5 + forms.len()),
    ];
    for (resources, shown) in forms {
        objects.push(format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 600 800] {resources} /Length {} >>\nstream\n{shown}\nendstream",
            shown.len()
        ));
    }
    objects.push(format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()));
    file(&objects)
}

#[test]
fn pieces_of_a_page_that_are_objects_of_their_own_are_read_where_they_are_shown() {
    let own = "/Resources << /Font << /G 3 0 R >> /XObject << /Inner 6 0 R >> >>";
    let found = read(
        DocumentKind::Pdf,
        &pdf_of_forms(
            "BT /F1 12 Tf (before) Tj ET /Outer Do /Nothing Do BT (after) Tj ET",
            "/Outer 5 0 R",
            &[(own, "BT /G 12 Tf (a figure) Tj ET /Inner Do"), ("", "BT /G 12 Tf (within it) Tj ET")],
        ),
    )
    .unwrap();
    let [page] = &found.passages[..] else { panic!("{found:?}") };
    // The inner one names its font as the one around it does.
    assert_eq!(page.text, "before\na figure\nwithin it\nafter");

    // One that shows itself, many times over, and one that is no form.
    let again = "BT /F1 12 Tf (x) Tj ET /Me Do /Me Do";
    let found =
        read(DocumentKind::Pdf, &pdf_of_forms("/Me Do /Page Do", "/Me 5 0 R /Page 4 0 R", &[("", again)]));
    let text = found.unwrap().passages[0].text.clone();
    let shown = text.matches('x').count();
    assert!((FORM_DEPTH_MAX..=FORMS_MAX).contains(&shown), "{shown}");
}

fn file(objects: &[String]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", number + 1).bytes());
    }
    let start = bytes.len();
    bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    places.iter().for_each(|place| bytes.extend(format!("{place:010} 00000 n \n").bytes()));
    let end = format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
    bytes.extend(end.bytes());
    bytes
}

/// A DOCX file with this body.
fn docx(body: &str) -> Vec<u8> {
    let xml = format!(
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body>{body}</w:body></w:document>"
    );
    packed(xml.as_bytes())
}

fn packed(xml: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("word/document.xml", SimpleFileOptions::default()).unwrap();
    writer.write_all(xml).unwrap();
    writer.finish().unwrap().into_inner()
}

fn heading(text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

fn shown(extracted: &Extracted) -> Vec<(&str, &str)> {
    extracted.passages.iter().map(|passage| (&*passage.place, passage.text.trim())).collect()
}

fn guard() -> Guard {
    Guard::new(env!("CARGO_BIN_EXE_weft-document-reader").into(), Vec::new())
}

fn read(kind: DocumentKind, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    guard().read(kind, bytes.to_vec(), &|| false)
}

#[test]
fn pages_and_headings_are_told() {
    let pages = pdf(&["The harbour is closed.", "Ships wait \\(outside\\)."]);
    for found in [extract(DocumentKind::Pdf, &pages), read(DocumentKind::Pdf, &pages)] {
        let found = found.unwrap();
        assert_eq!(
            shown(&found),
            [("page 1", "The harbour is closed."), ("page 2", "Ships wait (outside).")]
        );
        assert!(!found.is_cut);
    }
    let body = format!(
        "{}{}{}{}{}",
        paragraph("Before &amp; first"),
        heading("Harbour"),
        paragraph("Gr\u{f6}\u{df}e &#252;ber alles"),
        heading("Ships"),
        "<w:p><w:r><w:t>one</w:t><w:tab/><w:t>two</w:t></w:r></w:p>"
    );
    let found = read(DocumentKind::Docx, &docx(&body)).unwrap();
    let expected =
        [("", "Before & first"), ("Harbour", "Harbour\nGröße über alles"), ("Ships", "Ships\none\ttwo")];
    assert_eq!(shown(&found), expected);
    let (text, places) = found.joined();
    for (line, place) in places {
        let first = text.lines().nth(line as usize - 1).unwrap();
        assert!(place.is_empty() || first == place, "{line} {place} {text}");
    }
}

#[test]
fn damaged_documents_are_told_and_nothing_else_happens() {
    let whole = pdf(&["one", "two", "three"]);
    let word = docx(&paragraph("one"));
    for part in 0..20 {
        // An error or some of the text; what matters is that an answer comes.
        let _either = read(DocumentKind::Pdf, &whole[..whole.len() * part / 20]);
        let cut = read(DocumentKind::Docx, &word[..word.len() * part / 20]);
        assert!(matches!(cut, Err(ExtractError::Damaged { .. })), "{part}: {cut:?}");
    }
    for (kind, bytes) in [
        (DocumentKind::Pdf, &b"no document at all"[..]),
        (DocumentKind::Pdf, &word),
        (DocumentKind::Docx, &whole),
        (DocumentKind::Docx, b""),
        (DocumentKind::Docx, &packed(b"<w:document><w:p></w:q>")),
    ] {
        let found = read(kind, bytes);
        assert!(matches!(found, Err(ExtractError::Damaged { .. })), "{found:?}");
    }
    assert_eq!(read(DocumentKind::Pdf, &pdf(&["", " "])), Err(ExtractError::NoText));
    assert_eq!(read(DocumentKind::Docx, &docx(&paragraph("..."))), Err(ExtractError::NoText));
    let closed = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    assert_eq!(read(DocumentKind::Docx, &closed), Err(ExtractError::Encrypted));
}

#[test]
fn hostile_documents_take_what_they_may_and_no_more() {
    // Two hundred megabytes in two hundred kilobytes.
    let bomb =
        [&b"<w:document><w:p><w:t>"[..], &vec![b'a'; UNPACKED_BYTES_MAX as usize + (64 << 20)]].concat();
    let bomb = packed(&bomb);
    assert!(bomb.len() < 1 << 20);
    match read(DocumentKind::Docx, &bomb) {
        Ok(found) => {
            assert!(
                found.is_cut
                    && found.passages.iter().map(|passage| passage.text.len()).sum::<usize>()
                        <= TEXT_BYTES_MAX
            );
        }
        Err(error) => {
            assert!(matches!(error, ExtractError::Ended { .. } | ExtractError::Damaged { .. }), "{error}")
        }
    }
    let deep = packed(format!("<w:document>{}", "<w:p>".repeat(400_000)).as_bytes());
    let _either = read(DocumentKind::Docx, &deep);
    let arrays = file(&[format!("{}{}", "[".repeat(200_000), "]".repeat(200_000))]);
    assert!(read(DocumentKind::Pdf, &arrays).is_err());
    // Pages that lead to themselves.
    let ring = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R] /Parent 2 0 R >>",
    ];
    assert!(read(DocumentKind::Pdf, &file(&ring.map(str::to_owned))).is_err());
    // One page under very many names, and a tree of them that claims to be endless.
    let kids = "3 0 R ".repeat(200_000);
    let endless = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Count 2147483647 /Kids [{kids}] >>"),
        "<< /Type /Page /Parent 2 0 R >>".to_owned(),
    ];
    let begin = Instant::now();
    assert_eq!(read(DocumentKind::Pdf, &file(&endless)), Err(ExtractError::NoText));
    assert!(begin.elapsed() < TIME_MAX);
    let large = Guard::read(&guard(), DocumentKind::Pdf, vec![0; DOCUMENT_BYTES_MAX as usize + 1], &|| false);
    assert_eq!(large, Err(ExtractError::TooLarge));
}

#[test]
fn what_a_document_gives_has_limits() {
    let long = heading(&"x".repeat(PLACE_BYTES_MAX * 2)) + &paragraph("text");
    let found = extract(DocumentKind::Docx, &docx(&long)).unwrap();
    assert_eq!(found.passages[0].place.len(), PLACE_BYTES_MAX);
    let many: String = (0..PASSAGES_MAX + 5).map(|_| heading("x")).collect();
    let found = extract(DocumentKind::Docx, &docx(&many)).unwrap();
    assert!(found.is_cut && found.passages.len() == PASSAGES_MAX);
    // What one page may unpack to is more than any page of text and less than the process may take.
    assert!(TEXT_BYTES_MAX < PAGE_BYTES_MAX && (PAGE_BYTES_MAX as u64) < MEMORY_BYTES_MAX);
    assert!(READING_TIME_MAX < Duration::from_secs(PROCESSOR_SECONDS_MAX));
    assert!(Duration::from_secs(PROCESSOR_SECONDS_MAX) < TIME_MAX);
    // When time is over, what was read by then is given.
    let over = Instant::now();
    let found = extract_until(DocumentKind::Pdf, &pdf(&["one", "two"]), over).unwrap();
    assert!(found.is_cut && shown(&found) == [("page 1", "one")], "{found:?}");
    let long: String = (0..2_000).map(|_| paragraph("word")).collect();
    let found = extract_until(DocumentKind::Docx, &docx(&long), over).unwrap();
    let words = found.passages[0].text.split_whitespace().count();
    assert!(found.is_cut && words > 10 && words < 2_000, "{words}");
}

#[test]
#[cfg(unix)]
fn a_process_that_takes_too_much_time_or_memory_is_ended() {
    let sleeping = Guard {
        time_max: Duration::from_millis(300),
        ..Guard::new("/bin/sh".into(), vec!["-c".into(), "exec sleep 1000".into()])
    };
    let found = sleeping.read(DocumentKind::Pdf, vec![0; 1 << 20], &|| false);
    assert!(
        matches!(&found, Err(ExtractError::Ended { reason }) if reason.contains("too long")),
        "{found:?}"
    );
    let unwanted = sleeping.read(DocumentKind::Pdf, Vec::new(), &|| true);
    assert!(matches!(unwanted, Err(ExtractError::Ended { .. })));
    let eating = Guard::new(guard().program, vec!["eat".into()]);
    let found = eating.read(DocumentKind::Pdf, Vec::new(), &|| false);
    assert!(matches!(&found, Err(ExtractError::Ended { .. })), "{found:?}");
    let babbling =
        Guard::new("/bin/sh".into(), vec!["-c".into(), "cat >/dev/null; head -c 90000000 /dev/zero".into()]);
    assert!(babbling.read(DocumentKind::Pdf, Vec::new(), &|| false).is_err());
    let missing = Guard::new("/no/such/program".into(), Vec::new());
    assert!(matches!(
        missing.read(DocumentKind::Pdf, Vec::new(), &|| false),
        Err(ExtractError::Unable { .. })
    ));
}
