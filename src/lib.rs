//! Quittance.
#[cfg(feature = "service")]
pub mod domain;
#[cfg(feature = "service")]
pub mod evidence;
#[cfg(feature = "service")]
pub mod inventories;
