//! The two CSV exports of Snipe-IT: the asset list (whatever columns were visible) and the custom asset report (whatever columns were ticked).

use csv::StringRecord;

use super::{Field, Format, StatusKind};
use crate::domain::names::Category;

/// “Export” above the list of assets.
pub const ASSET_LIST: Format = Format {
    name: "snipe-it-asset-list",
    label: "Snipe-IT asset list",
    recognise: is_asset_list,
    columns: &[
        (Field::ExternalId, "ID"),
        (Field::Organisation, "Company"),
        (Field::Tag, "Asset Tag"),
        (Field::Serial, "Serial"),
        (Field::Manufacturer, "Manufacturer"),
        (Field::Model, "Model"),
        (Field::ModelNumber, "Model No."),
        (Field::Category, "Category"),
        (Field::Status, "Status"),
        (Field::Site, "Location"),
        (Field::DefaultSite, "Default Location"),
        (Field::Supplier, "Supplier"),
        (Field::OrderNumber, "Order Number"),
        (Field::PurchasedOn, "Purchase Date"),
        (Field::Cost, "Purchase Cost"),
    ],
    category,
    status,
};

/// “Custom Asset Report” below the reports.
pub const CUSTOM_REPORT: Format = Format {
    name: "snipe-it-custom-report",
    label: "Snipe-IT custom asset report",
    recognise: is_custom_report,
    columns: &[
        (Field::ExternalId, "ID"),
        (Field::Organisation, "Company"),
        (Field::Tag, "Asset Tag"),
        (Field::Serial, "Serial"),
        (Field::Manufacturer, "Manufacturer"),
        (Field::Model, "Model"),
        (Field::ModelNumber, "Model No."),
        (Field::Category, "Category"),
        (Field::Status, "Status"),
        (Field::Site, "Location"),
        (Field::DefaultSite, "Default Location"),
        (Field::Supplier, "Supplier"),
        (Field::OrderNumber, "Order Number"),
        (Field::PurchasedOn, "Purchased"),
        (Field::Cost, "Cost"),
        (Field::Deleted, "Deleted"),
    ],
    category,
    status,
};

fn has(header: &StringRecord, name: &str) -> bool {
    header.iter().any(|column| column.trim().eq_ignore_ascii_case(name))
}

/// Both exports: tags, and two more of the columns that only Snipe-IT names so.
fn is_ours(header: &StringRecord) -> bool {
    has(header, "Asset Tag")
        && ["Serial", "Model No.", "Status", "Category", "Company", "Asset Name"].iter().filter(|name| has(header, name)).count() >= 2
}

fn is_custom_report(header: &StringRecord) -> bool {
    let marks = ["Current Value", "Diff", "Purchased", "Cost", "Checked Out", "Fully Depreciated", "Employee No.", "URL", "Deleted"];
    let others = ["Purchase Date", "Purchase Cost", "Checked Out To", "Checkouts", "Device Image", "Requestable"];
    is_ours(header) && marks.iter().any(|name| has(header, name)) && !others.iter().any(|name| has(header, name))
}

fn is_asset_list(header: &StringRecord) -> bool {
    // `Asset Tag` beside `Model Number`, `Serial number` and the like is somebody else's list.
    let others = ["Model Number", "Serial Number", "JSS Computer ID", "FundingSource", "AssetTag"];
    is_ours(header) && (has(header, "Model No.") || has(header, "Serial")) && !others.iter().any(|name| has(header, name))
}

/// Categories are the organisation's own words; accessories are recognised first, so that a Chromebook cart is no Chromebook.
pub(super) fn category(words: &str) -> Category {
    let lower = words.to_lowercase();
    let tokens: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).map(|word| word.strip_suffix('s').unwrap_or(word)).filter(|word| !word.is_empty()).collect();
    let any = |known: &[&str]| known.iter().any(|word| tokens.contains(word));
    let phrase = |known: &[&str]| known.iter().any(|words| lower.contains(words));
    if any(&[
        "cart",
        "charger",
        "case",
        "adapter",
        "adaptor",
        "bag",
        "toner",
        "ink",
        "cable",
        "keyboard",
        "mouse",
        "mice",
        "stand",
        "mount",
        "battery",
        "batterie",
        "part",
        "license",
        "licence",
        "accessory",
        "accessorie",
        "stylu",
        "cover",
        "lamp",
        "bulb",
        "rack",
    ]) || phrase(&["document camera", "projector screen"])
    {
        Category::Other
    } else if any(&["dock", "docking"]) {
        Category::Dock
    } else if any(&["chromebook"]) {
        Category::Chromebook
    } else if phrase(&["interactive", "smart board", "smartboard", "promethean", "whiteboard", "touch panel", "newline"]) {
        Category::InteractiveDisplay
    } else if any(&["phone", "smartphone", "iphone", "cellphone", "handset"]) {
        Category::Phone
    } else if any(&["tablet", "ipad", "kindle"]) {
        Category::Tablet
    } else if any(&["laptop", "notebook", "macbook", "ultrabook", "netbook"]) {
        Category::Laptop
    } else if any(&["printer", "copier", "mfp", "plotter"]) {
        Category::Printer
    } else if any(&["projector"]) {
        Category::Projector
    } else if any(&["server"]) {
        Category::Server
    } else if any(&["network", "networking", "switch", "switche", "router", "firewall", "wap"]) || phrase(&["access point"]) {
        Category::NetworkEquipment
    } else if any(&["desktop", "pc", "workstation", "imac", "chromebox", "chromeboxe", "chromebase", "tower"])
        || phrase(&["all-in-one", "all in one", "thin client", "mac mini"])
    {
        Category::Desktop
    } else if any(&["monitor", "display"]) {
        Category::Monitor
    } else {
        Category::Other
    }
}

/// `Pending Disposal [Undeployable]` in the list, `Pending Disposal (Undeployable)` in the report; the name itself may hold brackets.
fn status(text: &str) -> (String, StatusKind) {
    let split = [(']', " ["), (')', " (")].into_iter().find_map(|(close, open)| {
        let (name, kind) = text.strip_suffix(close)?.rsplit_once(open)?;
        let kind = match kind.trim().to_ascii_lowercase().as_str() {
            "deployed" => StatusKind::Deployed,
            "deployable" | "ready to deploy" => StatusKind::Deployable,
            "pending" => StatusKind::Pending,
            "undeployable" => StatusKind::Undeployable,
            "archived" => StatusKind::Archived,
            _ => return None,
        };
        Some((name.trim().to_owned(), kind)).filter(|(name, _)| !name.is_empty())
    });
    split.unwrap_or_else(|| (text.to_owned(), StatusKind::Unknown))
}
