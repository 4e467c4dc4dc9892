//! Which database a test runs on: the same tests are compiled twice, in a module `sqlite` and in a module `postgres` of their binary.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

use std::path::Path;

use quittance::store::DatabaseUrl;

#[cfg(feature = "postgres")]
mod cluster;
#[cfg(feature = "postgres")]
pub use cluster::{Cluster, shared, signal, there};

/// The database of a test: SQLite in its data folder, or a new one in the private cluster where the module that asks is the `postgres` one of its
/// binary.
pub fn database(module: &str, data: &Path) -> DatabaseUrl {
    #[cfg(feature = "postgres")]
    if on_postgres(module) && there() {
        return shared().create();
    }
    #[cfg(not(feature = "postgres"))]
    let _ = module;
    DatabaseUrl::in_folder(data)
}

/// Whether a module (`module_path!()`) is the `postgres` one of its binary, or in it.
pub fn on_postgres(module: &str) -> bool {
    module.split("::").nth(1) == Some("postgres")
}
