//! A private PostgreSQL for one test binary: started when the first test asks, stopped and removed when the binary ends, however it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use quittance::store::DatabaseUrl;

#[path = "../programs/mod.rs"]
mod programs;

/// Whether PostgreSQL's server is at hand. Where it is not, the tests run on SQLite once more, and say so.
pub fn there() -> bool {
    programs::there("postgres", programs_folder().is_some(), "apt install postgresql; without it this runs on SQLite")
}

/// The cluster that the tests of this binary share.
pub fn shared() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(&[]))
}

/// Where initdb and postgres are.
fn programs_folder() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let mut installed: Vec<PathBuf> =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    installed.sort();
    folders.extend(installed.into_iter().rev());
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// The user that PostgreSQL runs as where the tests run as root, which it refuses: (uid, gid).
fn user() -> Option<(u32, u32)> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective: u32 = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1)?.parse().ok()).unwrap_or(1);
    if effective != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    ["postgres", "nobody"].iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

/// A PostgreSQL of its own, reached through a socket in its folder alone.
pub struct Cluster {
    folder: PathBuf,
    data: PathBuf,
    settings: Vec<String>,
    preload: Mutex<Option<PathBuf>>,
    server: Mutex<Option<Child>>,
    /// Reads a pipe that ends with this process; then it stops the server and removes the folder.
    _keeper: Option<Child>,
    databases: AtomicUsize,
    one_at_a_time: Mutex<()>,
}

