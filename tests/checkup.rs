//! `quittance checkup` over an inventory of 5,000 devices and 200 papers of several kinds: every planted gap is found, and nothing else.
#![cfg(feature = "service")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_quittance");
const COLUMNS: &str = "ID,Company,Asset Name,Device Image,Asset Tag,Serial,Model,Model No.,Category,Status,Checked Out To,Employee Number,Location,\
     Default Location,Manufacturer,Supplier,Purchase Date,Age,Purchase Cost,Order Number,EOL Rate,EOL Date,Warranty,Warranty Expires,Requestable,Notes,\
     Checkouts,Checkins,Requests,Created By,Created At,Updated at,Checkout Date,Last Checkin Date,Expected Checkin Date,Last Audit,Next Audit Date,BYOD";

fn device(n: usize) -> String {
    format!("5CD{n:05}QX")
}

fn drive(n: usize) -> String {
    format!("ZDE{n:05}K")
}

/// 5,000 devices; the first 260 are gone.
fn inventory(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    writeln!(file, "{COLUMNS}").unwrap();
    for n in 0..5_000 {
        let status = if n < 260 { "Recycled (archived)" } else { "Ready to Deploy (deployable)" };
        let mut cells = vec![String::new(); COLUMNS.split(',').count()];
        for (at, text) in [
            (0, n.to_string()),
            (4, format!("NP-{n:05}")),
            (5, device(n)),
            (6, "Latitude 3420".to_owned()),
            (8, "Laptop".to_owned()),
            (9, status.to_owned()),
        ] {
            cells[at] = text;
        }
        writeln!(file, "{}", cells.join(",")).unwrap();
    }
}

fn sample(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evidence").join(name)).unwrap()
}

/// A log of nwipe about one drive of one device, at times of its own.
fn log(n: usize) -> String {
    let day = format!("2026/{:02}/{:02}", 1 + n / 28 % 9, 1 + n % 28);
    sample("nwipe/0.42_one_drive.log").replace("Z9LXT1RTT", &drive(n)).replace("5CD0199ZQB", &device(n)).replace("2026/10/06", &day)
}

fn lines<'a>(found: &'a Value, code: &str) -> Vec<&'a Value> {
    let section = found["sections"].as_array().unwrap().iter().find(|section| section["code"] == code).unwrap();
    section["lines"].as_array().unwrap().iter().collect()
}

fn about(found: &Value, code: &str) -> BTreeSet<String> {
    lines(found, code).iter().map(|line| line["about"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_gap_between_papers_and_inventory_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let papers = folder.path().join("papers");
    std::fs::create_dir(&papers).unwrap();
    inventory(&folder.path().join("inventory.csv"));
    let write = |name: &str, text: &str| std::fs::write(papers.join(name), text).unwrap();
    // 190 devices with a log for each drive; one of the logs says that it failed.
    for n in 0..190 {
        let log = if n == 7 { log(n).replace("| Erased |", "|-FAILED-|") } else { log(n) };
        write(&format!("nwipe_{n:03}.log"), &log);
    }
    // The same file under another name, a drive that has two logs, and one whose computer nobody has.
    write("copy_of_3.log", &log(3));
    write("again_4.log", &log(4).replace("2026/01/05", "2026/09/25"));
    write("stranger.log", &sample("nwipe/0.42_one_drive.log"));
    // A recycler's list: 50 devices, one that is not in the inventory, and one that was misread.
    let mut list = "Asset Tag,Serial Number,Outcome\n".to_owned();
    for n in 190..240 {
        list += &format!("NP-{n:05},{},Recycled\n", device(n));
    }
    list += "XX-1,ZZZ99999QX,Recycled\n";
    list += &format!(",{},Recycled\n", device(259).replacen('0', "O", 1));
    write("list.csv", &list);
    write("notes.txt", "Call Dana about the pallet.\n");
    // An archive with the logs of five more.
    let mut archive = zip::ZipWriter::new(std::fs::File::create(papers.join("more.zip")).unwrap());
    for n in 240..245 {
        archive.start_file(format!("../{n}.log"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(log(n).as_bytes()).unwrap();
    }
    archive.finish().unwrap();

    let began = Instant::now();
    let output = Command::new(PROGRAM)
        .args(["checkup", "--json", "--inventory", "inventory.csv", "--html", "result.html", "--paper", "papers"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    println!("{} files in {:.1} s", std::fs::read_dir(&papers).unwrap().count(), began.elapsed().as_secs_f64());
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((found["devices"].as_u64(), found["gone"].as_u64()), (Some(5_000), Some(260)));
    let missing: BTreeSet<String> = (245..260).map(|n| format!("NP-{n:05} ({})", device(n))).collect();
    assert_eq!(about(&found, "disposed_without_paper"), missing);
    assert_eq!(found["gone_with_paper"].as_u64(), Some(245));
    let misread = device(259).replacen('0', "O", 1);
    assert_eq!(about(&found, "not_in_inventory"), BTreeSet::from(["Z9LXT1RTT".to_owned(), "ZZZ99999QX".to_owned(), misread.clone()]));
    let near = lines(&found, "not_in_inventory").into_iter().find(|line| line["about"] == misread.as_str()).unwrap();
    assert!(near["what"].as_str().unwrap().contains(&device(259)), "{near}");
    assert_eq!(about(&found, "no_media_serials"), BTreeSet::from(["list.csv".to_owned()]));
    assert_eq!(about(&found, "duplicates"), BTreeSet::from(["copy_of_3.log".to_owned(), drive(4)]));
    assert_eq!(about(&found, "not_understood"), BTreeSet::from(["notes.txt".to_owned()]));
    assert_eq!(about(&found, "claims"), BTreeSet::from([drive(7)]), "{:#}", found["sections"][0]);
    for section in found["sections"].as_array().unwrap() {
        for line in section["lines"].as_array().unwrap() {
            assert!(line["ask"].as_str().unwrap().ends_with(['.', ')']), "every line says what to ask for: {line}");
        }
    }
    let page = std::fs::read_to_string(folder.path().join("result.html")).unwrap();
    assert!(page.contains("NP-00250") && page.contains("ZZZ99999QX") && !page.contains("http"), "one file, with everything in it");
}
