//! Documents: credentials, the JSON-LD context that names their members, certificate pages, the papers of a consignment, labels, and letters. Bytes
//! out, nothing fetched, no clock.

pub mod certificate_credential;
pub mod certificate_pdf;
pub mod code128;
pub mod context;
pub mod csv_file;
pub mod labels;
mod layout;
pub mod mail;
pub mod manifest_pdf;
mod pdf_file;
pub mod pick_list_pdf;
pub mod policy_text;
pub mod qr;
pub mod receipt_pdf;
pub mod reconciliation_pdf;
pub mod sheet;
mod table;
mod typeface;

pub use pdf_file::NotDrawable;
