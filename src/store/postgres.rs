//! Connections to PostgreSQL: made within bounds, and refused where its settings could lose or reorder what was acknowledged.

use std::sync::Once;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Text};

use crate::error::{Error, Result};

/// The oldest version that is tested.
const OLDEST: i32 = 15;

/// Bounds of every connection, added where the address does not set them: nobody waits for a server that does not answer. Seconds, except the last (ms).
const BOUNDS: &[(&str, &str)] = &[
    ("connect_timeout", "2"),
    ("application_name", "quittance"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "6000"),
];

/// Of every session. Compiling a query takes longer than any of these queries. A writer that stopped in the middle of a transaction (a frozen machine) loses it after 10 s, and with it the lock on the head.
const SETTINGS: &str = "SET statement_timeout = '5s'; SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '10s'; SET TIME ZONE 'UTC'; \
     SET client_min_messages = 'warning'; SET default_transaction_isolation = 'read committed'; SET jit = off;";

/// What migrations may take; one server migrates while the others wait for it.
const MIGRATING: &str = "SET statement_timeout = '1h'; SET lock_timeout = '10min'; SELECT pg_advisory_lock(5790145016);";
const MIGRATED: &str = "SELECT pg_advisory_unlock(5790145016);";

/// One transaction over one state of everything, for as long as it takes.
pub(super) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
     SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;";

/// What the server is set to.
#[derive(QueryableByName)]
struct Settings {
    #[diesel(sql_type = Text)]
    database: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Text)]
    fsync: String,
    #[diesel(sql_type = Text)]
    full_page_writes: String,
    #[diesel(sql_type = Text)]
    synchronous_commit: String,
    #[diesel(sql_type = Text)]
    data_checksums: String,
    #[diesel(sql_type = Text)]
    lc_messages: String,
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Bool)]
    byte_order: bool,
    #[diesel(sql_type = Bool)]
    standby: bool,
}

const ASK: &str = "SELECT current_database()::text AS database, current_user::text AS role, current_setting('server_version_num')::int / 10000 AS version, \
     current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes, \
     current_setting('synchronous_commit') AS synchronous_commit, current_setting('data_checksums') AS data_checksums, \
     current_setting('lc_messages') AS lc_messages, current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby, \
     (datlocprovider = 'b' OR (datlocprovider = 'c' AND datcollate IN ('C', 'POSIX'))) AS byte_order \
     FROM pg_database WHERE datname = current_database()";

/// Opens a connection; refuses a server that could lose or reorder what was acknowledged.
pub(super) fn open(url: &str) -> Result<PgConnection> {
    // The cause may name hosts and people: it goes to the operator's log, not into an answer.
    let mut connection = PgConnection::establish(&bounded(url)).map_err(|e| Error::fault("connecting to PostgreSQL", e))?;
    connection.batch_execute(SETTINGS)?;
    // Asked first and by itself: older servers do not know everything that is asked next.
    let version: i32 =
        diesel::select(diesel::dsl::sql::<Integer>("current_setting('server_version_num')::int / 10000")).get_result(&mut connection)?;
    if version < OLDEST {
        return Err(too_old(version));
    }
    let settings: Settings = diesel::sql_query(ASK).get_result(&mut connection)?;
    safe(&settings)?;
    // Kept for this session, whatever is set for the server or the role from now on.
    connection.batch_execute(&format!("SET synchronous_commit = {}", settings.synchronous_commit))?;
    Ok(connection)
}

fn bounded(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in BOUNDS {
        if !url.contains(&format!("{name}=")) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&format!("{name}={value}"));
        }
    }
    url
}

fn too_old(version: i32) -> Error {
    Error::Fault(format!("this PostgreSQL is version {version}; Quittance needs {OLDEST} or newer: upgrade the server"))
}

