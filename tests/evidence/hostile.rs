//! Files that are made to do harm, through the real program: whatever is in them, it answers, in time, and nothing else happens.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::*;

#[path = "../programs/mod.rs"]
mod programs;

const LONGEST: Duration = Duration::from_secs(30);

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_quittance"))
}

/// A file as the reader's child is given it: behind the organisation's profiles, of which there are none here.
fn alone(file: &[u8]) -> Vec<u8> {
    [2u64.to_le_bytes().as_slice(), b"[]", file].concat()
}

/// What a program came to, and what it printed. It has to end in time.
fn ended(command: &mut Command, input: &[u8], what: &str) -> (ExitStatus, Vec<u8>) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    std::thread::scope(|scope| {
        // Whoever has stopped reads no further.
        scope.spawn(move || drop(to.write_all(input)));
        let said = scope.spawn(move || {
            let mut said = Vec::new();
            from.read_to_end(&mut said).unwrap();
            said
        });
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return (status, said.join().unwrap());
            }
            if begun.elapsed() > LONGEST {
                child.kill().unwrap();
                panic!("{what}: no answer after {LONGEST:?}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    })
}

#[test]
fn the_reader_alone_answers_whatever_is_done_to_a_sample() {
    let rounds = limits::times("QUITTANCE_TEST_CHILD_MUTATIONS", 2);
    on_every_core(&limits::all_samples(), |(name, sample)| {
        let mut dice = limits::dice_for(name);
        let (_, whole) = ended(program().arg("read-alone"), &alone(sample), name);
        assert_eq!(String::from_utf8_lossy(&whole).starts_with("{\"reading\""), evidence::read(sample).is_some(), "{name}");
        for round in 0..rounds {
            let what = format!("{name}, mutation {round}");
            let (status, said) = ended(program().arg("read-alone"), &alone(&limits::mutated(sample, &mut dice)), &what);
            assert!(status.success(), "{what}: {status}");
            let answer: serde_json::Value = serde_json::from_slice(&said).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(answer.get("reading").is_some() != answer.get("not_understood").is_some(), "{what}: {answer}");
        }
    });
}

/// A child that waits for its file.
struct Waiting(Child);
impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_reader_alone_is_shut_in_before_it_is_given_anything() {
    for command in ["read-alone", "unpack-alone"] {
        let waiting = Waiting(program().arg(command).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        let limits = loop {
            let limits = std::fs::read_to_string(format!("/proc/{}/limits", waiting.0.id())).unwrap();
            if limit(&limits, "Max open files") == Some(3) {
                break limits;
            }
            assert!(begun.elapsed() < LONGEST, "{command}:\n{limits}");
            std::thread::sleep(Duration::from_millis(5));
        };
        let exact = [("Max processes", 0), ("Max file size", 0), ("Max core file size", 0), ("Max cpu time", 20)];
        for (name, most) in exact {
            assert_eq!(limit(&limits, name), Some(most), "{command}, {name}:\n{limits}");
        }
        // Beside what the program has when it starts.
        assert!(limit(&limits, "Max address space").is_some_and(|most| most < 4 << 30), "{command}:\n{limits}");
    }
}

/// The hard limit of this name; nobody can raise it again. `None`: unlimited.
fn limit(limits: &str, name: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn the_reader_alone_opens_nothing() {
    if !programs::have("strace", "strace") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, sample) in limits::all_samples().iter().filter(|(name, _)| name.ends_with(".pdf") || name.ends_with(".xml") || name.ends_with(".xlsx"))
    {
        let trace = folder.path().join("trace");
        let mut traced = Command::new("strace");
        traced.args(["-f", "-o"]).arg(&trace).arg(program().get_program()).arg("read-alone");
        let (status, said) = ended(&mut traced, &alone(sample), name);
        let answer: serde_json::Value = serde_json::from_slice(&said).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(status.success() && answer.get("reading").is_some() == evidence::read(sample).is_some(), "{name}: {status} {answer}");
        let trace = std::fs::read_to_string(&trace).unwrap();
        let (before, after) =
            trace.split_once("RLIMIT_NOFILE, {rlim_cur=3, rlim_max=3}").unwrap_or_else(|| panic!("{name}: no limit is set\n{trace}"));
        assert!(before.contains("open"), "the trace shows what is opened");
        let calls =
            ["open(", "openat(", "openat2(", "creat(", "socket(", "connect(", "fork(", "clone(", "clone3(", "execve(", "unlink", "mkdir", "rename"];
        for line in after.lines() {
            assert!(!calls.iter().any(|call| line.contains(call)), "{name}: {line}");
        }
    }
}

/// A file with a name, and what is in it.
type File = (String, Vec<u8>);

/// Has the program show the files, each on its own, in an empty folder; gives what it printed. It answers, and leaves nothing behind.
fn shown(files: &[File]) {
    on_every_core(files, |(name, bytes)| {
        let said = show(name, bytes);
        if declares_a_type(bytes) {
            assert!(
                ["DOCTYPE", "not understood", "was not read", "nothing in it was read"].iter().any(|word| said.contains(word)),
                "{name}:\n{said}"
            );
        }
    });
}

fn show(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("a/b/c");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(inner.join("file"), bytes).unwrap();
    let mut command = program();
    command.args(["read", "file"]).current_dir(&inner).env("HOME", folder.path()).env("TMPDIR", folder.path());
    let (status, said) = ended(&mut command, &[], name);
    assert!(matches!(status.code(), Some(0 | 2)), "{name}: {status}");
    let said = String::from_utf8(said).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(!said.trim().is_empty(), "{name}: no answer");
    // A terminal obeys what it is shown.
    let obeyed =
        said.chars().find(|c| c.is_control() && *c != '\n' || ('\u{2028}'..='\u{202e}').contains(c) || ('\u{2066}'..='\u{2069}').contains(c));
    assert_eq!(obeyed, None, "{name}: {said:?}");
    assert!(!said.contains(SECRET), "{name} reads another file:\n{said}");
    assert_eq!(tree(folder.path()), ["a", "a/b", "a/b/c", "a/b/c/file"], "{name}");
    said
}

/// What is only in this file of the machine.
const SECRET: &str = "root:x:0:0";

fn tree(root: &Path) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    found.sort();
    found
}

fn declares_a_type(bytes: &[u8]) -> bool {
    bytes.windows(9).any(|window| window == b"<!DOCTYPE") && !bytes.starts_with(b"%PDF-")
}

fn named(family: &str, files: Vec<(&str, Vec<u8>)>) -> Vec<File> {
    files.into_iter().map(|(name, bytes)| (format!("{family}: {name}"), bytes)).collect()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

/// Objects as a PDF that begins with the catalogue; more goes into the trailer.
pub(super) fn pdf(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.5\n".to_vec();
    let mut places = String::new();
    for (number, object) in (1..).zip(objects) {
        places += &format!("{:010} 00000 n \n", out.len());
        out.extend([format!("{number} 0 obj\n").as_bytes(), object, b"\nendobj\n"].concat());
    }
    let (size, start) = (objects.len() + 1, out.len());
    out.extend(
        format!("xref\n0 {size}\n0000000000 65535 f \n{places}trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n")
            .bytes(),
    );
    out
}

fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    [format!("<< {dictionary} /Length {} >>\nstream\n", content.len()).as_bytes(), content, b"\nendstream"].concat()
}

/// A page that is drawn so, its font object 5, and further objects from 6 on.
fn page(content: Vec<u8>, font: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let mut objects: Vec<Vec<u8>> = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F0 5 0 R >> /XObject << /X0 6 0 R >> >> >>",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    objects.extend([content, font.as_bytes().to_vec()]);
    objects.extend_from_slice(more);
    pdf(&objects, "")
}

/// Instead of the whole tree of pages.
fn tree_of(catalogue: &str, others: &[&str]) -> Vec<u8> {
    pdf(&[&[catalogue], others].concat().iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>(), "")
}

const HELVETICA: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";
const WORDS: &[u8] = b"BT /F0 12 Tf 40 700 Td (Disc Erasure by NWIPE version 0.42) Tj 0 -14 Td (Disk Erasure Report) Tj ET";

fn hostile_pdfs() -> Vec<File> {
    let plain = || page(stream("", WORDS), HELVETICA, &[]);
    let drawn = |content: &str| page(stream("", content.as_bytes()), HELVETICA, &[]);
    let catalogue = |members: &str| {
        tree_of(
            &format!("<< /Type /Catalog /Pages 2 0 R {members} >>"),
            &["<< /Type /Pages /Kids [3 0 R] /Count 1 >>", "<< /Type /Page /Parent 2 0 R >>"],
        )
    };
    let replaced = |from: &str, to: &str| String::from_utf8(plain()).unwrap().replace(from, to).into_bytes();
    let font = |font: &str, more: &[Vec<u8>]| page(stream("", WORDS), font, &[&[stream("/Type /XObject /Subtype /Form", b"")], more].concat());
    let form = |form: Vec<u8>| page(stream("", &b"/X0 Do ".repeat(1_000)), HELVETICA, &[form]);
    let nested = |open: &str, close: &str, times: usize| catalogue(&format!("/Names {}{}", open.repeat(times), close.repeat(times)));
    let blanks = vec![b' '; 64 << 20];
    let huge = zlib(&blanks);
    let mut files = vec![
        ("a hundred thousand arrays, one in another", nested("[", "]", 100_000)),
        ("arrays that never end", nested("[", "", 100_000)),
        ("a hundred thousand dictionaries, one in another", nested("<</A ", ">>", 100_000)),
        ("dictionaries that never end", nested("<</A ", "", 100_000)),
        ("parentheses without end", nested("(", "", 100_000)),
        ("a hundred thousand parentheses", nested("(", ")", 100_000)),
        ("arrays in what is drawn", drawn(&("[".repeat(100_000) + &"]".repeat(100_000) + " TJ"))),
        ("dictionaries in what is drawn", drawn(&("<</A ".repeat(100_000) + &">>".repeat(100_000) + " Do"))),
        ("parentheses in what is drawn", drawn(&("(".repeat(100_000) + &")".repeat(100_000) + " Tj"))),
        ("states that are saved without end", drawn(&"q ".repeat(1_000_000))),
        ("states that were never saved", drawn(&"Q ".repeat(1_000_000))),
        ("a page that moves to infinity", drawn(&"1e38 0 0 1e38 1e38 1e38 cm BT /F0 1e38 Tf (x) Tj ET ".repeat(10_000))),
        ("numbers of a million digits", drawn(&format!("BT /F0 {} Tf (x) Tj ET", "9".repeat(1_000_000)))),
        ("operators that nobody knows", drawn(&"abcdefgh ".repeat(200_000))),
        ("text of many pieces", drawn(&("BT /F0 1 Tf ".to_owned() + &"(a) Tj 9 9 Td ".repeat(100_000)))),
        ("a name of a megabyte", drawn(&format!("/{} Do", "N".repeat(1 << 20)))),
        ("an inline image without an end", drawn("BI /W 100000 /H 100000 /BPC 8 ID xxxxxxxx")),
        ("a page of 64 MiB of blanks", page(stream("/Filter /FlateDecode", &huge), HELVETICA, &[])),
        ("a page that is packed twice", page(stream("/Filter [/FlateDecode /FlateDecode]", &zlib(&huge)), HELVETICA, &[])),
        ("a page of a hundred filters", page(stream(&format!("/Filter [{}]", "/FlateDecode ".repeat(100)), &zlib(WORDS)), HELVETICA, &[])),
        ("a page in hexadecimals that are packed", page(stream("/Filter [/ASCIIHexDecode /FlateDecode]", &b"ff".repeat(100_000)), HELVETICA, &[])),
        ("base 85 that overflows", page(stream("/Filter /ASCII85Decode", &b"s8W-\"uuuuu".repeat(10_000)), HELVETICA, &[])),
        ("LZW of nothing", page(stream("/Filter /LZWDecode", &[0xff; 100_000]), HELVETICA, &[])),
        ("run lengths without end", page(stream("/Filter /RunLengthDecode", &[0x81; 1_000_000]), HELVETICA, &[])),
        (
            "a predictor of huge rows",
            page(
                stream("/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2147483647 /Colors 32 /BitsPerComponent 16 >>", &zlib(WORDS)),
                HELVETICA,
                &[],
            ),
        ),
        (
            "a predictor of no rows",
            page(
                stream("/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 0 /Colors 0 /BitsPerComponent 0 >>", &zlib(WORDS)),
                HELVETICA,
                &[],
            ),
        ),
        (
            "a predictor of less than nothing",
            page(
                stream("/Filter /FlateDecode /DecodeParms << /Predictor -1 /Columns -5 /Colors -1 /BitsPerComponent -8 >>", &zlib(WORDS)),
                HELVETICA,
                &[],
            ),
        ),
        ("a stream longer than the file", replaced("/Length", "/Length 999999999 /L")),
        ("a stream of negative length", replaced("/Length", "/Length -1 /L")),
        ("a stream whose length is itself", replaced("/Length", "/Length 4 0 R /L")),
        (
            "a form that draws itself",
            form(stream("/Type /XObject /Subtype /Form /Resources << /XObject << /X0 6 0 R >> >>", &b"/X0 Do ".repeat(100))),
        ),
        ("a form of 64 MiB", form(stream("/Type /XObject /Subtype /Form /Filter /FlateDecode", &huge))),
        ("a form that moves by nothing", form(stream("/Type /XObject /Subtype /Form /Matrix [0 0 0 0 0 0]", WORDS))),
        ("a form that is a picture", form(stream("/Type /XObject /Subtype /Image /Width 2147483647 /Height 2147483647", b""))),
        ("a font that is itself", font("<< /Type /Font /Subtype /Type0 /DescendantFonts [5 0 R] /ToUnicode 5 0 R >>", &[])),
        ("widths beyond any number", font("<< /Type /Font /Subtype /Type1 /FirstChar 4294967295 /Widths [1 2 3] >>", &[])),
        ("widths before the first", font("<< /Type /Font /Subtype /Type1 /FirstChar -9223372036854775808 /Widths [1 2 3] >>", &[])),
        (
            "a hundred thousand ranges of widths",
            font(
                &format!(
                    "<< /Type /Font /Subtype /Type0 /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /W [{}] >>] >>",
                    "0 65535 500 ".repeat(100_000)
                ),
                &[],
            ),
        ),
        ("a range of four thousand million widths", font("<< /Type /Font /Subtype /Type0 /DescendantFonts [<< /W [0 4294967295 1] >>] >>", &[])),
        (
            "a table of ranges of characters",
            font(
                "<< /Type /Font /Subtype /Type0 /ToUnicode 7 0 R >>",
                &[stream("", ("beginbfrange ".to_owned() + &"<0000> <ffff> <0041> ".repeat(40_000) + "endbfrange").as_bytes())],
            ),
        ),
        (
            "a range of characters beyond the last",
            font(
                "<< /Type /Font /Subtype /Type1 /ToUnicode 7 0 R >>",
                &[stream("", b"beginbfrange <00000000> <ffffffff> <dbffdfff> <0> <ff> [<0> endbfrange beginbfchar <> <> <zz> <0041> endbfchar")],
            ),
        ),
        ("a table of characters of 64 MiB", font("<< /Type /Font /Subtype /Type1 /ToUnicode 7 0 R >>", &[stream("/Filter /FlateDecode", &huge)])),
        (
            "characters that stand for a thousand",
            font(
                "<< /Type /Font /Subtype /Type1 /ToUnicode 7 0 R >>",
                &[stream("", format!("beginbfrange <00> <ff> <{}> endbfrange", "0041".repeat(100_000)).as_bytes())],
            ),
        ),
        (
            "an encoding that is itself",
            font("<< /Type /Font /Subtype /Type1 /Encoding << /BaseEncoding 5 0 R /Differences [5 0 R -1 /A 99999999999 /B] >> >>", &[]),
        ),
        (
            "pages that are their own children",
            tree_of("<< /Type /Catalog /Pages 2 0 R >>", &["<< /Type /Pages /Kids [2 0 R 2 0 R 2 0 R] /Count 3 /Parent 2 0 R >>"]),
        ),
        (
            "pages in a ring",
            tree_of("<< /Type /Catalog /Pages 2 0 R >>", &["<< /Type /Pages /Kids [3 0 R 3 0 R] >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] >>"]),
        ),
        (
            "a page that is its own parent",
            tree_of("<< /Type /Catalog /Pages 2 0 R >>", &["<< /Type /Pages /Kids [3 0 R] >>", "<< /Type /Page /Parent 3 0 R /Contents 3 0 R >>"]),
        ),
        (
            "a hundred thousand times the same page",
            tree_of(
                "<< /Type /Catalog /Pages 2 0 R >>",
                &[&format!("<< /Type /Pages /Kids [{}] >>", "3 0 R ".repeat(100_000)), "<< /Type /Page /Contents 4 0 R >>"],
            ),
        ),
        (
            "a count of pages that cannot be",
            tree_of("<< /Type /Catalog /Pages 2 0 R >>", &["<< /Type /Pages /Kids [3 0 R] /Count 9223372036854775807 >>", "<< /Type /Page >>"]),
        ),
        ("a catalogue that refers to itself", tree_of("1 0 R", &["2 0 R"])),
        ("references in a ring", tree_of("<< /Type /Catalog /Pages 2 0 R >>", &["3 0 R", "4 0 R", "2 0 R"])),
        ("no catalogue", tree_of("null", &[])),
        ("a table that begins at itself", replaced("startxref\n", "startxref\n9")),
        ("a table at less than nothing", replaced("startxref\n", "startxref\n-1\n")),
        ("a table beyond any file", replaced("startxref\n", "startxref\n18446744073709551615")),
        ("a table of four thousand million objects", replaced("xref\n0 ", "xref\n0 4294967295\n0 ")),
        ("objects numbered backwards", replaced("xref\n0 ", "xref\n-5 ")),
        ("a script that starts by itself", catalogue("/OpenAction << /S /JavaScript /JS (app.launchURL('http://127.0.0.1:9/')) >>")),
        ("a program that is to be started", catalogue("/OpenAction << /S /Launch /F (/bin/sh) /Win << /F (cmd.exe) /P (/c calc) >> >>")),
        ("a form that is sent", catalogue("/AA << /WC << /S /SubmitForm /F (http://127.0.0.1:9/) >> >>")),
        (
            "a file of the machine as content",
            tree_of(
                "<< /Type /Catalog /Pages 2 0 R >>",
                &[
                    "<< /Type /Pages /Kids [3 0 R] >>",
                    "<< /Type /Page /Contents 4 0 R >>",
                    "<< /Length 0 /F (/etc/passwd) /FFilter /None >>\nstream\n\nendstream",
                ],
            ),
        ),
        (
            "a program inside",
            page(stream("", WORDS), HELVETICA, &[stream("/Type /EmbeddedFile /Subtype /application#2Fx-msdownload", b"MZ\x90\0\x03\0\0\0")]),
        ),
        (
            "a password",
            pdf(
                &[b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(), b"<< /Type /Pages /Kids [] >>".to_vec()],
                "/Encrypt << /Filter /Standard /V 5 /R 6 /Length 256 /O (x) /U (x) /P -1 >> /ID [(a)(a)]",
            ),
        ),
        ("a password of no kind", pdf(&[b"<< /Type /Catalog >>".to_vec()], "/Encrypt << /Filter /Standard /V 99 /R -1 /Length -8 >>")),
        ("a password that is itself", pdf(&[b"<< /Type /Catalog >>".to_vec()], "/Encrypt 1 0 R")),
        ("a page and an archive", [plain(), archive(&[Entry::of("report.xml", b"<a/>")])].concat()),
        ("a page and a web page", [b"%PDF-1.7\n<html><script>alert(1)</script></html>".to_vec(), plain()].concat()),
        ("a header and nothing", b"%PDF-1.7\n%%EOF".to_vec()),
        ("twenty megabytes of comments", [b"%PDF-1.7\n".to_vec(), b"%\n".repeat(10 << 20)].concat()),
        ("fifty thousand objects that end nowhere", [b"%PDF-1.7\n".to_vec(), b"1 0 obj\n<< /A\n".repeat(50_000)].concat()),
        ("fifty thousand ends of streams", [b"%PDF-1.7\n".to_vec(), b"endstream\n".repeat(50_000)].concat()),
    ];
    for (name, to) in [("a trailer before itself", "the same"), ("two trailers before one another", "a ring")] {
        let text = String::from_utf8(plain()).unwrap();
        let start = text.rfind("\nxref").unwrap() + 1;
        let ring = if to == "the same" { start } else { text.len() };
        let again = format!("xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 6 /Root 1 0 R /Prev {start} >>\nstartxref\n{}\n%%EOF\n", text.len());
        files.push((name, (text.replace("/Root 1 0 R", &format!("/Root 1 0 R /Prev {ring:06}")) + &again).into_bytes()));
    }
    // Objects inside a stream, which are unpacked as the file is opened.
    let of_objects = |content: &[u8], count: &str, first: &str| {
        page(stream("", WORDS), HELVETICA, &[stream(&format!("/Type /ObjStm /N {count} /First {first} /Filter /FlateDecode"), &zlib(content))])
    };
    files.push(("objects of 64 MiB in a stream", of_objects(&blanks, "1", "4")));
    files.push(("a million objects in a stream", of_objects(&b"7 0 ".repeat(1_000_000), "1000000", "4000000")));
    files.push(("a stream of objects that counts wrongly", of_objects(b"7 0 << >>", "-1", "18446744073709551615")));
    files.push(("a stream of objects in one another", of_objects(&[b"6 0 ".to_vec(), b"[".repeat(100_000)].concat(), "1", "4")));
    let table = |widths: &str, index: &str, content: &[u8]| {
        let head = b"%PDF-1.5\n".to_vec();
        let at = head.len();
        let body = [
            b"1 0 obj\n".to_vec(),
            stream(&format!("/Type /XRef /Size 4294967295 /W [{widths}] /Index [{index}] /Root 1 0 R /Filter /FlateDecode"), &zlib(content)),
            b"\nendobj\n".to_vec(),
        ];
        [head, body.concat(), format!("startxref\n{at}\n%%EOF\n").into_bytes()].concat()
    };
    files.push(("a table of huge widths", table("2147483647 2147483647 2147483647", "0 1", &[1; 1_000])));
    files.push(("a table of no width", table("0 0 0", "0 4294967295", &[1; 1_000])));
    files.push(("a table of negative widths", table("-1 -1 -1", "0 10", &[1; 1_000])));
    files.push(("a table of 64 MiB", table("1 4 2", "0 9000000", &blanks)));
    named("PDF", files)
}

#[test]
fn hostile_pdfs_are_answered() {
    let files = hostile_pdfs();
    assert!(files.len() >= 60);
    shown(&files);
}

fn hostile_xmls() -> Vec<File> {
    let blancco = |inner: &str| format!("<root><report><blancco_data>{inner}</blancco_data></report></root>").into_bytes();
    let wipedrive = |inner: &str| {
        format!("<Root><Report><Jobs><Job><Operation><NISTMethodType>Clear</NISTMethodType><ActionResult Index=\"2\">Success</ActionResult>{inner}</Operation></Job></Jobs></Report></Root>").into_bytes()
    };
    let typed =
        |declaration: &str, inner: &str| [format!("<?xml version=\"1.0\"?>\n<!DOCTYPE root {declaration}>\n").into_bytes(), blancco(inner)].concat();
    let erasure = |inner: &str| {
        blancco(&format!(
            "<blancco_erasure_report><entries name=\"erasures\"><entries name=\"erasure\">{inner}</entries></entries></blancco_erasure_report>"
        ))
    };
    let wide = |text: &[u8], unit: fn(u16) -> [u8; 2]| String::from_utf8_lossy(text).encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let laughs: String = (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let times = 1_000_000;
    let good = erasure("<entry name=\"state\">Successful</entry>");
    named("XML", vec![
        ("a DOCTYPE", typed("", "")),
        ("a DOCTYPE in small letters", [b"<!doctype root>".to_vec(), good.clone()].concat()),
        ("a billion laughs", typed(&format!("[<!ENTITY l0 \"lol\">{laughs}]"), "&l9;")),
        ("laughs that grow by squares", typed(&format!("[<!ENTITY a \"{}\">]", "a".repeat(100_000)), &"&a;".repeat(100_000))),
        ("entities in a ring", typed("[<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">]", "&a;")),
        ("a file of the machine", typed("[<!ENTITY x SYSTEM \"file:///etc/passwd\">]", "&x;")),
        ("a file of the machine by a parameter", typed("[<!ENTITY % x SYSTEM \"file:///etc/passwd\"> %x;]", "")),
        ("an address", typed("[<!ENTITY x SYSTEM \"http://127.0.0.1:9/\">]", "&x;")),
        ("a DTD elsewhere", typed("SYSTEM \"http://127.0.0.1:9/a.dtd\"", "")),
        ("a public DTD", typed("PUBLIC \"-//A//B//EN\" \"file:///etc/passwd\"", "")),
        ("a DOCTYPE without an end", typed(&"[<!ENTITY a 'b'>".repeat(10_000), "")),
        ("a DOCTYPE after the root", [good.clone(), b"<!DOCTYPE root [<!ENTITY a 'b'>]>".to_vec()].concat()),
        ("a DOCTYPE behind comments", [b"<!-- x -->".repeat(10_000), typed("[<!ENTITY x SYSTEM \"file:///etc/passwd\">]", "&x;")].concat()),
        ("a DOCTYPE of WipeDrive's", [b"<!DOCTYPE Root [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>".to_vec(), wipedrive("<Serial>&x;</Serial>")].concat()),
        ("a DOCTYPE of a property list", b"<!DOCTYPE plist [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><plist><dict><key>RequestType</key><string>EraseDevice</string><key>UDID</key><string>&x;</string></dict></plist>".to_vec()),
        ("Apple's DOCTYPE with more in it", b"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\" [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><plist><dict><key>CommandUUID</key><string>EraseDevice</string><key>Status</key><string>&x;</string></dict></plist>".to_vec()),
        ("a DOCTYPE in two bytes a character", [vec![0xff, 0xfe], wide(&typed("[<!ENTITY x SYSTEM \"file:///etc/passwd\">]", "&x;"), u16::to_le_bytes)].concat()),
        ("an entity that nobody declared", erasure("<entry name=\"serial\">&passwd;</entry>")),
        ("XInclude", blancco("<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/passwd\" parse=\"text\"/>")),
        ("a stylesheet", [b"<?xml-stylesheet href=\"file:///etc/passwd\"?>".to_vec(), good.clone()].concat()),
        ("a schema elsewhere", blancco("<a xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://127.0.0.1:9/ http://127.0.0.1:9/a.xsd\"/>")),
        ("a million elements, one in another", blancco(&("<a>".repeat(times) + &"</a>".repeat(times)))),
        ("a million elements that never end", blancco(&"<a>".repeat(times))),
        ("a million entries, one in another", erasure(&("<entries name=\"target\">".repeat(times / 4) + &"</entries>".repeat(times / 4)))),
        ("a million elements side by side", blancco(&"<a/>".repeat(times))),
        ("a hundred thousand erasures", erasure(&"</entries><entries name=\"erasure\"><entry name=\"state\">Successful</entry>".repeat(100_000))),
        ("a million ends", blancco(&"</a>".repeat(times))),
        ("an attribute of ten megabytes", blancco(&format!("<a b=\"{}\"/>", "x".repeat(10 << 20)))),
        ("a name of ten megabytes", blancco(&format!("<{}/>", "x".repeat(10 << 20)))),
        ("a hundred thousand attributes", blancco(&format!("<a {}/>", (0..100_000).map(|n| format!("b{n}=\"\" ")).collect::<String>()))),
        ("the same attribute again and again", blancco(&format!("<a {}/>", "b=\"\" ".repeat(100_000)))),
        ("a hundred thousand namespaces", blancco(&format!("<a {}/>", (0..20_000).map(|n| format!("xmlns:b{n}=\"c{n}\" ")).collect::<String>()))),
        ("a text of ten megabytes", erasure(&format!("<entry name=\"serial\">{}</entry>", "9".repeat(10 << 20)))),
        ("dots without end", blancco(&format!("<erasure{}/>", ".a".repeat(100_000)))),
        ("a hundred thousand dotted names", blancco(&(0..50_000).map(|n| format!("<erasure.a{n}.b.c/>")).collect::<String>())),
        ("an entry that is called nothing", erasure(&"<entry name=\"\">x</entry><entry/>".repeat(10_000))),
        ("an end inside CDATA", erasure("<entry name=\"state\"><![CDATA[</entry><entry name=\"state\">Successful]]></entry>")),
        ("CDATA without an end", erasure("<![CDATA[")),
        ("a comment without an end", erasure("<!--")),
        ("an instruction without an end", erasure("<?")),
        ("characters by number that are none", erasure("<entry name=\"serial\">&#0;&#xD800;&#x110000;&#99999999999999999999;</entry>")),
        ("escapes that a terminal obeys", erasure("<entry name=\"state\">\u{202e}\u{9b}31m&#x9b;&#x202e;\u{85}lufsseccuS</entry><entries name=\"target\"><entry name=\"model\">a\u{202e}b\u{9b}c&#x85;</entry></entries>")),
        ("a NUL", erasure("<entry name=\"serial\">A\0B</entry>")),
        ("an encoding that it is not", [b"<?xml version=\"1.0\" encoding=\"UTF-16\"?>".to_vec(), good.clone()].concat()),
        ("an encoding of seven bits", [b"<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADwAIQ-DOCTYPE root+AD4-".to_vec(), good.clone()].concat()),
        ("an encoding that does not exist", [b"<?xml version=\"1.0\" encoding=\"../../etc/passwd\"?>".to_vec(), good.clone()].concat()),
        ("two bytes a character without a mark", wide(&good, u16::to_be_bytes)),
        ("two bytes a character and one too few", [vec![0xfe, 0xff], wide(&good, u16::to_be_bytes)].concat().split_last().unwrap().1.to_vec()),
        ("half a character", [good.clone(), vec![0xf0, 0x9f, 0x92]].concat()),
        ("overlong characters", [vec![0xc0, 0xbc], good.clone()].concat()),
        ("figures beyond any number", erasure("<entry name=\"failed_sectors\">99999999999999999999999</entry><entry name=\"total_errors\">-1</entry><entry name=\"start_time\">9999999-99-99T99:99:99+9999</entry><entries name=\"target\"><entry name=\"capacity\">1e999</entry></entries>")),
        ("dates beyond any year", wipedrive(&format!("<StartTime>Saturday, 99 Jan {} 99:99:99</StartTime><Duration>{}:00:00</Duration><Gigabytes>1e308</Gigabytes>", "9".repeat(500), "9".repeat(500)))),
    ])
}

#[test]
fn hostile_xmls_are_answered() {
    let files = hostile_xmls();
    assert!(files.len() >= 40);
    shown(&files);
}

#[test]
fn hostile_jsons_are_answered() {
    let of =
        |inner: &str| format!("{{\"nvme0\":{{\"sprog\":65535,\"sstat\":{{\"status\":\"(1) ok\"}},\"cdw10_info\":2,\"x\":{inner}}}}}").into_bytes();
    let deep = |open: &str, close: &str| of(&(open.repeat(1_000_000) + "1" + &close.repeat(1_000_000)));
    shown(&named("JSON", vec![
        ("a million arrays, one in another", deep("[", "]")),
        ("a million objects, one in another", deep("{\"a\":", "}")),
        ("arrays that never end", of(&"[".repeat(1_000_000))),
        ("arrays at the bound", of(&("[".repeat(120) + &"]".repeat(120)))),
        ("a hundred thousand members", of(&format!("{{{}\"z\":1}}", (0..100_000).map(|n| format!("\"k{n}\":{n},")).collect::<String>()))),
        ("a hundred thousand devices", format!("{{{}\"z\":1}}", (0..100_000).map(|n| format!("\"nvme{n}\":{{\"sprog\":65535,\"sstat\":{{\"status\":\"(1)\"}},\"cdw10_info\":2}},")).collect::<String>()).into_bytes()),
        ("a member twice", b"{\"nvme0\":{\"sprog\":1,\"sstat\":{\"status\":\"(3) failed\",\"status\":\"(1) ok\"},\"cdw10_info\":2,\"cdw10_info\":4}}".to_vec()),
        ("big numbers", of("[1e999,-1e999,99999999999999999999999999,0.00000000000000000000000001e-400]")),
        ("a number of a million digits", of(&"9".repeat(1_000_000))),
        ("half a surrogate", of("\"\\ud800\"")),
        ("surrogates the wrong way round", of("\"\\udc00\\ud800\"")),
        ("names that a terminal obeys", b"{\"\\u202e\\u001b[31mnvme0\":{\"sprog\":65535,\"sstat\":{\"status\":\"(1) \\u001b[2J ok\"},\"cdw10_info\":2},\"sn\":\"\\u001b]0;x\\u0007\"}".to_vec()),
        ("a text of ten megabytes", of(&format!("\"{}\"", "x".repeat(10 << 20)))),
        ("NUL in text", of("\"a\\u0000b\"")),
        ("members of its makers", of("{\"__proto__\":{\"a\":1},\"constructor\":{\"prototype\":{}}}")),
        ("more behind the end", [of("1"), b"{}".repeat(1_000)].concat()),
        ("no value at all", b"{\"nvme0\":".to_vec()),
        ("values of other kinds", b"{\"sprog\":[],\"sstat\":{\"status\":{}},\"cdw10_info\":null,\"sn\":[1],\"mn\":{},\"fr\":true,\"sanicap\":\"x\"}".to_vec()),
        ("steps of other kinds", b"{\"steps\":{},\"validation\":[],\"device_info\":7,\"method\":[],\"result\":\"yes\",\"version\":{}}".to_vec()),
        ("a snapshot of other kinds", b"{\"type\":\"Snapshot\",\"components\":{\"a\":1},\"device\":[],\"software\":7,\"endTime\":1e300}".to_vec()),
        ("an array of a million numbers", of(&format!("[{}0]", "0,".repeat(1_000_000)))),
        ("two bytes a character", String::from_utf8(of("1")).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ]));
}

/// A file in an archive that is put together by hand, so that what the archive says of it may be untrue.
#[derive(Clone)]
pub(super) struct Entry {
    name: Vec<u8>,
    /// As they stand in the archive.
    packed: Vec<u8>,
    deflated: bool,
    flags: u16,
    method: Option<u16>,
    crc: u32,
    said_size: u32,
    said_packed: Option<u32>,
    attributes: u32,
    /// Where its local header is said to be.
    at: Option<u32>,
}

impl Entry {
    pub(super) fn of(name: impl Into<Vec<u8>>, bytes: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let (packed, deflated) = if bytes.len() > 1_000 { (deflated(bytes), true) } else { (bytes.to_vec(), false) };
        let said_size = u32::try_from(bytes.len()).unwrap();
        Self { name: name.into(), packed, deflated, flags: 0, method: None, crc: crc.sum(), said_size, said_packed: None, attributes: 0, at: None }
    }
    /// What both headers say alike.
    fn header(&self) -> Vec<u8> {
        let method = self.method.unwrap_or(if self.deflated { 8 } else { 0 });
        let packed = self.said_packed.unwrap_or(self.packed.len() as u32);
        let mut out = [20, self.flags, method, 0, 0x5ae3].map(u16::to_le_bytes).concat();
        out.extend([self.crc, packed, self.said_size].map(u32::to_le_bytes).concat());
        out.extend([self.name.len() as u16, 0].map(u16::to_le_bytes).concat());
        out
    }
    fn central(&self, at: u32) -> Vec<u8> {
        let mut out = b"PK\x01\x02\x14\x03".to_vec();
        out.extend(self.header());
        out.extend([0, 0, 0].map(u16::to_le_bytes).concat());
        out.extend([self.attributes, self.at.unwrap_or(at)].map(u32::to_le_bytes).concat());
        out.extend(&self.name);
        out
    }
}

pub(super) fn archive(entries: &[Entry]) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for entry in entries {
        central.extend(entry.central(out.len() as u32));
        out.extend([b"PK\x03\x04".to_vec(), entry.header(), entry.name.clone(), entry.packed.clone()].concat());
    }
    finish(out, &central, entries.len() as u16)
}

fn finish(mut out: Vec<u8>, central: &[u8], count: u16) -> Vec<u8> {
    let at = out.len() as u32;
    out.extend(central);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].map(u16::to_le_bytes).concat());
    out.extend([central.len() as u32, at].map(u32::to_le_bytes).concat());
    out.extend([0, 0]);
    out
}

/// One file, and this many names for it that are said to stand at `at`.
fn many(count: u64, at: u32) -> Vec<u8> {
    let one = Entry::of("a", b"");
    let out = [b"PK\x03\x04".to_vec(), one.header(), one.name.clone()].concat();
    let central = Entry { at: Some(at), ..one }.central(0).repeat(count as usize);
    if count < 0xffff {
        return finish(out, &central, count as u16);
    }
    // Counts of more than two bytes stand in a record of their own (APPNOTE 4.3.14).
    let (start, length) = (out.len() as u64, central.len() as u64);
    let mut out =
        [out, central, b"PK\x06\x06".to_vec(), 44_u64.to_le_bytes().to_vec(), [45_u16, 45].map(u16::to_le_bytes).concat(), vec![0; 8]].concat();
    out.extend([count, count, length, start].map(u64::to_le_bytes).concat());
    out.extend([b"PK\x06\x07\0\0\0\0".to_vec(), (start + length).to_le_bytes().to_vec(), 1_u32.to_le_bytes().to_vec()].concat());
    out.extend([b"PK\x05\x06\0\0\0\0".to_vec(), vec![0xff; 12], vec![0, 0]].concat());
    out
}

fn hostile_archives() -> Vec<File> {
    let log = std::fs::read(folder().join("nwipe/0.42_one_drive.log")).unwrap();
    let zeros = vec![0; 24 << 20];
    let one = |entry: Entry| archive(&[entry]);
    let good = || Entry::of("a.log", &log);
    let called = |name: &str| one(Entry::of(name, &log));
    let said = |size: u32, packed: Option<u32>| one(Entry { said_size: size, said_packed: packed, ..good() });
    let nested = (0..3).fold(archive(&[good()]), |inner, _| archive(&[Entry::of("inner.zip", &inner)]));
    let bombs = (0..4).fold(zeros.clone(), |inner, _| archive(&[Entry::of("a.zip", &inner), Entry::of("b.zip", &inner)]));
    let text_bomb = b"[2026/10/06 13:00:00]  notice: Invoking method 'PRNG Stream' on /dev/sda\n".repeat(20 << 14);
    let plain = archive(&[good()]);
    let spliced = |from: usize, to: &[u8]| {
        let mut bytes = plain.clone();
        bytes.splice(from..from + to.len(), to.iter().copied());
        bytes
    };
    let central = plain.len() - 22 - 46 - 5;
    let end = plain.len() - 22;
    named(
        "ZIP",
        vec![
            ("a path upwards", called("../../../../escaped")),
            ("a path upwards to the left", called("..\\..\\escaped")),
            ("an absolute path", called("/tmp/quittance-escaped")),
            ("a drive", called("C:\\Windows\\escaped")),
            ("another computer", called("\\\\127.0.0.1\\share\\escaped")),
            ("this very folder", called(".")),
            ("no name", called("")),
            ("a name of the longest", called(&"n".repeat(65_535))),
            ("a name that is no text", one(Entry { name: vec![0xff, 0xfe, 0x80, b'/', 0xc0], ..good() })),
            ("a name that says it is text and is none", one(Entry { name: vec![0xff, 0xfe, 0x80], flags: 0x800, ..good() })),
            ("a name with an end in it", called("a.log\0.exe")),
            ("a folder with something in it", called("folder/")),
            ("a link to a file of the machine", one(Entry { attributes: 0o120_777 << 16, ..Entry::of("link", b"/etc/passwd") })),
            ("a device", one(Entry { attributes: 0o020_666 << 16, ..Entry::of("device", b"\x01\x03") })),
            ("a pipe", one(Entry { attributes: 0o010_666 << 16, ..good() })),
            ("a program", one(Entry { attributes: 0o106_777 << 16, ..good() })),
            ("the same name twice", archive(&[good(), good()])),
            ("names that differ in capitals", archive(&[good(), Entry::of("A.LOG", &log)])),
            ("a file that is a folder too", archive(&[Entry::of("a", &log), Entry::of("a/b", &log)])),
            ("a password", one(Entry { flags: 1, ..good() })),
            ("a strong password", one(Entry { flags: 0x41, method: Some(99), ..good() })),
            ("a method that nobody knows", one(Entry { method: Some(77), ..good() })),
            ("a method that it is not", one(Entry { method: Some(0), ..good() })),
            ("deflated that is not", one(Entry { method: Some(8), deflated: true, packed: log.clone(), ..good() })),
            ("another sum", one(Entry { crc: 7, ..good() })),
            ("larger than it says", said(1, None)),
            ("smaller than it says", said(u32::MAX - 1, None)),
            ("packed larger than the archive", said(log.len() as u32, Some(u32::MAX - 1))),
            ("packed to nothing", said(log.len() as u32, Some(0))),
            ("sizes that stand elsewhere and do not", said(u32::MAX, Some(u32::MAX))),
            ("24 MiB of zeros", one(Entry::of("zeros", &zeros))),
            ("30 MiB of zeros", one(Entry::of("zeros", &vec![0; 30 << 20]))),
            ("zeros that say they are few", one(Entry { said_size: 10, ..Entry::of("zeros", &zeros) })),
            ("a log of 24 MB", one(Entry::of("bomb.log", &text_bomb))),
            ("twenty logs of 24 MB", archive(&vec![Entry::of("bomb.log", &text_bomb); 20])),
            ("three archives in one another", nested),
            ("bombs in one another", bombs),
            ("an archive that is its own file", one(Entry { at: Some(0), ..Entry::of("self.zip", &plain) })),
            ("two names for one place", archive(&[good(), Entry { at: Some(0), name: b"b.log".to_vec(), ..good() }])),
            ("a place inside another file", archive(&[good(), Entry { at: Some(40), ..good() }])),
            ("a place in the directory", one(Entry { at: Some(central as u32), ..good() })),
            ("a place beyond the end", one(Entry { at: Some(u32::MAX - 1), ..good() })),
            ("sixty thousand names", many(60_000, 999_999_999)),
            ("a million names", many(1_000_000, 999_999_999)),
            ("a million files that it has not", finish(b"PK\x03\x04".to_vec(), b"", 65_535)),
            ("a directory that is too long", spliced(end + 12, &u32::MAX.to_le_bytes())),
            ("a directory beyond the end", spliced(end + 16, &(u32::MAX - 1).to_le_bytes())),
            ("fewer files than it has", spliced(end + 8, &[0, 0, 0, 0])),
            ("a remark that is too long", spliced(end + 20, &[0xff, 0xff])),
            ("a name that is too long", spliced(central + 28, &[0xff, 0xff])),
            ("no directory", plain[..central].to_vec()),
            ("half a file", plain[..central / 2].to_vec()),
            ("something before it", [b"PK\x03\x04".to_vec(), vec![0; 10_000], plain.clone()].concat()),
            ("twenty megabytes behind it", [plain.clone(), b"PK\x05\x06".repeat(5 << 20)].concat()),
            ("only beginnings", b"PK\x03\x04".repeat(1 << 20)),
            (
                "a spreadsheet of zeros",
                archive(&[
                    Entry::of("[Content_Types].xml", b"<a/>"),
                    Entry::of("xl/workbook.xml", &zeros),
                    Entry::of("xl/worksheets/sheet1.xml", &zeros),
                ]),
            ),
            (
                "a spreadsheet that declares a type",
                archive(&[
                    Entry::of("[Content_Types].xml", b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"),
                    Entry::of("xl/workbook.xml", b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"),
                ]),
            ),
        ],
    )
}

#[test]
fn hostile_archives_are_answered() {
    let files = hostile_archives();
    assert!(files.len() >= 40);
    // Some of them declare a type inside, and what is inside is not read where it is no report.
    on_every_core(&files, |(name, bytes)| drop(show(name, bytes)));
    for outside in ["/tmp/quittance-escaped", "/escaped"] {
        assert!(!Path::new(outside).exists(), "{outside}");
    }
}

#[test]
fn a_good_file_beside_hostile_ones_is_read() {
    let log = std::fs::read(folder().join("nwipe/0.42_one_drive.log")).unwrap();
    let link = Entry { attributes: 0o120_777 << 16, ..Entry::of("link", b"/etc/passwd") };
    let said = show(
        "an archive",
        &archive(&[Entry::of("zeros", &vec![0; 24 << 20]), link, Entry { crc: 7, ..Entry::of("sum.log", &log) }, Entry::of("../good.log", &log)]),
    );
    assert!(said.contains("Z9LXT1RTT"), "{said}");
    assert_eq!(said.matches("not understood").count(), 3, "{said}");
}

/// What a file is, is told from what is in it; neither its name nor what else it might be counts.
#[test]
fn names_that_say_something_else_change_nothing() {
    let log = std::fs::read(folder().join("nwipe/0.42_one_drive.log")).unwrap();
    let contents: [(&str, &[u8]); 10] = [
        ("log", &log),
        ("html", b"<!DOCTYPE html><html><script>alert(1)</script></html>"),
        ("svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"><script>alert(1)</script></svg>"),
        ("js", b"eval(atob('YWxlcnQoMSk='))"),
        ("exe", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0This program cannot be run in DOS mode."),
        ("elf", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0>\0"),
        ("sh", b"#!/bin/sh\ntouch /tmp/quittance-escaped\n"),
        ("gif", b"GIF89a/*\x01\0*/=1;alert(1)"),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("empty", b""),
    ];
    let names = [
        "report.pdf",
        "report.xml",
        "report.json",
        "report.csv",
        "report.pdf.exe",
        "report.exe.pdf",
        "report",
        ".htaccess",
        "report.PDF",
        "report.pdf ",
        "CON",
        "NUL.txt",
        "-json",
        "a;b.log",
        "$(touch x).log",
        "a b.log",
        "%2e%2e%2fx",
        "*.log",
        "~",
        "ü 🧾.log",
    ];
    on_every_core(&contents, |(kind, bytes)| {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let (status, said) = ended(program().args(["read", "--json", "--"]).args(names).current_dir(&folder), &[], kind);
        assert_eq!(status.code(), Some(if *kind == "log" { 0 } else { 2 }), "{kind}");
        let said: Vec<serde_json::Value> = serde_json::from_slice(&said).unwrap();
        assert_eq!(said.len(), names.len());
        for one in said {
            assert_eq!(one["format"], if *kind == "log" { "nwipe-log".into() } else { serde_json::Value::Null }, "{kind}: {one}");
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), names.len(), "{kind}");
    });
    assert!(!Path::new("/tmp/quittance-escaped").exists());
}

/// Names inside archives are shown, without what a terminal obeys, and are no paths.
#[test]
fn names_inside_archives_are_only_shown() {
    let pieces = [
        "../",
        "..\\",
        "/",
        "\\",
        "\0",
        "\r\n",
        "\u{1b}[31m",
        "\u{202e}",
        "\u{2066}",
        "\u{2028}",
        "\u{7f}",
        "\u{9b}2J",
        "\"",
        "'",
        "<b>",
        "&amp;",
        "%0d%0a",
        "CON",
        "a",
        "🧾",
        "e\u{301}",
        ";",
        "`",
        "$HOME",
        "~",
        ":",
        "*",
        "?",
        "|",
        " ",
    ];
    let mut dice = Dice(8);
    let names: Vec<String> =
        (0..300).map(|n| (0..=dice.roll(6)).map(|_| pieces[dice.roll(pieces.len())]).collect::<String>() + &n.to_string()).collect();
    let long = "x".repeat(4_096);
    let archives: Vec<Vec<u8>> = names
        .chunks(30)
        .map(|names| {
            archive(&names.iter().chain([&long]).map(|name| Entry { flags: 0x800, ..Entry::of(name.as_str(), b"no report") }).collect::<Vec<_>>())
        })
        .collect();
    on_every_core(&archives, |bytes| {
        let said = show("names", bytes);
        assert_eq!(said.matches("not understood").count(), 31, "{said}");
        assert!(said.lines().all(|line| line.len() < 2_000));
    });
}
