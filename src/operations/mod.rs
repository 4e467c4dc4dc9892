//! The verbs: one file for each thing the service does, where domain, proof, documents and store meet.

pub mod administer;
pub mod agree;
pub mod announce;
pub mod audit_ledger;
pub mod check_papers;
pub mod check_signed;
pub mod create_link;
pub mod deliver_mail;
pub mod find_exceptions;
pub mod find_on_bench;
pub mod finish_work;
pub mod govern;
pub mod grow_catalogue;
pub mod import_inventory;
pub mod import_past;
pub mod issue_certificate;
pub mod keep_profiles;
pub mod lint_reports;
pub mod match_readings;
pub mod once;
pub mod open_ledger;
pub mod prove;
pub mod publish_checkpoint;
pub mod publish_status;
pub mod read_file;
pub mod rebuild_tables;
pub mod receive_evidence;
pub mod receive_list;
pub mod receive_parts;
pub mod record;
pub mod remind;
pub mod run_bulk;
pub mod seal;
pub mod take_sightings;
pub mod verify_certificate;
pub mod withhold_evidence;
pub mod write_note;

use std::sync::Arc;

use crate::app::App;
use crate::evidence::mapped::Profiles;

/// A running record: what it may reach, its one writer, and how files are read that no reader knows.
#[derive(Clone)]
pub struct Service {
    /// What operations may reach.
    pub app: Arc<App>,
    /// The one writer.
    pub recorder: record::Recorder,
    /// The organisation's profiles.
    pub profiles: Arc<Profiles>,
}
