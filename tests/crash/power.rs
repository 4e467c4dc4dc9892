//! Power cuts: record and database on a file system of their own, which forgets what was not synced.
//!
//! The service is killed first and its acknowledgements are collected, then the power is cut: a sync under way during the cut could return success.
//! `QUITTANCE_TEST_POWER_CUTS` (8) sets the number.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use quittance::config::Config;

use super::ledger::{Ledger, audit};
use super::process::{self, Server, agent, assert_all_there, register, setting};
use super::programs::{allowed, have};

/// A file system in a file, mounted, with everything that was made for it; gone when the test ends, however it ends.
struct Disk {
    folder: PathBuf,
    /// Reads a pipe that ends with this process; then it unmounts and removes everything.
    _keeper: Child,
}

impl Disk {
    /// `None` where this machine does not allow it.
    fn make(name: &str) -> Option<Self> {
        let folder = PathBuf::from(format!("/tmp/quittance-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("disk")).unwrap();
        let ending = "cat >/dev/null; umount \"$0/disk\" 2>/dev/null || umount -l \"$0/disk\" 2>/dev/null; rm -rf \"$0\"";
        use std::os::unix::process::CommandExt;
        let keeper = Command::new("sh").args(["-c", ending]).arg(&folder).stdin(Stdio::piped()).process_group(0).spawn().unwrap();
        let disk = Self { folder, _keeper: keeper };
        fs::File::create(disk.image()).unwrap().set_len(1 << 30).unwrap();
        let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk.image()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        (made && disk.mount()).then_some(disk)
    }
    fn image(&self) -> PathBuf {
        self.folder.join("image")
    }
    fn path(&self) -> PathBuf {
        self.folder.join("disk")
    }
    fn mount(&self) -> bool {
        let mount = Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(self.path()).stderr(Stdio::null()).status();
        mount.is_ok_and(|status| status.success())
    }
    fn unmount(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while !Command::new("umount").arg(self.path()).stderr(Stdio::null()).status().unwrap().success() {
            assert!(Instant::now() < until, "the file system stays busy");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    /// Cuts the power; `dead` ends whatever still has files open.
    fn cut(&self, program: &Path, dead: impl FnOnce()) {
        assert!(Command::new(program).arg(self.path()).status().unwrap().success());
        dead();
        self.unmount();
        assert!(self.mount(), "the file system does not come back");
    }
}

/// The record on a disk, and the PostgreSQL that it is in, if any.
struct Machine {
    disk: Disk,
    record: process::Record,
    #[cfg(feature = "postgres")]
    cluster: Option<super::databases::Cluster>,
}

impl Machine {
    fn make(name: &str) -> Option<Self> {
        let disk = Disk::make(name)?;
        #[cfg(feature = "postgres")]
        let cluster = (super::databases::on_postgres(module_path!()) && super::databases::there()).then(|| {
            let sockets = disk.folder.join("pg");
            fs::create_dir_all(&sockets).unwrap();
            super::databases::Cluster::start_in(&sockets, &disk.path().join("pg"), &["wal_init_zero=off", "max_wal_size=128MB"])
        });
        #[cfg(feature = "postgres")]
        let database = cluster.as_ref().map(super::databases::Cluster::create);
        #[cfg(not(feature = "postgres"))]
        let database = None;
        let record = process::of(Ledger::within(&disk.path(), database.as_ref()));
        // What was made for the test and not by the service is on the disk, too.
        assert!(Command::new("sync").arg("-f").arg(disk.path()).status().unwrap().success());
        Some(Self {
            disk,
            record,
            #[cfg(feature = "postgres")]
            cluster,
        })
    }
    /// Cuts the power of the disk, and starts what the service needs again; the error is PostgreSQL's, where it does not come up.
    fn cut(&self, program: &Path) -> Result<(), String> {
        #[cfg(feature = "postgres")]
        if let Some(cluster) = &self.cluster {
            self.disk.cut(program, || cluster.kill());
            cluster.forget();
            return cluster.try_run();
        }
        self.disk.cut(program, || {});
        Ok(())
    }
    /// From now on, nothing is synced: by the service, or by PostgreSQL.
    fn lie(&self, library: &Path) {
        #[cfg(feature = "postgres")]
        if let Some(cluster) = &self.cluster {
            cluster.kill();
            cluster.preload(library);
            return cluster.run();
        }
        let _ = library;
    }
    /// The service under load until it is killed; adds what was acknowledged.
    fn load(&self, round: usize, preload: Option<&Path>, acknowledged: &Mutex<Vec<(u64, String)>>, number: &AtomicUsize) {
        let server = Server::start(&self.record.config, |program| {
            let mut command = Command::new(program);
            if let Some(library) = preload {
                command.env("LD_PRELOAD", library);
            }
            command
        });
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let agent = agent();
                    while !stop.load(Ordering::Relaxed) {
                        let tag = format!("P-{}", number.fetch_add(1, Ordering::Relaxed));
                        match register(&agent, &server.url, &self.record.token, &tag) {
                            Some(seq) => acknowledged.lock().unwrap().push((seq, tag)),
                            None => break,
                        }
                    }
                });
            }
            let loaded = acknowledged.lock().unwrap().len() + 12;
            let until = Instant::now() + Duration::from_secs(20);
            while acknowledged.lock().unwrap().len() < loaded {
                assert!(Instant::now() < until, "nothing is acknowledged in round {round}");
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis((round as u64 * 53) % 300));
            super::kill_9(&server);
            stop.store(true, Ordering::Relaxed);
        });
        server.kill();
    }
}

