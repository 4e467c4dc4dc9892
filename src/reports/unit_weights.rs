//! Weights of devices that nobody weighed, by kind of device: estimates, each with its source.
//!
//! The medians of laptops, Chromebooks, tablets, servers and phones are derived from Boavizta's environmental-footprint-data (commit 61323eb5, 2023-02-23),
//! licensed under the Open Database License 1.0 (<https://opendatacommons.org/licenses/odbl/1-0/>): this table is offered under it as well.
//! UNU-KEY weights are Statistics Netherlands' “Waste over Time”, `htbl_Key_Weight.csv`, 2016.

use crate::domain::names::Category;

/// Grams and their source; none where no source was found: weigh those.
pub(super) fn default_for(category: Category) -> Option<(u32, &'static str)> {
    Some(match category {
        Category::Laptop => (1_680, "Boavizta, median of 372"),
        Category::Chromebook => (1_450, "Boavizta, median of 37"),
        Category::Tablet => (730, "Boavizta, median of 7"),
        Category::Server => (22_230, "Boavizta, median of 55"),
        Category::Phone => (170, "Boavizta, median of 15"),
        Category::Desktop => (8_770, "UNU-KEY 0302"),
        Category::Monitor => (5_500, "UNU-KEY 0309"),
        Category::Printer => (10_320, "UNU-KEY 0304"),
        Category::Projector => (3_510, "UNU-KEY 0404"),
        Category::NetworkEquipment => (400, "UNU-KEY 0301, small equipment with routers; a switch weighs more"),
        Category::Dock => (400, "UNU-KEY 0301"),
        Category::InteractiveDisplay => (64_000, "one product of 75 inch; 42 to 123 kg by size"),
        _ => return None,
    })
}

/// Every default with its source, for the report's own table.
pub(super) fn all() -> impl Iterator<Item = (Category, u32, &'static str)> {
    Category::ALL.iter().filter_map(|category| default_for(*category).map(|(grams, source)| (*category, grams, source)))
}
