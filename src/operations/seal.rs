//! Seals what happened into entries: canonical bytes, signature, place in the tree. Each entry names the leaf hash of the one before, so they are
//! sealed one after the other; but beside the writer, which meanwhile writes all that needs no hash, and then seals what is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use super::check_signed::Signed;
use crate::app::App;
use crate::domain::names::Instant as At;
use crate::domain::refusal::Refusal;
use crate::domain::{Happening, SIGNED, SIGNED_IN, Stamp, Subjects};
use crate::error::{Error, Result};
use crate::proof::entry::{self, Batch, EntryError, Frame, Subject, seal};
use crate::store::log::{EntryRow, Head};
use crate::store::to_db;

/// What happened, to be sealed.
pub struct Unsealed {
    /// Where and when it is recorded, and whose doing it was.
    pub stamp: Stamp,
    /// What happened.
    pub happening: Happening,
    /// What was signed by the one who did it, where this entry carries it.
    pub signed: Option<Arc<Signed>>,
}

/// The entries of a batch, each under the hash of the one before.
pub struct SealedBatch {
    /// The head after them.
    pub head: Head,
    /// The entries.
    pub entries: Vec<EntryRow>,
}

/// Fewest events that are sealed beside the writer; it seals fewer itself: waking another thread takes as long.
const FEWEST_BESIDE: usize = 4;

/// A thread that seals one batch at a time.
pub struct Sealer {
    app: Arc<App>,
    /// Without a bound: one that was called back before the thread came to it holds up nobody.
    orders: Sender<Arc<Shared>>,
}

impl Sealer {
    /// Starts the thread; it ends when this is dropped.
    pub fn start(app: &Arc<App>) -> Result<Self> {
        let (orders, given) = channel::<Arc<Shared>>();
        let work = move || given.iter().for_each(Shared::carry_out);
        std::thread::Builder::new().name("sealer".to_owned()).spawn(work).map_err(|e| Error::fault("starting the sealer", e))?;
        Ok(Self { app: Arc::clone(app), orders })
    }

    /// Begins to seal events that are recorded at this instant, after this head.
    pub fn seal(&self, head: Head, at: At, events: Vec<Unsealed>) -> Sealing {
        let many = events.len() >= FEWEST_BESIDE;
        let sealing = Sealing(Arc::new(Shared::new(Part::new(Chain::new(&self.app, head, at), events))));
        if many {
            // Where the thread has panicked, and said so, all of it is sealed by whoever wants the entries.
            let _ = self.orders.send(Arc::clone(&sealing.0));
        }
        sealing
    }
}

/// Events that are being sealed. The thread stops where this is dropped: their batch has failed.
pub struct Sealing(Arc<Shared>);

impl Sealing {
    /// The entries. What the thread has not sealed yet is sealed here: it may be waiting for a processor, and the writer has one. What cannot be an
    /// entry is refused, and with it the batch; a fault where the thread panicked.
    pub fn finish(self) -> Result<SealedBatch> {
        let mut part = self.0.call_back().ok_or_else(|| Error::Fault("the sealer stopped before its time".to_owned()))?;
        while part.go_on() {}
        part.sealed()
    }
}

impl Drop for Sealing {
    fn drop(&mut self) {
        self.0.called_back.store(true, Ordering::Relaxed);
    }
}

/// What the thread and whoever wants the entries work on, one event at a time, one after the other.
struct Shared {
    called_back: AtomicBool,
    part: Mutex<Option<Part>>,
}

impl Shared {
    fn new(part: Part) -> Self {
        Self { called_back: AtomicBool::new(false), part: Mutex::new(Some(part)) }
    }
    /// The thread's work.
    fn carry_out(self: Arc<Self>) {
        while !self.called_back.load(Ordering::Relaxed) {
            let Ok(mut part) = self.part.lock() else { return };
            if !part.as_mut().is_some_and(Part::go_on) {
                return;
            }
        }
    }
    /// Waits for the event that the thread is at, and takes the rest from it; nothing where it panicked at that.
    fn call_back(&self) -> Option<Part> {
        self.called_back.store(true, Ordering::Relaxed);
        self.part.lock().ok()?.take()
    }
}

