//! The one write path. One thread owns the write connection and works in batches: whatever queued while the last batch was being committed is
//! the next one; it never waits for a batch to fill. Nothing is answered before the commit is on the disk.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tokio::sync::oneshot;

use super::once::{Answers, Once, Outcome};
use crate::app::{App, now, seed};
use crate::domain::consignment::{self, Consignment};
use crate::domain::names::{ConsignmentId, Instant};
use crate::domain::records::{Need, Records, Stop};
use crate::domain::refusal::Refusal;
use crate::domain::{Actor, Command, Happening, Occasion, Stamp, Subjects};
use crate::error::{Error, Result};
use crate::proof::entry::{self, Batch, EntryError, Frame, Subject, seal};
use crate::store::log::{CheckpointRow, EntryRow, Head, append, move_head, take_head};
use crate::store::{Database, Ended, WriteError, tables, to_db};

/// Most commands of one batch.
const BATCH: usize = 256;
/// Most commands that wait; beyond that, callers are told to come back.
const QUEUE: usize = 8_192;
/// Most rounds of loading what a command asks for. Each round reaches one relation further; no command goes deeper than six.
const ROUNDS: usize = 12;
/// Commits between two moves of SQLite's WAL into its file.
const COMMITS_PER_TIDY: u32 = 400;

/// Written in the same transaction as the events of a command: rows that no event derives.
pub type Beside = Arc<dyn Fn(&mut Database, &Receipt) -> Result<()> + Send + Sync>;

/// One entry that a command became.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Recorded {
    /// Its index.
    pub seq: u64,
    /// Its kind.
    pub event: &'static str,
    /// What it is about.
    pub subjects: Vec<crate::domain::Subject>,
}

/// The answer to a command: its entries are on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Receipt {
    /// When they were recorded.
    pub time: Option<Instant>,
    /// The entries; none where everything was recorded before.
    pub entries: Vec<Recorded>,
}

impl Receipt {
    /// The id of the first subject of a kind.
    pub fn subject(&self, kind: crate::domain::SubjectKind) -> Option<&str> {
        self.entries.iter().flat_map(|entry| &entry.subjects).find(|subject| subject.kind == kind).map(|subject| subject.id.as_str())
    }
}

/// What belongs to a command besides itself and the one who gives it.
#[derive(Clone, Default)]
pub struct Terms {
    /// When it happened, as claimed; now where nothing is said.
    pub occurred: Option<Instant>,
    /// Rows that no event derives.
    pub beside: Option<Beside>,
    /// The request that it is the effect of, where that may be repeated.
    pub once: Option<Once>,
    /// The consignment that it changes, only if entry `.1` was the last to change that.
    pub expected: Option<(ConsignmentId, u64)>,
}

struct Job {
    command: Command,
    actor: Actor,
    terms: Terms,
    seed: u128,
    answer: oneshot::Sender<Result<Outcome<Receipt>>>,
}

impl Job {
    fn decide(&self, known: &Records, occasion: &Occasion) -> std::result::Result<Vec<Happening>, Stop> {
        // Who may not do it, or not any more, is told that; only then whether it is still what was looked at.
        let happenings = self.command.decide(known, occasion)?;
        if let Some((id, last_seq)) = &self.terms.expected
            && let Some(consignment) = known.find::<Consignment>(id)?
        {
            consignment::require_unmoved(consignment, *last_seq)?;
        }
        Ok(happenings)
    }
}

type Writing = dyn FnOnce(&App, &mut Database) + Send;

enum Work {
    Record(Box<Job>),
    Publish(oneshot::Sender<Result<CheckpointRow>>),
    Write(Box<Writing>),
}

/// Hands commands to the writer.
#[derive(Clone)]
pub struct Recorder {
    queue: SyncSender<Work>,
}

