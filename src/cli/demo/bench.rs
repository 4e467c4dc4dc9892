//! What the vendors' tools print, in the shape of the real ones: logs of nwipe, and the output of `nvme`, `hdparm` and an admin console.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};

/// A drive on the bench.
pub struct Bay {
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// Its size.
    pub bytes: u64,
    /// It broke while it was being written.
    pub fails: bool,
}

/// How long a bench run takes, from its start to the summary.
pub fn run_time() -> TimeDelta {
    TimeDelta::seconds(16_383)
}

/// The log of one nwipe run over several drives at once: one pass of random data, verified, and a blanking pass.
pub fn nwipe(start: DateTime<Utc>, bays: &[Bay]) -> String {
    let stamp = |seconds: i64| (start + TimeDelta::seconds(seconds)).format("[%Y/%m/%d %H:%M:%S]").to_string();
    let mut head = vec![format!("{}    info: nwipe 0.42", stamp(0))];
    let mut lines: Vec<(i64, String)> = Vec::new();
    let (mut errors, mut erasure, mut status) = (String::new(), String::new(), String::new());
    for (letter, bay) in ('a'..).zip(bays) {
        let (name, bytes) = (format!("sd{letter}"), bay.bytes);
        let size = bytes / 1_000_000_000;
        head.push(format!("{}  notice: Found /dev/{name},  ATA    , {},  {size} GB, S/N={}", stamp(0), bay.model, bay.serial));
        head.push(format!("{}    info: /dev/{name}, sector(logical)/block(physical) sizes 512/4096", stamp(0)));
        head.push(format!("{}    info: No hidden sectors on /dev/{name}", stamp(0)));
        let mut say = |seconds: i64, what: String| lines.push((seconds, what));
        say(9, format!(" notice: Invoking method 'PRNG Stream' on /dev/{name}"));
        say(9, format!(" notice: Starting round 1 of 1 on /dev/{name}"));
        say(9, format!(" notice: Starting pass 1/1, round 1/1, on /dev/{name}"));
        // Drives of one model are never equally fast.
        let lag = i64::from(u32::from(letter) % 7) * 11;
        // Writing to a string does not fail.
        if bay.fails {
            let done = bytes / 8 / 4_096 * 4_096;
            say(1_421 + lag, format!("  error: nwipe_random_pass: write: Input/output error on /dev/{name}"));
            let _ = writeln!(errors, "! {name:>8} | {:>11} | {:>20} | {:>20}", 311, 0, 2);
            let _ = writeln!(erasure, "! {name:>8} | {done:>17} | {bytes:>17} | {:>17}", "12.50%");
            let _ = writeln!(status, "! {name:>8} |-FAILED-|   43 MB/s | 00:23:32 | {:.17}/{}", bay.model, bay.serial);
        } else {
            say(5_500 + lag, format!(" notice: {bytes} bytes written to /dev/{name}"));
            say(5_500 + lag, format!(" notice: Verifying pass 1 of 1, round 1 of 1, on /dev/{name}"));
            say(10_931 + lag, format!(" notice: {bytes} bytes read from /dev/{name}"));
            say(10_931 + lag, format!(" notice: Verified pass 1 of 1, round 1 of 1, on '/dev/{name}'."));
            say(10_931 + lag, format!(" notice: Finished pass 1/1, round 1/1, on /dev/{name}"));
            say(10_931 + lag, format!(" notice: Finished final round 1 of 1 on /dev/{name}"));
            say(10_931 + lag, format!(" notice: Blanking device /dev/{name}"));
            say(16_282 + lag, format!(" notice: {bytes} bytes written to /dev/{name}"));
            say(16_282 + lag, format!(" notice: [SUCCESS] Verified that /dev/{name} is empty."));
            say(16_282 + lag, format!(" notice: [SUCCESS] Blanked device /dev/{name}"));
            let took = 16_273 + lag;
            let _ = writeln!(errors, "  {name:>8} | {:>11} | {:>20} | {:>20}", 0, 0, 0);
            let _ = writeln!(erasure, "  {name:>8} | {bytes:>17} | {bytes:>17} | {:>17}", "100.00%");
            let _ = writeln!(
                status,
                "  {name:>8} | Erased |   91 MB/s | {:02}:{:02}:{:02} | {:.17}/{}",
                took / 3_600,
                took / 60 % 60,
                took % 60,
                bay.model,
                bay.serial
            );
        }
    }
    for (key, value) in [
        ("autonuke", "0 (off)"),
        ("banner", "nwipe 0.42"),
        ("prng", "Isaac"),
        ("method", "PRNG Stream"),
        ("rounds", "1"),
        ("verify", "1 (last pass)"),
    ] {
        head.push(format!("{}  notice:   {key:<12} = {value}", stamp(0)));
    }
    lines.sort_by_key(|(seconds, _)| *seconds);
    head.extend(lines.into_iter().map(|(seconds, line)| format!("{} {line}", stamp(seconds))));
    let end = stamp(run_time().num_seconds());
    head.push(if bays.iter().any(|bay| bay.fails) {
        format!("{end}    info: Nwipe exited with errors, check the log & summary table for individual drive status.")
    } else {
        format!("{end}    info: Nwipe successfully completed. See summary table for details.")
    });
    let (line, stars) = ("-".repeat(80), "*".repeat(80));
    format!(
        "{}\n\n{:*^80}\n!   Device | Pass Errors | Verifications Errors | Fdatasync I\\O Errors\n{line}\n{errors}{stars}\n\n\
         {:*^80}\n!   Device |      Bytes Erased |       Bytes Total | Percentage Erased\n{line}\n{erasure}{stars}\n\n\
         {:*^80}\n!   Device | Status | Thru-put | HH:MM:SS | Model/Serial Number\n{line}\n{status}{line}\n\
         {end} Total Throughput 91 MB/s, PRNG Stream, 1R+B+VL\n{stars}\n\n",
        head.join("\n"),
        " Error Summary ",
        " Erasure Summary ",
        " Drive Status ",
    )
}

