//! The floor plan of `src/lib.rs`, and the words of the house, as a test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Each floor, and the floors that it may import. `lib` declares them all; `main` opens the door.
const FLOORS: [(&str, &[&str]); 15] = [
    ("proof", &[]),
    ("domain", &[]),
    ("evidence", &["domain"]),
    ("inventories", &["domain"]),
    ("reports", &["domain"]),
    ("documents", &["domain", "proof", "reports"]),
    ("error", &["domain"]),
    ("store", &["domain", "proof", "reports", "error"]),
    ("config", &["store", "error"]),
    ("app", &["config", "store", "proof", "documents", "domain", "error"]),
    ("operations", &["app", "config", "error", "store", "documents", "evidence", "inventories", "reports", "domain", "proof"]),
    ("web", &["operations", "app", "config", "error", "store", "documents", "evidence", "inventories", "reports", "domain", "proof"]),
    // One of its commands, `serve`, opens the other door.
    ("cli", &["web", "operations", "app", "config", "error", "store", "documents", "evidence", "inventories", "reports", "domain", "proof"]),
    ("lib", &[]),
    ("main", &["cli"]),
];

/// What the two ground floors never mention.
const PROOF_NEVER: [&str; 9] = ["std::fs", "std::net", "std::time", "std::env", "std::process", "println!", "eprint", "diesel", "actix"];
const DOMAIN_NEVER: [&str; 7] = ["Utc::now", "Local::now", "SystemTime", "sha2::", "diesel", "actix", "std::fs"];

/// `src/proof` is small enough to be audited in one sitting: lines before the tests of each file.
const PROOF_LINES: usize = 2_500;

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 7] = ["util", "utils", "helpers", "common", "manager", "misc", "helper"];

/// Work that is not finished, or a test that does not run.
const UNFINISHED: [&str; 5] = ["todo!", "unimplemented!", "FIXME", "TODO", "#[ignore"];

/// How the row of an entry becomes one that can be written (`store::rows`), without white space. It is no `Derived` row: only inserting compiles.
const ENTRY_ROW: &str = ",entries,1,";

/// Claims that are never made (lower case).
const CLAIMS: [&str; 4] = ["nist certified", "nist-compliant", "unrecoverable", "complies with"];

/// Everything that is wrong with a set of files, given as (path from the root of the repository, text).
fn problems(files: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        let mut report = |what: String| found.push(format!("{path}: {what}"));
        let source = path.starts_with("src/") && path.ends_with(".rs");
        if path.starts_with("src/") || path.starts_with("tests/") {
            for part in path.split('/') {
                let name = part.split('.').next().unwrap_or(part);
                if EMPTY_NAMES.contains(&name) {
                    report(format!("the name {name} says nothing about what is in it"));
                }
            }
        }
        // This file has to name what it looks for.
        if path.ends_with(".rs") && path != "tests/tidy.rs" {
            for word in UNFINISHED {
                if text.contains(word) {
                    report(format!("{word} is work that is not finished"));
                }
            }
        }
        if source || path.starts_with("templates/") || path == "README.md" {
            let flat = words(text);
            for claim in CLAIMS {
                if flat.contains(claim) {
                    report(format!("nobody may claim “{claim}”"));
                }
            }
        }
        if source {
            source_problems(path, text, &mut report);
        }
    }
    let lines: usize = files.iter().filter(|(path, _)| path.starts_with("src/proof/")).map(|(_, text)| lines_before_tests(text)).sum();
    if lines > PROOF_LINES {
        found.push(format!("src/proof: {lines} lines without tests, at most {PROOF_LINES}"));
    }
    let migrations = |database: &str| -> BTreeSet<&str> {
        files.iter().filter_map(|(path, _)| path.strip_prefix("migrations/")?.strip_prefix(database)?.strip_prefix('/')).collect()
    };
    for only in migrations("sqlite").symmetric_difference(&migrations("postgres")) {
        found.push(format!("migrations: {only} is there for one database only"));
    }
    found
}

