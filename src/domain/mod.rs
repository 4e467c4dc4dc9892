//! What may happen to a device, and what follows from it: commands are decided into events, events are folded into records.
//! Knows no clock, no disk, no hash and no framework.

pub mod names;
pub mod refusal;