/// The output of `nvme sanitize-log` after a block erase, with the commands before it.
pub fn nvme_block_erase(model: &str, serial: &str, at: DateTime<Utc>) -> String {
    format!(
        "$ date -u\n{at}\n$ nvme id-ctrl /dev/nvme0 | grep -E '^(sn|mn|fr) '\nsn        : {serial}\nmn        : {model}\nfr        : 21160001\n\
         $ nvme sanitize /dev/nvme0 --sanact=2\n$ nvme sanitize-log /dev/nvme0\n\
         Sanitize Progress                      (SPROG) :  65535\nSanitize Status                        (SSTAT) :  0x101\n\
         Sanitize Command Dword 10 Information (SCDW10) :  0x2\n\
         Estimated Time For Overwrite                   :  4294967295 (No time period reported)\n\
         Estimated Time For Block Erase                 :  6\nEstimated Time For Crypto Erase                :  2\n",
        at = at.format("%a %b %e %H:%M:%S UTC %Y"),
    )
}

/// The output of `hdparm --sanitize-status` after a block erase, with the commands before it.
pub fn hdparm_block_erase(model: &str, serial: &str, at: DateTime<Utc>) -> String {
    format!(
        "$ date -u\n{at}\n$ hdparm -I /dev/sdb | grep -E 'Model|Serial'\n\tModel Number:       {model}\n\tSerial Number:      {serial}\n\
         $ hdparm -N /dev/sdb\n\n/dev/sdb:\n max sectors   = 488397168/488397168, HPA is disabled\n\
         $ hdparm --yes-i-know-what-i-am-doing --sanitize-block-erase /dev/sdb\n\n/dev/sdb:\nIssuing SANITIZE_BLOCK_ERASE command\nOperation started in background\n\
         $ hdparm --sanitize-status /dev/sdb\n\n/dev/sdb:\nIssuing SANITIZE_STATUS command\nSanitize status:\n    State:    SD0 Sanitize Idle\n    \
         Last Sanitize Operation Completed Without Error\n",
        at = at.format("%a %b %e %H:%M:%S UTC %Y"),
    )
}

/// What an admin console shows of one device after a factory reset.
pub fn factory_reset(serial: &str, at: DateTime<Utc>) -> String {
    format!(
        "Device list export, {at}\nSerial number,Status,Last command,Command state,Enrolment\n{serial},Deprovisioned,Remote powerwash,Executed,none\n",
        at = at.format("%Y-%m-%d %H:%M UTC"),
    )
}
