//! Asset lists: the shapes of Snipe-IT's two exports with the traps that real ones hold, and nothing personal coming through.
#![cfg(feature = "service")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Read;
use std::path::Path;

use chrono::NaiveDate;
use quittance::domain::names::{Category, Tag};
use quittance::inventories::{self, InventoryRow, RowError, StatusKind};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inventories/snipe-it").join(name)).unwrap()
}

fn all(bytes: &[u8]) -> Vec<Result<InventoryRow, RowError>> {
    inventories::open(bytes).unwrap().collect()
}

fn good(name: &str) -> Vec<InventoryRow> {
    all(&bytes(name)).into_iter().map(Result::unwrap).collect()
}

#[test]
fn the_asset_list_with_its_bad_rows_beside_the_good_ones() {
    let bytes = bytes("asset_list.csv");
    let rows = inventories::open(&bytes[..]).unwrap();
    assert_eq!(rows.format().name, "snipe-it-asset-list");
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows.len(), 7, "the line of bare separators at the end is no row");

    let first = rows[0].as_ref().unwrap();
    assert_eq!((first.line, first.tag.as_str(), first.serial.as_deref()), (2, "CV-000071", Some("5CD8300QWA")));
    assert_eq!((first.category, first.category_words.as_str()), (Category::Chromebook, "Chromebooks"));
    assert_eq!((first.status_words.as_deref(), first.status_kind), (Some("Awaiting Disposal"), StatusKind::Undeployable));
    assert_eq!(first.site.as_deref(), Some("Depot"), "where it belongs, as nothing says where it is");
    assert_eq!((first.purchased_on, first.cost_cents), (NaiveDate::from_ymd_opt(2020, 8, 3), Some(21_900)));
    assert_eq!(
        (first.manufacturer.as_deref(), first.model_number.as_deref(), first.external_id.as_deref()),
        (Some("HP"), Some("9TU99UT"), Some("71"))
    );
    assert!(first.remarks.is_empty());

    let second = rows[1].as_ref().unwrap();
    assert_eq!(second.line, 3);
    assert_eq!(second.serial.as_deref(), Some("=HYPERLINK(\"http://x\")"), "a formula is text");
    assert_eq!(second.model.as_deref(), Some("Latitude 3190\n2-in-1"));
    assert_eq!((second.status_words.as_deref(), second.status_kind), (Some("Retired (board approved)"), StatusKind::Archived));
    assert_eq!((second.purchased_on, second.cost_cents), (None, Some(123_950)));
    assert!(second.remarks.iter().any(|remark| remark.contains("two different days")), "{:?}", second.remarks);

    let third = rows[2].as_ref().unwrap();
    assert_eq!(third.line, 5, "the row before it spans two lines");
    assert_eq!(third.category, Category::Other, "a cart is no Chromebook");
    assert_eq!((third.serial.as_deref(), third.purchased_on, third.cost_cents), (None, NaiveDate::from_ymd_opt(2019, 7, 15), None));

    let errors: Vec<_> = rows[3..6].iter().map(|row| row.as_ref().unwrap_err()).collect();
    assert!(errors[0].what.contains("no asset tag"));
    assert!(errors[1].what.contains("6.37702E+15"));
    assert!(errors[2].what.contains("34 columns where the header has 38"), "{}", errors[2].what);
    assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [6, 7, 8]);
    let last = rows[6].as_ref().unwrap();
    assert_eq!((last.category, last.status_kind), (Category::Tablet, StatusKind::Deployable), "reading goes on after bad rows");
}

#[test]
fn the_custom_report_with_its_repeated_columns() {
    let bytes = bytes("custom_report.csv");
    assert_eq!(inventories::open(&bytes[..]).unwrap().format().name, "snipe-it-custom-report");
    let rows = good("custom_report.csv");
    assert_eq!((rows[0].category, rows[0].cost_cents, rows[0].deleted_at_source), (Category::Desktop, Some(54_190), true));
    assert_eq!((rows[0].status_words.as_deref(), rows[0].status_kind), (Some("Pending Disposal"), StatusKind::Undeployable));
    assert_eq!(rows[0].purchased_on, NaiveDate::from_ymd_opt(2018, 2, 28));
    assert_eq!((rows[1].category, rows[1].cost_cents, rows[1].deleted_at_source), (Category::InteractiveDisplay, Some(0), false));
}

