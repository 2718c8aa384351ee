//! PDF, DOCX, HTML and Markdown files, written by hand here: found with page or heading, and no danger to anybody.

use serde_json::{Value, json};
use weft_tests::{Answer, Device, Files, eventually};

use super::{PATIENCE, path, places, workspace};

/// A PDF file with one line on each page.
fn pdf(pages: &[&str]) -> Vec<u8> {
    let kids: String = (0..pages.len()).map(|page| format!("{} 0 R ", 4 + page * 2)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Count {} /Kids [{kids}] >>", pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (page, text) in pages.iter().enumerate() {
        let font = "<< /Font << /F1 3 0 R >> >>";
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /Resources {font} /Contents {} 0 R >>",
            5 + page * 2
        ));
        let shown = format!("BT /F1 12 Tf 50 700 Td ({text}) Tj ET");
        objects.push(format!("<< /Length {} >>\nstream\n{shown}\nendstream", shown.len()));
    }
    pdf_of(&objects)
}

fn pdf_of(objects: &[String]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut table = String::new();
    for (number, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", bytes.len()));
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", number + 1).bytes());
    }
    let (start, size) = (bytes.len(), objects.len() + 1);
    let end = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    bytes.extend(format!("xref\n0 {size}\n0000000000 65535 f \n{table}{end}").bytes());
    bytes
}

/// A DOCX file: an archive with one file that is not packed.
fn docx(body: &str) -> Vec<u8> {
    let name = b"word/document.xml";
    let xml =
        format!("<?xml version=\"1.0\"?><w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>");
    let check = xml.bytes().fold(u32::MAX, |check, byte| {
        (0..8).fold(check ^ u32::from(byte), |check, _| (check >> 1) ^ (0xedb8_8320 * (check & 1)))
    });
    let size = u32::try_from(xml.len()).expect("a short text");
    let length = u16::try_from(name.len()).expect("a short name");
    // What both headers of a file have: version, flags, method, time, date, check, sizes, lengths.
    let mut common = Vec::new();
    [20_u16, 0, 0, 0, 33].iter().for_each(|number| common.extend(number.to_le_bytes()));
    [!check, size, size].iter().for_each(|number| common.extend(number.to_le_bytes()));
    [length, 0].iter().for_each(|number| common.extend(number.to_le_bytes()));
    let local = [b"PK\x03\x04", &common[..], name, xml.as_bytes()].concat();
    let central = [b"PK\x01\x02", &20_u16.to_le_bytes()[..], &common, &[0; 14], name].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend(u32::try_from(central.len()).expect("a short list").to_le_bytes());
    end.extend(u32::try_from(local.len()).expect("a short file").to_le_bytes());
    end.extend([0, 0]);
    [local, central, end].concat()
}

fn paragraph(text: &str, style: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

fn documents(files: &Files) {
    let report = pdf(&["The harbour is closed in winter.", "Cranes lift the masts."]);
    files.write("report.pdf", &report).expect("a file");
    let letter = paragraph("Sails", "Heading1") + &paragraph("Canvas is sewn by hand.", "Normal");
    files.write("letter.docx", docx(&letter)).expect("a file");
    let page = "<h1>Harbour &amp; yard</h1>\n<script>lanterns()</script>\n<p>Lanterns burn</p>\n";
    files.write("page.html", page).expect("a file");
}

/// Where the first hit lies: file, page or heading, why.
fn first(found: &Answer) -> (String, Option<String>, String) {
    let hit = &found.field("hits")[0];
    let field = |name: &str| hit[name].as_str().map(str::to_owned);
    (field("path").unwrap_or_default(), field("place"), field("why").unwrap_or_default())
}

#[test]
fn documents_are_found_with_their_page_or_heading() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ana = Device::new(root.path(), "ana").expect("a device");
    let files = workspace(&ana);
    documents(&files);
    let ask = |ana: &Device, words: &[&str]| {
        first(&ana.weft([&["search"], words, &["notes"]].concat()).expect("an answer"))
    };
    let is = |path: &str, place: &str, why: &str| (path.to_owned(), Some(place.to_owned()), why.to_owned());
    // Nothing has read them before this.
    assert_eq!(ask(&ana, &["--text", "masts"]), is("report.pdf", "page 2", "text"));
    assert_eq!(ask(&ana, &["--regex", "sewn by \\w+"]), is("letter.docx", "Sails", "regex"));
    for is_running in [false, true] {
        assert_eq!(ask(&ana, &["lifting of a mast"]), is("report.pdf", "page 2", "words"));
        assert_eq!(ask(&ana, &["sewing the canvas"]), is("letter.docx", "Sails", "words"));
        assert_eq!(ask(&ana, &["burning lanterns"]), is("page.html", "Harbour & yard", "words"));
        assert_eq!(ask(&ana, &["--text", "We ship"]), is("plan.md", "The plan", "text"));
        // And again by a running node.
        if !is_running {
            ana.start_node().expect("a node");
        }
    }
    // One that changes is read again, as text that it is not it is never searched.
    files.write("report.pdf", pdf(&["Nothing", "Nothing", "A capstan turns."])).expect("a file");
    eventually(PATIENCE, || {
        let found = ana.weft(["search", "--text", "capstan", "notes"]).ok()?;
        (first(&found) == is("report.pdf", "page 3", "text")).then_some(())
    })
    .expect("the new page");
    assert!(places(&ana.weft(["search", "--text", "masts", "notes"]).expect("an answer")).is_empty());
    assert!(places(&ana.weft(["search", "--text", "MediaBox", "notes"]).expect("an answer")).is_empty());
    let shown = ana.weft(["replace", "capstan", "winch", "notes", "--yes"]).expect("an answer");
    assert!(shown.field("changed").as_array().is_none_or(Vec::is_empty), "{shown:?}");
    let why = shown.field("left_out")[0]["why"].as_str().unwrap_or_default();
    assert!(why.contains("is found and not replaced"), "{shown:?}");
    ana.stop_node().expect("an end");
}