/// What is asked of a file under `src`.
fn source_problems(path: &str, text: &str, report: &mut impl FnMut(String)) {
    if !opens_with_a_sentence(text) {
        report("does not open with //! and a sentence".to_owned());
    }
    let within = path.strip_prefix("src/").unwrap_or(path);
    let top_level = !within.contains('/') || within.split('/').nth(1) == Some("mod.rs");
    let own = within.split(['/', '.']).next().unwrap_or_default();
    let code = without_comments(text);
    match FLOORS.iter().find(|(floor, _)| *floor == own) {
        None => report(format!("{own} has no place in the floor plan")),
        Some((_, below)) => {
            for target in imported(&code) {
                if target != own && !below.contains(&target.as_str()) && own != "lib" {
                    report(format!("{own} may not import {target}"));
                }
            }
        }
    }
    // The same imports under another name.
    if code.contains("super::super::super")
        || top_level && code.lines().any(|line| line.starts_with("use super::") || line.starts_with("pub use super::"))
    {
        report("climbs to the root with super; write crate".to_owned());
    }
    let never: &[&str] = match own {
        "proof" => &PROOF_NEVER,
        "domain" => &DOMAIN_NEVER,
        _ => &[],
    };
    for word in never.iter().filter(|word| code.contains(**word)) {
        report(format!("{own} never mentions {word}"));
    }
    let squeezed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if (touches_entries(&squeezed, "insert_into(") || squeezed.contains(ENTRY_ROW)) && path != "src/store/log.rs" {
        report("only store/log.rs appends to entries".to_owned());
    }
    let sql = words(&code);
    let by_sql = ["update entries", "delete from entries", "replace into entries", "truncate entries"].iter().any(|verb| sql.contains(verb));
    if ["update(", "delete(", "replace_into("].iter().any(|verb| touches_entries(&squeezed, verb)) || by_sql {
        report("nobody changes or removes entries".to_owned());
    }
    // On a reader's way nothing is counted row by row and nothing is skipped: both cost what the table holds. That the log has one head row does not.
    if own == "store" || own == "web" {
        let code = squeezed.replace("log_head::table.count()", "");
        let counted = code.contains("count_star") || code.contains("::table.count()") || sql.contains("count(*)");
        if counted || squeezed.contains(".offset(") || sql.contains(" offset ") {
            report("lists are paged by key and counts are kept: no COUNT, no OFFSET".to_owned());
        }
    }
    if sql.contains("insert into entries") {
        report("entries are appended through the schema, not by SQL".to_owned());
    }
}

/// Whether the first argument of `verb`, in code without white space, is the table `entries` under any path.
fn touches_entries(squeezed: &str, verb: &str) -> bool {
    squeezed.split(verb).skip(1).any(|rest| {
        let argument = rest.split([')', ',', '(']).next().unwrap_or_default();
        argument.split(['.', ':', '&']).any(|segment| segment == "entries")
    })
}

/// Lower case, every run of white space one space.
fn words(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The first paragraph is at least three words that end in a full stop.
fn opens_with_a_sentence(text: &str) -> bool {
    let paragraph: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
    let paragraph = paragraph.join(" ");
    paragraph.split_whitespace().count() >= 3 && paragraph.trim_end().ends_with('.')
}

/// The floors named behind `crate::`, alone or in braces.
fn imported(code: &str) -> BTreeSet<String> {
    let name = |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (position, rest) in code.split("crate::").enumerate() {
        if position == 0 {
            continue;
        }
        let Some(list) = rest.trim_start().strip_prefix('{') else {
            found.insert(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut items = vec![String::new()];
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => items.push(String::new()),
                _ => {}
            }
            if c != ',' || depth > 0 {
                items.last_mut().unwrap().push(c);
            }
        }
        found.extend(items.iter().map(|item| name(item)).filter(|item| !item.is_empty()));
    }
    found
}

fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = |pair: &[&str]| (pair[0].starts_with("#[cfg(test)]") || pair[0].starts_with("#[cfg(all(test")) && pair[1].starts_with("mod ");
    lines.windows(2).position(tests).unwrap_or(lines.len())
}

/// Every text file of the project under `folder`, with its path from the root of the repository.
fn read(root: &Path, folder: &str, into: &mut Vec<(String, String)>) {
    for item in fs::read_dir(root.join(folder)).unwrap() {
        let item = item.unwrap();
        let path = format!("{folder}/{}", item.file_name().to_str().unwrap());
        if path.ends_with("/node_modules") {
            continue;
        }
        if item.file_type().unwrap().is_dir() {
            read(root, &path, into);
        } else {
            // Fonts, samples and the like are not text, but have a name.
            into.push((path, String::from_utf8(fs::read(item.path()).unwrap()).unwrap_or_default()));
        }
    }
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "migrations", "templates"] {
        read(root, folder, &mut files);
    }
    if let Ok(readme) = fs::read_to_string(root.join("README.md")) {
        files.push(("README.md".to_owned(), readme));
    }
    for expected in ["src/lib.rs", "src/proof/verify.rs", "src/domain/mod.rs", "src/store/log.rs", "tests/tidy.rs"] {
        assert!(files.iter().any(|(path, _)| path == expected), "{expected} was not looked at");
    }
    assert!(files.iter().any(|(path, _)| path.starts_with("migrations/sqlite/")), "no migration was looked at");
    let log = &files.iter().find(|(path, _)| path == "src/store/log.rs").unwrap().1;
    assert!(log.split_whitespace().collect::<String>().contains(ENTRY_ROW), "the one place that appends was not recognised");
    let found = problems(&files);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The test above can fail: each planted fault is found, by name, and alone.
