//! The one write path. One thread owns the write connection and works in batches: whatever queued while the last batch was being committed is
//! the next one; it never waits for a batch to fill. Nothing is answered before the commit is on the disk.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use super::check_signed::Signed;
use super::once::{Answers, Once, Outcome};
use super::seal::{SealedBatch, Sealer, Unsealed};
use super::{announce, withhold_evidence};
use crate::app::{App, now, seed};
use crate::domain::consignment::{self, Consignment};
use crate::domain::names::{ConsignmentId, Instant as At};
use crate::domain::records::{Need, Records, Stop};
use crate::domain::refusal::Refusal;
use crate::domain::{Actor, Command, Happening, Occasion, Stamp};
use crate::error::{Error, Result};
use crate::proof::digest::sha256;
use crate::store::log::{CheckpointRow, EntryRow, SubjectRow, move_head, take_head};
use crate::store::{Database, Ended, WriteError, assignees, derived, from_db, log, tables, to_db};

/// Most commands of one batch.
const BATCH: usize = 256;
/// Most commands that wait; beyond that, callers are told to come back.
const QUEUE: usize = 8_192;
/// Most rounds of loading what a command asks for. Each round reaches one relation further; no command goes deeper than six.
const ROUNDS: usize = 12;
/// Commits between two moves of SQLite's WAL into its file.
const COMMITS_PER_TIDY: u32 = 400;

/// How long the writer goes on trying for a batch: PostgreSQL away, or the head held by another server. Then the callers are told to come back.
const PATIENCE: Duration = Duration::from_secs(2);

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
    pub time: Option<At>,
    /// The entries; none where everything was recorded before.
    pub entries: Vec<Recorded>,
}

impl Receipt {
    /// The id of the first subject of a kind.
    pub fn subject(&self, kind: crate::domain::SubjectKind) -> Option<&str> {
        self.entries.iter().flat_map(|entry| &entry.subjects).find(|subject| subject.kind == kind).map(|subject| subject.id.as_str())
    }
}

/// What a command came to.
type Answer = Result<Outcome<Receipt>>;

/// Answers for those who wait on one and the same thread: that thread is woken once for all that a batch has for it, not once for each.
#[derive(Default)]
pub struct Post {
    come: Notify,
    answers: Mutex<Vec<(oneshot::Sender<Answer>, Answer)>>,
}

impl Post {
    /// Hands out what comes, without end; runs on the thread of those who wait.
    pub async fn hand_out(&self) {
        loop {
            self.come.notified().await;
            let come = std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
            come.into_iter().for_each(|(to, answer)| give(to, answer));
        }
    }
    fn put(&self, to: oneshot::Sender<Answer>, answer: Answer) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push((to, answer));
    }
}

/// Whoever asked may have gone; what was recorded stays recorded.
fn give(to: oneshot::Sender<Answer>, answer: Answer) {
    let _ = to.send(answer);
}

/// What belongs to a command besides itself and the one who gives it.
#[derive(Clone, Default)]
pub struct Terms {
    /// When it happened, as claimed; now where nothing is said.
    pub occurred: Option<At>,
    /// Rows that no event derives.
    pub beside: Option<Beside>,
    /// The request that it is the effect of, where that may be repeated.
    pub once: Option<Once>,
    /// The consignment that it changes, only if entry `.1` was the last to change that.
    pub expected: Option<(ConsignmentId, u64)>,
    /// The same, stated by the one who gives it and signed with a key of their own.
    pub signed: Option<Arc<Signed>>,
    /// The act that its entries are part of, where the command does not say: id, number of the part, number of parts.
    pub batch: Option<(String, u32, Option<u32>)>,
    /// By which post the answer comes; without one its receiver is woken for it alone.
    pub post: Option<Arc<Post>>,
}