impl Recorder {
    /// Starts the writer on its own connection.
    pub fn start(app: Arc<App>) -> Result<Self> {
        let (queue, work) = sync_channel(QUEUE);
        let db = app.connect()?;
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || Writer { app, db, commits: 0 }.run(&work))
            .map_err(|e| Error::fault("starting the writer", e))?;
        Ok(Self { queue })
    }

    fn submit(&self, work: Work) -> Result<()> {
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => Error::Busy("Too many commands are waiting; try again in a second.".to_owned()),
            TrySendError::Disconnected(_) => Error::Fault("the writer has stopped".to_owned()),
        })
    }

    fn send(&self, command: Command, actor: &Actor, terms: Terms) -> Result<oneshot::Receiver<Result<Outcome<Receipt>>>> {
        let (answer, answered) = oneshot::channel();
        self.submit(Work::Record(Box::new(Job { command, actor: actor.clone(), terms, seed: seed()?, answer })))?;
        Ok(answered)
    }

    /// Records a command: its entries are on the disk when this returns, or nothing is.
    pub async fn record(&self, command: impl Into<Command>, actor: &Actor, terms: Terms) -> Result<Outcome<Receipt>> {
        self.send(command.into(), actor, terms)?.await.map_err(|_| stopped())?
    }

    /// The same for threads that may wait.
    pub fn record_once(&self, command: impl Into<Command>, actor: &Actor, terms: Terms) -> Result<Outcome<Receipt>> {
        self.send(command.into(), actor, terms)?.blocking_recv().map_err(|_| stopped())?
    }

    /// The same for commands that nobody repeats.
    pub fn record_waiting(&self, command: impl Into<Command>, actor: &Actor, occurred: Option<Instant>, beside: Option<Beside>) -> Result<Receipt> {
        self.record_once(command, actor, Terms { occurred, beside, ..Terms::default() })?.now()
    }

    /// Hands over many commands before waiting for the first answer; answers in the same order.
    pub fn record_many(&self, commands: Vec<(Command, Option<Instant>)>, actor: &Actor) -> Vec<Result<Receipt>> {
        let waiting: Vec<_> =
            commands.into_iter().map(|(command, occurred)| self.send(command, actor, Terms { occurred, ..Terms::default() })).collect();
        waiting.into_iter().map(|answered| answered?.blocking_recv().map_err(|_| stopped())??.now()).collect()
    }

    /// Writes rows that no event derives, in a transaction of their own; they are on the disk when this returns.
    pub fn write_waiting<T: Send + 'static>(&self, work: impl FnOnce(&mut Database) -> Result<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.submit(Work::Write(Box::new(move |app, db| {
            let written = app.halt.check().and_then(|()| match db.write(|db| work(db).map(Ended::Committed)) {
                Ok(Ended::Committed(value) | Ended::Abandoned(value)) => Ok(value),
                Err(WriteError::Before(error)) => Err(error),
                Err(WriteError::Commit(error)) => app.halt.guard(Err(error)),
            });
            let _ = answer.send(written);
        })))?;
        answered.blocking_recv().map_err(|_| stopped())?
    }

    /// Signs a checkpoint over everything committed so far, where the newest does not cover it yet.
    pub fn publish_waiting(&self) -> Result<CheckpointRow> {
        let (answer, answered) = oneshot::channel();
        self.submit(Work::Publish(answer))?;
        answered.blocking_recv().map_err(|_| stopped())?
    }
}

fn stopped() -> Error {
    Error::Fault("the writer has stopped".to_owned())
}

struct Writer {
    app: Arc<App>,
    db: Database,
    commits: u32,
}

/// What one attempt at a batch came to.
enum Attempt {
    Done(Vec<Result<Outcome<Receipt>>>),
    /// A write failed because of what one of the commands wanted to write.
    Poisoned(Error),
    /// Nothing can be written.
    Failed(Error),
}

impl Writer {
    fn run(mut self, work: &Receiver<Work>) {
        while let Ok(first) = work.recv() {
            let mut jobs = Vec::new();
            let mut publish = Vec::new();
            let mut write = Vec::new();
            for work in std::iter::once(first).chain(work.try_iter()) {
                match work {
                    Work::Record(job) => jobs.push(*job),
                    Work::Publish(answer) => publish.push(answer),
                    Work::Write(work) => write.push(work),
                }
                if jobs.len() == BATCH {
                    break;
                }
            }
            self.batch(jobs);
            write.into_iter().for_each(|work| work(&self.app, &mut self.db));
            if !publish.is_empty() {
                let published = super::publish_checkpoint::publish(&self.app, &mut self.db);
                for answer in publish {
                    let result = match &published {
                        Ok(row) => Ok(row.clone()),
                        Err(error) => Err(Error::Fault(error.to_string())),
                    };
                    let _ = answer.send(result);
                }
            }
            if self.commits >= COMMITS_PER_TIDY {
                self.commits = 0;
                let tidied = self.db.tidy_up();
                let _ = self.app.halt.guard(tidied);
            }
        }
    }

    fn batch(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        match self.attempt(&jobs) {
            Attempt::Done(answers) => deliver(jobs, answers),
            Attempt::Poisoned(error) if jobs.len() == 1 => deliver(jobs, vec![Err(error)]),
            // A poisoned command harms only itself: the batch again, one command at a time.
            Attempt::Poisoned(_) => jobs.into_iter().for_each(|job| self.batch(vec![job])),
            Attempt::Failed(error) => {
                let answers = jobs.iter().map(|_| Err(clone(&error))).collect();
                deliver(jobs, answers);
            }
        }
    }