/// A batch of which some events are sealed.
struct Part {
    chain: Chain,
    entries: Vec<EntryRow>,
    failed: Option<Error>,
    events: std::vec::IntoIter<Unsealed>,
}

impl Part {
    fn new(chain: Chain, events: Vec<Unsealed>) -> Self {
        Self { chain, entries: Vec::with_capacity(events.len()), failed: None, events: events.into_iter() }
    }
    /// Seals the next event; says whether there was one to seal.
    fn go_on(&mut self) -> bool {
        let Some(event) = self.events.next().filter(|_| self.failed.is_none()) else { return false };
        match self.chain.add(event) {
            Ok(entry) => self.entries.push(entry),
            Err(error) => self.failed = Some(error),
        }
        true
    }
    fn sealed(self) -> Result<SealedBatch> {
        self.failed.map_or(Ok(SealedBatch { head: self.chain.head, entries: self.entries }), Err)
    }
}

/// The end of the log while entries are added to it.
struct Chain {
    app: Arc<App>,
    head: Head,
    /// The frame of the next entry: what is the same for all stays in it.
    frame: Frame,
}

impl Chain {
    fn new(app: &Arc<App>, head: Head, at: At) -> Self {
        let frame = Frame {
            context: app.identity.entry_context(),
            log: app.identity.origin.clone(),
            seq: 0,
            prev: head.last_leaf,
            time: at.text(),
            occurred: at.text(),
            event: String::new(),
            actor: entry::Actor { id: String::new(), role: String::new(), party: String::new() },
            subjects: Vec::new(),
            batch: None,
            data: serde_json::Value::Null,
        };
        Self { app: Arc::clone(app), head, frame }
    }

    fn add(&mut self, unsealed: Unsealed) -> Result<EntryRow> {
        let Unsealed { stamp, happening, signed } = unsealed;
        self.set_frame(&stamp, &happening)?;
        if let (Some(signed), Some(data)) = (signed, self.frame.data.as_object_mut()) {
            data.insert(SIGNED.to_owned(), signed.document().clone());
        }
        if let (Some(how), Some(data)) = (stamp.actor.signed_in, self.frame.data.as_object_mut()) {
            data.insert(SIGNED_IN.to_owned(), how.as_str().into());
        }
        let sealed = seal(&self.frame, &self.app.keys.entry).map_err(|error| match error {
            EntryError::TooLarge { bytes } => Error::Refused(Refusal::new(
                "record.too_large",
                format!("What this would record takes {bytes} bytes, and an entry holds {}; split the command.", entry::MAX_ENTRY_BYTES),
            )),
            other => Error::Refused(Refusal::new("record.not_recordable", format!("This cannot be recorded: {other}."))),
        })?;
        let nodes = self.head.frontier.push(sealed.leaf);
        self.head.last_leaf = sealed.leaf;
        self.head.last_time = stamp.at.unix_ms();
        Ok(EntryRow { seq: to_db(stamp.seq), bytes: sealed.bytes, nodes: nodes.concat() })
    }

    fn set_frame(&mut self, stamp: &Stamp, happening: &Happening) -> Result<()> {
        let frame = &mut self.frame;
        frame.seq = stamp.seq;
        frame.prev = self.head.last_leaf;
        frame.occurred = if stamp.occurred == stamp.at { frame.time.clone() } else { stamp.occurred.text() };
        happening.event.name().clone_into(&mut frame.event);
        stamp.actor.person.as_str().clone_into(&mut frame.actor.id);
        stamp.actor.role.as_str().clone_into(&mut frame.actor.role);
        stamp.actor.party.as_str().clone_into(&mut frame.actor.party);
        frame.subjects = frame_subjects(&happening.about);
        frame.batch = happening.batch.as_ref().map(|(id, part, of)| Batch { id: id.clone(), part: *part, of: *of });
        frame.data = happening.event.data()?;
        Ok(())
    }
}

