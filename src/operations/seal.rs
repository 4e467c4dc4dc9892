//! Seals what happened into entries: canonical bytes, signature, place in the tree. Each entry names the leaf hash of the one before, so they are
//! sealed one after the other; but beside the writer, which meanwhile writes all that needs no hash.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};

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
    orders: SyncSender<Order>,
}

impl Sealer {
    /// Starts the thread; it ends when this is dropped.
    pub fn start(app: &Arc<App>) -> Result<Self> {
        let (orders, given) = sync_channel::<Order>(1);
        let work = move || given.iter().for_each(Order::carry_out);
        std::thread::Builder::new().name("sealer".to_owned()).spawn(work).map_err(|e| Error::fault("starting the sealer", e))?;
        Ok(Self { app: Arc::clone(app), orders })
    }

    /// Has events sealed that are recorded at this instant, after this head.
    pub fn seal(&self, head: Head, at: At, events: Vec<Unsealed>) -> Sealing {
        let (done, sealed) = sync_channel(1);
        let order = Order { chain: Chain::new(&self.app, head, at), events, done };
        if order.events.len() < FEWEST_BESIDE {
            order.carry_out();
        } else if let Err(SendError(order)) = self.orders.send(order) {
            // The thread has panicked, and said so.
            order.carry_out();
        }
        Sealing(sealed)
    }
}

/// Events that are being sealed.
pub struct Sealing(Receiver<Result<SealedBatch>>);

impl Sealing {
    /// Waits for the entries. What cannot be an entry is refused, and with it the batch; a fault where the thread panicked.
    pub fn wait(self) -> Result<SealedBatch> {
        self.0.recv().unwrap_or_else(|_| Err(Error::Fault("the sealer stopped before its time".to_owned())))
    }
}

struct Order {
    chain: Chain,
    events: Vec<Unsealed>,
    done: SyncSender<Result<SealedBatch>>,
}

impl Order {
    fn carry_out(self) {
        let Self { mut chain, events, done } = self;
        let sealed = events.into_iter().map(|event| chain.add(event)).collect::<Result<Vec<_>>>();
        // Where nobody waits for it any more, the batch has failed for a reason of its own.
        let _ = done.send(sealed.map(|entries| SealedBatch { head: chain.head, entries }));
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