struct Job {
    command: Command,
    actor: Actor,
    terms: Terms,
    seed: u128,
    /// Its place in its batch.
    place: u8,
    answer: oneshot::Sender<Answer>,
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

/// Where the writer's time went since it was started, in nanoseconds; what is left is waiting for work.
#[derive(Debug, Default)]
pub struct Spent {
    /// Committed batches.
    pub batches: AtomicU64,
    /// Commands in them.
    pub commands: AtomicU64,
    /// Taking the head, loading records, deciding, letting that take effect.
    pub decide: AtomicU64,
    /// Canonical bytes, signatures and tree, as far as the writer makes them, and waiting for what is made beside it.
    pub seal: AtomicU64,
    /// Writing rows inside the transaction.
    pub write: AtomicU64,
    /// The commit, with the wait for the disk.
    pub commit: AtomicU64,
}

impl Spent {
    fn add(counter: &AtomicU64, since: Instant) -> Instant {
        let now = Instant::now();
        counter.fetch_add(u64::try_from((now - since).as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        now
    }
    fn count(counter: &AtomicU64, n: usize) {
        counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Hands commands to the writer.
#[derive(Clone)]
pub struct Recorder {
    queue: SyncSender<Work>,
    /// Where the writer's time went.
    pub spent: Arc<Spent>,
}

impl Recorder {
    /// Starts the writer on its own connection.
    pub fn start(app: Arc<App>) -> Result<Self> {
        let (queue, work) = sync_channel(QUEUE);
        let mut db = app.connect()?;
        db.cache_little()?;
        let tidier = if app.database.is_shared() { None } else { Some(Tidier::start(&app)?) };
        let sealer = Sealer::start(&app)?;
        let spent = Arc::new(Spent::default());
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn({
                let spent = Arc::clone(&spent);
                move || Writer { app, db, commits: 0, tidier, sealer, away: false, spent }.run(&work)
            })
            .map_err(|e| Error::fault("starting the writer", e))?;
        Ok(Self { queue, spent })
    }

    fn submit(&self, work: Work) -> Result<()> {
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => Error::Busy("Too many commands are waiting; try again in a second.".to_owned()),
            TrySendError::Disconnected(_) => Error::Fault("the writer has stopped".to_owned()),
        })
    }

    fn send(&self, command: Command, actor: &Actor, terms: Terms) -> Result<oneshot::Receiver<Answer>> {
        let (answer, answered) = oneshot::channel();
        self.submit(Work::Record(Box::new(Job { command, actor: actor.clone(), terms, seed: seed()?, place: 0, answer })))?;
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
    pub fn record_waiting(&self, command: impl Into<Command>, actor: &Actor, occurred: Option<At>, beside: Option<Beside>) -> Result<Receipt> {
        self.record_once(command, actor, Terms { occurred, beside, ..Terms::default() })?.now()
    }

    /// Hands over many commands before waiting for the first answer; answers in the same order.
    pub fn record_many(&self, commands: Vec<(Command, Option<At>)>, actor: &Actor) -> Vec<Result<Receipt>> {
        let commands = commands.into_iter().map(|(command, occurred)| (command, Terms { occurred, ..Terms::default() })).collect();
        self.record_each(commands, actor).into_iter().map(|answer| answer?.now()).collect()
    }

    /// The same, each on its own terms.
    pub fn record_each(&self, commands: Vec<(Command, Terms)>, actor: &Actor) -> Vec<Result<Outcome<Receipt>>> {
        let waiting: Vec<_> = commands.into_iter().map(|(command, terms)| self.send(command, actor, terms)).collect();
        waiting.into_iter().map(|answered| answered?.blocking_recv().map_err(|_| stopped())?).collect()
    }

    /// Writes rows that no event derives, in a transaction of their own; they are on the disk when this returns.
    pub fn write_waiting<T: Send + 'static>(&self, work: impl FnOnce(&mut Database) -> Result<T> + Send + 'static) -> Result<T> {
        self.write(work)?.blocking_recv().map_err(|_| stopped())?
    }

    /// The same without waiting for it.
    pub fn write<T: Send + 'static>(&self, work: impl FnOnce(&mut Database) -> Result<T> + Send + 'static) -> Result<oneshot::Receiver<Result<T>>> {
        let (answer, answered) = oneshot::channel();
        self.submit(Work::Write(Box::new(move |app, db| {
            let written = app.halt.check().and_then(|()| match db.write(|db| work(db).map(Ended::Committed)) {
                Ok(Ended::Committed(value) | Ended::Abandoned(value)) => Ok(value),
                Err(WriteError::Before(error) | WriteError::Lost(error)) => Err(error),
                Err(WriteError::Commit(..)) if app.database.is_shared() => Err(Error::Busy(UNKNOWN.to_owned())),
                Err(WriteError::Commit(error, _)) => app.halt.guard(Err(error)),
            });
            let _ = answer.send(written);
        })))?;
        Ok(answered)
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
    /// Since the WAL was last moved into the file.
    commits: u32,
    tidier: Option<Tidier>,
    sealer: Sealer,
    spent: Arc<Spent>,
    /// Whether it was said that the database is away.
    away: bool,
}

/// Moves most of SQLite's WAL into its file beside the writer, on a connection of its own. What was committed meanwhile the writer moves: only where
/// nothing is left does SQLite begin the WAL anew.
struct Tidier {
    ask: SyncSender<()>,
    done: Receiver<()>,
    asked: bool,
}

impl Tidier {
    fn start(app: &Arc<App>) -> Result<Self> {
        let (ask, asked) = sync_channel(1);
        let (tell, done) = sync_channel(1);
        let mut db = app.connect()?;
        let halt = app.halt.clone();
        let tidy = move || {
            while asked.recv().is_ok() {
                let _ = halt.guard(db.tidy_up());
                let _ = tell.send(());
            }
        };
        std::thread::Builder::new().name("tidier".to_owned()).spawn(tidy).map_err(|e| Error::fault("starting the tidier", e))?;
        Ok(Self { ask, done, asked: false })
    }

    /// Has it done, where it was not asked yet; says whether it is done, or nobody does it any more.
    fn has_done_the_most(&mut self) -> bool {
        if !self.asked {
            self.asked = self.ask.try_send(()).is_ok();
        }
        let done = !matches!(self.done.try_recv(), Err(TryRecvError::Empty));
        self.asked &= !done;
        done
    }
}

/// What one attempt at a batch came to.
enum Attempt {
    Done(Vec<Answer>),
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
                    Work::Record(job) => {
                        let place = u8::try_from(jobs.len()).unwrap_or(u8::MAX);
                        jobs.push(Job { place, ..*job });
                    }
                    Work::Publish(answer) => publish.push(answer),
                    Work::Write(work) => write.push(work),
                }
                if jobs.len() == BATCH {
                    break;
                }
            }
            self.batch(jobs);
            for work in write {
                // Where it cannot be opened again, the work says so.
                let _ = self.connect();
                work(&self.app, &mut self.db);
            }
            if !publish.is_empty() {
                let published = self.connect().and_then(|()| super::publish_checkpoint::publish(&self.app, &mut self.db));
                for answer in publish {
                    let _ = answer.send(published.as_ref().map(Clone::clone).map_err(clone));
                }
            }
            if self.commits >= COMMITS_PER_TIDY && self.tidier.as_mut().is_none_or(Tidier::has_done_the_most) {
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
        let until = Instant::now() + PATIENCE;
        loop {
            if let Err(error) = self.app.halt.check().and_then(|()| self.connect()) {
                return Attempt::Failed(error);
            }
            // Set while rows are written: what fails then, and is no command's doing, is the disk's on SQLite, and stops all writing.
            let writing = Cell::new(false);
            let mut written = Instant::now();
            let ended = self.db.write(|db| {
                let ended = batch_in_transaction(&self.app, &self.sealer, db, jobs, &writing, &self.spent);
                written = Instant::now();
                ended
            });
            let again = match ended {
                Ok(Ended::Committed(done)) => {
                    Spent::add(&self.spent.commit, written);
                    Spent::count(&self.spent.batches, 1);
                    Spent::count(&self.spent.commands, done.answers.len());
                    self.commits += 1;
                    if done.withholds {
                        // The entry is durable from here on. Whoever gave the command removes the bytes; if that fails, those who finish work do.
                        self.app.unfinished.store(true, Ordering::Relaxed);
                    }
                    return Attempt::Done(done.answers);
                }
                Ok(Ended::Abandoned(done)) => return Attempt::Done(done.answers),
                Err(WriteError::Before(error @ (Error::Refused(_) | Error::Conflict(_) | Error::Damaged(_)))) => return Attempt::Poisoned(error),
                Err(WriteError::Before(error @ Error::Busy(_))) if !self.app.database.is_shared() => return Attempt::Failed(error),
                // Another server had the head or a row for too long, or the connection is gone: nothing was recorded.
                Err(WriteError::Lost(error) | WriteError::Before(error @ Error::Busy(_))) => error,
                // Nothing was recorded: a record that cannot be read, or written, harms only the command that asked for it.
                Err(WriteError::Before(error)) if self.app.database.is_shared() || !writing.get() => return Attempt::Poisoned(error),
                Err(WriteError::Commit(error, done)) if self.app.database.is_shared() => {
                    tracing::warn!("the database went away during a commit: {error}");
                    match self.find_out(done.first.as_ref(), until) {
                        Some(true) => return Attempt::Done(done.answers),
                        Some(false) => error,
                        None => return Attempt::Failed(Error::Busy(UNKNOWN.to_owned())),
                    }
                }
                // The disk fails: what it holds is not known any more, so nothing is acknowledged until a restart has looked.
                Err(WriteError::Before(error) | WriteError::Commit(error, _)) => {
                    self.app.halt.stop(&error);
                    return Attempt::Failed(error);
                }
            };
            if Instant::now() >= until {
                return Attempt::Failed(again);
            }
            pause();
        }
    }