fn frame_subjects(about: &Subjects) -> Vec<Subject> {
    about.iter().map(|subject| Subject { id: subject.id.clone(), kind: subject.kind.as_str().to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::app::now;
    use crate::config::{Config, Given};
    use crate::domain::names::Role;
    use crate::domain::records::Records;
    use crate::domain::{Actor, Command, Occasion};
    use crate::operations::open_ledger;
    use crate::proof::digest::sha256;
    use crate::store::log;

    #[test]
    fn a_batch_is_the_same_wherever_the_thread_is_called_back() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given { data: Some(folder.path().join("data")), keys: Some(folder.path().join("keys")), ..Given::default() };
        let config = Config::new(&given, None, ".", None).unwrap();
        let (service, _lock) = open_ledger::init(&config, "http://localhost:8080", "District", &["School".to_owned()]).unwrap();
        let app = &service.app;
        let actor = Actor { role: Role::Administrator, ..app.service.clone() };
        let head = log::head(&mut app.connect().unwrap()).unwrap().unwrap();
        let at = now();
        let events = |lengths: &[usize]| -> Vec<Unsealed> {
            let register = |(n, length): (usize, &usize)| {
                let body = json!({"kind": "vendor", "name": "V".repeat(*length), "sites": ["Plant"]});
                let occasion = Occasion {
                    actor: &actor,
                    at,
                    occurred: at,
                    policy: &app.policy,
                    catalogue: &app.catalogue,
                    seed: n as u128,
                    place: 0,
                    sha256,
                    signed_by: None,
                };
                let happening = Command::read("register_party", body).unwrap().decide(&Records::complete(), &occasion).unwrap().remove(0);
                let stamp = Stamp { seq: head.frontier.size() + n as u64, at, occurred: at, actor: actor.clone() };
                Unsealed { stamp, happening, signed: None }
            };
            lengths.iter().enumerate().map(register).collect()
        };
        let told = |batch: SealedBatch| (batch.head, batch.entries);
        let part = |lengths: &[usize]| Part::new(Chain::new(app, head.clone(), at), events(lengths));
        let lengths = [3, 4, 5, 6, 7, 8];
        let mut whole = part(&lengths);
        while whole.go_on() {}
        let whole = told(whole.sealed().unwrap());
        assert_eq!(whole.1.len(), lengths.len());
        for called_back_after in 0..=lengths.len() {
            let shared = Arc::new(Shared::new(part(&lengths)));
            for _ in 0..called_back_after {
                assert!(shared.part.lock().unwrap().as_mut().unwrap().go_on());
            }
            assert_eq!(told(Sealing(Arc::clone(&shared)).finish().unwrap()), whole);
            // The thread finds nothing left to do.
            shared.carry_out();
        }
        let sealer = Sealer::start(app).unwrap();
        for few in [0, 1, FEWEST_BESIDE, lengths.len()] {
            let sealed = told(sealer.seal(head.clone(), at, events(&lengths[..few])).finish().unwrap());
            assert_eq!(sealed.1, whole.1[..few]);
            drop(sealer.seal(head.clone(), at, events(&lengths)));
        }
        // What cannot be an entry is refused, whoever comes to it.
        for called_back_after in [0, 5] {
            let mut unfit = events(&lengths);
            unfit[4].happening.batch = Some(("B".repeat(entry::MAX_ENTRY_BYTES), 1, None));
            let mut part = Part::new(Chain::new(app, head.clone(), at), unfit);
            (0..called_back_after).for_each(|_| assert!(part.go_on()));
            let refused = Sealing(Arc::new(Shared::new(part))).finish().err().unwrap();
            assert!(matches!(&refused, Error::Refused(refusal) if refusal.code == "record.too_large"), "{refused}");
        }
    }
}