impl Cluster {
    /// Starts one with its data in a temporary folder; `settings` as `name=value`.
    pub fn start(settings: &[&str]) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Short: the path of a socket has at most 107 bytes.
        let folder = Some(std::env::temp_dir()).filter(|folder| folder.as_os_str().len() < 40).unwrap_or_else(|| PathBuf::from("/tmp"));
        let folder = folder.join(format!("quittance-pg-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let ending = "cat >/dev/null; kill -QUIT \"$(head -n 1 \"$0/data/postmaster.pid\" 2>/dev/null)\" 2>/dev/null; sleep 0.3; rm -rf \"$0\"";
        let keeper = Command::new("sh").args(["-c", ending]).arg(&folder).stdin(Stdio::piped()).process_group(0).spawn().unwrap();
        let mut cluster = Self::start_in(&folder, &folder.join("data"), settings);
        cluster._keeper = Some(keeper);
        cluster
    }

    /// Starts one with its data in `data`, which is made, and its socket in `folder`. Whoever asks removes both.
    pub fn start_in(folder: &Path, data: &Path, settings: &[&str]) -> Self {
        fs::create_dir_all(data).unwrap();
        for (path, mode) in [(folder, 0o755), (data, 0o700)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            if let Some((uid, gid)) = user() {
                std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
            }
        }
        let socket = format!("unix_socket_directories={}", folder.display());
        let always = ["listen_addresses=", "max_connections=2000", "shared_buffers=32MB", "lc_messages=C", socket.as_str()];
        let cluster = Self {
            folder: folder.to_owned(),
            data: data.to_owned(),
            settings: always.iter().chain(settings).map(|setting| (*setting).to_owned()).collect(),
            preload: Mutex::new(None),
            server: Mutex::new(None),
            _keeper: None,
            databases: AtomicUsize::new(0),
            one_at_a_time: Mutex::new(()),
        };
        let mut initdb = cluster.program("initdb");
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-sync", "-D"]).arg(data);
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        cluster.run();
        cluster.admin("CREATE DATABASE migrated");
        cluster.url("migrated").open().unwrap().migrate().unwrap();
        cluster
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(programs_folder().unwrap().join(name));
        if let Some((uid, gid)) = user() {
            command.uid(uid).gid(gid);
        }
        command.current_dir(&self.folder).env_clear().stdin(Stdio::null());
        command
    }

    /// Starts the server, as after a crash too; returns when it answers.
    pub fn run(&self) {
        self.try_run().unwrap();
    }

    /// The same where it may not come up; what it said, if it did not.
    pub fn try_run(&self) -> Result<(), String> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut command = self.program("postgres");
        command.arg("-D").arg(&self.data).stdout(Stdio::null()).stderr(log).process_group(0);
        if let Some(library) = &*self.preload.lock().unwrap() {
            command.env("LD_PRELOAD", library);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        *self.server.lock().unwrap() = Some(command.spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(60);
        while self.try_admin("SELECT 1").is_err() {
            let ended = self.server.lock().unwrap().as_mut().and_then(|server| server.try_wait().unwrap()).is_some();
            if ended || Instant::now() > until {
                return Err(format!("PostgreSQL did not start: {}", fs::read_to_string(self.folder.join("log")).unwrap()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// From the next start on, the server runs with this library before its own.
    pub fn preload(&self, library: &Path) {
        *self.preload.lock().unwrap() = Some(library.to_owned());
    }

    /// Kills the server and its children at once, as a crash of all of them does.
    pub fn kill(&self) {
        let mut server = self.server.lock().unwrap().take().expect("a server that runs");
        // A server that saw its children die would begin to recover: all stop before any is killed.
        signal("STOP", &[server.id()]);
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.id())).unwrap_or_default();
        let children: Vec<u32> = children.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
        signal("STOP", &children);
        signal("KILL", &children);
        signal("KILL", &[server.id()]);
        server.wait().unwrap();
        self.forget();
    }

    /// Removes the locks of a server that died: they may look alive.
    pub fn forget(&self) {
        let _ = fs::remove_file(self.data.join("postmaster.pid"));
        for entry in fs::read_dir(&self.folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with(".s.PGSQL") {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The process that the others are children of.
    pub fn id(&self) -> u32 {
        self.server.lock().unwrap().as_ref().expect("a server that runs").id()
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The address of a database in it.
    pub fn url(&self, name: &str) -> DatabaseUrl {
        DatabaseUrl::parse(&format!("postgres://postgres@/{name}?host={}", self.folder.display())).unwrap()
    }

    /// A new database with empty tables.
    pub fn create(&self) -> DatabaseUrl {
        self.copy_of("migrated")
    }

    /// A copy of a database, whose connections are cut.
    pub fn copy(&self, url: &DatabaseUrl) -> DatabaseUrl {
        self.copy_of(name(url))
    }

    /// Removes a database.
    pub fn remove(&self, url: &DatabaseUrl) {
        self.admin(&format!("DROP DATABASE {} WITH (FORCE)", name(url)));
    }

    fn copy_of(&self, template: &str) -> DatabaseUrl {
        let _one_at_a_time = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}' AND pid <> pg_backend_pid()");
            self.admin(&cut);
            match self.try_admin(&format!("CREATE DATABASE {name} TEMPLATE {template}")) {
                Ok(()) => return self.url(&name),
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs SQL as the superuser.
    pub fn admin(&self, sql: &str) {
        self.try_admin(sql).unwrap();
    }

    fn try_admin(&self, sql: &str) -> Result<(), String> {
        let url = format!("postgres://postgres@/postgres?host={}&connect_timeout=2", self.folder.display());
        let mut connection: diesel::PgConnection = diesel::Connection::establish(&url).map_err(|e| e.to_string())?;
        connection.batch_execute(sql).map_err(|e| e.to_string())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.lock().unwrap_or_else(PoisonError::into_inner).take() {
            signal("QUIT", &[server.id()]);
            let _ = server.wait();
        }
    }
}

fn name(url: &DatabaseUrl) -> &str {
    url.as_str().strip_prefix("postgres://postgres@/").unwrap().split('?').next().unwrap()
}

/// Sends a signal to processes.
pub fn signal(name: &str, pids: &[u32]) {
    if !pids.is_empty() {
        let _ = Command::new("kill").arg(format!("-{name}")).args(pids.iter().map(u32::to_string)).stderr(Stdio::null()).status();
    }
}