    /// Opens the connection again where it broke.
    fn connect(&mut self) -> Result<()> {
        if !self.db.is_lost() {
            return Ok(());
        }
        match self.app.connect() {
            Ok(db) => {
                self.db = db;
                self.away = false;
                tracing::info!("the writer has its database again");
                Ok(())
            }
            Err(error) => {
                if !self.away {
                    tracing::warn!("the writer has no database: {error}. It goes on trying.");
                }
                self.away = true;
                Err(Error::away())
            }
        }
    }

    /// Whether the batch that begins with this entry was committed; `None` where nobody can say yet.
    fn find_out(&mut self, first: Option<&EntryRow>, until: Instant) -> Option<bool> {
        let first = first?;
        loop {
            // Taking the head waits until the transaction of the lost connection has ended, one way or the other. Others may have written since:
            // the entry itself is looked for.
            let looked = self.connect().and_then(|()| {
                let looked = self.db.write(|db| {
                    let head = take_head(db)?;
                    let stored = log::entry(db, from_db(first.seq)?)?;
                    // Committed, and not only seen: where there is a synchronous standby, this waits until it has the entry too.
                    move_head(db, &head, &head)?;
                    Ok(Ended::Committed(stored))
                });
                Ok(looked?)
            });
            match looked {
                Ok(Ended::Committed(stored) | Ended::Abandoned(stored)) => return Some(stored.as_ref() == Some(&first.bytes)),
                Err(_) if Instant::now() >= until => return None,
                Err(_) => pause(),
            }
        }
    }
}

/// The answer where a commit is neither known to have happened nor not to have.
const UNKNOWN: &str = "The database went away while this was being recorded, and it cannot be asked yet whether it was. Look at the record before you \
     repeat it.";

/// A moment of 20 to 147 ms, so that servers that are in each other's way do not meet again.
fn pause() {
    let some = seed().map_or(0, |random| u64::try_from(random & 127).unwrap_or(0));
    std::thread::sleep(Duration::from_millis(20 + some));
}

fn clone(error: &Error) -> Error {
    match error {
        Error::Busy(why) => Error::Busy(why.clone()),
        other => Error::Fault(other.to_string()),
    }
}

fn deliver(jobs: Vec<Job>, answers: Vec<Answer>) {
    let mut posts: Vec<Arc<Post>> = Vec::new();
    for (job, answer) in jobs.into_iter().zip(answers) {
        let Some(post) = job.terms.post else {
            give(job.answer, answer);
            continue;
        };
        post.put(job.answer, answer);
        if !posts.iter().any(|known| Arc::ptr_eq(known, &post)) {
            posts.push(post);
        }
    }
    posts.iter().for_each(|post| post.come.notify_one());
}

/// What a batch came to.
struct Written {
    answers: Vec<Answer>,
    /// Whether files are withheld by it.
    withholds: bool,
    /// Its first entry, where a commit can end without an answer.
    first: Option<EntryRow>,
}

/// One batch inside its transaction: load, decide, write, and seal beside. A crash anywhere in here leaves nothing behind.
fn batch_in_transaction(app: &App, sealer: &Sealer, db: &mut Database, jobs: &[Job], writing: &Cell<bool>, spent: &Spent) -> Result<Ended<Written>> {
    let mut began = Instant::now();
    let before = take_head(db)?;
    // On SQLite nobody else has the tables; elsewhere a newer program may have made them anew since this one was started.
    if db.is_shared() && derived::version(db)? != Some(derived::VERSION) {
        return Err(Error::Busy(
            "The tables are of another version of the program; the operator has to restart this server with that version.".to_owned(),
        ));
    }
    let mut known = Records::default();
    let at = At::from_unix_ms(before.last_time).map_or_else(now, |last| now().max(last));
    let mut once = Answers::load(db, jobs.iter().filter_map(|job| job.terms.once.as_ref()))?;
    if db.is_shared() {
        load_for(app, db, jobs, at, &mut known)?;
    }
    let mut effects = Effects { size: before.frontier.size(), at, events: Vec::new(), subjects: Vec::new() };
    let mut answers = Vec::with_capacity(jobs.len());
    let mut besides: Vec<(&Beside, Receipt)> = Vec::new();
    let mut news: Vec<(&Actor, Receipt)> = Vec::new();
    for job in jobs {
        if let Some(answer) = once.of(job.terms.once.as_ref()) {
            answers.push(answer.map(Outcome::Before));
            continue;
        }
        answers.push(match ask(db, &mut known, |known| job.decide(known, &occasion(app, job, at)))? {
            Err(refusal) => Err(Error::from(refusal)),
            Ok(happenings) => {
                let receipt = effects.take(job, happenings, &mut known)?;
                once.add(job.terms.once.as_ref(), at, &receipt)?;
                if let Some(beside) = &job.terms.beside {
                    besides.push((beside, receipt.clone()));
                }
                if announce::is_news(&receipt) {
                    news.push((&job.actor, receipt.clone()));
                }
                Ok(Outcome::Now(receipt))
            }
        });
    }
    began = Spent::add(&spent.decide, began);
    if effects.events.is_empty() && besides.is_empty() && once.is_empty() {
        return Ok(Ended::Abandoned(Written { answers, withholds: false, first: None }));
    }
    let sealing = sealer.seal(before.clone(), at, effects.events);
    began = Spent::add(&spent.seal, began);
    writing.set(true);
    let written = write_derived(db, effects.subjects, &known, &besides).and_then(|()| announce::announce(app, db, &news));
    written.and_then(|()| once.save(db)).map_err(poison)?;
    began = Spent::add(&spent.write, began);
    // What cannot be sealed harms only the command that it came from.
    writing.set(false);
    let SealedBatch { head, entries } = sealing.finish()?;
    began = Spent::add(&spent.seal, began);
    let first = if db.is_shared() { entries.first().cloned() } else { None };
    writing.set(true);
    // Not a command's doing, whatever fails here: nobody else appends while the head is taken.
    log::append(db, entries)?;
    move_head(db, &before, &head)?;
    Spent::add(&spent.write, began);
    Ok(Ended::Committed(Written { answers, withholds: withhold_evidence::newly(&known).next().is_some(), first }))
}

/// Writes what follows from entries and needs none of their hashes.
fn write_derived(db: &mut Database, subjects: Vec<SubjectRow>, known: &Records, besides: &[(&Beside, Receipt)]) -> Result<()> {
    derived::index_subjects(db, subjects)?;
    tables::save(db, known)?;
    withhold_evidence::require_nothing_else(db, known)?;
    // Only here: a rebuild tells old assignments again, and with whom devices are now is not in the log.
    assignees::erase_ended(db, known)?;
    besides.iter().try_for_each(|(beside, receipt)| beside(db, receipt))
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

fn occasion<'a>(app: &'a App, job: &'a Job, at: At) -> Occasion<'a> {
    Occasion {
        actor: &job.actor,
        at,
        occurred: job.terms.occurred.unwrap_or(at),
        policy: &app.policy,
        catalogue: &app.catalogue,
        seed: job.seed,
        place: job.place,
        sha256,
        signed_by: job.terms.signed.as_deref().map(Signed::key),
    }
}

/// Loads what the commands of a batch ask for, round by round, so that each round is one visit to a database that is far away.
fn load_for(app: &App, db: &mut Database, jobs: &[Job], at: At, known: &mut Records) -> Result<()> {
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
        load_missing(db, needs, known)?;
    }
    Ok(())
}

fn load_missing(db: &mut Database, mut needs: Vec<Need>, known: &mut Records) -> Result<()> {
    needs.sort();
    needs.dedup();
    needs.retain(|need| !known.has(need));
    tables::load(db, &needs, known)
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
            Err(Stop::Needs(needs)) => load_missing(db, needs, known)?,
        }
    }
    Err(Error::Fault(format!("a command asked for more after {ROUNDS} rounds of loading")))
}

