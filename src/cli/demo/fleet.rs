//! The invented district's devices, and the asset manager's export that lists them.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::domain::names::{MediaType, Sensitivity};

/// The district's sites; the last is where surplus waits.
pub const SITES: [&str; 4] = ["Lincoln Elementary", "Washington Middle", "Roosevelt High", "District warehouse"];

/// A small deterministic generator (splitmix64): the same story every time.
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A number from 0 to `below` − 1.
    pub fn roll(&mut self, below: u32) -> u32 {
        u32::try_from(self.next() % u64::from(below.max(1))).unwrap_or(0)
    }
    /// Fills a pattern: `9` becomes a digit, `A` a letter, `#` either; no letter that tools take for a mask.
    fn fill(&mut self, pattern: &str) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHJKLMNPRSTUVWYZ";
        const EITHER: &[u8] = b"0123456789ABCDEFGHJKLMNPRSTVWYZ";
        let mut one = |of: &[u8]| {
            let count = u64::try_from(of.len()).unwrap_or(1);
            usize::try_from(self.next() % count).ok().and_then(|n| of.get(n)).copied().map_or('0', char::from)
        };
        pattern
            .chars()
            .map(|c| match c {
                '9' => one(b"0123456789"),
                'A' => one(LETTERS),
                '#' => one(EITHER),
                other => other,
            })
            .collect()
    }
}

/// What stores data in a kind of device.
#[derive(Clone, Copy)]
pub enum Storage {
    /// Soldered flash of so many bytes, told from others by the device's serial number.
    Soldered(u64),
    /// A drive with a serial number of its own: type, model, bytes, pattern of its serials.
    Drive(MediaType, &'static str, u64, &'static str),
    /// Nothing.
    Nothing,
    /// Nobody has looked yet.
    NotLooked,
}

/// Devices of one kind.
pub struct Kind {
    /// What the story calls it.
    pub key: &'static str,
    /// Which of the exported lists it is in.
    pub list: usize,
    /// How many the district has.
    pub count: usize,
    category: &'static str,
    manufacturer: &'static str,
    model: &'static str,
    model_number: &'static str,
    serials: &'static str,
    /// What stores data in it.
    pub storage: Storage,
    /// Weight as the maker or a table of defaults gives it.
    pub grams: u32,
    cents: u32,
    year: u32,
    /// Indexes of [`SITES`] it is used at.
    sites: &'static [usize],
}

/// An exported list: file name and how confidential what is on its devices is.
pub const LISTS: [(&str, Sensitivity); 3] =
    [("inventory.csv", Sensitivity::Moderate), ("inventory-offices.csv", Sensitivity::High), ("inventory-signage.csv", Sensitivity::Low)];

const HDD: Storage = Storage::Drive(MediaType::HddAta, "WDC WD5000LPCX-24", 500_107_862_016, "WD-WAA1A9######");
const SEAGATE: Storage = Storage::Drive(MediaType::HddAta, "ST500LM030-2E717D", 500_107_862_016, "ZDE4####");
const NVME: Storage = Storage::Drive(MediaType::SsdNvme, "PC SN530 NVMe WDC 256GB", 256_060_514_304, "2115A9######");
const SSD: Storage = Storage::Drive(MediaType::SsdSata, "Samsung SSD 860 EVO 250GB", 250_059_350_016, "S3YJNB0K9#####A");

const CLASSROOMS: &[usize] = &[0, 0, 1, 1, 2, 2, 2];
const OFFICES: &[usize] = &[0, 1, 2, 3];
const SECONDARY: &[usize] = &[1, 2, 2];

