//! Real and shaped files of others, where `QUITTANCE_SAMPLES` names their folder; they are not the project's to give away.

use super::*;

/// A file, its format, and of each record: kind, serial number of the medium or else of the device, technique, result.
type Expected = (&'static str, &'static str, &'static [&'static str]);

#[rustfmt::skip]
const EXPECTED: &[Expected] = &[
    ("blancco/SHAPED_blancco_cloud_export.json", "blancco", &["sanitization S3U0NX0K000001 unknown pass"]),
    ("blancco/SHAPED_blancco_drive_eraser_raw.xml", "blancco", &["sanitization S3U0NX0K000001 unknown pass"]),
    ("hdparm/REAL_EXCERPT_security_erase_session_tinyapps.txt", "hdparm", &["sanitization - ata_secure_erase inconclusive"]),
    ("hdparm/SHAPED_sanitize_status_block_erase_done.txt", "hdparm", &["sanitization 2136E0000001 ata_sanitize_block pass"]),
    ("mdm/REAL_graph_deviceActionResults_rebootNow.json", "microsoft-intune", &[]),
    ("mdm/SHAPED_apple_erasedevice_request_response.plist.txt", "apple-mdm", &["sanitization - factory_reset inconclusive"]),
    ("mdm/SHAPED_google_command_remote_powerwash_executed.json", "google-chromeos", &["sanitization - factory_reset pass"]),
    ("mdm/SHAPED_google_command_remote_powerwash_expired.json", "google-chromeos", &["sanitization - factory_reset inconclusive"]),
    ("mdm/SHAPED_google_gam_deprovisioned.csv", "google-chromeos", &["licence P2000001 unknown inconclusive", "identity P2000002 unknown inconclusive"]),
    ("mdm/SHAPED_graph_managedDevice_wipe_done.json", "microsoft-intune", &["sanitization LR00AAAA factory_reset pass"]),
    ("mdm/SHAPED_jamf_management_history.csv", "apple-mdm", &["sanitization DMPX0000AAAA factory_reset inconclusive", "sanitization DMPX0000AAAB factory_reset in_progress"]),
    ("nvme/REAL_sanitize-log_text_in_progress_issue3027.txt", "nvme-cli", &["sanitization - nvme_sanitize_block in_progress"]),
    ("nvme/SHAPED_id-ctrl_excerpt.json", "nvme-cli", &["identity S64DNE0R000001 unknown inconclusive"]),
    ("nvme/SHAPED_sanitize-log_block_erase_completed.json", "nvme-cli", &["sanitization - nvme_sanitize_block pass"]),
    ("nvme/SHAPED_sanitize-log_failed.json", "nvme-cli", &["sanitization - nvme_sanitize_crypto fail"]),
    ("nvme/SHAPED_sanitize-log_in_progress.json", "nvme-cli", &["sanitization - nvme_sanitize_block in_progress"]),
    ("nvme/SHAPED_sanitize-log_never_sanitized.json", "nvme-cli", &["sanitization - unknown inconclusive"]),
    ("nvme/SHAPED_sanitize-log_older_keys_block_erase_completed.json", "nvme-cli", &["sanitization - nvme_sanitize_block pass"]),
    ("nwipe/REAL_EXCERPT_log_2016-08_issue21_unfinished_blanking.txt", "nwipe-log", &["sanitization - host_overwrite in_progress"]),
    ("nwipe/REAL_EXCERPT_log_2021-06_pr325_single_loop_device.txt", "nwipe-log", &["sanitization - host_overwrite pass"]),
    ("nwipe/REAL_EXCERPT_log_2021-11_pr367_multi_drive_error_summary.txt", "nwipe-log", &["sanitization - unknown inconclusive", "sanitization - unknown inconclusive", "sanitization - unknown inconclusive", "sanitization - unknown inconclusive"]),
    ("nwipe/REAL_pdftext_0.34.5_ST350031_hidden_area_erased_with_warning.txt", "nwipe-pdf", &["sanitization - host_overwrite pass_with_exceptions"]),
    ("nwipe/REAL_pdftext_0.34.81_Samsung_SSD_860_overwrite_of_ssd.txt", "nwipe-pdf", &["sanitization S3Z1NB1KC20617F host_overwrite pass_with_exceptions"]),
    ("nwipe/SHAPED_log_0.42_two_drives_one_failed.txt", "nwipe-log", &["sanitization WD-WX00A0000001 host_overwrite pass", "sanitization W6200001 host_overwrite fail"]),
    ("smartctl/REAL_smart-ata.json", "smartctl", &["identity 9RK1XXXX unknown inconclusive"]),
    ("smartctl/REAL_smart-nvme.json", "smartctl", &["identity BTNH93710FS91P0B unknown inconclusive"]),
    ("wipedrive/SHAPED_wipedrive_report.xml", "wipedrive", &["sanitization WD-WX00A0000001 unknown pass", "sanitization W6200001 unknown fail"]),
];

#[test]
fn every_file_of_the_folder_reads_as_it_should() {
    let Some(folder) = std::env::var_os("QUITTANCE_SAMPLES").map(PathBuf::from) else {
        println!("skipped: needs QUITTANCE_SAMPLES, a folder of evidence files with one folder a format in it");
        return;
    };
    let mut wrong = Vec::new();
    let mut seen = 0;
    for format in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in std::fs::read_dir(format).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            let Some((_, format, records)) = EXPECTED.iter().find(|(expected, ..)| *expected == name) else {
                wrong.push(format!("{name}: nobody has said how it should read"));
                continue;
            };
            seen += 1;
            let Some(reading) = evidence::read(&std::fs::read(&path).unwrap()) else {
                wrong.push(format!("{name}: not understood"));
                continue;
            };
            let found: Vec<String> = reading.records.iter().map(told).collect();
            if reading.format != *format || found != *records {
                wrong.push(format!("{name}: {} {found:#?}\n  should be {format} {records:#?}", reading.format));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 0, "{} has none of the files", folder.display());
}

fn told(record: &evidence::MediumReading) -> String {
    format!("{} {} {} {}", record.kind.as_str(), record.serial().unwrap_or("-"), record.technique.as_str(), record.result.as_str())
}