#[test]
fn nothing_personal_comes_through() {
    for name in ["asset_list.csv", "custom_report.csv"] {
        let text = String::from_utf8(bytes(name)).unwrap();
        assert!(text.contains("Jordan Private") && text.contains("EMP-90210"), "the control: the file does hold it");
        let read = format!("{:?}", all(&bytes(name))).to_lowercase();
        for word in ["private", "emp-90210", "555-0100"] {
            assert!(!read.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn any_order_of_columns_other_separators_and_windows_1252() {
    let rows = good("columns_in_another_order_semicolons_windows_1252.csv");
    assert_eq!((rows[0].tag.as_str(), rows[0].serial.as_deref(), rows[0].site.as_deref()), ("B-1", Some("X1Y2Z3"), Some("Aulagebäude Süd")));
    assert!(rows[0].remarks[0].contains("Windows-1252"));
    assert_eq!(rows[1].site.as_deref(), Some("“Keller”"));
    assert_eq!((rows[0].category, rows[1].category), (Category::Projector, Category::Other));
    let rows = good("tabs_and_old_mac_line_ends.tsv");
    assert_eq!((rows[0].line, rows[0].tag.as_str(), rows[0].status_kind, rows[0].category), (2, "C-1", StatusKind::Pending, Category::Monitor));
    for end in ["\n", "\r\n", "\r"] {
        let list = ["Asset Tag,Serial,Status", "A-1,\"two", "lines\",x", "", "", "A-2,SN002,x", "A-3,SN003"].join(end);
        let lines: Vec<u64> = all(list.as_bytes()).into_iter().map(|row| row.map_or_else(|error| error.line, |row| row.line)).collect();
        assert_eq!(lines, [2, 6, 7], "{end:?}");
    }
}

#[test]
fn a_quotation_mark_that_is_not_closed_is_reported_with_its_line() {
    let rows = all(&bytes("quotation_mark_not_closed.csv"));
    assert_eq!(rows[0].as_ref().unwrap().tag, "Q-1");
    let error = rows[1].as_ref().unwrap_err();
    assert_eq!(error.line, 3);
    assert!(error.what.contains("quotation mark"), "{}", error.what);
}

#[test]
fn lists_of_others_are_refused_with_what_is_known() {
    let lists = [
        bytes("activity_report.csv"),
        b"Device ID,Serial number,Last check-in\n1,2,3\n".to_vec(),
        b"Computer Name,Asset Tag,JSS Computer ID,Serial Number,Status,Category\n".to_vec(),
        b"\n".to_vec(),
        Vec::new(),
        b"PK\x03\x04\0\0".to_vec(),
        "\u{feff}Asset Tag,Serial,Status".encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ];
    for list in lists {
        let error = inventories::open(&list[..]).err().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&list)));
        assert_eq!(error.line, 1);
    }
    let custom = inventories::FORMATS.iter().find(|format| format.name == "snipe-it-custom-report").unwrap();
    let list = bytes("asset_list.csv");
    let items: Vec<_> = inventories::read(custom, &list[..]).collect();
    assert!(matches!(items.as_slice(), [Err(error)] if error.what.contains("custom asset report")));
    let own = inventories::FORMATS.iter().find(|format| format.name == "snipe-it-asset-list").unwrap();
    assert_eq!(inventories::read(own, &list[..]).count(), 7);
}

#[test]
fn a_wanted_column_twice_must_agree() {
    let rows =
        all(b"Asset Tag,Serial,Category,Status,Category\nA-1,SN001,Laptops,Old [Archived],Laptops\nA-2,SN002,Laptops,Old [Archived],Tablets\n");
    assert_eq!(rows[0].as_ref().unwrap().category, Category::Laptop);
    assert!(rows[1].as_ref().unwrap_err().what.contains("“Category” more than once"));
}

#[test]
fn categories_by_the_words_districts_use() {
    use Category::*;
    let words = [
        ("Chromebooks", Chromebook),
        ("Chromebook - Touch", Chromebook),
        ("Staff Laptops", Laptop),
        ("MacBook Air", Laptop),
        ("iPads", Tablet),
        ("Desktops", Desktop),
        ("Chromebox", Desktop),
        ("All-in-One", Desktop),
        ("Monitors", Monitor),
        ("Printers", Printer),
        ("Network Printers", Printer),
        ("Printer Toner", Other),
        ("Projectors", Projector),
        ("Interactive Displays", InteractiveDisplay),
        ("Promethean Boards", InteractiveDisplay),
        ("Servers", Server),
        ("Network Switches", NetworkEquipment),
        ("Wireless Access Points", NetworkEquipment),
        ("Desk Phones", Phone),
        ("Docking Stations", Dock),
        ("Laptop Chargers", Other),
        ("Document Cameras", Other),
        ("Calculators", Other),
        ("", Other),
    ];
    for (text, category) in words {
        let rows = all(format!("Asset Tag,Serial,Category,Status\nA-1,SN001,{text},x\n").as_bytes());
        assert_eq!(rows[0].as_ref().unwrap().category, category, "{text}");
    }
}

#[test]
fn dates_and_amounts_are_read_in_one_way_or_left_out() {
    let read = |date: &str, cost: &str| {
        let list = format!("Asset Tag,Serial,Status,Purchase Date,Purchase Cost\nA-1,SN001,x,\"{date}\",\"{cost}\"\n");
        let row = all(list.as_bytes()).remove(0).unwrap();
        (row.purchased_on.map(|date| date.to_string()), row.cost_cents, row.remarks.len())
    };
    let day = |text: &str| Some(text.to_owned());
    assert_eq!(read("2019-07-15 00:00:00", "$1,239"), (day("2019-07-15"), Some(123_900), 0));
    assert_eq!(read("7/15/2019", "1.239,50 €"), (day("2019-07-15"), Some(123_950), 0));
    assert_eq!(read("15/07/2019", "239.0000"), (day("2019-07-15"), Some(23_900), 0));
    assert_eq!(read("1/23/23", "239"), (day("2023-01-23"), Some(23_900), 0));
    assert_eq!(read("05/05/2020", "USD 10.5"), (day("2020-05-05"), Some(1050), 0));
    assert_eq!(read("04/05/2020", "1.239"), (None, None, 2));
    assert_eq!(read("0001-01-01", "-5.00"), (None, None, 2));
    assert_eq!(read("2019-02-30", "99999999999999999999"), (None, None, 2));
    assert_eq!(read("", ""), (None, None, 0));
}

#[test]
fn every_cut_and_much_damage_is_read_without_a_panic() {
    let mut state = 7_u64;
    let mut roll = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for name in ["asset_list.csv", "custom_report.csv", "columns_in_another_order_semicolons_windows_1252.csv", "quotation_mark_not_closed.csv"] {
        let bytes = bytes(name);
        for length in 0..bytes.len() {
            if let Ok(rows) = inventories::open(&bytes[..length]) {
                assert!(rows.count() <= 10);
            }
        }
        for _ in 0..300 {
            let mut damaged = bytes.clone();
            let place = roll(damaged.len());
            damaged[place] = u8::try_from(roll(256)).unwrap();
            if let Ok(rows) = inventories::open(&damaged[..]) {
                for row in rows.flatten() {
                    assert!(!row.tag.is_empty());
                    let _ = Tag::parse(&row.tag);
                }
            }
        }
    }
}

/// A list that never ends, without holding it in memory.
struct Endless {
    head: &'static [u8],
    line: &'static [u8],
    at: usize,
}
impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for byte in buffer.iter_mut() {
            *byte = match self.head.get(self.at) {
                Some(byte) => *byte,
                None => self.line[(self.at - self.head.len()) % self.line.len()],
            };
            self.at += 1;
        }
        Ok(buffer.len())
    }
}

#[test]
fn a_row_without_an_end_and_a_list_without_an_end_stop() {
    let rows = inventories::open(Endless { head: b"Asset Tag,Serial,Status\nA-1,SN001,x\nA-2,\"", line: b"never closed\n", at: 0 }).unwrap();
    let rows: Vec<_> = rows.collect();
    assert!(rows[0].is_ok());
    assert_eq!(rows.len(), 2);
    assert!(rows[1].as_ref().unwrap_err().what.contains("1 MiB"));

    let rows = inventories::open(Endless { head: b"Asset Tag,Serial,Status\n", line: b"A-1,\n", at: 0 }).unwrap();
    let (mut count, mut last) = (0_u64, None);
    for row in rows {
        count += 1;
        last = Some(row);
    }
    assert_eq!(count, inventories::MAX_ROWS + 1);
    assert!(last.unwrap().unwrap_err().what.contains("Split"));
}