    fn attempt(&mut self, jobs: &[Job]) -> Attempt {
        if let Err(error) = self.app.halt.check() {
            return Attempt::Failed(error);
        }
        let app = Arc::clone(&self.app);
        let writing = Cell::new(false);
        match self.db.write(|db| batch_in_transaction(&app, db, jobs, &writing)) {
            Ok(Ended::Committed(answers)) => {
                self.commits += 1;
                Attempt::Done(answers)
            }
            Ok(Ended::Abandoned(answers)) => Attempt::Done(answers),
            Err(WriteError::Before(error @ Error::Busy(_))) => Attempt::Failed(error),
            Err(WriteError::Before(error @ (Error::Refused(_) | Error::Conflict(_)))) => Attempt::Poisoned(error),
            // Nothing was written yet: a record that cannot be read harms only the command that asked for it.
            Err(WriteError::Before(error)) if !writing.get() => Attempt::Poisoned(error),
            // The disk or the database fails: what it holds is not known any more, so nothing is acknowledged until a restart has looked.
            Err(WriteError::Before(error) | WriteError::Commit(error)) => {
                self.app.halt.stop(&error);
                Attempt::Failed(error)
            }
        }
    }
}

fn clone(error: &Error) -> Error {
    match error {
        Error::Busy(why) => Error::Busy(why.clone()),
        other => Error::Fault(other.to_string()),
    }
}

fn deliver(jobs: Vec<Job>, answers: Vec<Result<Outcome<Receipt>>>) {
    for (job, answer) in jobs.into_iter().zip(answers) {
        // Whoever asked may have gone; what was recorded stays recorded.
        let _ = job.answer.send(answer);
    }
}

/// One batch inside its transaction: load, decide, seal, write. A crash anywhere in here leaves nothing behind.
fn batch_in_transaction(app: &App, db: &mut Database, jobs: &[Job], writing: &Cell<bool>) -> Result<Ended<Vec<Result<Outcome<Receipt>>>>> {
    let before = take_head(db)?;
    let at = Instant::from_unix_ms(before.last_time).map_or_else(now, |last| now().max(last));
    let mut once = Answers::load(db, jobs.iter().filter_map(|job| job.terms.once.as_ref()))?;
    let mut known = Records::default();
    load_for(app, db, jobs, at, &mut known)?;
    let mut sealing = Sealing { app, head: before.clone(), rows: Vec::new(), subjects: Vec::new() };
    let mut answers = Vec::with_capacity(jobs.len());
    let mut besides: Vec<(&Beside, Receipt)> = Vec::new();
    for job in jobs {
        if let Some(answer) = once.of(job.terms.once.as_ref()) {
            answers.push(answer.map(Outcome::Before));
            continue;
        }
        answers.push(match decide(app, db, job, at, &mut known)? {
            Err(refusal) => Err(Error::from(refusal)),
            Ok(happenings) => {
                let receipt = sealing.seal(job, at, happenings, &mut known)?;
                once.add(job.terms.once.as_ref(), at, &receipt)?;
                if let Some(beside) = &job.terms.beside {
                    besides.push((beside, receipt.clone()));
                }
                Ok(Outcome::Now(receipt))
            }
        });
    }
    if sealing.rows.is_empty() && besides.is_empty() && once.is_empty() {
        return Ok(Ended::Abandoned(answers));
    }
    writing.set(true);
    write(db, &before, &sealing, &known, &besides).and_then(|()| once.save(db)).map_err(poison)?;
    Ok(Ended::Committed(answers))
}

fn write(db: &mut Database, before: &Head, sealing: &Sealing, known: &Records, besides: &[(&Beside, Receipt)]) -> Result<()> {
    append(db, &sealing.rows, &sealing.subjects)?;
    tables::save(db, known)?;
    for (beside, receipt) in besides {
        beside(db, receipt)?;
    }
    move_head(db, before, &sealing.head)
}

/// A broken constraint is the doing of one command, which then is in conflict with another; anything else is the database's.
fn poison(error: Error) -> Error {
    match &error {
        Error::Fault(why) if why.contains("UNIQUE constraint") || why.contains("unique constraint") => Error::Conflict(Refusal::new(
            "record.taken",
            "Another command took the same tag, serial number or place a moment ago; look at it and try again.",
        )),
        _ => error,
    }
}

fn occasion<'a>(app: &'a App, job: &'a Job, at: Instant) -> Occasion<'a> {
    Occasion { actor: &job.actor, at, occurred: job.terms.occurred.unwrap_or(at), policy: &app.policy, seed: job.seed }
}