/// What each of many commands would come to, as if it were the only one: loads what all of them ask for, round by round.
pub fn ask_each(db: &mut Database, known: &mut Records, commands: &[Command], occasion: &Occasion) -> Result<Vec<Option<Refusal>>> {
    for _ in 0..ROUNDS {
        let mut needs = Vec::new();
        let mut answers = Vec::with_capacity(commands.len());
        for command in commands {
            match command.decide(known, occasion) {
                Ok(_) => answers.push(None),
                Err(Stop::Refused(refusal)) => answers.push(Some(refusal)),
                Err(Stop::Needs(more)) => needs.extend(more),
            }
        }
        if needs.is_empty() {
            return Ok(answers);
        }
        load_missing(db, needs, known)?;
    }
    Err(Error::Fault(format!("a command asked for more after {ROUNDS} rounds of loading")))
}

/// What a batch decided, after it took effect on what is known.
struct Effects {
    /// The size of the log with all of it.
    size: u64,
    at: At,
    events: Vec<Unsealed>,
    /// What they are about.
    subjects: Vec<SubjectRow>,
}

impl Effects {
    fn take(&mut self, job: &Job, happenings: Vec<Happening>, known: &mut Records) -> Result<Receipt> {
        let mut receipt = Receipt { time: Some(self.at), entries: Vec::with_capacity(happenings.len()) };
        // What was signed is carried by the first entry about what it is about. A key is nobody's subject: its command gives one entry.
        let signed = job.terms.signed.as_ref();
        let carrier =
            happenings.iter().position(|happening| signed.is_some_and(|signed| happening.about.iter().any(|subject| subject.id == signed.about())));
        let carrier = carrier.unwrap_or_default();
        for (n, happening) in happenings.into_iter().enumerate() {
            let stamp = Stamp { seq: self.size, at: self.at, occurred: job.terms.occurred.unwrap_or(self.at), actor: job.actor.clone() };
            let happening = Happening { batch: happening.batch.or_else(|| job.terms.batch.clone()), ..happening };
            happening.event.apply(&happening.about, &stamp, known);
            if let Some(need) = known.not_loaded.first() {
                return Err(Error::Fault(format!("{} changed {need:?}, which its command did not ask for", happening.event.name())));
            }
            let subjects: Vec<_> = happening.about.iter().cloned().collect();
            self.subjects.extend(subjects.iter().map(|subject| SubjectRow::new(&subject.id, to_db(self.size))));
            receipt.entries.push(Recorded { seq: self.size, event: happening.event.name(), subjects });
            self.events.push(Unsealed { stamp, happening, signed: signed.filter(|_| n == carrier).cloned() });
            self.size += 1;
        }
        Ok(receipt)
    }
}