#[test]
fn documents_are_found_by_their_meaning() {
    let Some(model) = weft_test_models::real::MINILM.or_skip("documents by meaning") else { return };
    let root = tempfile::tempdir().expect("a folder");
    let ana = Device::new(root.path(), "ana").expect("a device");
    documents(&workspace(&ana));
    ana.weft(["ai", "models", "import", path(&model)]).expect("a model");
    for (question, file, place) in [
        ("heavy equipment that hoists poles", "report.pdf", "page 2"),
        ("stitching cloth", "letter.docx", "Sails"),
        ("lamps that are lit", "page.html", "Harbour & yard"),
    ] {
        let found = ana.weft(["search", "--meaning", question, "notes"]).expect("an answer");
        assert_eq!(
            first(&found),
            (file.to_owned(), Some(place.to_owned()), "meaning".to_owned()),
            "{question}"
        );
    }
}

#[test]
fn hostile_documents_leave_the_node_alone() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ana = Device::new(root.path(), "ana").expect("a device");
    let files = workspace(&ana);
    documents(&files);
    let whole = pdf(&["one", "two", "three"]);
    let deep = pdf_of(&[format!("{}{}", "[".repeat(200_000), "]".repeat(200_000))]);
    let ring = ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R] >>"];
    let hostile = [
        ("hostile/cut.pdf", whole[..whole.len() / 3].to_vec()),
        ("hostile/deep.pdf", deep),
        ("hostile/empty.pdf", Vec::new()),
        ("hostile/nested.docx", docx(&"<w:p>".repeat(300_000))),
        ("hostile/no.docx", b"no document".to_vec()),
        ("hostile/ring.pdf", pdf_of(&ring.map(str::to_owned))),
        ("hostile/scan.pdf", pdf(&["", ""])),
    ];
    ana.start_node().expect("a node");
    for (name, bytes) in &hostile {
        files.write(name, bytes).expect("a file");
    }
    let (report, _) = eventually(PATIENCE, || {
        let report = ana.weft(["index", "notes"]).ok()?;
        let left_out = report.field("left_out").as_array().map_or(0, Vec::len);
        let is_read = report.text("state") == "ready" && report.number("documents") == 2.0;
        (is_read && left_out == hostile.len()).then_some(report)
    })
    .expect("every document is read or refused");
    let left_out = report.field("left_out").as_array().expect("a list");
    let named: Vec<&str> = left_out.iter().filter_map(|file| file["path"].as_str()).collect();
    assert_eq!(named, hostile.each_ref().map(|(name, _)| *name), "{left_out:?}");
    assert!(
        left_out.iter().all(|file| file["why"].as_str().is_some_and(|why| why.len() > 10)),
        "{left_out:?}"
    );
    let why = |name: &str| left_out.iter().find(|file| file["path"] == name).map(|file| &file["why"]);
    assert_eq!(why("hostile/scan.pdf"), Some(&Value::from("the document has no text, only pictures")));
    let shown = ana.shown(["index", "notes"]).expect("a report");
    assert!(shown.contains("hostile/no.docx: the document cannot be read"), "{shown}");
    // The node is the one that it was, and finds everything else.
    let found = ana.weft(["search", "--text", "masts", "notes"]).expect("an answer");
    assert_eq!(first(&found).1.as_deref(), Some("page 2"));
    ana.stop_node().expect("an end");
}