/// Every kind; weights are medians and means of published collections of makers' data.
pub const KINDS: &[Kind] = &[
    Kind {
        key: "chromebook",
        list: 0,
        count: 140,
        category: "Chromebooks",
        manufacturer: "HP",
        model: "Chromebook 11 G8 EE",
        model_number: "9TU99UT",
        serials: "5CD9999###",
        storage: Storage::Soldered(31_268_536_320),
        grams: 1_300,
        cents: 24_900,
        year: 2019,
        sites: CLASSROOMS,
    },
    Kind {
        key: "laptop",
        list: 0,
        count: 50,
        category: "Laptops",
        manufacturer: "Dell",
        model: "Latitude 3420",
        model_number: "P144G",
        serials: "#######",
        storage: NVME,
        grams: 1_680,
        cents: 71_250,
        year: 2020,
        sites: SECONDARY,
    },
    Kind {
        key: "old laptop",
        list: 0,
        count: 30,
        category: "Laptops",
        manufacturer: "Lenovo",
        model: "ThinkPad L470",
        model_number: "20J4",
        serials: "PF0#####",
        storage: SSD,
        grams: 1_870,
        cents: 64_400,
        year: 2017,
        sites: SECONDARY,
    },
    Kind {
        key: "desktop",
        list: 0,
        count: 40,
        category: "Desktops",
        manufacturer: "Dell",
        model: "OptiPlex 3050",
        model_number: "D11S",
        serials: "#######",
        storage: SEAGATE,
        grams: 5_260,
        cents: 58_900,
        year: 2017,
        sites: CLASSROOMS,
    },
    Kind {
        key: "tablet",
        list: 0,
        count: 30,
        category: "Tablets (iPads)",
        manufacturer: "Apple",
        model: "iPad (7th generation)",
        model_number: "A2197",
        serials: "DMP########",
        storage: Storage::Soldered(31_989_956_608),
        grams: 730,
        cents: 29_900,
        year: 2019,
        sites: &[0, 0, 1],
    },
    Kind {
        key: "monitor",
        list: 0,
        count: 20,
        category: "Monitors",
        manufacturer: "Dell",
        model: "P2219H",
        model_number: "P2219Hb",
        serials: "CN0#####A###",
        storage: Storage::Nothing,
        grams: 5_500,
        cents: 15_900,
        year: 2018,
        sites: OFFICES,
    },
    Kind {
        key: "projector",
        list: 0,
        count: 15,
        category: "Projectors",
        manufacturer: "Epson",
        model: "PowerLite 108",
        model_number: "H860A",
        serials: "X4YJ9999999",
        storage: Storage::Nothing,
        grams: 3_510,
        cents: 54_900,
        year: 2016,
        sites: CLASSROOMS,
    },
    Kind {
        key: "dock",
        list: 0,
        count: 15,
        category: "Docking Stations",
        manufacturer: "Dell",
        model: "Dock WD19",
        model_number: "K20A",
        serials: "#######",
        storage: Storage::Nothing,
        grams: 400,
        cents: 18_900,
        year: 2019,
        sites: SECONDARY,
    },
    Kind {
        key: "office laptop",
        list: 1,
        count: 15,
        category: "Laptops",
        manufacturer: "Dell",
        model: "Latitude 5410",
        model_number: "P98G",
        serials: "#######",
        storage: NVME,
        grams: 1_680,
        cents: 109_900,
        year: 2019,
        sites: OFFICES,
    },
    Kind {
        key: "office desktop",
        list: 1,
        count: 15,
        category: "Desktops",
        manufacturer: "Dell",
        model: "OptiPlex 5060",
        model_number: "D11S",
        serials: "#######",
        storage: HDD,
        grams: 5_260,
        cents: 79_900,
        year: 2018,
        sites: OFFICES,
    },
    Kind {
        key: "printer",
        list: 1,
        count: 10,
        category: "Printers",
        manufacturer: "HP",
        model: "LaserJet Pro MFP M428fdw",
        model_number: "W1A30A",
        serials: "VNB3K99999",
        storage: Storage::NotLooked,
        grams: 10_320,
        cents: 42_900,
        year: 2018,
        sites: OFFICES,
    },
    Kind {
        key: "signage player",
        list: 2,
        count: 10,
        category: "Desktops",
        manufacturer: "Dell",
        model: "OptiPlex 3040 Micro",
        model_number: "D10U",
        serials: "#######",
        storage: SEAGATE,
        grams: 1_180,
        cents: 49_900,
        year: 2016,
        sites: OFFICES,
    },
    Kind {
        key: "display",
        list: 2,
        count: 10,
        category: "Interactive Displays",
        manufacturer: "ViewSonic",
        model: "ViewBoard IFP6550",
        model_number: "VS17119",
        serials: "VW9999999999",
        storage: Storage::Soldered(31_268_536_320),
        grams: 44_200,
        cents: 289_900,
        year: 2018,
        sites: CLASSROOMS,
    },
];