/// Loads what the commands of a batch ask for, round by round, so that each round is one visit to the database.
fn load_for(app: &App, db: &mut Database, jobs: &[Job], at: Instant, known: &mut Records) -> Result<()> {
    let mut asking: Vec<&Job> = jobs.iter().collect();
    for _ in 0..ROUNDS {
        let mut needs: Vec<Need> = Vec::new();
        asking.retain(|job| match job.decide(known, &occasion(app, job, at)) {
            Err(Stop::Needs(more)) => {
                needs.extend(more);
                true
            }
            _ => false,
        });
        if needs.is_empty() {
            return Ok(());
        }
        needs.sort();
        needs.dedup();
        for need in &needs {
            if !known.has(need) {
                tables::load(db, need, known)?;
            }
        }
    }
    Ok(())
}

/// Decides one command; loads what it asks for only now because of what the commands before it did.
fn decide(app: &App, db: &mut Database, job: &Job, at: Instant, known: &mut Records) -> Result<std::result::Result<Vec<Happening>, Refusal>> {
    ask(db, known, |known| job.decide(known, &occasion(app, job, at)))
}

/// Asks a pure question, loading what it needs until it has an answer.
pub fn ask<T>(
    db: &mut Database,
    known: &mut Records,
    question: impl Fn(&Records) -> std::result::Result<T, Stop>,
) -> Result<std::result::Result<T, Refusal>> {
    for _ in 0..ROUNDS {
        match question(known) {
            Ok(answer) => return Ok(Ok(answer)),
            Err(Stop::Refused(refusal)) => return Ok(Err(refusal)),
            Err(Stop::Needs(needs)) => {
                for need in &needs {
                    if !known.has(need) {
                        tables::load(db, need, known)?;
                    }
                }
            }
        }
    }
    Err(Error::Fault(format!("a command asked for more after {ROUNDS} rounds of loading")))
}

/// Seals events into entries, one after the other: each names the leaf hash of the one before.
struct Sealing<'a> {
    app: &'a App,
    head: Head,
    rows: Vec<EntryRow>,
    subjects: Vec<(String, i64)>,
}

impl Sealing<'_> {
    fn seal(&mut self, job: &Job, at: Instant, happenings: Vec<Happening>, known: &mut Records) -> Result<Receipt> {
        let mut receipt = Receipt { time: Some(at), entries: Vec::with_capacity(happenings.len()) };
        for happening in happenings {
            let seq = self.head.frontier.size();
            let stamp = Stamp { seq, at, occurred: job.terms.occurred.unwrap_or(at), actor: job.actor.clone() };
            let frame = self.frame(&stamp, &happening)?;
            let sealed = seal(&frame, &self.app.keys.entry).map_err(|error| match error {
                EntryError::TooLarge { bytes } => Error::Refused(Refusal::new(
                    "record.too_large",
                    format!("What this would record takes {bytes} bytes, and an entry holds {}; split the command.", entry::MAX_ENTRY_BYTES),
                )),
                other => Error::Refused(Refusal::new("record.not_recordable", format!("This cannot be recorded: {other}."))),
            })?;
            happening.event.apply(&happening.about, &stamp, known);
            if let Some(need) = known.not_loaded.first() {
                return Err(Error::Fault(format!("{} changed {need:?}, which its command did not ask for", happening.event.name())));
            }
            let nodes = self.head.frontier.push(sealed.leaf);
            self.head.last_leaf = sealed.leaf;
            self.head.last_time = at.unix_ms();
            let subjects: Vec<_> = happening.about.iter().cloned().collect();
            self.subjects.extend(subjects.iter().map(|subject| (subject.id.clone(), to_db(seq))));
            self.rows.push(EntryRow { seq: to_db(seq), bytes: sealed.bytes, nodes: nodes.concat() });
            receipt.entries.push(Recorded { seq, event: happening.event.name(), subjects });
        }
        Ok(receipt)
    }

    fn frame(&self, stamp: &Stamp, happening: &Happening) -> Result<Frame> {
        Ok(Frame {
            context: self.app.identity.entry_context(),
            log: self.app.identity.origin.clone(),
            seq: stamp.seq,
            prev: self.head.last_leaf,
            time: stamp.at.text(),
            occurred: stamp.occurred.text(),
            event: happening.event.name().to_owned(),
            actor: entry::Actor {
                id: stamp.actor.person.to_string(),
                role: stamp.actor.role.as_str().to_owned(),
                party: stamp.actor.party.to_string(),
            },
            subjects: frame_subjects(&happening.about),
            batch: happening.batch.as_ref().map(|(id, part, of)| Batch { id: id.clone(), part: *part, of: *of }),
            data: happening.event.data()?,
        })
    }
}

fn frame_subjects(about: &Subjects) -> Vec<Subject> {
    about.iter().map(|subject| Subject { id: subject.id.clone(), kind: subject.kind.as_str().to_owned() }).collect()
}