/// Refuses settings under which an acknowledged entry could be lost, or under which errors and texts would be misread.
fn safe(settings: &Settings) -> Result<()> {
    let Settings { database, role, .. } = settings;
    let unsafe_because = |setting: &str, value: &str, why: &str, fix: &str| {
        Err(Error::Fault(format!("PostgreSQL has {setting} = {value}: {why}. Nothing is opened until that is mended: {fix}")))
    };
    let in_file = |setting: &str| format!("set {setting} = on in postgresql.conf and reload the server (SELECT pg_reload_conf())");
    if settings.version < OLDEST {
        return Err(too_old(settings.version));
    }
    if settings.fsync != "on" {
        return unsafe_because("fsync", &settings.fsync, "a power cut would lose or damage what was acknowledged", &in_file("fsync"));
    }
    if settings.full_page_writes != "on" {
        let why = "a power cut could leave half-written pages";
        return unsafe_because("full_page_writes", &settings.full_page_writes, why, &in_file("full_page_writes"));
    }
    if !["on", "remote_apply"].contains(&settings.synchronous_commit.as_str()) {
        let fix = format!("ALTER ROLE \"{role}\" SET synchronous_commit = on, or set it to on in postgresql.conf and reload the server");
        let why = "a commit would be answered before it is on the disk (of the standby too, where there is one)";
        return unsafe_because("synchronous_commit", &settings.synchronous_commit, why, &fix);
    }
    if settings.standby {
        return Err(Error::Fault("this PostgreSQL is a standby, which takes no writes: name the primary in --database-url".to_owned()));
    }
    if settings.encoding != "UTF8" || !settings.byte_order {
        return Err(Error::Fault(format!(
            "the database {database} does not keep text in UTF-8 in the order of its bytes, as lists, page positions and `quittance audit` need it. \
             Make one that does, and name it in --database-url:\n\n  \
             CREATE DATABASE quittance TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';\n"
        )));
    }
    // Deadlocks and timeouts are told from other errors by their words: the client library's interface has no code for them.
    if !["", "C", "POSIX"].contains(&settings.lc_messages.as_str())
        && !settings.lc_messages.starts_with("en")
        && !settings.lc_messages.starts_with("C.")
    {
        let fix = format!("a superuser runs ALTER DATABASE \"{database}\" SET lc_messages = 'C'");
        return unsafe_because("lc_messages", &settings.lc_messages, "its errors would not be understood", &fix);
    }
    if settings.data_checksums != "on" {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            tracing::warn!(
                "PostgreSQL has data_checksums = off: a page that rots on the disk is noticed only by `quittance audit`. \
                 Stop the server and run pg_checksums --enable."
            );
        });
    }
    Ok(())
}

/// Runs `migrate` while no other server does.
pub(super) fn migrating<T>(connection: &mut PgConnection, migrate: impl FnOnce(&mut PgConnection) -> T) -> Result<T> {
    connection.batch_execute(MIGRATING)?;
    let result = migrate(connection);
    connection.batch_execute(MIGRATED)?;
    connection.batch_execute(SETTINGS)?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Settings {
        let text = str::to_owned;
        Settings {
            database: text("q"),
            role: text("r"),
            version: 15,
            fsync: text("on"),
            full_page_writes: text("on"),
            synchronous_commit: text("on"),
            data_checksums: text("on"),
            lc_messages: text("C"),
            encoding: text("UTF8"),
            byte_order: true,
            standby: false,
        }
    }

    #[test]
    fn every_unsafe_setting_is_named_with_its_fix() {
        assert!(safe(&good()).is_ok());
        assert!(safe(&Settings { synchronous_commit: "remote_apply".to_owned(), ..good() }).is_ok());
        let off = || "off".to_owned();
        for (settings, named, fix) in [
            (Settings { fsync: off(), ..good() }, "fsync = off", "postgresql.conf"),
            (Settings { full_page_writes: off(), ..good() }, "full_page_writes = off", "postgresql.conf"),
            (Settings { synchronous_commit: off(), ..good() }, "synchronous_commit = off", "ALTER ROLE \"r\""),
            (Settings { synchronous_commit: "local".to_owned(), ..good() }, "synchronous_commit = local", "ALTER ROLE \"r\""),
            (Settings { synchronous_commit: "remote_write".to_owned(), ..good() }, "synchronous_commit = remote_write", "ALTER ROLE \"r\""),
            (Settings { version: 14, ..good() }, "version 14", "upgrade"),
            (Settings { standby: true, ..good() }, "standby", "primary"),
            (Settings { encoding: "SQL_ASCII".to_owned(), ..good() }, "UTF-8", "CREATE DATABASE"),
            (Settings { byte_order: false, ..good() }, "order of its bytes", "CREATE DATABASE"),
            (Settings { lc_messages: "de_DE.UTF-8".to_owned(), ..good() }, "lc_messages = de_DE.UTF-8", "ALTER DATABASE \"q\""),
        ] {
            let error = safe(&settings).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains(fix), "{error}");
        }
    }

    #[test]
    fn bounds_are_added_where_the_address_has_none() {
        let url = bounded("postgres://u@h/d?connect_timeout=9");
        assert!(url.starts_with("postgres://u@h/d?connect_timeout=9&application_name=quittance&"), "{url}");
        assert_eq!(url.matches("connect_timeout").count(), 1);
        assert!(bounded("postgres://u@h/d").starts_with("postgres://u@h/d?connect_timeout=2&"));
    }
}
