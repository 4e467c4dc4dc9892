//! Documents: credentials, the JSON-LD context that names their members, certificate pages, and letters. Bytes out, nothing fetched, no clock.

pub mod certificate_credential;
pub mod certificate_pdf;
pub mod context;
pub mod csv_file;
mod layout;
pub mod mail;
mod pdf_file;
pub mod qr;
mod table;
mod typeface;

pub use pdf_file::NotDrawable;