fn built(folder: &Path, source: &str, arguments: &[&str]) -> PathBuf {
    let program = folder.join(source.trim_end_matches(".c"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash").join(source);
    assert!(Command::new("cc").args(arguments).arg("-O1").arg("-o").arg(&program).arg(source).status().unwrap().success());
    program
}

fn machine(name: &str) -> Option<Machine> {
    if !have("cc", "gcc") {
        return None;
    }
    let machine = Machine::make(&format!("{name}-{}", if super::databases::on_postgres(module_path!()) { "pg" } else { "lite" }));
    allowed("loop", machine.is_some(), "root, mkfs.ext4 and a machine that may mount loop devices").then_some(machine).flatten()
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let Some(machine) = machine("power") else { return };
    let cut = built(&machine.disk.folder, "cut_power.c", &[]);
    let cuts = setting("QUITTANCE_TEST_POWER_CUTS", 8);
    let (acknowledged, number) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    for round in 0..cuts {
        machine.load(round, None, &acknowledged, &number);
        machine.cut(&cut).unwrap();
        assert_all_there(&machine.record.config, &acknowledged.lock().unwrap());
        assert_eq!(audit(&machine.record.config).unwrap().findings, [], "round {round}");
    }
    println!("{cuts} power cuts: {} entries acknowledged, none lost", acknowledged.into_inner().unwrap().len());
}

/// The test above can fail: on a disk that lies about its syncs, a cut loses what was acknowledged.
#[test]
fn a_power_cut_on_a_disk_that_lies_is_noticed() {
    let Some(machine) = machine("lies") else { return };
    let cut = built(&machine.disk.folder, "cut_power.c", &[]);
    let lies = built(&machine.disk.folder, "lying_fsync.c", &["-shared", "-fPIC"]);
    let (acknowledged, number) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    machine.lie(&lies);
    machine.load(3, Some(&lies), &acknowledged, &number);
    let acknowledged = acknowledged.into_inner().unwrap();
    // PostgreSQL itself may refuse what is left of its files; then nothing is there.
    let lost = if machine.cut(&cut).is_ok() { lost(&machine.record.config, &acknowledged) } else { acknowledged.len() };
    println!("one cut on a disk that lies: {lost} of {} acknowledged entries lost", acknowledged.len());
    assert!(lost > 0, "the harness does not find what is lost");
}

/// How many acknowledged entries are not where they were said to be.
fn lost(config: &Config, acknowledged: &[(u64, String)]) -> usize {
    let Ok(mut db) = config.database.open() else { return acknowledged.len() };
    let there = |db: &mut quittance::store::Database, seq: u64| quittance::store::log::entry(db, seq).ok().flatten().is_some();
    acknowledged.iter().filter(|(seq, _)| !there(&mut db, *seq)).count()
}