#[test]
fn a_planted_fault_is_found() {
    let good = "//! What lives here, in words.\n\nuse crate::domain::names;\n";
    let planted = |path: &str, text: &str| problems(&[(path.to_owned(), text.to_owned())]);
    assert_eq!(planted("src/store/log.rs", good), Vec::<String>::new());
    let opening = "//! What lives here, in words.\n";
    let long = format!("{opening}{}", "\n".repeat(PROOF_LINES));
    let tested = format!("{opening}#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(PROOF_LINES));
    assert_eq!(planted("src/proof/x.rs", &tested), Vec::<String>::new());
    assert_eq!(planted("src/proof/x.rs", &long), ["src/proof: 2501 lines without tests, at most 2500"]);

    for (path, body, what) in [
        ("src/proof/x.rs", "use crate::domain::names;", "proof may not import domain"),
        ("src/domain/x.rs", "use crate::{proof::tree, domain::names};", "domain may not import proof"),
        ("src/evidence/x.rs", "fn f() { crate::store::log::head() }", "evidence may not import store"),
        ("src/documents/x.rs", "use crate::{\n    domain::{names, policy},\n    app,\n};", "documents may not import app"),
        ("src/store/x.rs", "use crate::config::Config;", "store may not import config"),
        ("src/operations/x.rs", "use crate::web::session;", "operations may not import web"),
        ("src/web/x.rs", "use crate::cli;", "web may not import cli"),
        ("src/app.rs", "use super::operations::record;", "climbs to the root with super; write crate"),
        ("src/elsewhere/x.rs", "", "elsewhere has no place in the floor plan"),
        ("src/store/utils.rs", "", "the name utils says nothing about what is in it"),
        ("tests/common/mod.rs", "", "the name common says nothing about what is in it"),
        ("src/proof/x.rs", "use std::time::Instant;", "proof never mentions std::time"),
        ("src/proof/x.rs", "fn f() { println!() }", "proof never mentions println!"),
        ("src/domain/x.rs", "fn f() { Utc::now() }", "domain never mentions Utc::now"),
        ("src/domain/x.rs", "use sha2::Sha256;", "domain never mentions sha2::"),
        ("src/web/x.rs", "fn f() { todo!() }", "todo! is work that is not finished"),
        ("tests/x.rs", "#[ignore = \"slow\"]", "#[ignore is work that is not finished"),
        ("src/store/x.rs", "diesel::insert_into( schema::entries::table )", "only store/log.rs appends to entries"),
        ("src/store/x.rs", "row_of!(Mine, entries, 1, seq: i64);", "only store/log.rs appends to entries"),
        ("src/store/log.rs", "diesel::update(entries::table.find(1))", "nobody changes or removes entries"),
        ("src/store/log.rs", "diesel::delete(\n    entries::table,\n)", "nobody changes or removes entries"),
        ("src/store/log.rs", "sql_query(\"DELETE  FROM entries\")", "nobody changes or removes entries"),
        ("src/store/log.rs", "sql_query(\"insert into entries\")", "entries are appended through the schema, not by SQL"),
        ("src/store/x.rs", "assets::table.count().get_result(db)", "lists are paged by key and counts are kept: no COUNT, no OFFSET"),
        ("src/store/x.rs", "sql_query(\"SELECT count(*) FROM assets\")", "lists are paged by key and counts are kept: no COUNT, no OFFSET"),
        ("src/web/x.rs", "select.limit(50).offset(9)", "lists are paged by key and counts are kept: no COUNT, no OFFSET"),
        ("templates/x.html", "This is NIST\n  certified.", "nobody may claim “nist certified”"),
        ("README.md", "The data is unrecoverable.", "nobody may claim “unrecoverable”"),
        ("src/documents/x.rs", "// It complies with everything.", "nobody may claim “complies with”"),
    ] {
        assert_eq!(planted(path, &format!("{opening}{body}\n")), [format!("{path}: {what}")], "{body}");
    }
    for unopened in ["use std::fmt;\n", "//! Words\n", "//!\n//! What lives here, in words.\n", "/// What lives here, in words.\n"] {
        assert_eq!(planted("src/cli.rs", unopened), ["src/cli.rs: does not open with //! and a sentence"], "{unopened:?}");
    }
    let migrations = ["migrations/sqlite/1_a/up.sql", "migrations/postgres/1_b/up.sql"].map(|path| (path.to_owned(), String::new()));
    assert_eq!(problems(&migrations).len(), 2);
}