/// One device of the story.
pub struct Device {
    /// Its kind.
    pub kind: &'static Kind,
    /// Its tag.
    pub tag: String,
    /// Its serial number.
    pub serial: String,
    /// The serial number on its drive, where it has one.
    pub drive_serial: Option<String>,
    site: &'static str,
    in_service: bool,
    purchased: String,
}

/// Every device, in the order of the lists.
pub fn devices(dice: &mut Dice) -> Vec<Device> {
    let mut taken = BTreeSet::new();
    let mut devices = Vec::new();
    for kind in KINDS {
        for n in 0..kind.count {
            let serial = fresh(dice, kind.serials, &mut taken);
            let drive_serial = match kind.storage {
                Storage::Drive(_, _, _, pattern) => Some(fresh(dice, pattern, &mut taken)),
                _ => None,
            };
            let site = kind.sites.get(n % kind.sites.len().max(1)).and_then(|site| SITES.get(*site)).copied().unwrap_or("District warehouse");
            devices.push(Device {
                kind,
                tag: format!("NP-{:05}", 10_001 + devices.len()),
                serial,
                drive_serial,
                site,
                in_service: dice.roll(8) != 0,
                purchased: format!("{}-{:02}-{:02}", kind.year + dice.roll(2), 6 + dice.roll(3), 1 + dice.roll(28)),
            });
        }
    }
    devices
}

fn fresh(dice: &mut Dice, pattern: &str, taken: &mut BTreeSet<String>) -> String {
    loop {
        let serial = dice.fill(pattern);
        if taken.insert(serial.clone()) {
            return serial;
        }
    }
}

const HEADER: &str = "ID,Company,Asset Name,Device Image,Asset Tag,Serial,Model,Model No.,Category,Status,Checked Out To,Employee Number,Location,\
    Default Location,Manufacturer,Supplier,Purchase Date,Age,Purchase Cost,Order Number,EOL Rate,EOL Date,Warranty,Warranty Expires,Requestable,Notes,\
    Checkouts,Checkins,Requests,Created By,Created At,Updated at,Checkout Date,Last Checkin Date,Expected Checkin Date,Last Audit,Next Audit Date,BYOD";

/// A list as Snipe-IT's “Export” above the list of assets writes it: all its columns, with a byte order mark. What stands in the columns about
/// people is a placeholder that has to stay in the file.
pub fn export(devices: &[&Device]) -> String {
    let mut text = format!("\u{feff}{HEADER}\n");
    for (n, device) in (1u32..).zip(devices) {
        let kind = device.kind;
        let (status, holder) = if device.in_service {
            ("Deployed [Deployed]", format!("Placeholder Person {n:03}"))
        } else {
            ("Ready to Deploy [Deployable]", String::new())
        };
        let note = if n % 9 == 0 { "\"placeholder note, lid scratched at 11.6\"\" corner\"" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{n},North Prairie School District,PLACEHOLDER-HOST-{n:03},,{tag},{serial},{model},{number},{category},{status},{holder},PLACEHOLDER-{n:03},\
             {site},District warehouse,{maker},CDW-G,{bought},,{dollars}.{cents:02},PO-{order},,,36 months,,,{note},1,0,0,placeholder.clerk,\
             {bought} 09:00:00,{bought} 09:00:00,,,,,,0",
            tag = device.tag,
            serial = device.serial,
            model = kind.model,
            number = kind.model_number,
            category = kind.category,
            site = device.site,
            maker = kind.manufacturer,
            bought = device.purchased,
            dollars = kind.cents / 100,
            cents = kind.cents % 100,
            order = device.purchased.replace('-', ""),
        );
    }
    text
}
