//! Several commands as one act: each is decided knowing what the ones before it came to, and either all of their events happen or none.

use super::records::{Records, Stop};
use super::{Happening, Occasion, Order, Stamp, require_role};

/// An act that is being put together.
pub(super) struct Together<'a> {
    known: &'a Records,
    occasion: &'a Occasion<'a>,
    /// What the steps have asked for, as the steps before have changed it.
    mine: Records,
    steps: u64,
    happenings: Vec<Happening>,
}

impl<'a> Together<'a> {
    pub(super) fn new(known: &'a Records, occasion: &'a Occasion<'a>) -> Self {
        Self { known, occasion, mine: Records::default(), steps: 0, happenings: Vec::new() }
    }

    /// One more command, or why the whole act cannot be.
    pub(super) fn step<O: Order>(&mut self, order: &O) -> Result<(), Stop> {
        require_role(O::ROLES, self.occasion.actor)?;
        self.steps += 1;
        // Fresh ids of one step are none of another's.
        let seed = self.occasion.seed.wrapping_add(u128::from(self.steps) << 32);
        let occasion = Occasion { seed, ..self.occasion.clone() };
        let happenings = loop {
            match order.decide(&self.mine, &occasion) {
                Ok(happenings) => break happenings,
                Err(Stop::Needs(needs)) => self.mine.lend(self.known, needs)?,
                Err(refused) => return Err(refused),
            }
        };
        // The entries have no number yet; nothing that is decided here may depend on one.
        let stamp = Stamp { seq: u64::MAX, at: occasion.at, occurred: occasion.occurred, actor: occasion.actor.clone() };
        for happening in &happenings {
            happening.event.apply(&happening.about, &stamp, &mut self.mine);
        }
        self.happenings.extend(happenings);
        Ok(())
    }

    /// What has become of a record.
    pub(super) fn records(&mut self, ask: impl Fn(&Records) -> Result<(), Stop>) -> Result<&Records, Stop> {
        loop {
            match ask(&self.mine) {
                Ok(()) => return Ok(&self.mine),
                Err(Stop::Needs(needs)) => self.mine.lend(self.known, needs)?,
                Err(refused) => return Err(refused),
            }
        }
    }

    /// The events of all steps, as the parts of one act.
    pub(super) fn finish(self) -> Vec<Happening> {
        Happening::one_act(self.happenings, self.occasion.fresh(0))
    }
}
